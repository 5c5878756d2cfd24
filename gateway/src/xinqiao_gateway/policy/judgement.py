"""What judging a message comes to, and the port through which rules see the past."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from xinqiao.finding import Finding, Text

__all__ = ["NO_PAST", "PASSED", "SUPERSEDED", "ExceptionKind", "Judgement", "Mark", "Past", "Verdict", "Window"]

Verdict = Literal["pass", "alert", "approve", "forbid"]
ExceptionKind = Literal["watch_list", "suspicion", "approval", "alert"]
# Under this name are the marks of names and document numbers that were replaced. They do not age.
SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a rule remembers of an accepted message: keyed digests and, where it sums, the amount.

    ``rule`` is the rule's id and the number of its condition (``daily-limit.2``); ``key`` and ``reference`` are keyed
    digests (64 hex digits) of the values that it groups by and of the partner's reference. ``since`` is when it
    begins to count (Unix seconds), which may lie ahead; None: with its message.
    """

    rule: str
    key: str
    reference: str | None = None
    amount: Decimal | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """How many marks are in a window, and the sum of their amounts."""

    count: int = 0
    total: Decimal = Decimal(0)


class Past(Protocol):
    """What rules may ask of the past. The journal answers inside its commit."""

    def window(self, rule: str, key: str, since: float) -> Window:
        """Return count and sum of the marks of a key that are later than ``since`` (Unix seconds)."""
        ...


class _NoPast:
    def window(self, rule: str, key: str, since: float) -> Window:  # noqa: ARG002
        return Window()


# For a trial of a rule on one message: nothing came before it.
NO_PAST: Past = _NoPast()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a message.

    ``pass``: it goes on. ``alert``: it goes on and an exception is raised. ``approve``: it is accepted, parked, and an
    exception waits for a checker. ``forbid``: it is refused. ``rules`` are the ids of all rules that applied, for the
    operators; ``said`` are those that the partner may read about, with their reasons. ``marks`` are to be stored with
    the message, and those with a ``reference`` in ``undone`` to be taken back; a refused message leaves none.
    """

    verdict: Verdict
    rules: tuple[str, ...] = ()
    exception: ExceptionKind | None = None
    said: tuple[tuple[str, Text], ...] = ()
    marks: tuple[Mark, ...] = ()
    undone: tuple[str, ...] = ()

    @property
    def parks(self) -> bool:
        """Whether the message waits for a person."""
        return self.verdict == "approve"

    def findings(self, body: str) -> tuple[Finding, ...]:
        """Return the reasons that may be said of a message with this body, none where all rules are silent."""
        level: Literal["ERROR", "INFORMATION"] = "ERROR" if self.verdict == "forbid" else "INFORMATION"
        return tuple(Finding(rule=rule, path=body, text=text, level=level) for rule, text in self.said)


PASSED = Judgement("pass")
