"""Framed TCP out: delivered or refused on an answer alone; what became of the rest is asked, held, or tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.gateway.conftest import TRUST
from tests.gateway.tcp.conftest import KEY, SIZE, Line, Opening, framed, free_port
from tests.gateway.tcp.partner import Partner, Script, answers, framed_answer, serving
from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import seal
from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_gateway.delivery.way import Exchange
from xinqiao_gateway.delivery.ways import way_to
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted

INSURER = "91110000100020002F"
YES, NO = framed_answer("0"), framed_answer("21")
ACCEPTED, MISSING = framed_answer("0", "1"), framed_answer("0", "9")


def nav() -> Json:
    header = {"messageId": new_message_id(), "standardVersion": "1.0", "createdAt": timestamp()}
    header |= {"sender": TRUST, "receiver": INSURER, "businessDate": "2026-01-30"}
    report = {
        "instrument": {"code": "TC2026000001"},
        "navDate": "2026-01-30",
        "unitNav": "1.0021",
        "state": "CUSTODIAN_CHECKED",
    }
    return {"header": header, "navReport": report}


async def hand_in(site: Line, message: Json) -> None:
    content = write_json(message)
    raw = Raw("core", content, "application/json", seal(content, "application/json", KEY).signature)
    (outcome,) = (await site.gateway.intake.accept(raw)).outcomes
    assert isinstance(outcome, Accepted), outcome


async def settled(site: Line, state: str) -> dict[str, Any]:
    """Wait until the one delivery is in a state, and return it."""
    async with asyncio.timeout(15):
        while True:
            (delivery,) = site.gateway.journal.reading.deliveries()
            if delivery["state"] == state:
                return delivery
            await asyncio.sleep(0.02)


def outcomes(delivery: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in delivery["tried"]]


def pushed(port: int) -> dict[str, Any]:
    return {"push": {"url": f"tcp://127.0.0.1:{port}", "timeout": 1.0}}


@pytest.fixture
async def partners() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def open_with(line: Opening, partners: AsyncExitStack, script: Script) -> tuple[Line, Partner]:
    partner = await partners.enter_async_context(serving(script))
    return await line(profile=pushed(partner.port)), partner


async def test_a_message_goes_out_in_its_frame_and_is_delivered_on_a_yes(
    line: Opening, partners: AsyncExitStack
) -> None:
    site, partner = await open_with(line, partners, answers(YES))
    message = nav()
    await hand_in(site, message)
    delivery = await settled(site, "delivered")
    (got,) = partner.got
    assert got[:21] == b"X1.0%08dXINQIAO 0" % (len(got) - SIZE)
    assert message["header"]["messageId"].encode() in got[SIZE:]
    assert outcomes(delivery) == ["delivered"]


async def test_a_no_is_a_refusal_with_the_partners_code(line: Opening, partners: AsyncExitStack) -> None:
    site, partner = await open_with(line, partners, answers(NO))
    await hand_in(site, nav())
    (attempt,) = (await settled(site, "dead"))["tried"]
    assert (attempt["outcome"], attempt["reason"], len(partner.got)) == ("refused", "destination_refused", 1)
    assert attempt["detail"].endswith("21")


async def test_a_partner_that_is_not_there_has_got_nothing_and_is_tried_again(line: Opening) -> None:
    port = free_port()
    site = await line(profile=pushed(port))
    await hand_in(site, nav())
    async with asyncio.timeout(15):
        while not outcomes(site.gateway.journal.reading.deliveries()[0]):
            await asyncio.sleep(0.02)
    partner = Partner(answers(YES))
    async with await asyncio.start_server(partner.serve, "127.0.0.1", port):
        delivery = await settled(site, "delivered")
    assert {*outcomes(delivery)[:-1]} == {"failed"}
    assert len(partner.got) == 1


async def test_a_reply_that_is_lost_is_asked_for_and_a_message_that_arrived_is_not_sent_again(
    line: Opening, partners: AsyncExitStack
) -> None:
    site, partner = await open_with(line, partners, answers(None, ACCEPTED))
    await hand_in(site, nav())
    assert outcomes(await settled(site, "delivered")) == ["unknown", "delivered"]
    assert [b"<FuncFlag>5009<" in each for each in partner.got] == [False, True]


async def test_a_message_that_the_partner_has_not_got_is_sent_again(line: Opening, partners: AsyncExitStack) -> None:
    site, partner = await open_with(line, partners, answers(None, MISSING, YES))
    await hand_in(site, nav())
    assert outcomes(await settled(site, "delivered")) == ["unknown", "missing", "delivered"]
    assert [b"<FuncFlag>5009<" in each for each in partner.got] == [False, True, False]


async def test_a_query_that_is_lost_is_asked_again_and_nothing_is_sent(line: Opening, partners: AsyncExitStack) -> None:
    site, partner = await open_with(line, partners, answers(None, None, ACCEPTED))
    await hand_in(site, nav())
    assert outcomes(await settled(site, "delivered")) == ["unknown", "unknown", "delivered"]
    assert [b"<FuncFlag>5009<" in each for each in partner.got] == [False, True, True]


async def test_where_nobody_can_be_asked_a_message_is_held_for_a_person(
    line: Opening, partners: AsyncExitStack
) -> None:
    partner = await partners.enter_async_context(serving(answers(None, YES)))
    site = await line(profile=pushed(partner.port), nav={"unknown": "hold"})
    await hand_in(site, nav())
    assert outcomes(await settled(site, "held")) == ["unknown"]
    assert len(partner.got) == 1


async def test_a_message_longer_than_its_frame_can_say_is_dead_at_once(line: Opening, partners: AsyncExitStack) -> None:
    partner = await partners.enter_async_context(serving(answers(YES)))
    site = await line(profile=pushed(partner.port), frame=[{"length": "body", "digits": 2}])
    await hand_in(site, nav())
    (attempt,) = (await settled(site, "dead"))["tried"]
    assert (attempt["reason"], partner.got) == ("malformed_frame", [])


# --- one exchange --------------------------------------------------------------------------------------------


async def exchange(site: Line) -> Exchange:
    channel = site.gateway.channels.find("line")
    assert channel.push is not None
    way = way_to(channel, channel.push)
    exchange = await way.send(Outgoing(b"<TranData/>", "application/xml", {}))
    await way.close()
    return exchange


async def silent(number: int, request: bytes, writer: asyncio.StreamWriter) -> None:
    """Say half an answer and wait until the other side gives up."""
    writer.write(YES[:SIZE])
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (answers(None), "ConnectionResetError"),
        (answers(b""), "IncompleteReadError"),
        (answers(YES[:40]), "IncompleteReadError"),
        (answers(YES[:-1]), "IncompleteReadError"),
        (answers(b"HTTP/1.1 400 Bad Request\r\n\r\n".ljust(200)), "the answer: malformed_frame"),
        (answers(framed(b"", length=b"99999999")), "the answer is longer than 65536 bytes"),
        (silent, "TimeoutError"),
    ],
)
async def test_an_answer_that_does_not_come_whole_proves_nothing(
    line: Opening, partners: AsyncExitStack, script: Script, fault: str
) -> None:
    partner = await partners.enter_async_context(serving(script))
    profile = pushed(partner.port) | {"limits": {"body": 65_536}}
    profile["push"]["timeout"] = 0.4
    assert await exchange(await line(profile=profile)) == Exchange(fault=fault, sent=True)


async def test_an_answer_to_another_request_proves_nothing(line: Opening, partners: AsyncExitStack) -> None:
    async def late(number: int, request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(request[:12].ljust(SIZE, b"0"))

    partner = await partners.enter_async_context(serving(late))
    frame = [{"text": "X1.0"}, {"length": "body", "digits": 8}, {"sequence": 18}, {"blank": 43}]
    site = await line(profile=pushed(partner.port), frame=frame)
    assert (await exchange(site)).fault in {"the answer is to another request", "IncompleteReadError"}


async def test_an_answer_comes_back_as_it_was_framed(line: Opening, partners: AsyncExitStack) -> None:
    partner = await partners.enter_async_context(serving(answers(YES)))
    site = await line(profile=pushed(partner.port))
    headers = {"Content-Type": "application/xml; charset=GBK"}
    assert await exchange(site) == Exchange(200, headers, YES[SIZE:])


async def test_where_nobody_listens_nothing_was_sent(line: Opening) -> None:
    site = await line(profile={"push": {"url": "tcp://localhost:1", "timeout": 1.0}})
    assert (await exchange(site)).sent is False
