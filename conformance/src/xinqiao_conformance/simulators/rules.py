"""Steering rules: what a simulator does otherwise than it should with what it sends, until it is told to stop.

``delay`` sends later. ``silence`` does not send: no answer. ``reorder`` holds a message back until another one of the
case has gone before it, or ``by`` is over: wrong order. ``late`` sends beyond the time by which it is due.
``duplicate`` sends the same message again. ``correct`` sends a correction after it.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml

from xinqiao.errors import SettingsInvalid
from xinqiao.standard import message_types
from xinqiao_conformance.simulators.durations import duration
from xinqiao_conformance.simulators.references import is_path

__all__ = ["EVERY", "Action", "Rule", "Rulebook", "read_rules"]

Action = Literal["delay", "silence", "reorder", "late", "duplicate", "correct"]
EVERY = "*"
_ACTIONS = get_args(Action)
_KEYS = frozenset({"message", "do", "by", "times", "case", "set"})
_MOST = 100
_LARGEST = 65_536
# How much later where a rule does not say. A copy and a correction follow at once.
_USUAL: Mapping[str, timedelta] = {
    "delay": timedelta(seconds=1),
    "reorder": timedelta(seconds=10),
    "late": timedelta(seconds=1),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """To messages of type ``message`` (``*`` for all), of one ``case`` or all, do ``do``, the first ``times`` times.

    ``by``: how much later. ``set``: what a correction changes, by paths of the body.
    """

    message: str
    do: Action
    by: timedelta = timedelta()
    times: int | None = None
    case: str | None = None
    set: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_json(cls, said: Any) -> Self:  # noqa: ANN401 -- whatever somebody sends
        """Read ``{"message": …, "do": …}``. Raises ``SettingsInvalid`` with what is wrong."""
        if not isinstance(said, dict) or not {"message", "do"} <= said.keys() <= _KEYS:
            raise SettingsInvalid("a rule has message and do, and may have by, times, case and set; nothing else")
        message, do, times, changes = said["message"], said["do"], said.get("times"), said.get("set", {})
        if message != EVERY and message not in message_types():
            raise SettingsInvalid(f"message: {message!r} is no message type, nor {EVERY}")
        if do not in _ACTIONS:
            raise SettingsInvalid(f"do: {do!r}; there are {', '.join(_ACTIONS)}")
        if times is not None and (type(times) is not int or times < 1):
            raise SettingsInvalid(f"times: {times!r}; a number from 1 is expected")
        if not isinstance(changes, dict) or not all(map(is_path, changes)):
            raise SettingsInvalid("set: values by their paths are expected, such as {unitNav: '1.0022'}")
        if changes and do != "correct":
            raise SettingsInvalid(f"set: what a correction changes; {do} changes nothing")
        if not isinstance(said.get("case", ""), str):
            raise SettingsInvalid("case: a case id is expected")
        by = _read(said["by"]) if "by" in said else _USUAL.get(do, timedelta())
        return cls(message, do, by, times, said.get("case"), changes)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``TYPE ACTION [DURATION]``, as ``kycDecision delay PT5M``. Raises ``SettingsInvalid``."""
        message, do, by, *more = [*text.split(), "", ""] if len(text.split()) > 1 else ["", "", "", text]
        if any(more):
            raise SettingsInvalid(f"rule {text!r}: write TYPE ACTION [DURATION], such as kycDecision delay PT5M")
        return cls.of_json({"message": message, "do": do, **({"by": by} if by else {})})

    def as_json(self) -> dict[str, Any]:
        """Return the rule as it is written."""
        said = {"message": self.message, "do": self.do, "by": f"PT{self.by.total_seconds():.0f}S"}
        more = {"times": self.times, "case": self.case, "set": dict(self.set) or None}
        return said | {name: value for name, value in more.items() if value is not None}

    def __str__(self) -> str:
        return f"{self.do} {self.by}" if self.by and self.do != "reorder" else self.do


def _read(by: Any) -> timedelta:  # noqa: ANN401 -- as above
    try:
        return duration(str(by))
    except ValueError as error:
        raise SettingsInvalid(f"by: {error}") from error


def read_rules(path: Path) -> list[Rule]:
    """Read a YAML list of rules. Raises ``SettingsInvalid``."""
    try:
        with path.open(encoding="utf-8") as file:
            said = yaml.safe_load(file.read(_LARGEST))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsInvalid(f"{path}: {error}") from error
    if not isinstance(said, list):
        raise SettingsInvalid(f"{path}: a list of rules is expected")
    return [Rule.of_json(each) for each in said]


class Rulebook:
    """The rules in force, in order; the first that fits a message is the one for it. Thread-safe."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._left: list[tuple[Rule, int | None]] = []
        self._lock = threading.Lock()
        self.add(rules)

    def add(self, rules: Sequence[Rule]) -> None:
        """Add rules behind those in force. Raises ``SettingsInvalid`` beyond 100."""
        with self._lock:
            if len(self._left) + len(rules) > _MOST:
                raise SettingsInvalid(f"{_MOST} rules are the most; take some away")
            self._left += [(each, each.times) for each in rules]

    def clear(self) -> None:
        """Take all rules away."""
        with self._lock:
            self._left.clear()

    def rules(self) -> list[Rule]:
        """Return the rules in force."""
        with self._lock:
            return [rule for rule, _ in self._left]

    def rule_for(self, body: str, case_id: str) -> Rule | None:
        """Return the rule for a message, which is one time less in force then."""
        with self._lock:
            for index, (rule, left) in enumerate(self._left):
                if rule.message in (body, EVERY) and rule.case in (None, case_id):
                    if left == 1:
                        del self._left[index]
                    elif left is not None:
                        self._left[index] = rule, left - 1
                    return rule
        return None
