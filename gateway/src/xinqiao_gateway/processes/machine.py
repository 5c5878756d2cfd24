"""One process, compiled: which arrows leave a state by a message, its holds, refusals and items."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypeVar

from xinqiao_gateway.processes.arrows import Arrow, Guard, Path, path_of
from xinqiao_gateway.processes.memory import CaseState, Memory
from xinqiao_gateway.processes.model import (
    Condition,
    ItemKind,
    Process,
    Refusal,
    Title,
    Transition,
    processes,
)

__all__ = ["NEW", "Machine", "Opening", "machines", "openings"]

# Where a case or an item is before its first message.
NEW = "new"

_K = TypeVar("_K")
_T = TypeVar("_T")


class Machine:
    """A process or a kind of item as lookups."""

    def __init__(self, name: str, data: Process | ItemKind) -> None:
        self.name = name
        self.states, self.transitions = data.states, data.transitions
        self.final = frozenset(state for state, each in data.states.items() if each.get("final"))
        self.holds = tuple((state, each["during"]) for state, each in data.states.items() if "during" in each)
        self.then = _by((state, each) for each in data.then for state in each.from_)
        self.arrows = self._arrows(data.transitions)
        self.own = self.known = frozenset(each.message for each in data.transitions)
        self.refusals: Mapping[str, tuple[tuple[Guard, Title], ...]] = {}
        self.items: Mapping[str, tuple[tuple[str, Path, Machine], ...]] = {}
        self.kinds: Mapping[str, Machine] = {}
        self.data: Process | None = None
        if isinstance(data, Process):
            self._take_process(data)

    def _take_process(self, process: Process) -> None:
        self.data = process
        self.refusals = _refusals(process.refuses)
        self.kinds = {kind: Machine(f"{self.name}/{kind}", item) for kind, item in process.items.items()}
        self.items = _by(
            (message, (kind, path_of(path), self.kinds[kind]))
            for kind, item in process.items.items()
            for message, path in item.key.items()
        )
        self.known |= frozenset(self.items)

    def _arrows(self, transitions: tuple[Transition, ...]) -> Mapping[tuple[str, str], tuple[Arrow, ...]]:
        holds = {state for state, _ in self.holds}
        living = [state for state in self.states if state not in self.final and state not in holds]
        return _by(
            ((state, each.message), arrow)
            for each in transitions
            for arrow in (Arrow(each),)
            for state in (living if each.from_ == "any" else each.from_)
        )

    def hold(self, memory: Memory) -> str | None:
        """Return the hold that lies over a case with this memory, the first of the file."""
        for state, during in self.holds:
            if memory.get(during):
                return state
        return None

    def shown(self, case: CaseState, state: str, memory: Memory) -> CaseState:
        """Return the case in a state, under the hold that its memory asks for; a final state is under none."""
        return case.in_state(state, memory, None if state in self.final else self.hold(memory))


def _by(pairs: Iterable[tuple[_K, _T]]) -> dict[_K, tuple[_T, ...]]:
    table: dict[_K, list[_T]] = {}
    for key, value in pairs:
        table.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in table.items()}


def _refusals(refuses: tuple[Refusal, ...]) -> Mapping[str, tuple[tuple[Guard, Title], ...]]:
    return _by((message, (Guard(each), each.reason)) for each in refuses for message in each.messages)


class Opening:
    """A message that opens a case of a process."""

    __slots__ = ("guard", "machine")

    def __init__(self, machine: Machine, condition: Condition) -> None:
        self.machine, self.guard = machine, Guard(condition)


@cache
def machines() -> Mapping[str, Machine]:
    """Return every process and kind of item by its name, compiled once."""
    whole = [Machine(name, process) for name, process in processes().items()]
    return {machine.name: machine for each in whole for machine in (each, *each.kinds.values())}


@cache
def openings() -> Mapping[str, tuple[Opening, ...]]:
    """Return what each message may open, the most demanding condition first."""
    pairs = [
        (message, Opening(machines()[name], condition), len(condition.when))
        for name, process in processes().items()
        for message, condition in process.opens.items()
    ]
    pairs.sort(key=lambda each: -each[2])
    return _by((message, opening) for message, opening, _ in pairs)
