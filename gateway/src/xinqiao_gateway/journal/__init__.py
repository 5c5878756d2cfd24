"""The journal: the durable record of all messages, the only state that must not be lost.

Knows neither transports nor formats. Writes go through one writer (``Writer``); reads never wait for it.
"""

import asyncio
import math
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from xinqiao.errors import JournalUnavailable, SettingsInvalid
from xinqiao.seal import KeyRing, SigningKey
from xinqiao_gateway.journal import deliveries, leases, release, rounds
from xinqiao_gateway.journal.database import (
    check_durability,
    check_master_key,
    is_empty,
    is_shared,
    migrate,
    open_engine,
)
from xinqiao_gateway.journal.dissolving import dissolve
from xinqiao_gateway.journal.entry import (
    Accepted,
    Due,
    Effect,
    Entry,
    Follow,
    Hold,
    Outcome,
    Refused,
    Settlement,
    Submission,
    refused,
)
from xinqiao_gateway.journal.figures import ahead
from xinqiao_gateway.journal.governance import Governance
from xinqiao_gateway.journal.reading import Reading, Waiting
from xinqiao_gateway.journal.release import Selected, Selection
from xinqiao_gateway.journal.vault import MasterKey, Vault, open_vault
from xinqiao_gateway.journal.verify import Verification, verify
from xinqiao_gateway.journal.writer import Writer
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = [
    "Accepted",
    "Due",
    "Effect",
    "Entry",
    "Follow",
    "Governance",
    "Hold",
    "Journal",
    "Outcome",
    "Refused",
    "Selected",
    "Selection",
    "Settlement",
    "Submission",
    "Waiting",
    "is_shared",
    "refused",
]

P = ParamSpec("P")
T = TypeVar("T")

# Reads at once; fewer than the connections that readers may have (15), so that what reads beside them finds one.
_READERS = 8


