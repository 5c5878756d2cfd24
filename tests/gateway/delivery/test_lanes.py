"""Leases and lanes: one holder at a time, order within a case, and a bounded search however long the queue."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection

from tests.gateway.conftest import BANK, TRUST
from tests.gateway.delivery.conftest import Desk, open_desk
from tests.gateway.test_journal import entry, message, submission
from tests.gateway.test_migrations import old, open_old, url
from tests.postgres import Postgres
from xinqiao.errors import JournalUnavailable
from xinqiao.message import Header, Json
from xinqiao_gateway.journal import Accepted, leases
from xinqiao_gateway.journal.lanes import lane_of
from xinqiao_gateway.journal.leases import lease_due

__all__ = ["old", "url"]

OTHER_BANK = "91110000100000001X"


def away(*_: object) -> Any:
    raise JournalUnavailable("as if this answer was lost")


@pytest.fixture(params=["sqlite", "postgresql"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    url = request.getfixturevalue("postgres").journal_url() if request.param == "postgresql" else None
    desk = open_desk(tmp_path, url)
    yield desk
    desk.journal.close()


async def test_a_lane_goes_in_order_and_lanes_go_side_by_side(either: Desk) -> None:
    await either.queue("A", "A", "B", "A")
    order = []
    while leased := await either.lease():
        order.append([each.position for each in leased])
        for due in leased:
            await either.settle(due)
    assert order == [[1, 3], [2], [4]]


async def test_a_directive_goes_before_its_case_and_past_its_dead_letters(either: Desk) -> None:
    await either.queue("A", "A", "B")
    (first, _) = await either.lease()
    await either.settle(first, "dead")
    await either.queue("A", body="regulatorDirective")
    (directive,) = await either.lease()
    assert directive.position == 4
    await either.skip(first.delivery_id, "agreed by telephone")
    assert await either.lease() == []  # the case waits until the directive is there
    await either.settle(directive)
    assert [each.position for each in await either.lease()] == [2]


@pytest.mark.parametrize("state", ["dead", "held"])
async def test_what_waits_for_a_person_keeps_its_lane_back_and_no_other(desk: Desk, state: str) -> None:
    await desk.queue("A", "A", "B")
    first, other = await desk.lease()
    await desk.settle(first, state)
    await desk.settle(other)
    assert await desk.lease() == []
    assert desk.raised() == [{"dead": "dead_letter", "held": "unknown_outcome"}[state]]


async def test_a_settlement_counts_once_and_by_its_lease_only(desk: Desk) -> None:
    await desk.queue("A")
    (before,) = await desk.lease(seconds=60)
    desk.clock.time += 61
    (due,) = await desk.lease()
    assert (due.unknown, due.attempts) == (True, 1)
    assert await desk.settle(before, "dead") == "leased"
    assert await desk.settle(due, "pending", "failed", at=desk.clock.time) == "pending"
    assert await desk.settle(due, "dead") == "pending"
    (delivery,) = desk.journal.reading.deliveries()
    assert [each["outcome"] for each in delivery["tried"]] == ["unknown", "failed"]
    assert delivery["attempts"] == 2


async def test_evidence_of_delivery_counts_whoever_brings_it_and_resolves_what_was_raised(desk: Desk) -> None:
    await desk.queue("A", "A")
    (before,) = await desk.lease()
    desk.clock.time += 61
    (again,) = await desk.lease()
    await desk.settle(again, "dead")
    assert await desk.settle(before, "delivered") == "delivered"
    assert await desk.settle(before, "delivered") == "delivered"
    assert desk.raised() == []
    (delivery, _) = desk.journal.reading.deliveries()[::-1]
    assert [each["outcome"] for each in delivery["tried"]] == ["unknown", "dead", "delivered"]
    assert [each.position for each in await desk.lease()] == [2]


async def test_leases_of_a_process_that_is_gone_are_of_unknown_outcome(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    await desk.queue("A")
    await desk.lease()
    desk.journal.close()
    again = open_desk(tmp_path)
    (due,) = await again.lease()
    assert due.unknown
    again.journal.close()


async def test_a_lease_that_never_reached_its_holder_is_given_out_again_as_nothing_was_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.queue("A", "B")
    (_handed,) = await desk.lease(limit=1)
    with monkeypatch.context() as lost:
        lost.setattr(leases, "read", away)
        with pytest.raises(JournalUnavailable):
            await desk.lease()
    desk.clock.time += 61
    due = await desk.journal.lease("core", 8, 60, busy=[1])
    assert [(each.delivery_id, each.attempts, each.unknown) for each in due] == [(2, 0, False)]


async def test_what_was_handed_out_and_never_settled_is_unknown_once_its_lease_ran_out(desk: Desk) -> None:
    await desk.queue("A")
    await desk.lease()
    assert await desk.lease() == []
    desk.clock.time += 61
    assert [(each.attempts, each.unknown) for each in await desk.lease()] == [(1, True)]


async def test_what_was_given_back_is_leased_again_as_not_sent(desk: Desk) -> None:
    await desk.queue("A")
    (due,) = await desk.lease()
    await desk.journal.give_back([due.delivery_id])
    assert [(each.attempts, each.unknown) for each in await desk.lease()] == [(0, False)]


async def test_a_node_with_shorter_leases_leaves_those_of_others_alone(tmp_path: Path, postgres: Postgres) -> None:
    desk, other = (open_desk(tmp_path, url) for url in [postgres.journal_url()] * 2)
    await desk.queue("A")
    await desk.lease(seconds=3600)
    assert await other.lease(seconds=20) == []
    desk.journal.close()
    other.journal.close()


def between(sender: str, receiver: str, body: str = "kycApplication") -> Json:
    found = message(body, "A")
    return {**found, "header": {**found["header"], "sender": sender, "receiver": receiver}}


async def test_a_dead_letter_of_one_pair_of_institutions_keeps_back_no_case_of_another(either: Desk) -> None:
    await either.queue("A")
    (due,) = await either.lease()
    await either.settle(due, "dead")
    sent = entry(between(OTHER_BANK, TRUST), channel="bank2")
    (outcome,) = await either.journal.submit(submission(sent))
    assert isinstance(outcome, Accepted)
    assert [each.position for each in await either.lease()] == [2]


async def test_a_directive_keeps_back_every_case_of_its_id_of_its_receiver_and_no_other(either: Desk) -> None:
    sent = (
        between(OTHER_BANK, BANK, "regulatorDirective"),
        between(BANK, TRUST),
        between(OTHER_BANK, TRUST),
        between(BANK, OTHER_BANK),
    )
    for each in sent:
        (outcome,) = await either.journal.submit(submission(entry(each)))
        assert isinstance(outcome, Accepted)
    directive, free = await either.lease()
    assert (directive.position, free.position) == (1, 3)
    await either.settle(directive)
    assert [each.position for each in await either.lease()] == [2, 4]


async def test_a_clock_that_jumps_stops_no_lease_and_no_schedule(desk: Desk) -> None:
    await desk.queue("A", "B")
    (first, second) = await desk.lease()
    await desk.settle(first, "pending", "failed", at=desk.clock.time + 3600)
    desk.clock.time -= 30 * 86_400
    due = await desk.lease()
    assert [(each.delivery_id, each.unknown) for each in due] == [(1, False), (2, True)]
    assert second.delivery_id == 2


async def test_what_is_accepted_by_a_clock_ahead_goes_out_once_that_is_right(desk: Desk) -> None:
    desk.clock.time += 3600
    await desk.queue("A", "A")
    desk.clock.time -= 3600
    await desk.journal.hasten("core")
    (first,) = await desk.lease()
    await desk.settle(first)
    assert [each.position for each in await desk.lease()] == [2]


async def test_one_that_cannot_be_read_is_a_dead_letter_and_stops_no_other(desk: Desk) -> None:
    await desk.queue("A", "B")
    with desk.journal.reading.engine.begin() as connection:
        connection.execute(text(r"UPDATE data_keys SET wrapped = x'' WHERE scope LIKE '%\:A'"))
    assert [each.position for each in await desk.lease()] == [2]
    assert (desk.states(), desk.raised()) == (["dead", "leased"], ["dead_letter"])


def fill(folder: Path, count: int, lanes: int, head: int) -> None:
    """Queue rows in SQL: ``head`` in one lane whose first is dead, then ``count`` over some lanes."""
    rows = (
        (n, "HEAD" if n <= head else f"L{n % lanes}", n, "dead" if n == 1 and head else "pending")
        for n in range(1, head + count + 1)
    )
    with closing(sqlite3.connect(folder / "journal.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO deliveries (position, channel, lane, sequence, rank, state, attempts, created_at, due_at,"
            " changed_at) VALUES (?, 'core', ?, ?, 1, ?, 0, 0, 0, '')",
            rows,
        )


class Work:
    """Counts the steps of SQLite's machine, in thousands, that a connection takes."""

    def __init__(self, connection: Connection) -> None:
        self.thousands = 0
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(self._count, 1000)

    def _count(self) -> int:
        self.thousands += 1
        return 0


