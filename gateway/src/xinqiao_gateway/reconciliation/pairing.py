"""Pairing: within the lines that share a key, which is which.

First those that say the same, then those with the same second key, then those of which one side has no second key.
The order in which lines came does not matter.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import orjson

from xinqiao_gateway.reconciliation.kinds import Kind
from xinqiao_gateway.reconciliation.lines import Line, amount_of, instrument_code, units_of

__all__ = ["Pair", "pairs", "partner_key", "standing"]


@dataclass(slots=True)
class Pair:
    """A line here and the line there that it belongs to, or one of them alone.

    ``doubled``: the line that is alone says what another of its side says that has its partner.
    """

    here: Line | None
    there: Line | None
    doubled: bool = False

    @property
    def either(self) -> Line:
        """The line here, or the one there where it is alone."""
        line = self.here or self.there
        if line is None:
            raise ValueError("a pair has a line")
        return line


def partner_key(line: Line, kind: Kind) -> str:
    """Return what lines of both sides must share to be paired."""
    # A reversal stands with what it undoes where it was booked under the same reference.
    return "\x1f".join(line.item["key"] if part == "key" else instrument_code(line.item) for part in kind.pair)


def standing(lines: Iterable[Line], kind: Kind) -> list[Line]:
    """Return the lines of one side and key that count: corrected, undone and outdated ones left out."""
    found = sorted(lines, key=_order)
    replaced = {line.replaces for line in found if line.replaces}
    found = [each for each in found if each.message_id not in replaced and not _is_void(each)]
    last = {each.body: each for each in found}
    return _not_undone([each for each in found if not _is_outdone(each, last, kind)])


def _order(line: Line) -> tuple[str, bytes, str]:
    return line.latest or "", orjson.dumps(line.item, option=orjson.OPT_SORT_KEYS), line.message_id or ""


def _is_void(line: Line) -> bool:
    return line.replaces is not None and not amount_of(line.item) and not units_of(line.item)


def _is_outdone(line: Line, last: Mapping[str, Line], kind: Kind) -> bool:
    """Whether a message of another type, or a later balance, stands for this one; ``last`` is each type's latest."""
    source = kind.sources.get(line.body)
    if source is None:
        return False
    return source.yields_to in last or (bool(source.latest) and line is not last[line.body])


def _not_undone(lines: list[Line]) -> list[Line]:
    """Leave out each reversal booked under the reference of what it reverses, and one line that it undoes."""
    left: dict[int, Line] = {}
    waiting: dict[Decimal, deque[Line]] = defaultdict(deque)
    for line in sorted(lines, key=_is_reversal):
        undone = waiting[-amount_of(line.item)] if _is_reversal(line) else None
        if undone:
            del left[id(undone.popleft())]
        else:
            left[id(line)] = line
            waiting[amount_of(line.item)].append(line)
    return list(left.values())


def _is_reversal(line: Line) -> bool:
    return line.reverses is not None and bool(line.reverses == line.item["key"])


def pairs(here: list[Line], there: list[Line]) -> Iterator[Pair]:
    """Yield the pairs of one key, each line in exactly one of them."""
    # By far most keys have one line on each side.
    if len(here) == len(there) == 1 and _compatible(here[0], there[0]):
        yield Pair(here[0], there[0])
        return
    paired: set[Hashable] = set()
    found = []
    for signature in (_whole, _referenced):
        matched, here, there = _joined(here, there, signature)
        found += matched
    matched, here, there = _unreferenced(here, there)
    found += matched
    paired.update(_whole(line) for pair in found for line in (pair.here, pair.there) if line)
    yield from found
    yield from (Pair(line, None, _whole(line) in paired) for line in here)
    yield from (Pair(None, line, _whole(line) in paired) for line in there)


def _compatible(here: Line, there: Line) -> bool:
    references = here.item.get("secondKey"), there.item.get("secondKey")
    return None in references or references[0] == references[1]


def _whole(line: Line) -> Hashable:
    return _referenced(line), line.item.get("type"), amount_of(line.item), units_of(line.item)


def _referenced(line: Line) -> Hashable:
    return line.item.get("secondKey")


def _joined(
    here: list[Line], there: list[Line], signature: Callable[[Line], Hashable]
) -> tuple[list[Pair], list[Line], list[Line]]:
    """Join by hash; return the pairs and what is left of both sides."""
    waiting: dict[Hashable, list[Line]] = defaultdict(list)
    for line in reversed(there):
        waiting[signature(line)].append(line)
    found, left = [], []
    for line in here:
        if partners := waiting[signature(line)]:
            found.append(Pair(line, partners.pop()))
        else:
            left.append(line)
    taken = {id(pair.there) for pair in found}
    return found, left, [each for each in there if id(each) not in taken]


def _unreferenced(here: list[Line], there: list[Line]) -> tuple[list[Pair], list[Line], list[Line]]:
    """Pair lines in order where at least one of two has no second key."""
    bare_there = deque(each for each in there if "secondKey" not in each.item)
    named_there = deque(each for each in there if "secondKey" in each.item)
    found, left = [], []
    for line in here:
        fitting = [bare_there] if "secondKey" in line.item else [named_there, bare_there]
        pool = next((each for each in fitting if each), None)
        if pool:
            found.append(Pair(line, pool.popleft()))
        else:
            left.append(line)
    return found, left, [*bare_there, *named_there]
