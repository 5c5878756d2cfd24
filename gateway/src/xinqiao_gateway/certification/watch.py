"""The running gateway's own looks at live traffic, of each channel whose profile says ``conformance``.

Once an hour, by one node alone, beside the work: a bounded sample is read a few messages at a time and judged in a
thread of its own. What was found last is kept for metrics and for ``channel list``.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from xinqiao.errors import JournalUnavailable, XinqiaoError
from xinqiao.message import timestamp
from xinqiao_adapters.docking import Conformance
from xinqiao_gateway.certification.certificate import held_certificate
from xinqiao_gateway.certification.look import Look, Seen, judged_look, write_look
from xinqiao_gateway.certification.traffic import Traffic, sampled
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.exchanges import Span, exchanges

__all__ = ["LiveWatch"]

_ROUND = 3600.0
_DAY = 86_400.0
# Exchanges of one look: some seconds of one thread.
_MOST = 500

_log = structlog.get_logger("conformance")


class LiveWatch:
    """Looks every hour; ``turn`` is one round. ``found``: of each channel, what its traffic broke at the last look, and
    how much of that its certificate says is met.
    """

    def __init__(self, journal: Journal, installation: Callable[[], Installation]) -> None:
        self.found: dict[str, tuple[int, int]] = {}
        self._journal = journal
        self._installation = installation
        self._said: dict[str, tuple[str, ...]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.turn()
            except JournalUnavailable:
                pass  # the writer has said so
            except Exception:  # noqa: BLE001 -- the top of the task
                _log.exception("look at live traffic failed")
            await asyncio.sleep(_ROUND)

    async def turn(self) -> None:
        """Look at each channel that says so; one that cannot be looked at keeps none of the others."""
        watched = {each.channel_id: each for each in self._installation().channels if each.channel.profile.conformance}
        self.found = {name: counts for name, counts in self.found.items() if name in watched}
        if not watched or not await self._journal.leads():
            return
        for channel in watched.values():
            try:
                self._tell(await self._look(channel))
            except JournalUnavailable:
                raise
            except (XinqiaoError, OSError) as error:
                _log.warning("look at live traffic failed", channel=channel.channel_id, why=str(error))

    async def _look(self, channel: ServedChannel) -> Look:
        installation = self._installation()
        folder = installation.data / "channels" / channel.channel_id
        seen = await self._seen(channel, channel.channel.profile.conformance or Conformance())
        keys = await asyncio.to_thread(lambda: installation.verifying_keys)
        held = await asyncio.to_thread(held_certificate, folder, channel.institution_code, keys)
        look = await asyncio.to_thread(judged_look, seen, held)
        await asyncio.to_thread(write_look, folder, look)
        return look

    async def _seen(self, channel: ServedChannel, asked: Conformance) -> Seen:
        """Read a sample of the last day and of as long before as an answer may take, a few messages at a time."""
        journal, code = self._journal, self._installation().settings.institution_code
        since = timestamp(datetime.fromtimestamp(journal.now() - asked.patience - _DAY, UTC))
        span, chosen = Span(channel.channel_id, since=since), sampled(journal.reading.vault, asked.share)
        found = await journal.read(exchanges, journal.reading, span, _MOST, chosen)
        traffic = Traffic(journal.reading, channel, code)
        recorded = [row for page in traffic.pages(found.exchanges) for row in await journal.read(traffic.page, page)]
        return Seen(channel.channel_id, traffic.head, recorded, since, asked.share, asked.patience, found.whole)

    def _tell(self, look: Look) -> None:
        """Keep the figures, and say once what is broken, and once that nothing is any more."""
        self.found[look.channel] = (len(look.requirements), len(look.drift))
        before = self._said.get(look.channel, ())
        if look.requirements == before:
            return
        self._said[look.channel] = look.requirements
        if look.requirements:
            told = {"requirements": list(look.requirements), "drift": list(look.drift), "exchanges": look.exchanges}
            _log.warning("live traffic breaks the standard", channel=look.channel, **told)
        else:
            _log.info("live traffic breaks nothing any more", channel=look.channel)