def lease_work(desk: Desk, *, rounds: int) -> list[int]:
    """Lease and settle nothing; return the steps of each search."""
    engine = desk.journal.reading.engine
    taken = []
    with engine.connect() as connection:
        work = Work(connection)
        for each in range(rounds):
            before = work.thousands
            lease_due(connection, "core", 8, 60, now=1e9, lease=f"x:{each}", longest=86_400)
            taken.append(work.thousands - before)
        connection.rollback()
    return taken


@pytest.mark.parametrize("head", [0, 1000])
async def test_a_search_costs_no_more_in_a_long_queue_or_behind_a_long_lane(
    tmp_path: Path, request: pytest.FixtureRequest, head: int
) -> None:
    size = request.config.getoption("--messages")
    costs = []
    for name, count in (("short", 1000), ("long", max(10 * size, 20_000))):
        folder = tmp_path / name
        folder.mkdir()
        desk = open_desk(folder)
        fill(folder, count, lanes=count // 2, head=head * count // 1000)
        costs.append(max(lease_work(desk, rounds=5)))
        desk.journal.close()
    assert costs[1] <= 2 * costs[0] + 20, costs


async def test_every_delivery_behind_a_long_lane_is_found_in_the_end(desk: Desk, tmp_path: Path) -> None:
    fill(tmp_path, 5, lanes=100, head=3000)
    with desk.journal.reading.engine.connect() as connection:
        found: list[int] = []
        for each in range(20):
            leased = lease_due(connection, "core", 8, 60, now=1e9, lease=f"x:{each}", longest=86_400)
            found += [one.delivery_id for one in leased]
        connection.rollback()
    assert found == [3001, 3002, 3003, 3004, 3005]


def test_the_search_reads_an_index_in_its_order_and_sorts_nothing(desk: Desk) -> None:
    plans: list[str] = []

    def explain(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT deliveries.delivery_id, deliveries.created_at"):
            plans.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

    with desk.journal.reading.engine.connect() as connection:
        event.listen(desk.journal.reading.engine, "before_cursor_execute", explain)
        lease_due(connection, "core", 8, 60, now=1e9, lease="x:1")
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") or "TEMP B-TREE" in plan], plans


async def test_what_waited_before_the_upgrade_is_in_the_lane_of_what_comes_after_it(
    old: tuple[str, Json], tmp_path: Path
) -> None:
    journal = open_old(old[0], tmp_path)
    waiting = [each for each in journal.reading.deliveries() if each["state"] != "delivered"]
    headers = [Header.of(journal.reading.message(each["message_id"])["message"]) for each in waiting]
    assert [each["lane"] for each in waiting] == [lane_of(each, is_directive=False) for each in headers]
    assert any(":" in each["lane"] for each in waiting)
    journal.close()
