"""The running gateway's own looks at live traffic, of each channel whose profile says ``conformance``.

Once an hour, by one node alone, beside the work: a bounded sample is read a few messages at a time and judged in a
thread of its own. What was found last is kept for metrics and for ``channel list``.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from xinqiao.errors import JournalUnavailable, XinqiaoError
from xinqiao_gateway.certification.certificate import State, held_certificate
from xinqiao_gateway.certification.look import Look, Seen, judged_look, keep, last_look
from xinqiao_gateway.certification.traffic import Asked, Traffic, sample
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.rounds import again_and_again

__all__ = ["LiveWatch"]

_ROUND = 3600.0
# Exchanges of one look: some seconds of one thread.
_MOST = 500

_log = structlog.get_logger("conformance")


class _Said(NamedTuple):
    """What the log was told of a channel last."""

    requirements: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    certificate: State = "none"


class LiveWatch:
    """Looks every hour; ``turn`` is one round. ``found``: of each channel, how much its traffic broke at the last look,
    and how much of that its certificate says is met; nothing on a node that does not look.
    """

    def __init__(self, journal: Journal, installation: Callable[[], Installation]) -> None:
        self.found: dict[str, tuple[int, int]] = {}
        self._journal = journal
        self._installation = installation
        self._said: dict[str, _Said] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        await again_and_again(self.turn, _ROUND, _log, "look at live traffic")

    async def turn(self) -> None:
        """Look at each channel that says so; one that cannot be looked at keeps none of the others."""
        watched = {each.channel_id: each for each in self._installation().channels if each.channel.profile.conformance}
        looking = watched if watched and await self._journal.leads() else {}
        self.found = {name: counts for name, counts in self.found.items() if name in looking}
        self._said = {name: said for name, said in self._said.items() if name in looking}
        for channel in looking.values():
            try:
                await self._look(channel)
            except JournalUnavailable:
                raise
            except (XinqiaoError, OSError) as error:
                _log.warning("look at live traffic failed", channel=channel.channel_id, why=str(error))
            except Exception:  # noqa: BLE001 -- what a check stumbles over is one channel's
                _log.exception("look at live traffic failed", channel=channel.channel_id)

    async def _look(self, channel: ServedChannel) -> None:
        installation = self._installation()
        folder = installation.data / "channels" / channel.channel_id
        seen = await self._seen(channel)
        look = await asyncio.to_thread(_judged, seen, folder, channel, installation)
        self._tell(look)
        # Where the folder is read-only, metrics and log know it all the same.
        await asyncio.to_thread(keep, folder, look)

    async def _seen(self, channel: ServedChannel) -> Seen:
        """Read a sample, a few messages at a time, so that others who read get their turn."""
        journal, code = self._journal, self._installation().settings.institution_code
        asked = Asked.of(channel, datetime.fromtimestamp(journal.now(), UTC))
        found = await journal.read(sample, journal.reading, channel.channel_id, asked, _MOST)
        traffic = Traffic(journal.reading, channel, code)
        recorded = [row for page in traffic.pages(found.exchanges) for row in await journal.read(traffic.page, page)]
        return Seen(channel.channel_id, traffic.head, recorded, asked, found.whole)

    def _tell(self, look: Look) -> None:
        """Keep the figures, and say each change once: what is broken, and which certificate is not to be relied on."""
        self.found[look.channel] = (len(look.requirements), len(look.drift))
        before = self._said.get(look.channel, _Said())
        said = self._said[look.channel] = _Said(look.requirements, look.drift, look.certificate.state)
        if said.certificate not in (before.certificate, "valid"):
            why = look.certificate.detail
            _log.warning("certificate not relied on", channel=look.channel, state=said.certificate, why=why)
        if said[:2] == before[:2]:
            return
        if look.broken:
            told = {"requirements": list(look.requirements), "drift": list(look.drift), "exchanges": look.exchanges}
            first = {each.requirement: each.first for each in look.broken}
            _log.warning("live traffic breaks the standard", channel=look.channel, **told, first=first)
        else:
            _log.info("live traffic breaks nothing any more", channel=look.channel)


def _judged(seen: Seen, folder: Path, channel: ServedChannel, installation: Installation) -> Look:
    held = held_certificate(folder, channel.institution_code, installation.verifying_keys)
    return judged_look(seen, held, last_look(folder))
