"""The dispatcher of a gateway whose channels change while it runs."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from xinqiao.errors import JournalUnavailable, SettingsInvalid
from xinqiao.seal import SigningKey
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery import ChannelLoop, Dispatcher
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.settings import Settings
from xinqiao_gateway.telemetry.instruments import ObservedLoop
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["DeliveryLoops", "check_lease"]


class DeliveryLoops(Dispatcher):
    """A dispatcher whose loops can be replaced one by one."""

    def __init__(
        self,
        journal: Journal,
        channels: Iterable[ServedChannel],
        key: SigningKey,
        settings: Settings,
        now: Callable[[], float],
        observer: Observer = NOBODY,
    ) -> None:
        super().__init__(journal, (), key, settings.retry, settings.push_parallel, lease=settings.lease, now=now)
        self._journal, self._key, self._now, self._observer = journal, key, now, observer
        for channel in channels:
            self._set(channel, settings)

    def replace(self, channels: Iterable[ServedChannel], settings: Settings, changed: Collection[str]) -> None:
        """Let the loops of changed channels end, and those of ``channels`` among them begin anew.

        What is under way ends by itself under the old loop; the new one begins after it, so that no delivery is with
        both, and the order within a lane stands.
        """
        self._tasks = [task for task in self._tasks if not task.done()]
        before = {name: [task for task in self._tasks if task.get_name() == f"deliver {name}"] for name in changed}
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
            self._tasks.append(asyncio.create_task(task, name=f"deliver {name}"))

    async def _succession(
        self, name: str, before: Collection[asyncio.Task[None]], old: ChannelLoop | None, *, pulled: bool
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
            await new.run()
        elif pulled:
            with suppress(JournalUnavailable):  # the next round of surveillance does it
                await self._journal.rearrange(name, pushed=False)

    def _set(self, channel: ServedChannel, settings: Settings) -> None:
        if channel.push is None:
            return
        self._loops[channel.channel_id] = ObservedLoop(
            self._journal,
            channel,
            channel.push,
            self._key,
            settings.retry,
            parallel=settings.push_parallel,
            lease=settings.lease,
            now=self._now,
            observer=self._observer,
        )


def check_lease(channels: Iterable[ServedChannel], lease: float) -> None:
    """Refuse a lease that is over before an attempt may be. Raises ``SettingsInvalid``."""
    for channel in channels:
        if channel.push is not None and channel.push.timeout >= lease:
            push = f"a push to {channel.channel_id} ({channel.push.timeout:g} s)"
            raise SettingsInvalid(f"lease: {lease:g} s are over before {push} may be; set it longer")