class Journal:
    """One installation's journal: ``open`` it, ``close`` it; what it returns in between is durable."""

    def __init__(
        self,
        writing: Engine,
        reading: Engine,
        vault: Vault,
        key: SigningKey,
        now: Callable[[], float],
        observer: Observer = NOBODY,
    ) -> None:
        self._engines = (writing, reading)
        self._writer = Writer(writing, vault, key, now, observer)
        self.now = now
        self._holder = secrets.token_hex(8)
        self._is_shared = reading.dialect.name == "postgresql"
        # By channel, what was leased to a caller that has neither settled it nor given it back: it may have been sent.
        self._handed: dict[str, set[int]] = {}
        self._listeners: list[Callable[[Iterable[str]], None]] = []
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="journal-reader")
        self.reading = Reading(reading, vault)

    @classmethod
    def open(
        cls,
        url: str,
        master_key: Path | MasterKey,
        key: SigningKey,
        *,
        alone: bool = True,
        now: Callable[[], float] = time.time,
        observer: Observer = NOBODY,
    ) -> Self:
        """Migrate and open a journal; ``now`` is the clock (Unix seconds).

        ``alone``: no other process delivers from it, so the leases of one that is gone are given back; on a database
        of several nodes they run out instead. Raises ``KeyUnusable`` where the master key is not the one that this
        journal was begun with, ``SettingsInvalid`` where the database cannot be opened.
        """
        # The writer has a connection of its own, so that no number of readers keeps it waiting.
        with ExitStack() as undo:
            try:
                writing = open_engine(url, writing=True)
                undo.callback(writing.dispose)
                migrate(writing)
                with writing.begin() as connection:
                    check_durability(connection)
                    vault = open_vault(master_key, is_new=is_empty(connection))
                    check_master_key(connection, vault)
                    if alone and not is_shared(url):
                        leases.release_leases(connection, now())
            except (SQLAlchemyError, CommandError) as error:
                raise SettingsInvalid(f"the journal at {_shown(url)} cannot be opened: {_said(error)}") from error
            undo.pop_all()
        journal = cls(writing, open_engine(url), vault, key, now, observer)
        journal._writer.start()
        return journal

    def close(self) -> None:
        """Commit what waits, let reads under way end, and close the connections."""
        self._writer.stop()
        # Whoever waited for a read may be gone; its thread has a connection until it ends.
        self._readers.shutdown()
        for engine in self._engines:
            engine.dispose()

    def govern(self, governance: Governance) -> None:
        """Apply these rules from the next commit on."""
        self._writer.governance = governance

    @property
    def governance(self) -> Governance:
        """The rules that commits apply now."""
        return self._writer.governance

    def healthy(self) -> bool:
        """Whether it takes messages: its writer runs, and what that wrote last reached the disk."""
        return self._writer.running and self._writer.available

    def when_accepted(self, listener: Callable[[Iterable[str]], None]) -> None:
        """Call a function with the channels that a commit may have made a delivery due for."""
        self._listeners.append(listener)

    async def submit(self, submission: Submission) -> list[Outcome]:
        """Store the messages of one input; see ``Writer.submit``."""
        outcomes = await self._writer.submit(submission)
        self._tell({channel for entry in submission.entries for channel, _ in entry.destinations})
        return outcomes

    async def run(self, act: Callable[[Connection], T], lane: str = "") -> T:
        """Run a function inside the writer's next transaction, in the turn of a lane; see ``Writer.run``."""
        return await self._writer.run(act, lane)

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that reads the journal, beside the event loop; ``close`` waits for its end.

        Raises ``JournalUnavailable`` once the journal is closed.
        """
        try:
            read = self._readers.submit(function, *args, **kwargs)
        except RuntimeError as error:
            raise JournalUnavailable("the journal is closed") from error
        return await asyncio.wrap_future(read)

    async def beat(self) -> None:
        """Record that this node lives; that it could is what readiness rests on."""
        await self._writer.run(lambda c: rounds.beat(c, self._holder, self.now()))

    async def leads(self) -> bool:
        """Say whether it is on this node to do what one alone should do, of those on the database that live."""
        if not self._is_shared:
            return True
        return await self.read(rounds.leads, self.reading.engine, self._holder, self.now())

    async def ahead(self) -> float:
        """Return by how many seconds the last message is dated after now; see ``figures.ahead``."""

        def read() -> float:
            with self.reading.engine.begin() as connection:
                return ahead(connection, self.now())

        return await self.read(read)

    async def expire_cases(self) -> list[str]:
        """Let cases expire whose time is over; return their ids."""
        return await self._writer.run(lambda c: rounds.expire_cases(c, self.now()))

    def look_again(self, channels: Iterable[str]) -> None:
        """Let whoever delivers to channels look for what may have become due."""
        self._tell(channels)

    async def lease(
        self,
        channel: str,
        limit: int,
        seconds: float,
        *,
        busy: Collection[int] = (),
        longest: float = math.inf,
    ) -> list[Due]:
        """Lease a channel's due deliveries, at most one of each lane, with their messages; see ``lease_due``.

        One whose contents cannot be read any more, e.g. because its key was destroyed, becomes a dead letter. What an
        earlier call leased and could not return was not sent, and is leased again as that.
        """
        lease = f"{self._holder}:{secrets.token_hex(8)}"
        handed = self._handed.setdefault(channel, set())
        known = frozenset(handed)

        def act(connection: Connection) -> tuple[set[int], list[leases.Leased]]:
            kept = leases.return_lost(connection, channel, lease, known)
            return kept, leases.lease_due(
                connection, channel, limit, seconds, now=self.now(), lease=lease, busy=busy, longest=longest
            )

        kept, leased = await self._deliver(channel, act)
        handed &= kept
        if not leased:
            return []
        due, unreadable = await self.read(leases.read, self.reading, leased, lease)
        for settlement in unreadable:
            await self.settle(settlement)
        handed.update(each.delivery_id for each in due)
        return due

    async def give_back(self, delivery_ids: Iterable[int]) -> None:
        """Give back leases of this journal's own under which nothing was sent."""
        ids = list(delivery_ids)
        self._forget(ids)
        if ids:
            await self._writer.run(lambda c: leases.give_back(c, ids, self._holder))

    async def hasten(self, channel: str) -> None:
        """Make everything due that waits for its next attempt, after a clock was set back."""
        await self._deliver(channel, lambda c: leases.hasten(c, channel, self.now()))

    async def next_due_at(self, channel: str) -> float | None:
        """Return when the channel's next delivery becomes due by itself (Unix seconds)."""
        return await self._deliver(channel, lambda c: leases.next_due_at(c, channel))

    async def settle(self, settlement: Settlement) -> str:
        """Record what an attempt came to, once; return the delivery's state after it. See ``deliveries.settle``."""
        state = await self._writer.run(lambda c: deliveries.settle(c, settlement, self.now()))
        if state != "leased":  # else it is leased anew, and that is not settled
            self._forget([settlement.delivery_id])
        return state

    def _forget(self, delivery_ids: Iterable[int]) -> None:
        for handed in self._handed.values():
            handed.difference_update(delivery_ids)

    async def rearrange(self, channel: str, pushed: bool) -> None:
        """Fit a channel's deliveries to whether it is pushed to now; done again, it changes nothing."""
        await self.rearrange_all({channel: pushed})

    async def rearrange_all(self, channels: Mapping[str, bool]) -> None:
        """Fit the deliveries of channels to whether each is pushed to now; done again, it changes nothing."""

        def act(connection: Connection) -> None:
            for channel, pushed in channels.items():
                if not pushed:
                    dissolve(connection, channel, self.now())
                deliveries.rearrange(connection, channel, pushed, self.now())

        await self._writer.run(act)

    async def selected(self, selection: Selection, limit: int = 1000) -> Selected:
        """Return what ``replay_selected`` would replay, and change nothing. Raises ``MalformedQuery``."""
        return await self.read(self._selected, selection, limit)

    def _selected(self, selection: Selection, limit: int) -> Selected:
        with self.reading.engine.begin() as connection:
            return release.selected(connection, selection, limit)

    async def replay_selected(
        self, selection: Selection, pushed: Callable[[str], bool], *, by: str, reason: str = ""
    ) -> int:
        """Replay what a selection finds, a page in each commit; return how many. Raises ``MalformedQuery``.

        ``by`` is the operator in whose name it happens; it is kept with the attempts and the exceptions resolved.
        """
        count, after = 0, 0
        while True:
            page = await self._writer.run(
                lambda c, after=after: release.replay_selected(  # type: ignore[misc]
                    c, selection, pushed, now=self.now(), reason=reason, by=by, after=after
                )
            )
            if not page.count:
                return count
            count, after = count + page.count, page.deliveries[-1]["delivery_id"]
            self._tell({each["channel"] for each in page.deliveries})

    async def _deliver(self, channel: str, act: Callable[[Connection], T]) -> T:
        """Run an act of a channel's delivery in the writer's turn for that, so that no channel's loop delays others."""
        return await self._writer.run(act, f"deliver {channel}")

    async def waiting(self, channel: str, after: int, limit: int) -> list[Waiting]:
        """Return what a pulling channel gets after a cursor."""
        return await self.read(self.reading.waiting, channel, after, limit)

    async def acknowledge(self, channel: str, cursor: int) -> None:
        """Record that a pulling partner has what came up to a cursor."""
        await self._writer.run(lambda c: deliveries.acknowledge(c, channel, cursor, self.now()))

    def verify(self, keys: KeyRing, archives: Path | None = None) -> Verification:
        """Recompute the whole journal's evidence, and look at the archives in a folder; see ``Verification``."""
        with self.reading.engine.begin() as connection:
            return verify(connection, keys, self.reading.vault, archives)

    def _tell(self, channels: Iterable[str]) -> None:
        for listener in self._listeners:
            listener(channels)


def _shown(url: str) -> str:
    """Return a database URL without its password."""
    return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", url)


def _said(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
