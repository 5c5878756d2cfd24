"""Which of several nodes on one database does what one alone should do."""

from pathlib import Path

from tests.postgres import Postgres
from xinqiao.seal import new_key
from xinqiao_gateway.journal import Journal

KEY = new_key("node-1")


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_the_node_that_has_lived_longest_leads_and_the_next_one_after_it(
    tmp_path: Path, postgres: Postgres
) -> None:
    url, clock = postgres.url(), Clock()
    first, second = (Journal.open(url, tmp_path / "master.key", KEY, now=clock) for _ in range(2))
    try:
        assert not await first.leads()  # it has not said yet that it lives
        await first.beat()
        clock.now += 1
        await second.beat()
        assert (await first.leads(), await second.leads()) == (True, False)
        clock.now += 15
        await second.beat()
        assert (await first.leads(), await second.leads()) == (False, True)
        await first.beat()
        assert (await first.leads(), await second.leads()) == (True, False)
    finally:
        first.close()
        second.close()


async def test_who_is_alone_on_its_journal_leads_at_once(tmp_path: Path) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "master.key", KEY)
    try:
        assert await journal.leads()
    finally:
        journal.close()
