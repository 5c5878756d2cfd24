"""A long backlog (a million with ``--messages 1000000``): a lease costs the same, and acceptance goes on beside it."""

import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text

from tests.gateway.test_journal import accepted, entry, message, open_journal, submission
from xinqiao_gateway.journal import Journal, Settlement

# Messages of a page, and pages that one transaction copies.
_PAGE, _AT_ONCE = 500, 200
_COPY = text(
    "INSERT INTO deliveries "
    "(position, channel, state, rank, attempts, created_at, due_at, changed_at, lane, sequence) "
    "SELECT position, channel, state, rank, attempts, created_at, due_at, changed_at, lane || :page, sequence + :shift "
    "FROM deliveries WHERE sequence <= :own"
)


async def fill(journal: Journal, count: int) -> None:
    """Accept an input, and make its delivery one of many: to accept them all is not what is looked at here."""
    orders = [entry(message("subscriptionOrder", None)) for _ in range(_PAGE)]
    for outcome in await journal.submit(submission(*orders)):
        accepted(outcome)

    for first in range(1, count // _PAGE, _AT_ONCE):
        pages = range(first, min(first + _AT_ONCE, count // _PAGE))
        copies = [{"page": f"-{page}", "shift": page * _PAGE, "own": _PAGE} for page in pages]
        await journal.run(lambda connection, copies=copies: connection.execute(_COPY, copies).close())  # type: ignore[misc]


async def steps(act: Callable[[], Awaitable[object]]) -> int:
    """Return how many tens of SQLite's instructions an act takes; a look through a table is one for each row."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    def watch(connection: Connection, *_others: object) -> None:
        connection.connection.driver_connection.set_progress_handler(step, 10)  # type: ignore[union-attr]

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        await act()
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
    return count


async def test_a_lease_from_a_long_backlog_costs_as_much_as_from_a_short_one(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    count = max(request.config.getoption("--messages") // _PAGE * _PAGE, 2 * _PAGE)
    (tmp_path / "short").mkdir()
    short, long = open_journal(tmp_path / "short"), open_journal(tmp_path)
    await fill(short, 2 * _PAGE)
    await fill(long, count)
    assert long.reading.backlogs(["core"]) == {"core": count}
    costs = [await steps(lambda each=each: each.lease("core", 8, 60)) for each in (short, long)]  # type: ignore[misc]
    assert costs[0] > 10
    assert costs[1] < costs[0] * 1.5
    tracemalloc.start()
    for _ in range(10):
        (outcome,) = await long.submit(submission(entry(message("subscriptionOrder", None))))
        accepted(outcome)
        for due in await long.lease("core", 8, 60):
            await long.settle(Settlement(due.delivery_id, "delivered", "delivered", "", "", lease=due.lease))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32_000_000
    assert long.reading.backlogs(["core"])["core"] == count - 70
    for journal in (short, long):
        journal.close()
