"""The watch: looks at the clock, writes obligations down ahead, raises alarms and gets them to webhooks.

Each webhook has a loop of its own, so that one that hangs delays neither the others nor the alarms. What it does is in
the journal: a crash loses no alarm, and several nodes may watch at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn, Protocol, TypeVar

import structlog

from xinqiao.seal import SigningKey
from xinqiao_gateway.journal import alarms, obligations
from xinqiao_gateway.journal.alarms import Alarm
from xinqiao_gateway.obligations.alarms import Poster, log_alarm
from xinqiao_gateway.obligations.book import Book
from xinqiao_gateway.rotation import Overlap
from xinqiao_gateway.rounds import again_and_again

__all__ = ["Watch", "Writing"]

# Seconds between two looks at the clock: how late an alarm may be.
_LOOK = 10.0
_AGAIN = 3600.0
# Longer than posting what one lease holds can take.
_LEASE = 180.0

T = TypeVar("T")

_log = structlog.get_logger("obligations")


class Writing(Protocol):
    """Runs a function of the writing connection in a transaction and returns its result once that is durable."""

    async def run(self, act: Callable[[Any], T]) -> T:
        """Run it."""
        ...


class Watch:
    """Watches over a book of obligations. ``webhooks`` are names and URLs, ``now`` is the clock (Unix seconds).

    ``overlap`` is the gateway's key of before, where that signs as well.
    """

    def __init__(
        self,
        journal: Writing,
        book: Book,
        webhooks: Sequence[tuple[str, str]],
        key: SigningKey,
        now: Callable[[], float] = time.time,
        overlap: Overlap | None = None,
    ) -> None:
        self._journal = journal
        self._book = book
        self._posters = [Poster(name, url, key, overlap) for name, url in webhooks]
        self._names = [name for name, _ in webhooks]
        self._now = now
        # Which book was written down last, and when; and which one replaced what was written ahead before it.
        self._written: tuple[Book, float] | None = None
        self._taken: Book | None = None

    def replace(self, book: Book) -> None:
        """Take changed terms: from the next turn on they hold for what nobody was alarmed of yet."""
        self._book = book

    async def turn(self) -> None:
        """Do what there is to do now, once: obligations, alarms, webhooks."""
        await self.look()
        await asyncio.gather(*(self.post(poster) for poster in self._posters))

    async def run(self) -> None:
        """Watch until cancelled; what is due when a turn fails stays due."""
        posts = (partial(self.post, poster) for poster in self._posters)
        await asyncio.gather(_kept_up(self.look), *map(_kept_up, posts))

    async def look(self) -> None:
        """Write down what falls due in the coming days, and raise what has come."""
        now, webhooks = self._now(), self._names
        await self._write_down(now)
        while await self._raise(partial(obligations.tick, now=now, webhooks=webhooks)) == obligations.MOST_AT_ONCE:
            pass

    async def _raise(self, act: Callable[[Any], list[Alarm]]) -> int:
        raised = await self._journal.run(act)
        for each in raised:
            log_alarm(each)
        return len(raised)

    async def _write_down(self, now: float) -> None:
        book, rules = self._book, self._book.periodic
        # By the hour; also where the clock went back, as the days ahead are others then.
        if self._written and self._written[0] is book and 0 <= now - self._written[1] < _AGAIN:
            return
        if self._taken is not book:
            names = [rule.id for rule in rules]
            await self._journal.run(partial(obligations.forget_ahead, rules=names, now=now))
            self._taken = book
        for rule in rules:
            await self._journal.run(partial(obligations.materialise, book=book, rule=rule, now=now))
        await self._journal.run(partial(obligations.date_again, book=book))
        unknown = book.calendars.unknown
        if unknown:
            await self._raise(partial(obligations.announce_unknown, unknown=unknown, now=now, webhooks=self._names))
        self._written = book, now

    async def post(self, poster: Poster) -> None:
        """Post what a webhook is to get now, ten alarms at the most."""
        name = poster.name
        leased = partial(alarms.lease_alarms, webhook=name, now=self._now(), seconds=_LEASE)
        for due in await self._journal.run(leased):
            retry_at = await poster.post(due, self._now())
            settled = partial(alarms.settle_alarm, webhook=name, due=due, now=self._now(), retry_at=retry_at)
            if await self._journal.run(settled) == "dead":
                _log.error("alarm given up", webhook=name, alarm=due.id)


def _kept_up(act: Callable[[], Awaitable[None]]) -> Awaitable[NoReturn]:
    return again_and_again(act, _LOOK, _log, "watch")
