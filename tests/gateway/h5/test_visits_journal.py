"""Visits in the journal, on both databases: of many who come at once, one is first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from xinqiao.errors import Conflict, NotFound
from xinqiao.message import new_message_id
from xinqiao.seal import new_key
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.visit_tables import launches, visits
from xinqiao_gateway.journal.visits import (
    Arrival,
    Door,
    StoredVisit,
    at_secret,
    change_visit,
    keep_open,
    open_visit,
    state_after,
    visits_of,
)

PARTIES = "91110000100000000R|913100001000100012"


@pytest.fixture(params=["sqlite", "postgresql"])
async def journal(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Journal]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'journal.db'}"
    else:
        url = request.getfixturevalue("postgres").journal_url()
    found = Journal.open(url, tmp_path / "master.key", new_key("gateway"), now=lambda: 1_000.0)
    yield found
    await asyncio.to_thread(found.close)


def arrival(**changed: Any) -> Arrival:
    door = Door(new_message_id(), "partner-1", "CUSTOMER", "c" * 64, {"origin": "https://shop.example.com"}, 0.0)
    made = Arrival("partner", "CASE-1", "kyc-person", "", False, PARTIES, door.jti, door, idle=60.0, keep=600.0)
    return replace(made, **changed)


async def opened(journal: Journal, come: Arrival, now: float = 1_000.0) -> StoredVisit:
    vault = journal.reading.vault

    def fill(found: StoredVisit | None) -> dict[str, Any]:
        return found.content if found else {"typed": "王小明"}

    return await journal.run(lambda c: open_visit(c, vault, come, fill, now))


async def changed(journal: Journal, visit: StoredVisit, come: Arrival, text: str) -> StoredVisit:
    new = replace(visit, content={"typed": text})
    return await journal.run(
        lambda c: change_visit(c, journal.reading.vault, new, come.door, now=1_001.0, act="entered")
    )


async def test_of_many_that_use_one_launch_one_is_let_in(journal: Journal) -> None:
    come = arrival()
    tries = [opened(journal, replace(come, secret=str(number))) for number in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["Conflict"] * 19 + ["StoredVisit"]
    with journal.reading.engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(visits)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(launches)).scalar_one() == 1


async def test_of_many_launches_for_one_case_all_come_to_one_visit(journal: Journal) -> None:
    found = await asyncio.gather(*(opened(journal, arrival()) for _ in range(20)))
    assert len({each.visit_id for each in found}) == 1
    other = await opened(journal, arrival(entry="second"))
    assert other.visit_id != found[0].visit_id


async def test_of_many_changes_to_one_version_one_is_made(journal: Journal) -> None:
    come = arrival()
    visit = await opened(journal, come)
    tries = [changed(journal, visit, come, str(number)) for number in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    (made,) = [each for each in results if isinstance(each, StoredVisit)]
    assert sum(isinstance(each, Conflict) for each in results) == 19
    door, stored = at_secret(journal.reading, come.secret, 1_002.0)
    assert (door.role, stored) == ("CUSTOMER", made)
    assert made.version == 2


async def test_what_is_typed_is_not_readable_in_the_database(journal: Journal) -> None:
    await opened(journal, arrival())
    with journal.reading.engine.begin() as connection:
        row = connection.execute(select(visits)).one()
    assert "王小明".encode() not in row.content
    assert row.scope == f"case:production:{PARTIES}:CASE-1"


async def test_a_launch_is_let_go_with_its_visit(journal: Journal) -> None:
    come = arrival()
    visit = await opened(journal, come)
    await changed(journal, visit, come, "x")
    assert at_secret(journal.reading, come.secret, 1_061.0)[1] is None
    assert at_secret(journal.reading, come.secret, 1_060.0)[1] is not None
    await journal.run(lambda c: keep_open(c, come.door, 1_100.0))
    assert at_secret(journal.reading, come.secret, 1_061.0)[1] is not None
    other = arrival(case_id="CASE-2")
    await opened(journal, other, now=1_601.0)
    # A token may be taken so long: till then the launch is known as used, though nothing is shown any more.
    assert at_secret(journal.reading, come.secret, 1_601.0)[1] is None
    with pytest.raises(Conflict):
        await opened(journal, come, now=1_601.0)
    await opened(journal, arrival(case_id="CASE-3"), now=5_201.0)
    with pytest.raises(NotFound):
        at_secret(journal.reading, come.secret, 1_601.0)
    with journal.reading.engine.begin() as connection:
        (kept,) = visits_of(connection, "CASE-1", "partner")
        assert visits_of(connection, "CASE-1", "another") == []
        assert state_after(connection, other.door.jti) is not None
        assert state_after(connection, come.door.jti) is None
    assert (kept["state"], [each["act"] for each in kept["trail"]]) == ("expired", ["entered"])


async def test_what_was_submitted_stays_known_as_that(journal: Journal) -> None:
    come = arrival()
    visit, vault = await opened(journal, come), journal.reading.vault
    done = replace(visit, state="submitted")
    await journal.run(lambda c: change_visit(c, vault, done, come.door, now=1_001.0, act="submitted"))
    await opened(journal, arrival(case_id="CASE-2"), now=5_201.0)
    with journal.reading.engine.begin() as connection:
        (kept,) = visits_of(connection, "CASE-1")
        content = connection.execute(select(visits.c.content).where(visits.c.case_id == "CASE-1")).scalar_one()
    assert (kept["state"], content) == ("submitted", None)


async def test_what_was_begun_in_a_test_is_not_gone_on_with_in_earnest(journal: Journal) -> None:
    tried = await opened(journal, arrival(test=True))
    found = await opened(journal, arrival())
    assert found.visit_id != tried.visit_id
