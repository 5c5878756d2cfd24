"""Search: pages without gaps or doubles, by every field and by time, through indexes."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tests.gateway.test_journal import KEY, entry, message, submission
from xinqiao.errors import MalformedQuery
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.search import Search, found

START = datetime(2026, 11, 23, tzinfo=UTC)
COUNT = 3000
INPUT = 50


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def journal(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Journal]:
    """3,000 messages, 50 in each batch, a batch an hour."""
    folder: Path = tmp_path_factory.mktemp("search")
    url = request.getfixturevalue("postgres").journal_url() if request.param == "postgresql" else None
    clock = [START.timestamp()]
    journal = Journal.open(
        url or f"sqlite:///{folder / 'journal.db'}", folder / "master.key", KEY, now=lambda: clock[0]
    )

    async def fill() -> None:
        for first in range(0, COUNT, INPUT):
            await journal.submit(submission(*(made(number) for number in range(first, first + INPUT))))
            clock[0] += 3600

    asyncio.run(fill())
    yield journal
    journal.close()


def made(number: int) -> Any:
    kind = "kycApplication" if number % 3 else "subscriptionOrder"
    sent = message(kind, f"C{number // 10}" if number % 3 else None)
    sent["header"] |= {"partnerSerial": f"S{number % 100}"}
    return entry(sent, channel=f"bank-{number % 4}")


def positions(journal: Journal, search: Search, limit: int = 10_000) -> list[int]:
    return [row["position"] for row in found(journal.reading, search, limit)]


def at(hours: int) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("limit", [1, 7, 100, 999])
@pytest.mark.parametrize("asked", [Search(channel="bank-1"), Search(partner_serial="S7"), Search(case_id="C17")])
def test_pages_together_are_what_is_found_at_once(journal: Journal, asked: Search, limit: int) -> None:
    whole, paged, after = positions(journal, asked), [], 0
    while page := positions(journal, Search(**(fields(asked) | {"after": after})), limit):
        assert len(page) <= limit
        paged += page
        after = page[-1]
    assert paged == whole != []


def fields(search: Search) -> dict[str, Any]:
    return {name: getattr(search, name) for name in Search.__slots__}


def test_each_field_finds_what_has_it_and_nothing_else(journal: Journal) -> None:
    everything = range(COUNT)
    expected = {
        Search(): list(everything),
        Search(message_type="subscriptionOrder"): [n for n in everything if n % 3 == 0],
        Search(channel="bank-2"): [n for n in everything if n % 4 == 2],
        Search(partner_serial="S42"): [n for n in everything if n % 100 == 42],
        Search(case_id="C4"): [n for n in range(40, 50) if n % 3],
        Search(channel="bank-2", message_type="kycApplication"): [n for n in everything if n % 4 == 2 and n % 3],
        Search(test=True): [],
        Search(case_id="C4' OR '1'='1"): [],
        Search(since=at(10), until=at(12)): list(range(500, 600)),
        Search(since="2026-11-24", until="2026-11-25"): list(range(1200, 2400)),
        Search(since=at(59)): list(range(2950, 3000)),
        Search(since="2027-01-01"): [],
        Search(until="2026-01-01"): [],
        Search(since=at(10), after=560): list(range(560, 3000)),
    }
    for search, numbers in expected.items():
        assert positions(journal, search) == [number + 1 for number in numbers], search


def test_one_message_is_found_by_its_id(journal: Journal) -> None:
    (row,) = found(journal.reading, Search(after=1233), 1)
    assert found(journal.reading, Search(message_id=row["message_id"])) == [row]


def test_a_time_that_is_none_is_refused(journal: Journal) -> None:
    with pytest.raises(MalformedQuery, match="no date"):
        found(journal.reading, Search(since="yesterday"))


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Search(case_id="C17"), "ix_messages_case_id_position"),
        (Search(message_id="nothing"), "ix_messages_message_id"),
        (Search(message_type="none"), "ix_messages_message_type_position"),
        (Search(channel="none"), "ix_messages_channel_position"),
        (Search(partner_serial="none"), "ix_messages_partner_serial"),
        (Search(since=at(20), until=at(21)), "PRIMARY KEY|pk_messages"),
    ],
)
def test_indexes_are_used(journal: Journal, asked: Search, index: str) -> None:
    engine, plans = journal.reading.engine, list[str]()

    def explain(connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
        if "FROM messages" in statement and "max" not in statement and not many:
            prefix = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
            with closing(connection.connection.dbapi_connection.cursor()) as other:
                plans.append(" ".join(str(row) for row in other.execute(f"{prefix} {statement}", given).fetchall()))

    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE messages"))
    event.listen(engine, "before_cursor_execute", explain)
    try:
        found(journal.reading, asked)
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    assert any(name in plans[-1] for name in index.split("|")), plans
