"""A journal on a virtual clock, with messages for the channel ``core``."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.gateway.test_journal import entry, message, submission
from xinqiao.seal import SigningKey, new_key
from xinqiao_gateway.journal import Accepted, Due, Journal, Settlement, release
from xinqiao_gateway.journal.listing import exceptions

KEY = new_key("gateway-test")
START = 1_800_000_000.0


@dataclass
class Clock:
    """The time, which tests set."""

    time: float = START

    def __call__(self) -> float:
        return self.time


@dataclass
class Desk:
    """A journal, its clock, and short ways to queue, lease and settle for ``core``."""

    journal: Journal
    clock: Clock
    key: SigningKey = field(default=KEY)

    async def queue(self, *case_ids: str, body: str = "kycApplication") -> None:
        outcomes = await self.journal.submit(submission(*(entry(message(body, each)) for each in case_ids)))
        assert all(isinstance(each, Accepted) for each in outcomes)

    async def lease(self, limit: int = 8, seconds: float = 60) -> list[Due]:
        return await self.journal.lease("core", limit, seconds, longest=86_400)

    async def settle(self, due: Due, state: str = "delivered", outcome: str | None = None, at: float = 0.0) -> str:
        lease = due.lease
        return await self.journal.settle(
            Settlement(due.delivery_id, state, outcome or state, "", "", due_at=at, lease=lease)
        )

    async def replay(self, delivery_id: int) -> str:
        def act(connection: Connection) -> str:
            return release.replay(
                connection, delivery_id, lambda _channel: True, now=self.clock(), reason="mended", by="anna"
            )

        return await self.journal.run(act)

    async def skip(self, delivery_id: int, reason: str) -> str:
        return await self.journal.run(lambda c: release.skip(c, delivery_id, reason, now=self.clock(), by="anna"))

    async def confirm(self, delivery_id: int, reason: str) -> str:
        return await self.journal.run(lambda c: release.confirm(c, delivery_id, reason, now=self.clock(), by="anna"))

    def states(self) -> list[str]:
        return [each["state"] for each in self.journal.reading.deliveries(limit=1000)][::-1]

    def count(self) -> dict[str, int]:
        return Counter(each["state"] for each in self.journal.reading.deliveries(limit=100_000))

    def raised(self) -> list[str]:
        return [each["kind"] for each in exceptions(self.journal.reading)]


def open_desk(folder: Path, url: str | None = None, *, clock: Clock | None = None) -> Desk:
    clock = clock or Clock()
    url = url or f"sqlite:///{folder / 'journal.db'}"
    return Desk(Journal.open(url, folder / "master.key", KEY, now=clock), clock)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    yield desk
    desk.journal.close()
