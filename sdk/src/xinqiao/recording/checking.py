"""What a passive check is: a small function that looks at a recording, and what comes of it.

A check that looks at values which a masked recording hides (``veiled``) neither passes nor fails there: what it finds
beside them counts, and where it finds nothing the answer is "not observable in a masked recording".
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from xinqiao.errors import UnknownMessageType, UnsupportedVersion
from xinqiao.finding import Finding, Text
from xinqiao.message import Json
from xinqiao.recording.masks import without_tokens
from xinqiao.recording.model import Head, Recorded, body_of
from xinqiao.recording.quoting import is_plain, is_token
from xinqiao.seal import KeyRing
from xinqiao.standard import field_at
from xinqiao.validation import check as findings_of
from xinqiao.violations import masked as masked_value

__all__ = [
    "NOT_OBSERVABLE",
    "REGISTERED",
    "Broken",
    "Check",
    "Context",
    "Found",
    "Judged",
    "Look",
    "Looks",
    "State",
    "check",
    "in_words",
    "judged",
    "sent",
    "shown",
    "taken",
]

NOT_OBSERVABLE = Text("脱敏的记录中无法观察", "not observable in a masked recording")

# What a report lists of one check; whoever breaks a requirement more often has enough to do.
_MOST = 100
_REMEMBERED = 4096

State = Literal["passed", "failed", "not_observable", "not_seen"]


class Broken(NamedTuple):
    """What a check's function yields: in which exchange, where, what was expected, and what was seen (masked)."""

    number: int
    path: str
    expected: Text
    seen: str


@dataclass(frozen=True, slots=True)
class Found:
    """One observed breach: ``exchange`` is the number of the exchange, ``seen`` is masked."""

    requirement: str
    exchange: int
    expected: Text
    seen: str
    path: str

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        said = {"requirement": self.requirement, "exchange": self.exchange, "path": self.path}
        return said | {"expected": self.expected.as_json(), "seen": self.seen}


@dataclass(frozen=True, slots=True)
class Context:
    """What checks know beside the exchanges of one recording.

    ``keys`` are the subject's public keys, where they are known. ``patience``: the seconds that an answer may take;
    what is younger than that when the recording ends is not judged, and without it no silence is.
    """

    head: Head
    role: str
    keys: KeyRing | None = None
    patience: float | None = None
    _remembered: dict[int, list[Finding] | None] = field(default_factory=dict, repr=False, compare=False)
    # By the number of an exchange: whether nothing is found in it. A byte each is what memory grows by.
    _good: bytearray = field(default_factory=bytearray, repr=False, compare=False)

    @property
    def masked(self) -> bool:
        """Whether C2 and C3 values are tokens."""
        return self.head.masked

    def findings(self, each: Recorded) -> list[Finding] | None:
        """Return what validation (strict) finds in an exchange's message beside hidden values; None of no message.

        Several checks ask for the same: all in which nothing is found are remembered, and of the others some thousands.
        """
        if each.number < len(self._good) and self._good[each.number]:
            return []
        if each.number in self._remembered:
            return self._remembered[each.number]
        found = _findings(each, masked=self.masked)
        if found == []:
            self._good.extend(bytes(max(0, each.number + 1 - len(self._good))))
            self._good[each.number] = 1
        elif len(self._remembered) < _REMEMBERED:
            self._remembered[each.number] = found
        return found


def _findings(each: Recorded, *, masked: bool) -> list[Finding] | None:
    if each.message is None:
        return None
    message, hidden = without_tokens(each.message) if masked else (each.message, frozenset())
    try:
        found = findings_of(message, strict=True)
    except (UnknownMessageType, UnsupportedVersion):
        return None
    # That the standard has no such field can be seen without its value.
    return [each for each in found if each.path not in hidden or each.rule == "schema.unknown_field"]


# A check's function yields what is broken and returns how much of what it is about it saw.
Looks = Generator[Broken, None, int]
Look = Callable[[Iterable[Recorded], Context], Looks]


@dataclass(frozen=True, slots=True)
class Check:
    """A passive check of one requirement, on recordings of subjects in ``roles``."""

    id: str
    requirement: str
    roles: frozenset[str]
    title: Text
    veiled: bool
    look: Look = field(repr=False)

    def test(self, recorded: Iterable[Recorded], context: Context) -> Generator[Found, None, int]:
        """Yield what is found; return how much of what the check is about there was to see."""
        look = self.look(_numbered(recorded), context)
        while True:
            try:
                broken = next(look)
            except StopIteration as end:
                return int(end.value)
            yield Found(self.requirement, broken.number, broken.expected, broken.seen, in_words(broken.path))


def in_words(path: str) -> str:
    """Return a path without names that are no words: what a message calls a field may itself be a value."""
    steps = [(step, step.partition("[")[0]) for step in path.split(".")]
    return ".".join(step if not name or is_plain(name) or is_token(name) else "***" for step, name in steps)


def _numbered(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Number exchanges that no file has numbered yet."""
    for number, each in enumerate(recorded, 1):
        yield each if each.number else replace(each, number=number)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a check: ``not_seen`` where the recording holds nothing that it is about."""

    check: Check
    state: State
    looked: int
    found: tuple[Found, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        said: dict[str, Any] = {"check": self.check.id, "requirement": self.check.requirement, "state": self.state}
        return said | {"looked": self.looked, "found": [each.as_json() for each in self.found]}


def sent(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield the exchanges that the subject began: its messages."""
    return (each for each in recorded if each.by == "subject")


def taken(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield the exchanges that the other side began: the subject's answers."""
    return (each for each in recorded if each.by == "peer")


def shown(message: Json | None, path: str, value: object) -> str:
    """Return what a report may show of a value at a path of a message; of a token that it is one."""
    if is_token(value):
        return "***"
    body = body_of(message)
    return masked_value(value, field_at(body, path) if body else None) or ""


REGISTERED: dict[str, Check] = {}


def check(name: str, requirement: str, *roles: str, zh: str, en: str, veiled: bool = False) -> Callable[[Look], Look]:
    """Register a function as the check of that name; ``zh`` and ``en`` say what it finds."""

    def register(look: Look) -> Look:
        if name in REGISTERED:
            raise AssertionError(f"two checks are called {name}")
        REGISTERED[name] = Check(name, requirement, frozenset(roles), Text(zh, en), veiled, look)
        return look

    return register


def judged(of: Check, recorded: Iterable[Recorded], context: Context) -> Judged:
    """Run one check over a recording."""
    test, found = of.test(recorded, context), list[Found]()
    while len(found) < _MOST:
        try:
            found.append(next(test))
        except StopIteration as end:
            return Judged(of, _state(of, context, end.value, bool(found)), end.value, tuple(found))
    return Judged(of, "failed", len(found), tuple(found))


def _state(of: Check, context: Context, looked: int, found: bool) -> State:
    if found:
        return "failed"
    if not looked:
        return "not_seen"
    return "not_observable" if of.veiled and context.masked else "passed"
