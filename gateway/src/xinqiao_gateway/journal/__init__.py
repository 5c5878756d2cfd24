"""The journal: the durable record of all messages, the only state that must not be lost.

Knows neither transports nor formats. Writes go through one writer (``Writer``); reads never wait for it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from xinqiao.seal import KeyRing, SigningKey
from xinqiao_gateway.journal import deliveries
from xinqiao_gateway.journal.database import migrate, open_engine
from xinqiao_gateway.journal.entry import Accepted, Due, Entry, Outcome, Refused, Settlement, Submission
from xinqiao_gateway.journal.reading import Reading, Waiting
from xinqiao_gateway.journal.vault import Vault, open_vault
from xinqiao_gateway.journal.verify import Verification, verify
from xinqiao_gateway.journal.writer import Writer

__all__ = ["Accepted", "Due", "Entry", "Journal", "Outcome", "Refused", "Settlement", "Submission"]


class Journal:
    """One installation's journal. ``open`` it, ``close`` it; everything between is durable when it returns."""

    def __init__(self, engine: Engine, vault: Vault, key: SigningKey) -> None:
        writing = engine.execution_options(writing=True)
        self._engine = engine
        self._writer = Writer(writing, vault, key)
        self._listeners: list[Callable[[], None]] = []
        self.reading = Reading(engine, vault)

    @classmethod
    def open(cls, url: str, master_key: Path, key: SigningKey, *, alone: bool = True) -> Self:
        """Migrate and open a journal.

        ``alone``: no other process works on it, so the leases of one that is gone are given back.
        """
        engine = open_engine(url)
        writing = engine.execution_options(writing=True)
        migrate(writing)
        if alone:
            with writing.begin() as connection:
                deliveries.release_leases(connection)
        journal = cls(engine, open_vault(master_key), key)
        journal._writer.start()
        return journal

    def close(self) -> None:
        """Commit what waits and close the connections."""
        self._writer.stop()
        self._engine.dispose()

    def when_accepted(self, listener: Callable[[], None]) -> None:
        """Call a function after each commit that may have made a delivery due."""
        self._listeners.append(listener)

    async def submit(self, submission: Submission) -> list[Outcome]:
        """Store the messages of one input; see ``Writer.submit``."""
        outcomes = await self._writer.submit(submission)
        self._tell()
        return outcomes

    async def lease(self, channel: str, limit: int, seconds: float) -> list[Due]:
        """Lease a channel's due deliveries, at most one of each lane, with their messages."""
        leased = await self._writer.run(lambda c: deliveries.lease_due(c, channel, limit, seconds))
        return await asyncio.to_thread(self.reading.due, leased) if leased else []

    async def next_due_at(self, channel: str) -> float | None:
        """Return when the channel's next pending delivery is due (Unix seconds)."""
        return await self._writer.run(lambda c: deliveries.next_due_at(c, channel))

    async def settle(self, settlement: Settlement) -> None:
        """Record what an attempt came to."""
        await self._writer.run(lambda c: deliveries.settle(c, settlement))

    async def replay(self, delivery_id: int) -> str:
        """Make a dead or parked delivery due now; return its channel. Raises ``NotFound``."""
        channel = await self._writer.run(lambda c: deliveries.replay(c, delivery_id))
        self._tell()
        return channel

    async def waiting(self, channel: str, after: int, limit: int) -> list[Waiting]:
        """Return what a pulling channel gets after a position."""
        return await asyncio.to_thread(self.reading.waiting, channel, after, limit)

    def verify(self, keys: KeyRing) -> Verification:
        """Recompute the whole journal's evidence; see ``Verification``."""
        with self._engine.begin() as connection:
            return verify(connection, keys)

    async def acknowledge(self, channel: str, position: int) -> None:
        """Record that a pulling partner has what stands up to a position."""
        await self._writer.run(lambda c: deliveries.acknowledge(c, channel, position))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
