"""Scenarios as an algebra: a step, one scenario ``then`` another, ``either`` of several. Pure data.

A scenario is a tree; each way from its root to a leaf is a branch, and becomes a path.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from xinqiao_conformance.simulators.drafting import Sending

__all__ = ["ACCEPTED", "NOTHING", "PARKED", "Nothing", "Pause", "Scenario", "Send", "Side", "Step", "either", "of"]

# Who opened the case, and the other of the two: the words of the published processes.
Side = Literal["opener", "counterparty"]
# What becomes of a message, beside the reason of a rejection: parked is accepted, and not passed on.
ACCEPTED, PARKED = "accepted", "parked"


@dataclass(frozen=True, slots=True)
class Send:
    """A side sends a message. ``expected`` is ``accepted``, ``parked`` or the reason of a rejection.

    ``answers``, ``about`` and ``replaces`` name the types of the messages, the latest of them, that it answers, is
    about and corrects. ``within``: the virtual time that a side which sends by itself has for it. ``leads_to``: the
    state of the case afterwards, where it changes.
    """

    by: Side
    sending: Sending
    answers: str = ""
    about: str = ""
    replaces: str = ""
    expected: str = ACCEPTED
    within: timedelta = timedelta()
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A side sends no message of this type within a virtual time."""

    by: Side
    body: str
    within: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Pause:
    """Virtual time passes."""

    by: timedelta


Step = Send | Nothing | Pause


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through a scenario: its steps, and the names of the alternatives that it takes, but for first ones."""

    names: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def __add__(self, other: "Branch") -> "Branch":
        return Branch(self.names + other.names, self.steps + other.steps)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Every way through some steps; the first is the way it should go."""

    branches: tuple[Branch, ...] = (Branch(),)

    def then(self, other: "Scenario") -> "Scenario":
        """Return this scenario, and at the end of each of its ways the other.

        Raises ``ValueError`` beyond 1,000 ways.
        """
        _require_few(len(self.branches) * len(other.branches))
        return Scenario(tuple(mine + yours for mine in self.branches for yours in other.branches))


NOTHING = Scenario()
# Ways through one scenario: alternatives after alternatives multiply.
_MOST = 1_000


def of(step: Step) -> Scenario:
    """Return the scenario of a single step."""
    return Scenario((Branch((), (step,)),))


def either(alternatives: Mapping[str, Scenario]) -> Scenario:
    """Return a scenario that goes one of several ways; the first needs no name in that of a path.

    Raises ``ValueError`` for no way at all, and beyond 1,000 of them.
    """
    if not alternatives:
        raise ValueError("either: at least one alternative is expected, such as {usual: [], other: [...]}")
    _require_few(sum(len(each.branches) for each in alternatives.values()))
    branches: list[Branch] = []
    for number, (name, scenario) in enumerate(alternatives.items()):
        named = Branch() if number == 0 else Branch((name,))
        branches += [named + each for each in scenario.branches]
    return Scenario(tuple(branches))


def _require_few(ways: int) -> None:
    if ways > _MOST:
        raise ValueError(f"{ways} ways through one scenario, {_MOST} are the most; make two businesses of it")
