"""Work beside the work goes on whatever happens in a turn, and says what did."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from structlog.testing import capture_logs

from xinqiao.errors import DestinationDown, JournalUnavailable
from xinqiao_gateway.rounds import again_and_again


async def test_a_turn_that_fails_is_said_and_the_next_one_comes() -> None:
    away = JournalUnavailable("away")
    faults = [away, away, DestinationDown("no answer"), ValueError("odd"), away, None]
    done = asyncio.Event()

    async def turn() -> None:
        if (fault := faults.pop(0)) is not None:
            raise fault
        done.set()

    with capture_logs() as said:
        await _until(done, turn)
    assert [(each["event"], each["log_level"], each.get("why")) for each in said] == [
        ("look failed", "warning", "away"),
        ("look failed", "warning", "no answer"),
        ("look failed", "error", None),
        ("look failed", "warning", "away"),
    ]


async def _until(done: asyncio.Event, turn: Callable[[], Awaitable[None]]) -> None:
    rounds = asyncio.create_task(again_and_again(turn, 0.0, structlog.get_logger("test"), "look"))
    await done.wait()
    rounds.cancel()
    await asyncio.gather(rounds, return_exceptions=True)
