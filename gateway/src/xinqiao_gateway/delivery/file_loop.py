"""The loop of a channel that is reached by files: gathers what is due, writes it down as files, gets these across.

A file is in the journal, with its bytes, before any of it leaves, so that after a crash the same bytes go out under
the same name. That it arrived is claimed once it was read back where it lies.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from xinqiao.errors import JournalUnavailable
from xinqiao.seal import SigningKey
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.carrying import Carrying
from xinqiao_gateway.delivery.file_writing import FileWriting
from xinqiao_gateway.delivery.gathering import Gathering
from xinqiao_gateway.delivery.gathering_times import GatheringTimes
from xinqiao_gateway.delivery.manifests import Manifests
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.settings import Retry
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["FileLoop"]

# Seconds by which a clock goes back that was set back.
_SET_BACK = 1.0
# The longest rest (seconds): another node, or a person, may have made something due without a word.
_IDLE = 5.0

_log = structlog.get_logger("delivery")


class FileLoop:
    """Delivers to one channel in files, one at a time. ``run`` it, or drive ``turn``; ``close`` it."""

    def __init__(
        self,
        journal: Journal,
        channel: ServedChannel,
        writing: FileWriting,
        times: GatheringTimes,
        key: SigningKey,
        retry: Retry,
        *,
        institution: str,
        lease: float = 60.0,
        now: Callable[[], float] = time.time,
        observer: Observer = NOBODY,
    ) -> None:
        self.name = channel.channel_id
        self.wake = asyncio.Event()
        self.breaker = Breaker(retry)
        self._now = now
        self._times = times
        manifests = Manifests(institution, channel.institution_code, channel.test, key)
        self._journal = journal
        self._gathering = Gathering(journal, channel, writing.files, manifests, key, now)
        self._last_turn = now()
        self._carrying = Carrying(journal, channel, writing, retry, self.breaker, lease, now, observer)
        self._under_way: asyncio.Task[float] | None = None
        self._stopping = False
        # For which time nothing was left, and when that was seen.
        self._empty: tuple[float, float] | None = None

    async def run(self) -> None:
        """Deliver until ``stop``, then let the file under way end."""
        while not self._stopping:
            self.wake.clear()
            self._under_way = asyncio.create_task(self.turn())
            try:
                rest = await self._under_way
            except JournalUnavailable:
                rest = _IDLE  # the writer has said so
            except Exception:  # noqa: BLE001 -- the top of the task; a file that was taken is free when its lease ends
                _log.exception("delivery loop failed", channel=self.name)
                rest = _IDLE
            if rest > 0 and not self._stopping:
                with suppress(TimeoutError):
                    # Not wait_for: before Python 3.12 that takes an end that comes as it wakes for no end.
                    async with asyncio.timeout(rest):
                        await self.wake.wait()

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping = True
        self.wake.set()

    async def close(self) -> None:
        """Cut off what is under way; how far that was stands in the journal, and the next to take it looks."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)
        await self._carrying.close()

    async def turn(self) -> float:
        """Get one file across, or gather the next; return the seconds until there may be more."""
        now = self._now()
        if now < self._last_turn - _SET_BACK:
            await self._journal.hasten(self.name)
        self._last_turn = now
        if self.breaker.state(now) == "open":
            return min(self.breaker.left(now), _IDLE)
        if await self._carrying.turn():
            return 0.0
        waiting = await self._carrying.next_at()
        # Whether a channel that was down is back, one file finds out.
        if self.breaker.state(now) == "closed" or waiting is None:
            last = self._times.last(now)
            if last is not None and not self._is_empty(last, now):
                if await self._gathering.turn(last) or await self._gathering.index():
                    return 0.0
                self._empty = last, now
        times = [each for each in (waiting, self._times.next(now)) if each is not None]
        return min([_IDLE, *(max(each - now, 0.05) for each in times)])

    def _is_empty(self, last: float, now: float) -> bool:
        return self._empty is not None and self._empty[0] == last and 0 <= now - self._empty[1] < _IDLE
