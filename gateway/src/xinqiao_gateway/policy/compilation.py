"""From the rules as written to what is run: for each message type a tuple of rules made of closures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import MessageType, message_types
from xinqiao_gateway.policy.conditions import Check, Doubt, Holds, check_of
from xinqiao_gateway.policy.judgement import ExceptionKind, Mark, Past
from xinqiao_gateway.policy.left import Leaving, Lookup, looked_up
from xinqiao_gateway.policy.rule import Rule, RuleVerdict, Undo, named
from xinqiao_gateway.policy.watch_list import Digest, WatchList
from xinqiao_gateway.policy.windows import Windowed, key_of, windowed

__all__ = ["BoundRule", "BoundUndo", "bind"]

# Conditions that the past answers: by what messages of the same rule left, or by what others did.
_WINDOWED = frozenset({"total", "count", "similar"})
_LOOKED_UP = frozenset({"superseded", "other_than_payer"})


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule for one message type, in use."""

    id: str
    title: Text
    channels: frozenset[str] | None
    verdict: RuleVerdict
    exception: ExceptionKind
    said: bool
    tests: tuple[Check, ...]
    windows: tuple[Windowed, ...]
    lookups: tuple[Lookup, ...]
    holds: tuple[Holds, ...]
    reference: Callable[[Json], str | None] | None

    def concerns(self, channel: str) -> bool:
        """Say whether the rule is for messages of a channel."""
        return self.channels is None or channel in self.channels

    def applies(self, message: Json, at: float, past: Past) -> tuple[bool, tuple[Mark, ...]]:
        """Say whether all conditions hold, and what is to be remembered of the message."""
        for holds in self.holds:
            if not holds(message, at):
                return False, ()
        if not all(each.holds(message, at, past) for each in self.lookups):
            return False, ()
        if not self.windows:
            return True, ()
        marks = [each.mark_of(message) for each in self.windows]
        exceeded = [
            mark is not None and each.holds(mark, at, past) for each, mark in zip(self.windows, marks, strict=True)
        ]
        reference = self.reference(message) if self.reference else None
        return all(exceeded), tuple(replace(each, reference=reference) for each in marks if each)


@dataclass(frozen=True, slots=True)
class BoundUndo:
    """What takes marks back, in use."""

    body: str
    holds: tuple[Holds, ...]
    reference: Callable[[Json], str | None]


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule in use: itself and what takes back its marks, by message type (body).

    ``leaving`` is what other messages leave for it, by the condition that looks for it.
    """

    rules: dict[str, BoundRule]
    undoing: list[BoundUndo]
    leaving: dict[str, Leaving]


def bind(rule: Rule, lists: Mapping[str, WatchList], digest: Digest) -> tuple[Bound, list[Doubt]]:
    """Compile a rule for each of its message types, with every doubt about it, each once."""
    bound = Bound({}, [], {})
    doubts: list[Doubt] = []
    for number, body in enumerate(rule.for_):
        try:
            _known(body, "for", number)
            bound.rules[body] = _bind(rule, body, lists, digest, doubts, bound.leaving)
        except Doubt as doubt:
            doubts.append(doubt)
    for number, undo in enumerate(rule.undone_by):
        try:
            _known(undo.message, "undone_by", number, "message")
            bound.undoing.append(_bind_undo(rule, undo, number, lists, digest))
        except Doubt as doubt:
            doubts.append(doubt)
    if rule.undone_by and not any(each.test in _WINDOWED for each in rule.when):
        doubts.append(Doubt("nothing is remembered: undone_by goes with total, count or similar", "undone_by"))
    once = {(each.where, each.text): each for each in doubts}
    return bound, list(once.values())


def _known(body: str, *where: str | int) -> MessageType:
    kind = message_types().get(body)
    if kind is None:
        raise Doubt(f"{body} is no message type of the standard", *where)
    if kind.message_class == "DIRECTIVE":
        raise Doubt(f"{body} is an authority's directive: no rule stands in its way", *where)
    return kind


def _bind(
    rule: Rule,
    body: str,
    lists: Mapping[str, WatchList],
    digest: Digest,
    doubts: list[Doubt],
    leaving: dict[str, Leaving],
) -> BoundRule:
    tests: list[Check] = []
    windows: list[Windowed] = []
    lookups: list[Lookup] = []
    for number, condition in enumerate(rule.when):
        try:
            if condition.test in _LOOKED_UP:
                lookup, leaving[condition.test] = looked_up(condition, body, digest)
                lookups.append(lookup)
            elif condition.test in _WINDOWED:
                windows.append(windowed(condition, body, f"{rule.id}.{number}", digest))
            else:
                tests.append(check_of(condition, body, lists))
        except Doubt as doubt:
            doubts.append(Doubt(doubt.text, "when", number, *doubt.where))
    is_request = message_types()[body].message_class == "REQUEST"
    return BoundRule(
        id=rule.id,
        title=Text(rule.title["zh"], rule.title["en"]),
        channels=frozenset(rule.channels) if rule.channels else None,
        # A fact has happened: it is neither refused nor held back, a person is told.
        verdict=rule.verdict if is_request or rule.verdict == "pass" else "alert",
        exception=_exception(rule),
        said=rule.say,
        tests=tuple(tests),
        windows=tuple(windows),
        lookups=tuple(lookups),
        holds=tuple(each.holds for each in tests),
        reference=_reference(rule, body, rule.reference, digest, "reference") if rule.reference else None,
    )


def _exception(rule: Rule) -> ExceptionKind:
    keys = named(rule.when)
    if "watch_list" in keys:
        return "watch_list"
    if "similar" in keys:
        return "suspicion"
    return "alert" if rule.verdict == "alert" else "approval"


def _bind_undo(rule: Rule, undo: Undo, at: int, lists: Mapping[str, WatchList], digest: Digest) -> BoundUndo:
    tests = []
    for number, condition in enumerate(undo.when):
        where = ("undone_by", at, "when", number)
        if condition.test in _WINDOWED | _LOOKED_UP:
            raise Doubt("what takes a mark back looks at the message only", *where)
        try:
            tests.append(check_of(condition, undo.message, lists))
        except Doubt as doubt:
            raise Doubt(doubt.text, *where, *doubt.where) from doubt
    reference = _reference(rule, undo.message, undo.reference, digest, "undone_by", at, "reference")
    return BoundUndo(undo.message, tuple(each.holds for each in tests), reference)


def _reference(rule: Rule, body: str, path: str, digest: Digest, *where: str | int) -> Callable[[Json], str | None]:
    """Return what makes the keyed digest of a reference between two institutions, whichever of them wrote it."""
    # ``key_of`` adds the place of the path to where it looks; here the path is not in a list.
    try:
        key = key_of(body, (path,), lambda about: about, f"{rule.id} reference")
    except Doubt as doubt:
        raise Doubt(doubt.text, *where) from doubt

    def reference(message: Json) -> str | None:
        about, header = key(message), message["header"]
        parties = "\0".join(sorted((header["sender"], header["receiver"])))
        return digest(f"{about}\0{parties}") if about else None

    return reference
