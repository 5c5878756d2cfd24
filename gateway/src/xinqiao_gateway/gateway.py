"""One running gateway: an installation with its journal, intake and dispatcher, started and stopped together."""

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
        self.intake = Intake(self.channels, self.journal, timedelta(seconds=settings.seal_max_age))
        self.dispatcher = Dispatcher(
            self.journal, self.channels, installation.key, settings.retry, settings.push_parallel
        )

    def start(self) -> None:
        """Start delivering."""
        self.dispatcher.start()

    async def stop(self) -> None:
        """Stop delivering, commit what waits, close the journal."""
        await self.dispatcher.stop()
        self.journal.close()
