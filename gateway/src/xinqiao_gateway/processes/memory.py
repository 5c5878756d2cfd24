"""Where a case is and what it remembers: its state, who opened it, and named sets of ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xinqiao_gateway.processes.model import Role

__all__ = ["BENEATH", "DUE", "MOST", "CaseState", "Memory"]

Memory = dict[str, list[str]]

# The state beneath a hold, and the messages that must come beside what the state expects.
BENEATH, DUE = "beneath", "due"
# What is many is an item; a memory that would grow beyond this takes no more.
MOST = 1000


@dataclass(frozen=True, slots=True)
class CaseState:
    """Where a case is, and who opened it. ``memory`` holds ids only, never personal data.

    An item of a case is a ``CaseState`` of its own, whose process is that of its case, ``/`` and its kind.
    """

    process: str
    state: str
    opener: str
    memory: Memory = field(default_factory=dict)

    def role_of(self, institution: str) -> Role:
        """Say which side of the case an institution is."""
        return "opener" if institution == self.opener else "counterparty"

    @property
    def beneath(self) -> str:
        """The state without holds: where the case goes on from."""
        held = self.memory.get(BENEATH)
        return held[0] if held else self.state

    def in_state(self, state: str, memory: Mapping[str, list[str]], hold: str | None) -> "CaseState":
        """Return the case in a state, shown as ``hold`` where one lies over it; empty memories are left out."""
        if memory is self.memory and state == self.state and hold is None:
            return self
        kept = {name: values for name, values in memory.items() if values and name != BENEATH}
        if hold:
            kept[BENEATH] = [state]
        if kept == self.memory and (hold or state) == self.state:
            return self
        return CaseState(self.process, hold or state, self.opener, kept)
