"""Policy: what the trust company's rules say of a message before it is accepted, as data (DATA/policy.yaml).

Pure but for loading: a judgement is a function of the message, the time and the past that the journal answers for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import MessageType
from xinqiao_gateway.policy.compilation import Bound, BoundRule, BoundUndo
from xinqiao_gateway.policy.judgement import (
    NO_PAST,
    PASSED,
    ExceptionKind,
    Judgement,
    Mark,
    Past,
    Verdict,
    Window,
)
from xinqiao_gateway.policy.left import Leaving
from xinqiao_gateway.policy.loading import read_rules
from xinqiao_gateway.policy.rule import RuleVerdict
from xinqiao_gateway.policy.watch_list import Digest, WatchList, import_list
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = [
    "NO_PAST",
    "PASSED",
    "Digest",
    "ExceptionKind",
    "Explained",
    "Judgement",
    "Mark",
    "Past",
    "Policy",
    "Verdict",
    "WatchList",
    "Window",
    "import_list",
]

# The strictest comes first.
_VERDICTS: tuple[Verdict, ...] = ("forbid", "approve", "alert")
_KINDS: tuple[ExceptionKind, ...] = ("watch_list", "suspicion", "approval", "alert")


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule and one message: what it would say, whether it applies, and each condition with whether it holds."""

    rule: str
    title: Text
    verdict: RuleVerdict
    applies: bool
    conditions: tuple[tuple[str, bool], ...]


class Policy:
    """The rules in use. To read them again is to make a new one; ``observer`` is told each verdict."""

    def __init__(self, rules: Iterable[Bound] = (), observer: Observer = NOBODY) -> None:
        found: dict[str, list[BoundRule]] = {}
        undoing: dict[str, list[BoundUndo]] = {}
        leaving: dict[str, Leaving] = {}
        for rule in rules:
            for body, bound in rule.rules.items():
                found.setdefault(body, []).append(bound)
            for undo in rule.undoing:
                undoing.setdefault(undo.body, []).append(undo)
            leaving |= rule.leaving
        self._rules = {body: tuple(each) for body, each in found.items()}
        self._undoing = {body: tuple(each) for body, each in undoing.items()}
        self._leaving = {each.body: each for each in leaving.values()}
        self._observer = observer

    @classmethod
    def load(cls, path: Path, watch_lists: Path, digest: Digest, observer: Observer = NOBODY) -> Self:
        """Read ``policy.yaml`` and the watch lists that it names; no file means that everything passes.

        ``digest`` is the keyed digest of the installation (``Vault.keyed_digest``). Raises ``SettingsInvalid`` with
        one line for every problem.
        """
        return cls(read_rules(path, watch_lists, digest), observer)

    @property
    def horizon(self) -> int:
        """How long a mark may matter, in seconds: the longest window of all rules."""
        windows = (each for rules in self._rules.values() for rule in rules for each in rule.windows)
        return max((each.within for each in windows), default=0)

    def judge(self, message: Json, kind: MessageType, channel: str, at: float, past: Past) -> Judgement:
        """Judge a valid message of a channel at a time (Unix seconds). Directives always pass.

        All rules are asked in the order of the file, and the strictest verdict counts; a rule with verdict ``pass``
        that applies ends the asking.
        """
        rules, undoing = self._rules.get(kind.body), self._undoing.get(kind.body)
        leaving = self._leaving.get(kind.body)
        if rules is None and undoing is None and leaving is None:
            self._observer.judged(PASSED.verdict)
            return PASSED
        applied: list[BoundRule] = []
        marks: list[Mark] = list(leaving.marks(message)) if leaving else []
        for rule in rules or ():
            if not rule.concerns(channel):
                continue
            applies, remembered = rule.applies(message, at, past)
            marks += remembered
            if applies:
                applied.append(rule)
                if rule.verdict == "pass":
                    break
        verdict = _strictest(applied)
        self._observer.judged(verdict)
        return Judgement(
            verdict=verdict,
            rules=tuple(rule.id for rule in applied),
            exception=_kind(applied, verdict),
            said=tuple((rule.id, rule.title) for rule in applied if rule.said),
            marks=() if verdict == "forbid" else tuple(marks),
            undone=() if verdict == "forbid" else _undone(undoing or (), leaving, message, at),
        )

    def explain(
        self, message: Json, kind: MessageType, channel: str, at: float, past: Past = NO_PAST
    ) -> tuple[Explained, ...]:
        """Say of each rule for this message which of its conditions hold; for people, slower than ``judge``."""
        rules = (rule for rule in self._rules.get(kind.body, ()) if rule.concerns(channel))
        return tuple(_explained(rule, message, at, past) for rule in rules)


def _strictest(applied: list[BoundRule]) -> Verdict:
    verdicts = {rule.verdict for rule in applied}
    return next((each for each in _VERDICTS if each in verdicts), "pass")


def _kind(applied: list[BoundRule], verdict: Verdict) -> ExceptionKind | None:
    """Return the kind of exception that a person finds; a refused message raises one for a watch list only."""
    kinds = {rule.exception for rule in applied if rule.verdict != "pass"}
    if verdict == "forbid":
        return "watch_list" if "watch_list" in kinds else None
    return next((each for each in _KINDS if each in kinds), None)


def _undone(undoing: tuple[BoundUndo, ...], leaving: Leaving | None, message: Json, at: float) -> tuple[str, ...]:
    found = [each.reference(message) for each in undoing if all(holds(message, at) for holds in each.holds)]
    taken_back = leaving.undone(message) if leaving else ()
    return (*(reference for reference in found if reference), *taken_back)


def _explained(rule: BoundRule, message: Json, at: float, past: Past) -> Explained:
    conditions = [(each.says, each.holds(message, at)) for each in rule.tests]
    conditions += [(each.says, each.holds(message, at, past)) for each in rule.lookups]
    for window in rule.windows:
        mark = window.mark_of(message)
        conditions.append((window.says, mark is not None and window.holds(mark, at, past)))
    return Explained(rule.id, rule.title, rule.verdict, all(holds for _, holds in conditions), tuple(conditions))
