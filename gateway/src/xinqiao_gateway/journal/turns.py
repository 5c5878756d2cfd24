"""What waits for the writer: each lane (a channel) has a queue of its own, and the one that has had least is next.

By weight, so that a channel of large files waits longer than one of single messages.
A channel that floods the gateway fills its own queue and nobody else's.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


@dataclass(slots=True)
class Turns(Generic[T]):
    """Queues by lane. ``put`` from any thread; ``take`` from the writer's."""

    _lanes: dict[str, deque[tuple[T, int]]] = field(default_factory=dict)
    # The lanes that wait, by how much each has had; those that do not, with how much they had, one for each channel.
    _order: list[tuple[int, int, str]] = field(default_factory=list)
    _had: dict[str, int] = field(default_factory=dict)
    _level: int = 0
    _number: int = 0
    _ready: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    def put(self, lane: str, item: T, weight: int = 1) -> None:
        """Queue an item; ``weight`` says how much of a batch it fills."""
        with self._ready:
            queue = self._lanes.get(lane)
            if queue is None:
                queue = self._lanes[lane] = deque()
                # Who was away has saved nothing up.
                self._line_up(lane, max(self._level, self._had.pop(lane, 0)))
            queue.append((item, weight))
            self._ready.notify()

    def _line_up(self, lane: str, had: int) -> None:
        self._number += 1
        heappush(self._order, (had, self._number, lane))

    def waiting(self, lane: str) -> int:
        """Return how many items of a lane wait."""
        queue = self._lanes.get(lane)
        return len(queue) if queue else 0

    def end(self) -> None:
        """Let ``take`` return what is left and then nothing."""
        with self._ready:
            self._ended = True
            self._ready.notify()

    def wait(self) -> bool:
        """Wait until there is something to take; say whether there is, or all has ended."""
        with self._ready:
            self._ready.wait_for(lambda: self._lanes or self._ended)
            return bool(self._lanes)

    def take(self, most: int) -> list[T]:
        """Take an item of the lane that has had least, and again, up to a weight of ``most``; a heavier one, alone."""
        taken: list[T] = []
        weight = 0
        with self._ready:
            while self._order:
                had, _, lane = self._order[0]
                queue = self._lanes[lane]
                item, size = queue[0]
                if taken and weight + size > most:
                    break
                heappop(self._order)
                queue.popleft()
                self._level = had
                taken.append(item)
                weight += size
                if queue:
                    self._line_up(lane, had + size)
                else:
                    del self._lanes[lane]
                    self._had[lane] = had + size
        return taken
