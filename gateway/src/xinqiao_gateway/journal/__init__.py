"""The journal: the durable record of all messages, the only state that must not be lost.

Knows neither transports nor formats. Writes go through one writer (``Writer``); reads never wait for it.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from xinqiao.errors import SettingsInvalid
from xinqiao.seal import KeyRing, SigningKey
from xinqiao_gateway.journal import deliveries
from xinqiao_gateway.journal.database import check_master_key, is_empty, migrate, open_engine
from xinqiao_gateway.journal.entry import Accepted, Due, Entry, Outcome, Refused, Settlement, Submission, refused
from xinqiao_gateway.journal.reading import Reading, Waiting
from xinqiao_gateway.journal.release import replay
from xinqiao_gateway.journal.vault import Vault, open_vault
from xinqiao_gateway.journal.verify import Verification, verify
from xinqiao_gateway.journal.writer import Writer

__all__ = [
    "Accepted",
    "Due",
    "Entry",
    "Journal",
    "Outcome",
    "Refused",
    "Settlement",
    "Submission",
    "Waiting",
    "refused",
]


class Journal:
    """One installation's journal: ``open`` it, ``close`` it; what it returns in between is durable."""

    def __init__(self, writing: Engine, reading: Engine, vault: Vault, key: SigningKey) -> None:
        self._engines = (writing, reading)
        self._writer = Writer(writing, vault, key)
        self._listeners: list[Callable[[Iterable[str]], None]] = []
        self.reading = Reading(reading, vault)

    @classmethod
    def open(cls, url: str, master_key: Path, key: SigningKey, *, alone: bool = True) -> Self:
        """Migrate and open a journal.

        ``alone``: no other process works on it, so the leases of one that is gone are given back. Raises
        ``KeyUnusable`` where the master key is not the one that this journal was begun with, ``SettingsInvalid`` where
        the database cannot be opened.
        """
        # The writer has a connection of its own, so that no number of readers keeps it waiting.
        try:
            writing = open_engine(url).execution_options(writing=True)
            migrate(writing)
            with writing.begin() as connection:
                vault = open_vault(master_key, is_new=is_empty(connection))
                check_master_key(connection, vault)
                if alone:
                    deliveries.release_leases(connection)
        except (SQLAlchemyError, CommandError) as error:
            raise SettingsInvalid(f"the journal at {_shown(url)} cannot be opened: {_said(error)}") from error
        journal = cls(writing, open_engine(url), vault, key)
        journal._writer.start()
        return journal

    def close(self) -> None:
        """Commit what waits and close the connections."""
        self._writer.stop()
        for engine in self._engines:
            engine.dispose()

    def healthy(self) -> bool:
        """Whether it takes messages."""
        return self._writer.running

    def when_accepted(self, listener: Callable[[Iterable[str]], None]) -> None:
        """Call a function with the channels that a commit may have made a delivery due for."""
        self._listeners.append(listener)

    async def submit(self, submission: Submission) -> list[Outcome]:
        """Store the messages of one input; see ``Writer.submit``."""
        outcomes = await self._writer.submit(submission)
        self._tell({channel for entry in submission.entries for channel, _ in entry.destinations})
        return outcomes

    async def lease(self, channel: str, limit: int, seconds: float) -> list[Due]:
        """Lease a channel's due deliveries, at most one of each lane, with their messages."""
        leased = await self._writer.run(lambda c: deliveries.lease_due(c, channel, limit, seconds))
        return await asyncio.to_thread(self.reading.due, leased) if leased else []

    async def give_back(self, delivery_ids: Iterable[int]) -> None:
        """Give back leases that nobody works on any more."""
        ids = list(delivery_ids)
        if ids:
            await self._writer.run(lambda c: deliveries.give_back(c, ids))

    async def next_due_at(self, channel: str) -> float | None:
        """Return when the channel's next delivery becomes due by itself (Unix seconds)."""
        return await self._writer.run(lambda c: deliveries.next_due_at(c, channel))

    async def settle(self, settlement: Settlement) -> None:
        """Record what an attempt came to."""
        await self._writer.run(lambda c: deliveries.settle(c, settlement))

    async def rearrange(self, channel: str, pushed: bool) -> None:
        """Fit a channel's deliveries to whether it is pushed to now."""
        await self._writer.run(lambda c: deliveries.rearrange(c, channel, pushed))

    async def replay(self, delivery_id: int, pushed: Callable[[str], bool]) -> str:
        """Make a dead or parked delivery due now; return its channel. Raises ``NotFound``."""
        channel = await self._writer.run(lambda c: replay(c, self.reading, delivery_id, pushed))
        self._tell({channel})
        return channel

    async def waiting(self, channel: str, after: int, limit: int) -> list[Waiting]:
        """Return what a pulling channel gets after a cursor."""
        return await asyncio.to_thread(self.reading.waiting, channel, after, limit)

    async def acknowledge(self, channel: str, cursor: int) -> None:
        """Record that a pulling partner has what came up to a cursor."""
        await self._writer.run(lambda c: deliveries.acknowledge(c, channel, cursor))

    def verify(self, keys: KeyRing) -> Verification:
        """Recompute the whole journal's evidence; see ``Verification``."""
        with self.reading.engine.begin() as connection:
            return verify(connection, keys)

    def _tell(self, channels: Iterable[str]) -> None:
        for listener in self._listeners:
            listener(channels)


def _shown(url: str) -> str:
    """Return a database URL without its password."""
    return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", url)


def _said(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
