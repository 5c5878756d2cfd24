"""The dispatcher: gets accepted messages to the channels that are pushed to.

Each channel has a loop, clients, limits and a breaker of its own, so one that is slow or down delays no other.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from xinqiao.errors import JournalUnavailable, SettingsInvalid
from xinqiao.seal import SigningKey
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.channel_loop import ChannelLoop
from xinqiao_gateway.delivery.file_loop import FileLoop
from xinqiao_gateway.delivery.gathering_times import GatheringTimes
from xinqiao_gateway.delivery.places import outgoing_files, writing_to
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.dissolving import dissolve
from xinqiao_gateway.rotation import Overlap
from xinqiao_gateway.settings import Settings
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["Dispatcher", "check_lease"]

_GRACE = 5.0


class Loop(Protocol):
    """What delivers to one channel: message by message, or in files."""

    name: str
    wake: asyncio.Event
    breaker: Breaker

    async def run(self) -> None:
        """Deliver until ``stop``, then let what is under way end."""
        ...

    def stop(self) -> None:
        """Start nothing more."""
        ...

    async def close(self) -> None:
        """Cut off what is under way, and record that nobody knows what became of it."""
        ...


class Dispatcher:
    """Runs a loop for each pushed channel; ``start`` and ``stop`` belong to the process's life.

    Of ``settings`` it takes ``retry``, ``lease``, ``institution_code``, and ``push_parallel`` for channels that set no
    limit. Whether the lease is long enough is for ``check_lease`` to say, before. ``data`` is where channels have
    folders of their own, ``calendars`` returns those that hold now, ``overlap`` is the key of before.
    """

    def __init__(
        self,
        journal: Journal,
        channels: Iterable[ServedChannel],
        key: SigningKey,
        settings: Settings,
        now: Callable[[], float] = time.time,
        observer: Observer = NOBODY,
        *,
        data: Path = Path("data"),
        calendars: Callable[[], Calendars] = Calendars,
        overlap: Overlap | None = None,
    ) -> None:
        self._journal, self._key, self._now, self._observer = journal, key, now, observer
        self._data, self._calendars, self._overlap = data, calendars, overlap
        self._loops: dict[str, Loop] = {}
        self._tasks: list[asyncio.Task[None]] = []
        for channel in channels:
            self._set(channel, settings)
        journal.when_accepted(self._wake)

    def start(self) -> None:
        """Start delivering."""
        self._tasks = [asyncio.create_task(self._run(loop), name=_task_of(name)) for name, loop in self._loops.items()]

    async def stop(self, grace: float = _GRACE) -> None:
        """Stop. What is under way has ``grace`` seconds to end; what is cut off then counts as of unknown outcome."""
        for loop in self._loops.values():
            loop.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for loop in self._loops.values():
            await loop.close()
        self._tasks = []

    def replace(self, channels: Iterable[ServedChannel], settings: Settings, changed: Collection[str]) -> None:
        """Let the loops of changed channels end, and those of ``channels`` among them begin anew.

        What is under way ends by itself under the old loop; the new one begins after it, so that no delivery is with
        both, and the order within a lane stands.
        """
        self._tasks = [task for task in self._tasks if not task.done()]
        before = {name: [task for task in self._tasks if task.get_name() == _task_of(name)] for name in changed}
        olds = {name: self._loops.pop(name) for name in changed if name in self._loops}
        for old in olds.values():
            old.stop()
        pulled = set()
        for channel in channels:
            if channel.channel_id in changed:
                self._set(channel, settings)
                pulled |= {channel.channel_id} if channel.push is None else set()
        for name in changed:
            task = self._succession(name, before[name], olds.get(name), pulled=name in pulled)
            self._tasks.append(asyncio.create_task(task, name=_task_of(name)))

    def breakers(self) -> Mapping[str, Breaker]:
        """Return the breaker of each pushed channel, by its id."""
        return {name: loop.breaker for name, loop in self._loops.items()}

    async def _succession(
        self, name: str, before: Collection[asyncio.Task[None]], old: Loop | None, *, pulled: bool
    ) -> None:
        """Wait for the end of an old loop, however it ends, and run the one that follows it.

        Where the partner pulls from now on, what the old one gave back waits for that.
        """
        new = self._loops.get(name)
        try:
            if before:
                await asyncio.wait(before)
        finally:
            if old is not None:
                await old.close()
        if new is not None:
            await self._run(new)
        elif pulled:
            with suppress(JournalUnavailable):  # the next round of surveillance does it
                await self._journal.rearrange(name, pushed=False)

    async def _run(self, loop: Loop) -> None:
        """Run a loop; where no files go out by it, what was in files before goes out by it now."""
        if not isinstance(loop, FileLoop):
            with suppress(JournalUnavailable):  # the next start does it
                await self._journal.run(lambda c: dissolve(c, loop.name, self._now()))
        await loop.run()

    def _set(self, channel: ServedChannel, settings: Settings) -> None:
        if channel.push is None:
            return
        new = self._file_loop if channel.push.carries_files else self._channel_loop
        self._loops[channel.channel_id] = new(channel, channel.push, settings)

    def _channel_loop(self, channel: ServedChannel, push: Push, settings: Settings) -> Loop:
        return ChannelLoop(
            self._journal,
            channel,
            push,
            self._key,
            settings.retry,
            parallel=settings.push_parallel,
            lease=settings.lease,
            now=self._now,
            observer=self._observer,
            overlap=self._overlap,
        )

    def _file_loop(self, channel: ServedChannel, push: Push, settings: Settings) -> Loop:
        return FileLoop(
            self._journal,
            channel,
            writing_to(channel, push, self._data),
            GatheringTimes(outgoing_files(channel), self._calendars),
            self._key,
            settings.retry,
            institution=settings.institution_code,
            lease=settings.lease,
            now=self._now,
            observer=self._observer,
        )

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            if channel in self._loops:
                self._loops[channel].wake.set()


def check_lease(channels: Iterable[ServedChannel], lease: float) -> None:
    """Refuse a lease that is over before an attempt may be. Raises ``SettingsInvalid``."""
    for channel in channels:
        if channel.push is not None and channel.push.timeout >= lease:
            push = f"a push to {channel.channel_id} ({channel.push.timeout:g} s)"
            raise SettingsInvalid(f"lease: {lease:g} s are over before {push} may be; set it longer")


def _task_of(channel: str) -> str:
    return f"deliver {channel}"
