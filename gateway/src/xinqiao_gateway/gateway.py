"""One running gateway: an installation with its journal, intake and dispatcher, started and stopped together."""

import asyncio
from datetime import timedelta

from xinqiao_gateway.dispatcher import Dispatcher
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.journal import Journal

__all__ = ["Gateway"]


class Gateway:
    """What the fronts are given. ``start`` and ``stop`` run inside the event loop that serves them."""

    def __init__(self, installation: Installation) -> None:
        settings = installation.settings
        self.installation = installation
        self.code = settings.institution_code
        self.channels = installation.channels
        self.journal = Journal.open(installation.journal_url, installation.master_key, installation.key)
        self.intake = Intake(
            self.channels,
            self.journal,
            seal_max_age=timedelta(seconds=settings.seal_max_age),
            messages_limit=settings.messages_limit,
        )
        self.dispatcher = Dispatcher(
            self.journal, self.channels, installation.key, settings.retry, settings.push_parallel
        )

    async def start(self) -> None:
        """Start delivering, after what was under way is fitted to how its channel is reached now."""
        for channel in self.channels:
            await self.journal.rearrange(channel.channel_id, channel.push is not None)
        self.dispatcher.start()

    async def stop(self) -> None:
        """Stop delivering, commit what waits, close the journal."""
        await self.dispatcher.stop()
        await asyncio.to_thread(self.journal.close)
