"""The front of framed TCP: a listener for each channel whose profile says ``tcp.listen``."""

import asyncio
from collections.abc import Iterable, Sequence

from xinqiao.errors import SettingsInvalid, XinqiaoError
from xinqiao_adapters.problems import Problems
from xinqiao_gateway.fronts.tcp.listener import Listener
from xinqiao_gateway.gateway import Gateway

__all__ = ["TcpFront"]

# Seconds: a commit may be waited for, and then there is an answer.
_LONGEST_END = 20.0


class TcpFront:
    """Listens for partners that send frames."""

    name = "tcp"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._listeners: dict[str, Listener] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen for every channel, or for none. Raises ``SettingsInvalid`` with each port that is not to be had."""
        try:
            self._open(each.channel_id for each in self._gateway.channels)
        except XinqiaoError:
            await self.stop()
            raise

    async def reload(self, changed: frozenset[str]) -> None:
        """Listen anew for the channels that changed; the others' connections go on, and what is under way ends later.

        Raises ``SettingsInvalid`` with each port that is not to be had; all others are served.
        """
        old = [self._listeners.pop(each) for each in changed if each in self._listeners]
        await asyncio.gather(*(each.shut() for each in old))
        task = asyncio.create_task(_finish(old))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        self._open(changed)

    async def stop(self) -> None:
        """Take no further request, and let those under way be answered."""
        listeners, self._listeners = list(self._listeners.values()), {}
        await asyncio.gather(*(each.shut() for each in listeners))
        await asyncio.gather(_finish(listeners), *self._ending)

    def _open(self, channel_ids: Iterable[str]) -> None:
        problems, wanted = Problems(SettingsInvalid), set(channel_ids)
        for channel in self._gateway.channels:
            section = channel.channel.profile.tcp
            if channel.channel_id not in wanted or section is None or section.listen is None:
                continue
            listener = problems.attempt(Listener, self._gateway, channel, section, section.listen)
            if listener is not None:
                problems.attempt(listener.open)
                self._listeners[channel.channel_id] = listener
        problems.check()


async def _finish(listeners: Sequence[Listener]) -> None:
    await asyncio.gather(*(each.finish(_LONGEST_END) for each in listeners))
