"""Which changes of a profile break what a partner sends or reads today: data, one line for each part that widens.

A setting or a part of a row that is not named here breaks whenever it changes: nobody can tell.
"""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

__all__ = ["breaks_part", "breaks_setting"]

Direction = Literal["in", "out", "both", "query"]
# What was said and what is said now (None: nothing), and whether that breaks.
Judge = Callable[[Any, Any], bool]


def _never(_: object, __: object) -> bool:
    return False


def _unless_added(before: object, _: object) -> bool:
    return before is not None


def _unless_removed(_: object, after: object) -> bool:
    return after is not None


def _unless_more(before: Sequence[Any] | None, after: Sequence[Any] | None) -> bool:
    return not set(before or ()) <= set(after or ()) or before is None


def _unless_looser(before: Sequence[Any] | None, after: Sequence[Any] | None) -> bool:
    """Judge a condition: none takes everything."""
    return after is not None and _unless_more(before, after)


def _unless_larger(before: int | None, after: int | None) -> bool:
    """Judge a limit: none is the largest."""
    return after is not None and (before is None or after < before)


def _unless_to(*wanted: object) -> Judge:
    return lambda _, after: after not in wanted


# Names of settings, as patterns; the first that fits judges.
_SETTINGS: Sequence[tuple[str, Judge]] = (
    ("title.*", _never),
    ("institution.name", _never),
    ("institution.type", _never),
    ("receiver", _never),
    ("push.*", _never),
    ("proposed.*", _never),
    ("dropped.*", _never),
    ("limits.queue", _never),
    ("limits.parallel", _never),
    ("limits.*", _unless_larger),
    ("security.algorithms", _unless_more),
    ("characters.*", _unless_added),
    ("direction", _unless_to("both")),
    ("atomic", _unless_to(False)),
    ("answer.*", _unless_added),
    ("changed", _unless_to("correct")),
    ("unknown", _never),
    ("reply.*.*", _unless_more),
    ("match.*", _unless_looser),
    ("format.trim", _unless_to(True)),
    ("format.xsd", _unless_removed),
    ("format.totals.*", _unless_removed),
    ("format.*.hint.*", _never),
    ("format.*.choices", _never),
    ("format.*.required", _unless_to(False)),
    ("format.*.labels", _unless_more),
)


def breaks_setting(path: Sequence[str], before: object, after: object) -> bool:
    """Say whether a change of a setting breaks; ``path`` is that below the channel or the interface."""
    name = ".".join(path)
    judge = next((judge for pattern, judge in _SETTINGS if fnmatchcase(name, pattern)), None)
    return judge is None or judge(before, after)


def _decimal(before: Any, after: Any) -> bool:  # noqa: ANN401 -- what a row says
    if before is None or after is None:
        return True
    (least, most), (now_least, now_most) = (_digits(each) for each in (before, after))
    return now_most < most or now_least != least


def _digits(said: int | Mapping[str, int]) -> tuple[int, int]:
    return (0, said) if isinstance(said, int) else (said.get("least", 0), said["most"])


def _length(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> bool:
    units = ("characters", "bytes")
    return any(_unless_larger((before or {}).get(unit), (after or {}).get(unit)) for unit in units)


def _boolean(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    if before is None or after is None:
        return True
    pairs = [(_listed(before[name]), _listed(after[name])) for name in ("true", "false")]
    return any(old[0] != new[0] or not set(old) <= set(new) for old, new in pairs)


def _nothing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    old, new = before or {"read": []}, after or {"read": []}
    return not set(old["read"]) <= set(new["read"]) or (old.get("write") not in (None, new.get("write")))


def _listed(said: str | Sequence[str]) -> Sequence[str]:
    return [said] if isinstance(said, str) else said


def _oneway(before: str | None, after: str | None) -> bool:
    """Judge a row that acts in one direction: it breaks in the direction that it leaves."""
    return after is not None and after != before


_PARTS: Mapping[str, Judge] = {
    "decimal": _decimal,
    "length": _length,
    "boolean": _boolean,
    "nothing": _nothing,
    "oneway": _oneway,
    "default": _unless_added,
    "halfwidth": _unless_added,
    "fraction": _unless_to("drop"),
    "only": lambda before, after: not (before or {}).items() <= (after or {}).items(),
}
# Parts that widen what is read and change what is written.
_READ_ONLY: Mapping[str, Judge] = {"grouping": _unless_added}


def breaks_part(name: str, before: object, after: object, direction: Direction) -> bool:
    """Say whether a change of a part of a row breaks, for messages that go in a direction."""
    judge = _PARTS.get(name) or (_READ_ONLY.get(name) if direction == "in" else None)
    return judge is None or judge(before, after)
