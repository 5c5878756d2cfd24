"""The dispatcher: gets accepted messages to the channels that are pushed to.

Each channel has a loop, a client, limits and a breaker of its own, so one that is slow or down delays no other.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from xinqiao.errors import SettingsInvalid
from xinqiao.seal import SigningKey
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.channel_loop import ChannelLoop
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.settings import Retry

__all__ = ["Dispatcher"]

_GRACE = 5.0


class Dispatcher:
    """Runs a loop for each pushed channel; ``start`` and ``stop`` belong to the process's life.

    ``parallel`` is for channels whose profile sets no limit; ``lease`` is for how long a delivery is reserved for one
    attempt (seconds). Raises ``SettingsInvalid`` where that is no longer than an attempt may take.
    """

    def __init__(
        self,
        journal: Journal,
        channels: Iterable[ServedChannel],
        key: SigningKey,
        retry: Retry,
        parallel: int,
        *,
        lease: float = 60.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._loops: dict[str, ChannelLoop] = {}
        for channel in channels:
            if channel.push is None:
                continue
            if channel.push.timeout >= lease:
                push = f"a push to {channel.channel_id} ({channel.push.timeout:g} s)"
                raise SettingsInvalid(f"lease: {lease:g} s are over before {push} may be; set it longer")
            self._loops[channel.channel_id] = ChannelLoop(
                journal, channel, channel.push, key, retry, parallel=parallel, lease=lease, now=now
            )
        self._tasks: list[asyncio.Task[None]] = []
        journal.when_accepted(self._wake)

    def start(self) -> None:
        """Start delivering."""
        self._tasks = [asyncio.create_task(loop.run(), name=f"deliver {name}") for name, loop in self._loops.items()]

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

    def breakers(self) -> Mapping[str, Breaker]:
        """Return the breaker of each pushed channel, by its id."""
        return {name: loop.breaker for name, loop in self._loops.items()}

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            if channel in self._loops:
                self._loops[channel].wake.set()
