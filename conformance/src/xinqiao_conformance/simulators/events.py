"""What a simulator did and saw, for people who watch: no personal data, bounded in size."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from xinqiao.message import timestamp

__all__ = ["Direction", "Event", "EventLog"]

Direction = Literal["sent", "received", "steered"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``number`` counts from 1 without gaps. ``message_type`` is the standard's body key, or a partner's own
    document name; ``message_id`` is the message's id, or the partner's own serial. ``outcome`` is what became
    of it on the wire: ``accepted``, ``repeat``, ``rejected: <reason>`` or ``failed: <reason>``; of what a rule steers,
    the rule.
    """

    number: int
    time: str
    direction: Direction
    message_type: str
    case_id: str | None
    message_id: str | None
    outcome: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the event with the standard's spelling of names."""
        return {_camel(name): value for name, value in asdict(self).items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


class EventLog:
    """Keeps the newest ``limit`` events. Safe to use from several threads."""

    def __init__(self, limit: int = 10_000, now: Callable[[], datetime] | None = None) -> None:
        self._now = now
        self._events: deque[Event] = deque(maxlen=limit)
        self._lock = threading.Lock()
        self._last = 0

    def add(
        self,
        direction: Direction,
        message_type: str,
        *,
        case_id: str | None,
        message_id: str | None,
        outcome: str,
        text: str,
    ) -> Event:
        """Record what happened now."""
        with self._lock:
            self._last += 1
            at = timestamp(self._now() if self._now else None)
            event = Event(self._last, at, direction, message_type, case_id, message_id, outcome, text)
            self._events.append(event)
            return event

    def after(self, number: int) -> list[Event]:
        """Return the events with a higher number, oldest first."""
        with self._lock:
            return [event for event in self._events if event.number > number]
