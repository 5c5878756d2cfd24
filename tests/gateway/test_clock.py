"""The clock: what the journal stores is dated by its own; that one went ahead and came back is said once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from tests.gateway.delivery.conftest import Desk, desk
from tests.gateway.resolving import Office, message, open_office
from xinqiao.evidence import CHAIN_TYPE
from xinqiao.message import Json
from xinqiao.seal import KeyRing, seal
from xinqiao_gateway.journal import Hold, Journal, Selection, Settlement
from xinqiao_gateway.journal.figures import figures
from xinqiao_gateway.journal.search import Search, contents
from xinqiao_gateway.journal.tables import batches, metadata
from xinqiao_gateway.surveillance import Surveillance
from xinqiao_gateway.upkeep.archiving import Archiving
from xinqiao_gateway.upkeep.manifest import read_unsealed
from xinqiao_gateway.upkeep.retention import Retention
from xinqiao_gateway.upkeep.rules import EraseRule, RetentionRules

__all__ = ["desk"]

DAY = 86_400.0
# 1 March 2031; nobody's clock says that yet.
THEN = datetime(2031, 3, 1, 9, tzinfo=UTC).timestamp()
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = open_office(tmp_path)
    office.clock.time = THEN
    yield office
    office.journal.close()


def stored(journal: Journal) -> dict[str, set[str]]:
    """Return the days of all instants that the tables hold, by column."""
    days: dict[str, set[str]] = {}
    with journal.reading.engine.begin() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    if isinstance(value, str) and (found := INSTANT.fullmatch(value)):
                        days.setdefault(f"{table.name}.{name}", set()).add(found[1])
    return days


async def settle(journal: Journal, state: str = "delivered") -> None:
    for due in await journal.lease("core", 8, 60.0):
        await journal.settle(Settlement(due.delivery_id, state, state, "", "", due_at=journal.now(), lease=due.lease))


async def test_what_is_stored_is_dated_by_the_journals_own_clock(office: Office, tmp_path: Path) -> None:
    journal, keys = office.journal, office.installation
    await office.take(message("kycApplication", "A"), message("kycApplication", "B"), message("kycApplication", "C"))
    await settle(journal, "dead")
    for number, action in enumerate(("resend", "skip", "confirm"), 1):
        await office.resolve(action, number)
    await settle(journal)
    await office.take(message("disclosureReceipt", "D"), message("disclosureReceipt", "E"))
    await office.resolve("release", 4)
    await office.resolve("suspense", 5)
    await office.take(message("kycApplication", "F"), hold=Hold("approval"))
    await office.resolve("decline", 7)
    await office.take(message("kycApplication", "G"), hold=Hold("approval"))
    await office.resolve("release", 8)
    for case_id in ("A", "B"):
        await office.approve(await office.propose("abandon", None, case_id=case_id))
    await office.approve(await office.propose("erase", None, case_id="A"))
    await office.take(message("kycApplication", "H"))
    await settle(journal, "dead")
    assert await journal.replay_selected(Selection(case="H"), office.channels.pushed, by="anna") == 1
    await settle(journal, "pending")
    await journal.lease("core", 8, -1.0)
    await settle(journal)  # of leases that ran out
    (waiting,) = await journal.waiting("partner", 0, 10)
    await journal.acknowledge("partner", waiting.cursor)
    rules = RetentionRules(erase=(EraseRule(states=("abandoned",), after="P1D", approval=False),), attempts="P1D")
    sweep = Retention(journal, office.desk, rules, "913100001000100012", keys.key, lambda: THEN + 2 * DAY)
    swept = await sweep.turn()
    assert ([each.case_id for each in swept.erased], swept.forgotten["attempts"] > 0) == (["B"], True)
    said = [each for _, each in contents(journal.reading, Search(channel="operations", message_type="exceptionNotice"))]
    assert {day for each in said for day in days(each)} == {"2031-03-01"}
    (archive, *_) = await Archiving(journal, keys.key).archive("2999-01-01", tmp_path / "out")
    found = stored(journal)
    assert {each for days in found.values() for each in days} == {"2031-03-01"}
    assert found.keys() >= {
        "archives.archived_at", "attempts.at", "batches.accepted_at", "cases.changed_at", "deliveries.changed_at",
        "erasures.erased_at", "exceptions.raised_at", "exceptions.resolved_at", "messages.accepted_at",
        "proposals.decided_at", "proposals.proposed_at",
    }  # fmt: skip
    manifest = read_unsealed(archive.with_name(archive.name.replace(".jsonl.gz", ".manifest.json")))
    assert manifest["created_at"][:10] == "2031-03-01"


async def test_what_operators_do_is_said_by_the_journals_own_clock(office: Office) -> None:
    await office.take(message("kycApplication", "A"), hold=Hold("approval"))
    await office.resolve("decline")
    said = [each for _, each in contents(office.journal.reading, Search(channel="operations"))]
    assert {day for each in said for day in days(each)} == {"2031-03-01"}
    assert [body for each in said for body in each if body != "header"] == [
        "exceptionNotice", "requestResult", "exceptionNotice",
    ]  # fmt: skip


def days(part: Any) -> set[str]:
    """Return the days of all instants in a message."""
    if isinstance(part, str):
        return {found[1]} if (found := INSTANT.fullmatch(part)) else set()
    values = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return {day for each in values for day in days(each)}


async def test_a_case_expires_and_a_lease_ends_with_its_process_at_the_time_of_the_journals_clock(
    office: Office,
) -> None:
    await office.take(message("kycApplication", "A"))
    await office.journal.lease("core", 8, 60.0)
    office.clock.time += 400 * DAY
    assert await office.journal.expire_cases() == ["A"]
    office.journal.close()
    known = office.installation
    office.journal = Journal.open(known.journal_url, known.master_key, known.key, now=office.clock)
    found = stored(office.journal)
    assert (found["attempts.at"], found["deliveries.changed_at"]) == ({"2032-04-04"}, {"2032-04-04"})
    assert found["cases.changed_at"] == {"2032-04-04"}


async def test_a_clock_that_went_ahead_and_came_back_keeps_the_order_and_is_said_once(
    desk: Desk, tmp_path: Path
) -> None:
    rounds, engine = Surveillance(desk.journal, tmp_path), desk.journal.reading.engine
    await desk.queue("A")
    desk.clock.time += 30 * DAY
    await desk.queue("B")
    with capture_logs() as logs:
        await rounds.turn()
        desk.clock.time -= 30 * DAY
        await desk.queue("C")
        for _ in range(3):
            await rounds.turn()
    said = [(each["event"], each["seconds"]) for each in logs if "clock" in each["event"]]
    assert said == [("journal is ahead of the clock", 30 * DAY)]
    assert figures(engine, desk.clock()).ahead == 30 * DAY
    first, second, third = accepted_at(desk.journal)
    assert first < second == third
    assert desk.journal.verify(KeyRing([desk.key.public()])).breaches == []
    desk.clock.time += 30 * DAY
    with capture_logs() as logs:
        await rounds.turn()
        await rounds.turn()
    assert [each["event"] for each in logs] == ["clock has caught up with the journal"]
    assert figures(engine, desk.clock()).ahead == 0


async def test_what_a_clock_signed_that_was_ahead_is_evidence_all_the_same(desk: Desk) -> None:
    await desk.queue("A")
    with desk.journal.reading.engine.begin() as connection:
        chain = connection.execute(select(batches.c.chain)).scalar_one()
    signature = seal(chain, CHAIN_TYPE, desk.key, datetime(2999, 1, 1, tzinfo=UTC)).signature
    await desk.journal.run(lambda c: c.execute(update(batches).values(signature=signature)))
    assert desk.journal.verify(KeyRing([desk.key.public()])).breaches == []


async def test_clocks_of_nodes_that_differ_by_seconds_are_nothing_to_say(desk: Desk, tmp_path: Path) -> None:
    rounds = Surveillance(desk.journal, tmp_path)
    with capture_logs() as logs:
        await rounds.turn()  # nothing was accepted yet
        await desk.queue("A")
        desk.clock.time -= 30
        await rounds.turn()
    assert (logs, await desk.journal.ahead()) == ([], 30)


def accepted_at(journal: Journal) -> list[str]:
    return [row["accepted_at"] for row, _ in rows(journal)]


def rows(journal: Journal) -> list[tuple[Json, Json]]:
    return list(contents(journal.reading, Search()))
