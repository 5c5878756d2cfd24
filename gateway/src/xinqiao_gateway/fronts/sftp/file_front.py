"""The front for files: a poller for each channel that has a section ``files``, whoever's server its folder is on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from xinqiao_gateway.batches.taking import Taking
from xinqiao_gateway.fronts.sftp.folder import Folder
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder
from xinqiao_gateway.fronts.sftp.places import folder_of, spool_of
from xinqiao_gateway.fronts.sftp.polling import Poller, Taker, Watched, Watching
from xinqiao_gateway.gateway import Gateway

__all__ = ["FileFront"]

_log = structlog.get_logger("files")


class FileFront:
    """Runs the pollers; what they fetch goes to ``taker``, by default the gateway's batches."""

    name = "files"

    def __init__(self, gateway: Gateway, taker: Taker | None = None) -> None:
        self._gateway = gateway
        self._taker = taker or Taking(gateway)
        self._pollers: dict[str, Poller] = {}

    async def start(self) -> None:
        """Begin to look into all folders. A server that is away, or refuses us, keeps nothing from starting."""
        self._begin(frozenset(each.channel_id for each in self._gateway.channels))

    async def reload(self, changed: frozenset[str]) -> None:
        """End the pollers of channels that changed, and begin those that have files now."""
        await self._end(changed)
        self._begin(changed)

    async def stop(self) -> None:
        """End all pollers, at the same time."""
        await self._end(frozenset(self._pollers))

    def wake(self, channel_id: str) -> None:
        """Look into a channel's folder now: somebody has put a file there."""
        if (poller := self._pollers.get(channel_id)) is not None:
            poller.wake()

    def watched(self) -> list[Watched]:
        """Return how each folder stands, by channel."""
        return [poller.watched for _, poller in sorted(self._pollers.items())]

    def _begin(self, channel_ids: frozenset[str]) -> None:
        data = self._gateway.installation.data
        for channel in self._gateway.channels:
            files = channel.channel.profile.files
            if files is None or channel.channel_id not in channel_ids:
                continue
            folder = folder_of(data, channel.channel_id, files)
            watching = Watching(
                channel_id=channel.channel_id,
                files=files,
                folder=folder,
                spool=spool_of(data, channel.channel_id),
                least_free=lambda: self._gateway.service.settings.least_space,
                is_ours=self._is_ours(folder),
            )
            self._pollers[channel.channel_id] = poller = Poller(watching, self._taker)
            poller.start()

    def _is_ours(self, folder: Folder) -> Callable[[], Awaitable[bool]]:
        """Return what says whether this process watches a folder.

        Of several nodes each watches the folders on its own disk, and one alone, which the journal names, what is on
        partners' servers.
        """
        if isinstance(folder, LocalFolder):
            return lambda: asyncio.to_thread(folder.hold)
        return self._gateway.journal.leads

    async def _end(self, channel_ids: frozenset[str]) -> None:
        ending = {each: self._pollers.pop(each) for each in channel_ids & self._pollers.keys()}
        ended = await asyncio.gather(*(each.stop() for each in ending.values()), return_exceptions=True)
        for channel_id, fault in zip(ending, ended, strict=True):
            if fault is not None:
                _log.error("poller did not stop", channel=channel_id, why=type(fault).__name__)
