"""The front of mail: a poller for each channel whose profile has a section ``mail``."""

import asyncio

import structlog

from xinqiao.errors import ConfigurationError, UnknownChannel
from xinqiao_gateway.fronts.mail.places import mailbox_of
from xinqiao_gateway.fronts.mail.polling import Poller
from xinqiao_gateway.gateway import Gateway

__all__ = ["MailFront"]

_log = structlog.get_logger("mail")


class MailFront:
    """Polls the mailboxes of all channels."""

    name = "mail"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pollers: dict[str, Poller] = {}

    async def start(self) -> None:
        """Begin all, or none. Raises a ``ConfigurationError`` where a password or certificate cannot be read."""
        try:
            for each in self._gateway.channels:
                self._begin(each.channel_id)
        except ConfigurationError:
            await self.stop()
            raise

    async def reload(self, changed: frozenset[str]) -> None:
        """Poll the mailboxes of changed channels as their profiles say now; one that cannot be is not polled."""
        gone = [self._pollers.pop(each) for each in changed if each in self._pollers]
        await asyncio.gather(*(each.stop() for each in gone))
        for channel_id in sorted(changed):
            try:
                self._begin(channel_id)
            except UnknownChannel:
                continue  # it went
            except ConfigurationError as error:
                _log.error("mailbox is not polled", channel=channel_id, reason=error.reason, why=error.detail)

    async def stop(self) -> None:
        """Begin no other mail, and let those under way end."""
        pollers = list(self._pollers.values())
        self._pollers.clear()
        await asyncio.gather(*(each.stop() for each in pollers))

    def _begin(self, channel_id: str) -> None:
        mail = self._gateway.channels.find(channel_id).channel.profile.mail
        if mail is None:
            return
        mailbox = mailbox_of(self._gateway.installation.data, channel_id, mail)
        poller = Poller(self._gateway, channel_id, mail, mailbox)
        poller.start()
        self._pollers[channel_id] = poller
