"""The published processes, as far as scenarios need them: in which states a message may come, and from whom.

Conditions on what a message says are left aside; ``xinqiao_conformance.processes`` decides with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xinqiao.message import Json
from xinqiao_conformance.processes import NEW, process_named, processes

__all__ = ["ANY", "NEW", "Arrows", "Process", "arrows_of", "opening_messages"]

# Every state that is not final.
ANY = "any"


@dataclass(frozen=True, slots=True)
class Arrows:
    """The states from which a message leads somewhere, and the only side that sends it, if there is one."""

    states: frozenset[str]
    by: str | None

    def may_leave(self, state: str) -> bool:
        """Say whether the message is expected in a state, at least if it says the right things."""
        return state in self.states or (ANY in self.states and state != NEW)


@dataclass(frozen=True, slots=True)
class Process:
    """The ``states`` of a process and its arrows: ``own`` ones of the case by message, and those of its items.

    ``once``: messages whose item expects them only once, each with the path of the item's number.
    """

    states: frozenset[str]
    own: Mapping[str, Arrows]
    items: Mapping[str, Arrows]
    once: Mapping[str, str]


def opening_messages() -> frozenset[str]:
    """Return the messages that open a case of some process."""
    return frozenset(message for each in processes().values() for message in each["opens"])


def arrows_of(name: str) -> Process:
    """Return the arrows of a published process. Raises ``ValueError`` for one that is not published."""
    if name not in processes():
        raise ValueError(f"no process {name}; there are {', '.join(processes())}")
    process = process_named(name)
    items = process["items"].values()
    inner = [each for item in items for each in item["transitions"]]
    once = {message: key for item in items for message, key in _once(item)}
    return Process(frozenset(process["states"]), _merged(process["transitions"]), _merged(inner), once)


def _once(item: Json) -> Iterator[tuple[str, str]]:
    """Yield what leads a new item to a state that it does not leave by the same message, unless as a correction."""
    arrows = [each for each in item["transitions"] if "has" not in each]
    for each in arrows:
        again = any(other["message"] == each["message"] and each.get("to") in other["from"] for other in arrows)
        if NEW in each["from"] and not again:
            yield each["message"], item["key"][each["message"]]


def _merged(transitions: Sequence[Json]) -> Mapping[str, Arrows]:
    found: dict[str, list[Json]] = {}
    for each in transitions:
        found.setdefault(each["message"], []).append(each)
    return {message: _together(several) for message, several in found.items()}


def _together(several: Sequence[Json]) -> Arrows:
    states = {state for each in several for state in ([ANY] if each["from"] == ANY else each["from"])}
    sides = {each.get("by") for each in several}
    return Arrows(frozenset(states), sides.pop() if len(sides) == 1 else None)
