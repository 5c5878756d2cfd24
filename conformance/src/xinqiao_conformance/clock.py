"""Time for simulators: the real clock and a virtual one behind one small protocol.

Virtual time stands still until somebody advances it, so that a day passes in a millisecond and always alike. Which
days are open is said by ``calendar.py``.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from xinqiao.errors import Overloaded

__all__ = ["Clock", "RealClock", "VirtualClock"]

_LOGGER = logging.getLogger(__name__)

Action = Callable[[], None]
# Actions that may wait at once.
_MOST = 10_000
# The last instant that there is, a day before that of ``datetime`` for whatever offset it is written with.
_END = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


class Clock(Protocol):
    """What time it is, and being woken later. Instants have an offset."""

    def now(self) -> datetime:
        """Return the instant."""
        ...

    def call_at(self, at: datetime, action: Action) -> None:
        """Do something at an instant, at once where it is over. Raises ``Overloaded`` where too much waits."""
        ...


class _Agenda:
    """Actions by their instants; those of the same instant in the order in which they were entered."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()

    def enter(self, at: datetime, action: Action) -> None:
        if len(self._entries) >= _MOST:
            raise Overloaded(f"{len(self._entries)} actions wait for their time; advance the clock or plan fewer")
        heapq.heappush(self._entries, (at, next(self._numbers), action))

    def first(self) -> datetime | None:
        return self._entries[0][0] if self._entries else None

    def take(self) -> Action:
        return heapq.heappop(self._entries)[2]


class VirtualClock:
    """Stands at an instant until it is advanced. Safe to use from several threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._agenda = _Agenda()
        self._lock = threading.Lock()
        self._advancing = threading.RLock()

    def now(self) -> datetime:
        """Return the instant."""
        with self._lock:
            return self._now

    def call_at(self, at: datetime, action: Action) -> None:
        """Do something when the clock gets there, in the thread that advances it; at once where it is over."""
        with self._lock:
            if at > self._now:
                self._agenda.enter(at, action)
                return
        action()

    def advance(self, by: timedelta) -> None:
        """Let time pass: what is due on the way happens in order, each with the clock at its instant.

        What is planned meanwhile for that time happens too. Raises ``ValueError`` for a negative time, and for one that
        ends beyond the year 9999.
        """
        if by < timedelta():
            raise ValueError(f"time does not go back: {by}")
        with self._advancing:
            now = self.now()
            if by > _END - now:
                raise ValueError(f"time ends with the year 9999: {by} from {now.isoformat()} is beyond it")
            until = now + by
            while (action := self._next(until)) is not None:
                action()

    def _next(self, until: datetime) -> Action | None:
        with self._lock:
            first = self._agenda.first()
            if first is None or first > until:
                self._now = max(self._now, until)
                return None
            self._now = max(self._now, first)
            return self._agenda.take()


class RealClock:
    """The time of this machine. One thread, started when first needed, does what is due."""

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None

    def now(self) -> datetime:
        """Return the instant."""
        return datetime.now(UTC)

    def call_at(self, at: datetime, action: Action) -> None:
        """Do something at an instant, in a thread of the clock; at once, in this one, where it is over."""
        if at <= self.now():
            action()
            return
        with self._changed:
            self._agenda.enter(at, action)
            self._changed.notify()
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="clock", daemon=True)
                self._worker.start()

    def _run(self) -> None:
        while True:
            action = self._due()
            try:
                action()
            except Exception:
                # The top of a thread: what else waits for its time is still to be done.
                _LOGGER.exception("what was planned could not be done")

    def _due(self) -> Action:
        with self._changed:
            while (first := self._agenda.first()) is None or first > self.now():
                self._changed.wait(None if first is None else (first - self.now()).total_seconds())
            return self._agenda.take()
