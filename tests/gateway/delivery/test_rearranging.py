"""A channel that is pulled from now on, or pushed to: a reload strands nothing and calls nothing delivered."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.delivery.conftest import Desk, open_desk
from tests.gateway.delivery.partner import http, running
from tests.gateway.delivery.test_faults import open_line
from xinqiao.message import Json
from xinqiao_gateway.delivery import Dispatcher
from xinqiao_gateway.settings import Settings
from xinqiao_gateway.surveillance import Surveillance


@pytest.fixture(params=["sqlite", "postgresql"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    url = request.getfixturevalue("postgres").journal_url() if request.param == "postgresql" else None
    desk = open_desk(tmp_path, url)
    yield desk
    desk.journal.close()


async def page(desk: Desk, after: int = 0) -> list[int]:
    return [each.delivery_id for each in await desk.journal.waiting("core", after, 10)]


async def test_what_a_loop_gives_back_comes_after_the_page_that_was_handed_out(either: Desk) -> None:
    await either.queue("A", "B", "C")
    (due,) = await either.lease(limit=1)
    await either.journal.rearrange("core", pushed=False)
    handed = await either.journal.waiting("core", 0, 10)
    assert [each.delivery_id for each in handed] == [2, 3]
    await either.journal.give_back([due.delivery_id])
    await either.journal.rearrange("core", pushed=False)
    await either.journal.acknowledge("core", handed[-1].cursor)
    assert either.states() == ["waiting", "delivered", "delivered"]
    assert await page(either, handed[-1].cursor) == [1]


async def test_done_again_it_changes_nothing(desk: Desk) -> None:
    await desk.queue("A", "B")
    await desk.journal.rearrange("core", pushed=False)
    before = desk.journal.reading.deliveries()
    await desk.journal.rearrange("core", pushed=False)
    assert desk.journal.reading.deliveries() == before


async def test_a_round_frees_what_ended_under_the_way_that_was_before(desk: Desk, tmp_path: Path) -> None:
    pushed = {"core": False}
    rounds = Surveillance(desk.journal, tmp_path, lambda: pushed)
    await desk.queue("A", "B")
    (first, _second) = await desk.lease()
    await desk.settle(first, "pending", "failed")
    await rounds.turn()
    assert desk.states() == ["waiting", "leased"]
    desk.clock.time += 61  # nobody settles it any more
    await rounds.turn()
    assert (desk.states(), await page(desk)) == (["waiting", "waiting"], [1, 2])
    pushed["core"] = True
    await rounds.turn()
    assert [each.delivery_id for each in await desk.lease()] == [1, 2]


async def test_what_ends_under_the_old_loop_waits_for_the_partner_that_pulls_now(desk: Desk, tmp_path: Path) -> None:
    go_on = threading.Event()

    def busy(_got: Json) -> Iterator[bytes]:
        go_on.wait(10)
        yield http(503)

    with running(busy) as partner:
        line = open_line(desk, partner)
        loops = Dispatcher(desk.journal, [line.channel], desk.key, Settings(), desk.clock)
        await desk.queue("A", "A")
        loops.start()
        async with asyncio.timeout(20):
            while not partner.got:
                await asyncio.sleep(0.01)
            loops.replace([replace(line.channel, push=None)], Settings(), {"core"})
            await desk.journal.rearrange("core", pushed=False)
            assert desk.states() == ["leased", "waiting"]
            go_on.set()
            while desk.states() != ["waiting", "waiting"]:
                await asyncio.sleep(0.01)
        await loops.stop()
    await line.loop.close()
    assert await page(desk) == [2, 1]
