"""What a case waits for and what time does to it: the next messages, expiry and abandonment."""

from dataclasses import dataclass
from functools import cache

from xinqiao_gateway.processes.machine import Machine, machines
from xinqiao_gateway.processes.memory import DUE, CaseState
from xinqiao_gateway.processes.model import Expiry, Role, Transition

__all__ = ["Expectation", "abandoned", "expectations", "expected_messages", "expired", "expires_after", "span"]

_SECONDS = {"D": 86_400.0, "H": 3_600.0, "M": 60.0}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A message that a case waits for: from whom (None: either), and the state that it would lead to.

    ``due``: it must come beside what the state expects.
    """

    message: str
    by: Role | None
    to: str
    due: bool = False


def expectations(case: CaseState) -> tuple[Expectation, ...]:
    """Return what a case waits for: first what is due, then what its state expects, in the order of the file."""
    machine = machines().get(case.process)
    if machine is None:
        return ()
    due = tuple(_due(machine, case, message) for message in case.memory.get(DUE, ()))
    return due + _of_state(machine.name, case.beneath, case.state)


def expected_messages(case: CaseState) -> tuple[str, ...]:
    """Return the names of the messages that a case waits for."""
    return tuple(dict.fromkeys(each.message for each in expectations(case)))


def expired(case: CaseState, changed_at: float, now: float) -> CaseState | None:
    """Return the case as time leaves it, None where it may go on. Both times in Unix seconds."""
    expiry = _expiry(case)
    if expiry is None or now - changed_at < span(expiry.after):
        return None
    return machines()[case.process].shown(case, expiry.to, case.memory)


def expires_after(case: CaseState) -> float | None:
    """Return the seconds without a change after which a case expires, None where it never does."""
    expiry = _expiry(case)
    return None if expiry is None else span(expiry.after)


def _expiry(case: CaseState) -> Expiry | None:
    """Return what ends a case by time; one under a binding hold (a freeze) goes on until its release."""
    machine = machines().get(case.process)
    if machine is None or machine.data is None or _bound(machine, case):
        return None
    return next((each for each in machine.data.expires if case.beneath in each.in_), None)


def abandoned(case: CaseState) -> CaseState | None:
    """Return the case as given up by an operator, None where its state or a binding hold does not allow that."""
    machine = machines().get(case.process)
    way = machine.data.abandon if machine and machine.data else None
    if machine is None or way is None or _bound(machine, case) or case.beneath not in way.in_:
        return None
    return machine.shown(case, way.to, case.memory)


def _bound(machine: Machine, case: CaseState) -> bool:
    return case.state in machine.states and machine.states[case.state].get("binding", False)


def span(after: str) -> float:
    """Return the seconds of an ISO 8601 duration in one unit: days, hours or minutes (``P180D``, ``PT12H``)."""
    return int(after.lstrip("PT")[:-1]) * _SECONDS[after[-1]]


@cache
def _of_state(process: str, beneath: str, state: str) -> tuple[Expectation, ...]:
    machine = machines()[process]
    ends = machine.states[state].get("ends", []) if state != beneath and state in machine.states else None
    found = (
        Expectation(each.message, each.by, each.to or beneath)
        for each in _transitions(machine, beneath)
        if (not _optional(each) if ends is None else each.message in ends)
    )
    return tuple(dict.fromkeys(found))


def _transitions(machine: Machine, state: str) -> list[Transition]:
    """Return the arrows that leave a state, in the order of the file."""
    leaving = {
        id(arrow): arrow.data for (source, _), each in machine.arrows.items() if source == state for arrow in each
    }
    order = {id(data): place for place, data in enumerate(machine.transitions)}
    return sorted(leaving.values(), key=lambda each: order[id(each)])


def _optional(transition: Transition) -> bool:
    return transition.optional or transition.from_ == "any"


def _due(machine: Machine, case: CaseState, message: str) -> Expectation:
    leaving = (each for each in _transitions(machine, case.beneath) if each.message == message)
    by = next((each.by for each in leaving), None)
    return Expectation(message, by, case.beneath, due=True)
