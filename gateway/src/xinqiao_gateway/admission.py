"""Admission: what each channel may take of the gateway, so that one which floods or hangs harms itself alone.

Rates and inputs under way are limited for each channel. Where several are active, they take turns on the processor,
and one that takes more than its part has only a few inputs on their way to the journal: whoever comes next finds a
short way.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from xinqiao.errors import Overloaded, RateLimited

__all__ = ["Admission", "Allowance"]


# Inputs, between their turn and their answer, of a channel that takes more than its part (by a quarter) while others
# are active: beside a flood, others' median was 12 ms with 8 and 8 ms with 4, and no less with 2. What a channel sent
# counts in its window of so many seconds, and in the next.
_MORE = 1.25
_SHARE = 4
_WINDOW = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of one channel. ``rate``: messages a second, ``burst`` at once; None: no limit."""

    concurrency: int
    rate: float | None = None
    burst: int | None = None
    queue: int | None = None


class _Bucket:
    """A token bucket, refilled at ``rate`` up to ``burst``; what a large input overdraws is waited for after it."""

    def __init__(self, rate: float, burst: int | None, now: Callable[[], float]) -> None:
        self._rate, self._now = rate, now
        self._most = float(burst if burst is not None else max(rate, 1.0))
        self._left, self._at = self._most, now()

    def wait(self) -> float:
        """Return the seconds until something may be taken, 0 where it may be now."""
        now = self._now()
        # A clock that goes back refills nothing.
        self._left = min(self._most, self._left + max(now - self._at, 0.0) * self._rate)
        self._at = now
        # A hair less than a whole one is what arithmetic made of it.
        return 0.0 if self._left > 1.0 - 1e-6 else (1.0 - self._left) / self._rate

    def take(self, number: int) -> None:
        """Take what an input used; a negative number gives back."""
        self._left = min(self._most, self._left - number)


class Admission:
    """Keeps the channels apart. ``backlog`` says how many deliveries wait for a channel; it may be a little old."""

    def __init__(
        self,
        allowances: Mapping[str, Allowance],
        now: Callable[[], float],
        backlog: Callable[[str], int] = lambda _channel: 0,
    ) -> None:
        self._allowances = allowances
        self._backlog = backlog
        self._under_way: Counter[str] = Counter()
        self._buckets = {
            name: _Bucket(each.rate, each.burst, now) for name, each in allowances.items() if each.rate is not None
        }
        self._now = now
        self._reading: Counter[str] = Counter()
        self._turns = _Turns()
        self._gate = _Gate()
        # The messages that each channel sent in this window, which began then, and in the one before.
        self._recent: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._began = now()

    @contextmanager
    def reading(self, channel: str) -> Iterator[None]:
        """Let a body of a channel come in for as long as the context lasts. Raises ``RateLimited``.

        Nothing is known of its sender yet, so nothing is counted against the channel's rate.
        """
        self._check_rate(channel)
        most = self._allowances[channel].concurrency
        if self._reading[channel] >= most:
            raise RateLimited(f"{most} bodies of channel {channel} are being read")
        self._reading[channel] += 1
        try:
            yield
        finally:
            self._reading[channel] -= 1

    def _check_rate(self, channel: str) -> None:
        bucket = self._buckets.get(channel)
        if bucket is not None and (seconds := bucket.wait()):
            raise RateLimited(f"channel {channel} may send again in {seconds:.1f} s", retry_in=seconds)

    @asynccontextmanager
    async def entered(self, channel: str) -> AsyncIterator[None]:
        """Let an input of a channel in for as long as the context lasts. Raises ``RateLimited``.

        It is taken for one message until ``count`` says better, so that many at once do not slip through.
        """
        most = self._allowances[channel].concurrency
        if self._under_way[channel] >= most:
            raise RateLimited(f"{most} inputs of channel {channel} are under way")
        self._check_rate(channel)
        self._take(channel, 1)
        self._under_way[channel] += 1
        try:
            await self._gate.enter(channel, self._share)
            try:
                yield
            finally:
                self._gate.leave(channel, self._share(channel))
        finally:
            self._under_way[channel] -= 1
            if not self._under_way[channel]:
                del self._under_way[channel]

    def _share(self, channel: str) -> float:
        """Return how many inputs of a channel may be on their way; few where it takes more than its part."""
        self._move_on()
        had = self._recent + self._before
        return _SHARE if had[channel] * len(had) > had.total() * _MORE else math.inf

    def _move_on(self) -> None:
        """Begin a new window where this one is over; a clock that goes back ends it, too."""
        passed = abs(self._now() - self._began)
        if passed >= _WINDOW:
            self._before = self._recent if passed < 2 * _WINDOW else Counter()
            self._recent, self._began = Counter(), self._now()

    async def turn(self, channel: str) -> None:
        """Wait for the channel's turn, where others have work too."""
        if len(self._under_way) > 1:
            await self._turns.wait(channel)

    def count(self, channel: str, messages: int) -> None:
        """Say how many messages an input held that was taken for one; none where it was not the channel's."""
        self._take(channel, messages - 1)
        if messages:  # what a stranger sends makes no channel an active one
            self._move_on()
            self._recent[channel] += messages

    def _take(self, channel: str, messages: int) -> None:
        bucket = self._buckets.get(channel)
        if bucket is not None:
            bucket.take(messages)

    def check_queue(self, destination: str) -> None:
        """Refuse what would only lengthen a queue that is full. Raises ``Overloaded``."""
        allowance = self._allowances.get(destination)
        if allowance is None or allowance.queue is None:
            return
        if self._backlog(destination) >= allowance.queue:
            raise Overloaded(f"{allowance.queue} deliveries wait for channel {destination}")


class _Gate:
    """Lets inputs of each channel pass in their order, a bounded number at a time; ``share`` may change as it goes."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, channel: str, share: Callable[[str], float]) -> None:
        """Wait until there is room for one more."""
        queue = self._waiting.get(channel)
        if not queue and self._inside[channel] < share(channel):
            self._inside[channel] += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(channel, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.leave(channel, share(channel))
            raise

    def leave(self, channel: str, share: float) -> None:
        """Leave, and let in those for whom there is room."""
        self._inside[channel] -= 1
        queue = self._waiting.get(channel)
        while queue and self._inside[channel] < share:
            future = queue.popleft()
            if not future.done():
                self._inside[channel] += 1
                future.set_result(None)


class _Turns:
    """Turns on the event loop: one channel after the other, one piece of work in each round of the loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._is_going = False

    async def wait(self, channel: str) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(channel, deque()).append(future)
        if not self._is_going:
            self._is_going = True
            loop.call_soon(self._next, loop)
        await future

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the next channel's first go; one that has given up is passed over."""
        while self._waiting:
            channel = next(iter(self._waiting))
            queue = self._waiting.pop(channel)
            future = queue.popleft()
            if queue:
                self._waiting[channel] = queue  # to the end of the rotation
            if not future.done():
                future.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._is_going = False
