"""Admission: what a channel takes beyond its limits is refused or waits, and costs another no more than a piece."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.faults.conftest import equip, fresh, reason, serve
from tests.gateway.conftest import message
from xinqiao.errors import Overloaded, RateLimited
from xinqiao.message import write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, seal
from xinqiao_gateway.admission import Admission, Allowance
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.intake import Acceptance, Raw
from xinqiao_gateway.journal import Accepted

START = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


def admission(clock: Clock | None = None, **limits: Any) -> Admission:
    allowance = Allowance(**({"concurrency": 512} | limits))
    return Admission(dict.fromkeys(("flood", "quiet"), allowance), clock or Clock(), lambda _channel: 5)


async def enter(found: Admission, channel: str = "flood") -> None:
    async with found.entered(channel):
        found.count(channel, 1)


async def test_a_channel_may_send_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    found = admission(clock, rate=2, burst=3)
    for _ in range(3):
        await enter(found)
    with pytest.raises(RateLimited) as refused:
        await enter(found)
    assert refused.value.retry_in == pytest.approx(0.5)
    clock.time += 0.5
    await enter(found)
    with pytest.raises(RateLimited):
        await enter(found)
    await enter(found, "quiet")


async def test_what_many_send_at_once_does_not_slip_past_the_rate() -> None:
    found = admission(rate=1, burst=3)
    held = [found.entered("flood") for _ in range(3)]
    for each in held:
        await each.__aenter__()
    with pytest.raises(RateLimited):
        await enter(found)
    for each in held:
        await each.__aexit__(None, None, None)


async def test_a_large_input_is_counted_by_its_messages_and_waited_for_after_it() -> None:
    clock = Clock()
    found = admission(clock, rate=10, burst=10)
    async with found.entered("flood"):
        found.count("flood", 110)
    with pytest.raises(RateLimited) as refused:
        await enter(found)
    assert refused.value.retry_in == pytest.approx(10.1)
    clock.time += refused.value.retry_in or 0
    await enter(found)


async def test_what_was_not_the_channels_own_does_not_use_up_its_rate() -> None:
    found = admission(rate=1, burst=1)
    for _ in range(10):
        async with found.entered("flood"):
            found.count("flood", 0)
    await enter(found)


async def test_a_clock_that_goes_back_gives_nothing_and_stops_nothing() -> None:
    clock = Clock()
    found = admission(clock, rate=1, burst=1)
    await enter(found)
    clock.time -= 3600
    with pytest.raises(RateLimited):
        await enter(found)
    clock.time += 1
    await enter(found)


async def test_inputs_under_way_and_bodies_being_read_are_bounded_for_each_channel() -> None:
    found = admission(concurrency=1)
    async with found.entered("flood"):
        with pytest.raises(RateLimited, match="under way"):
            await enter(found)
        await enter(found, "quiet")
    await enter(found)
    with found.reading("flood"):
        with pytest.raises(RateLimited, match="being read"), found.reading("flood"):
            pass
        with found.reading("quiet"):
            pass
    with found.reading("flood"):
        pass


def test_a_full_queue_names_its_destination() -> None:
    with pytest.raises(Overloaded, match="5 deliveries wait for channel flood"):
        admission(queue=5).check_queue("flood")
    admission(queue=6).check_queue("flood")


async def test_a_thousand_pieces_of_one_channel_delay_anothers_by_one() -> None:
    found, done = admission(concurrency=2000), []

    async def piece(channel: str) -> None:
        async with found.entered(channel):
            await found.turn(channel)
            done.append(channel)

    async def several() -> None:
        async with found.entered("flood"):
            for _ in range(1000):
                await found.turn("flood")
                done.append("flood")

    large = asyncio.create_task(several())
    async with found.entered("quiet"):
        await asyncio.sleep(0)
        before = len(done)
        await found.turn("quiet")
        assert len(done) - before <= 1
    await asyncio.gather(large, piece("quiet"))


async def test_beside_another_channel_only_a_few_inputs_are_on_their_way_and_the_rest_keep_their_order() -> None:
    found, order = admission(), []
    inside = 0

    async def take(number: int) -> None:
        nonlocal inside
        async with found.entered("flood"):
            found.count("flood", 1)
            inside += 1
            assert inside <= 4
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await enter(found, "quiet")
    tasks = [asyncio.create_task(take(number)) for number in range(100)]
    await asyncio.sleep(0)
    tasks[50].cancel()
    async with asyncio.timeout(10):
        await enter(found, "quiet")
        await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [number for number in range(100) if number != 50]
    await enter(found)


async def test_who_takes_less_than_its_part_is_held_back_by_nothing() -> None:
    clock = Clock()
    found = admission(clock)
    async with found.entered("flood"):
        found.count("flood", 1000)
    async with asyncio.timeout(10), contextlib.AsyncExitStack() as held:
        for _ in range(100):
            await held.enter_async_context(found.entered("quiet"))
            found.count("quiet", 1)
        clock.time += 6.0
        for _ in range(4):
            await held.enter_async_context(found.entered("flood"))
        waiting = asyncio.create_task(enter(found))
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


@pytest.mark.parametrize("passed", [5.0, 10.0, 60.0])
async def test_what_a_channel_took_long_ago_counts_no_more(passed: float) -> None:
    clock = Clock()
    found = admission(clock)
    async with found.entered("flood"):
        found.count("flood", 1000)
    clock.time += passed
    await enter(found, "quiet")
    clock.time += passed
    await enter(found, "quiet")
    await hold_many(found, "quiet")


async def test_what_strangers_send_holds_back_nobody() -> None:
    found = admission()
    async with contextlib.AsyncExitStack() as forged:
        for _ in range(100):
            await forged.enter_async_context(found.entered("flood"))
        await enter(found, "quiet")
        await hold_many(found, "quiet")
        for _ in range(100):
            found.count("flood", 0)
        await hold_many(found, "quiet")


async def hold_many(found: Admission, channel: str) -> None:
    """Have ten inputs of a channel on their way at once."""
    async with asyncio.timeout(10), contextlib.AsyncExitStack() as held:
        for _ in range(10):
            await held.enter_async_context(found.entered(channel))
            found.count(channel, 1)


async def test_alone_a_channel_is_held_back_by_nothing() -> None:
    found = admission()
    held = [found.entered("flood") for _ in range(100)]
    async with asyncio.timeout(10):
        for each in held:
            await each.__aenter__()
    for each in held:
        await each.__aexit__(None, None, None)


def raw(key: SigningKey, content: bytes) -> Raw:
    return Raw("partner", content, "application/json", seal(content, "application/json", key).signature)


async def test_a_full_queue_refuses_until_it_drains(tmp_path: Path) -> None:
    data = tmp_path / "data"
    key = equip(data, None)
    profile = data / "channels" / "core" / "channel.yaml"
    profile.write_text(profile.read_text() + "limits: {queue: 2}\n")
    gateway = Gateway(open_installation(data))

    async def send() -> Acceptance:
        return await gateway.intake.accept(raw(key, write_json(fresh())))

    for _ in range(2):
        assert isinstance((await send()).outcomes[0], Accepted)
    await gateway.surveillance.turn()
    (refused,) = (await send()).outcomes
    assert isinstance(refused.error, Overloaded)  # type: ignore[union-attr]
    assert "channel core" in refused.error.detail  # type: ignore[union-attr]
    (_, last) = await gateway.journal.waiting("core", 0, 10)
    await gateway.journal.acknowledge("core", last.cursor)
    await gateway.surveillance.turn()
    assert isinstance((await send()).outcomes[0], Accepted)
    gateway.journal.close()


async def test_the_event_loop_goes_on_while_a_large_input_is_taken(tmp_path: Path) -> None:
    key = equip(tmp_path / "data", None)
    gateway = Gateway(open_installation(tmp_path / "data"))
    content = orjson.dumps([message("subscriptionOrder", None) for _ in range(400)])
    taking = asyncio.create_task(gateway.intake.accept(raw(key, content)))
    rounds = 0
    while not taking.done():
        rounds += 1
        await asyncio.sleep(0)
    assert all(isinstance(each, Accepted) for each in taking.result().outcomes)
    assert rounds >= 100
    gateway.journal.close()


async def drip(url: str, *pieces: bytes) -> bytes:
    """Send pieces of a request and read what comes until the other side closes."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.writelines(pieces)
    await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_body_that_does_not_come_is_answered_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINQIAO_BODY_TIMEOUT", "0.2")
    equip(tmp_path / "data", None)
    with serve(Gateway(open_installation(tmp_path / "data"))) as url:
        head = b"POST /v1/channels/partner/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        answer = await drip(url, head, b"{")
    status, _, rest = answer.partition(b"\r\n")
    assert status.split(b" ")[1] == b"408"
    headers, _, content = rest.lower().partition(b"\r\n\r\n")
    assert b"retry-after: 2" in headers
    assert b"connection: close" in headers
    assert orjson.loads(content)["rejection"]["reason"] == "slow_body"


def test_over_its_rate_a_channel_is_told_when_to_come_before_its_signature_is_looked_at(tmp_path: Path) -> None:
    httpx = pytest.importorskip("httpx2")
    key = equip(tmp_path / "data", None, rate=0.1, burst=1, body=4096)
    with (
        serve(Gateway(open_installation(tmp_path / "data"))) as url,
        httpx.Client(base_url=url, timeout=30, trust_env=False) as http,
    ):

        def post(content: bytes, signature: str) -> Any:
            headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
            return http.post("/v1/channels/partner/messages", content=content, headers=headers)

        large = post(b"x" * 5000, "none")
        assert (large.status_code, reason(large)) == (413, "body_too_large")
        assert reason(post(b"{}", "none")) == "signature_invalid"
        content = write_json(fresh())
        assert post(content, seal(content, "application/json", key).signature).status_code == 202
        refused = post(content, "none")
        assert (refused.status_code, reason(refused)) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "10"
