"""Batches of a day: cut-offs decide into which one a file goes, and what must come is there, also where it is empty."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.batches.floor import Floor, counts, lines, open_floor, order
from tests.gateway.obligation_story import at
from tests.gateway.resolving import ANNA, BO
from xinqiao_gateway.journal.listing import exceptions
from xinqiao_gateway.journal.obligations import materialise
from xinqiao_gateway.resolution import Wish
from xinqiao_gateway.views import obligations_view

RULES = """
obligations:
  - {id: daily-file, file: messages, from: bank, every: day, plus: 0, by: "18:00"}
cutoffs:
  - id: orders
    interface: messages
    from: bank
    batches: [{name: "1", by: "10:00"}, {name: "2", by: "15:30"}]
"""


class Clock:
    """A clock that stands."""

    def __init__(self, text: str) -> None:
        self.now = at(text)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-23 09:00")


@pytest.fixture
def floor(tmp_path: Path, clock: Clock) -> Iterator[Floor]:
    found = open_floor(tmp_path, {"obligations.yaml": RULES}, clock)
    yield found
    found.gateway.journal.close()


async def met(floor: Floor, state: str = "met") -> list[tuple[str, str]]:
    """Return rule and day of what must have come, and has."""
    reading = floor.gateway.journal.reading
    return sorted((each["rule"], each["day"]) for each in obligations_view(reading, state, 0, 100))


async def write_down(floor: Floor, now: float) -> None:
    book = floor.gateway.journal.governance.book
    for rule in book.periodic:
        await floor.gateway.journal.run(lambda c, rule=rule: materialise(c, book, rule, now))  # type: ignore[misc]


async def test_a_file_goes_into_the_batch_that_is_open_and_meets_what_is_due(floor: Floor, clock: Clock) -> None:
    await write_down(floor, clock.now)
    content = lines([order(1, orderedAt="2026-11-23T08:59:00+08:00")])
    said: dict[str, Any] = {"businessDate": "2026-11-23"}
    assert counts(await floor.take(content, floor.manifest(content, 1, **said))) == (1, 0, 0, 0)
    assert await met(floor) == [("daily-file", "2026-11-23"), ("orders-1", "2026-11-23")]
    clock.now = at("2026-11-23 11:00")
    manifest = floor.manifest(b"", 0, batchNo="B2", sequence=2, **said)
    assert counts(await floor.take(b"", manifest, interface="messages")) == (0, 0, 0, 0)
    assert ("orders-2", "2026-11-23") in await met(floor)
    assert floor.told() == []


async def test_all_records_of_a_late_file_wait_and_go_on_together(floor: Floor, clock: Clock) -> None:
    await write_down(floor, clock.now)
    clock.now = at("2026-11-23 15:31")
    content = lines([order(number, orderedAt="2026-11-23T15:00:00+08:00") for number in range(300)])
    manifest = floor.manifest(content, 300, businessDate="2026-11-23", allOrNothing=False)
    assert counts(await floor.take(content, manifest)) == (0, 0, 0, 300)
    reading = floor.gateway.journal.reading
    late = [each for each in exceptions(reading, limit=1000) if each["kind"] == "late"]
    assert {each["detail"] for each in late} == {"batch 20261123-2 of orders-2"}
    assert len(late) == 300
    desk = floor.gateway.desk
    asked = await desk.propose(ANNA, Wish("release", "agreed by phone", late[0]["exception_id"]))
    await desk.decide(BO, asked["proposal_id"], approved=True)
    assert {each["state"] for each in reading.deliveries(limit=1000)} == {"pending"}
    assert [each for each in exceptions(reading, limit=1000) if each["kind"] == "late"] == []
    assert ("orders-2", "2026-11-23") in await met(floor, "met_late")
