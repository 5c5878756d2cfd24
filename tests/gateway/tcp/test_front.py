"""Framed TCP in: a request in its frame is taken as any other, and answered in a frame that repeats its code."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from tests.gateway.tcp.conftest import SIZE, Line, Opening, framed, free_port, notice, reply
from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.fronts.beside import Fronts
from xinqiao_gateway.fronts.tcp.front import TcpFront

YES, NO = "0", "1"
PLAIN: list[dict[str, Any]] = [{"length": "body", "digits": 4}]


def replies(answers: bytes) -> list[tuple[str, str | None, str | None]]:
    found = []
    while answers:
        end = SIZE + int(answers[4:12])
        found.append(reply(answers[:end]))
        answers = answers[end:]
    return found


async def test_a_request_is_accepted_and_answered_in_a_frame_that_repeats_its_code(line: Opening) -> None:
    site = await line()
    assert reply(await site.talk(framed(notice()))) == ("SLRS    ", YES, "YS260421000032")
    assert (site.serials(), site.evidence()) == (["YS260421000032"], ["tcp address 127.0.0.1"])


async def test_the_same_request_again_is_answered_alike_and_taken_once(line: Opening) -> None:
    site = await line()
    first, second = [await site.talk(framed(notice())) for _ in range(2)]
    assert (first, site.serials()) == (second, ["YS260421000032"])


async def test_a_request_in_many_pieces_is_taken_whole(line: Opening) -> None:
    site, sent = await line(), framed(notice())
    answer = await site.talk(*(sent[at : at + 200] for at in range(0, len(sent), 200)))
    assert reply(answer)[1] == YES


async def test_a_request_that_is_refused_says_why_and_the_next_one_is_taken(line: Opening) -> None:
    site = await line(connection={"several": True})
    wrong = notice("YS1").replace(b"<DetailNum>1<", b"<DetailNum>2<")
    answers = replies(await site.talk(framed(wrong), framed(notice("YS2")), ends=True))
    assert [flag for _, flag, _ in answers] == ["21", YES]
    assert site.serials() == ["YS2"]


async def test_requests_in_one_segment_are_answered_in_their_order(line: Opening) -> None:
    site = await line(connection={"several": True})
    serials = [f"YS{number}" for number in range(5)]
    sent = b"".join(framed(notice(each), code=b"%-8s" % each.encode()) for each in serials)
    answers = replies(await site.talk(sent, ends=True))
    assert answers == [(f"{each:8}", YES, each) for each in serials]
    assert site.serials() == serials


async def test_a_second_request_on_a_connection_for_one_is_not_read(line: Opening) -> None:
    site = await line()
    answers = replies(await site.talk(framed(notice("YS1")) + framed(notice("YS2"))))
    assert (len(answers), site.serials()) == (1, ["YS1"])


# --- what is no frame ----------------------------------------------------------------------------------------


async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(line: Opening) -> None:
    site = await line(profile={"limits": {"body": 4096}})
    code, flag, _ = reply(await site.talk(framed(b"", length=b"00004097")))
    assert (code, flag, site.serials()) == ("SLRS    ", NO, [])


async def test_a_length_that_is_no_number_ends_the_connection(line: Opening) -> None:
    site = await line()
    for length in (b"-0000010", b"0000001x", b"        ", b"0x000010", b"\xa3\xb1\xa3\xb2    "):
        assert (await site.talk(framed(notice(), length=length)), site.serials()) == (b"", [])


async def test_bytes_that_are_no_frame_are_answered_where_nothing_is_repeated(line: Opening) -> None:
    site = await line(frame=[{"text": "X1.0"}, *PLAIN], trust="address")
    answer = await site.talk(b"GET / HTTP/1.1\r\n\r\n")
    assert answer[:8] == b"X1.0%04d" % (len(answer) - 8)
    assert b"byte 1 to 4: 'GET ', expected 'X1.0'" in answer


async def test_an_encrypted_request_is_refused_and_not_misread(line: Opening) -> None:
    site, sent = await line(), bytearray(framed(notice()))
    sent[20:21] = b"1"
    assert (await site.talk(bytes(sent)), site.serials()) == (b"", [])


async def test_half_a_head_ends_the_connection(line: Opening) -> None:
    site = await line()
    for size in (1, SIZE - 1):
        assert (await site.talk(framed(notice())[:size], ends=True), site.serials()) == (b"", [])


async def test_half_a_body_is_refused_and_nothing_of_it_is_kept(line: Opening) -> None:
    site = await line()
    _, flag, serial = reply(await site.talk(framed(notice())[:-1], ends=True))
    assert (flag, serial, site.serials(), site.evidence()) == (NO, None, [], [])


async def test_a_sender_that_stops_in_a_body_is_told_so(line: Opening) -> None:
    site = await line(connection={"read": 0.2})
    answer = await site.talk(framed(notice())[:-1])
    assert (reply(answer)[1], site.serials()) == (NO, [])
    assert "报文未在限定时间内传完" in answer[SIZE:].decode("gbk")


async def test_a_sender_that_stops_in_a_head_is_cut_off(line: Opening) -> None:
    site = await line(connection={"read": 0.2})
    assert (await site.talk(framed(notice())[:10]), site.serials()) == (b"", [])


async def test_a_connection_without_a_request_is_closed_after_its_time(line: Opening) -> None:
    site = await line(connection={"idle": 0.2, "several": True})
    assert await site.talk() == b""
    assert len(replies(await site.talk(framed(notice())))) == 1


async def test_an_answer_that_its_length_cannot_say_is_not_cut(line: Opening) -> None:
    site = await line(frame=[{"length": "body", "digits": 2}])
    assert await site.talk(b"05hello") == b""


async def test_a_partner_that_does_not_read_its_answer_is_cut_off(line: Opening) -> None:
    errors = {"each": "findings", "map": {"Tag": "finding.path", "Desc": "finding.text"}}
    table = {
        "root": "TranData",
        "code": "Flag",
        "accepted": {"Flag": "0"},
        "rejected": {"Flag": "1", "Errors/E": errors},
    }
    site = await line(profile={"answer": table}, connection={"read": 0.3})
    listener = site.front._listeners["line"]
    assert listener._socket is not None
    listener._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    one = b"<Detail><FeeType>ZC</FeeType><DuePayMoney>150000</DuePayMoney></Detail>"
    sent = framed(notice().replace(b"\n      ", b"").replace(b"<DetailList>", b"<DetailList>" + one * 1000))
    sent = framed(sent[SIZE:].replace(b">ZC<", b">ZZ<"))
    with socket.socket() as partner:
        partner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        partner.settimeout(10)
        await asyncio.to_thread(partner.connect, ("127.0.0.1", site.port))
        await asyncio.to_thread(partner.sendall, sent)
        async with asyncio.timeout(20):
            while not listener._connections:
                await asyncio.sleep(0.01)
            while listener._connections:
                await asyncio.sleep(0.01)
        got = b""
        with suppress(ConnectionError):
            while piece := partner.recv(65_536):
                got += piece
    assert len(got) < SIZE + int(got[4:12])


async def test_a_body_of_another_encoding_is_refused_by_its_format(line: Opening) -> None:
    site = await line()
    _, flag, _ = reply(await site.talk(framed("<?xml version='1.0'?><TranData>䶮".encode())))
    assert (flag, site.serials()) == ("12", [])


# --- who may connect -----------------------------------------------------------------------------------------


async def test_an_address_that_is_not_allowed_is_not_talked_to(line: Opening) -> None:
    site = await line(listen={"allow": ["10.0.0.0/8", "::1"]})
    assert await refused(site)
    assert site.serials() == []


async def test_a_port_may_be_one_of_ipv6(line: Opening) -> None:
    site = await line(listen={"host": "::1", "allow": ["::1/128"]})
    site.host = "::1"
    assert reply(await site.talk(framed(notice())))[1] == YES
    assert site.evidence() == ["tcp address ::1"]
    with pytest.raises(SettingsInvalid, match=rf"cannot listen on \[::1\]:{site.port}"):
        await TcpFront(site.gateway).start()


async def refused(site: Line) -> bool:
    """Say whether a request is not answered by a byte; the connection may be reset as it is closed."""
    with suppress(ConnectionError):
        return await site.talk(framed(notice())) == b""
    return True


async def test_more_connections_than_agreed_are_closed_at_once(line: Opening) -> None:
    site = await line(connection={"most": 1})
    _, writer = await site.connect()
    writer.write(framed(notice())[:-1])
    assert await refused(site)
    writer.transport.abort()
    async with asyncio.timeout(10):
        while await refused(site):
            await asyncio.sleep(0.01)
    assert site.serials() == ["YS260421000032"]


async def test_a_channel_that_may_send_no_more_now_is_told_so(line: Opening) -> None:
    site = await line(profile={"limits": {"rate": 0.001, "burst": 1}})
    answers = [await site.talk(framed(notice(each))) for each in ("YS1", "YS2")]
    assert [reply(each)[1] for each in answers] == [YES, NO]
    assert "超过本渠道的流量限制" in answers[1][SIZE:].decode("gbk")


# --- its life ------------------------------------------------------------------------------------------------


async def half_sent(site: Line) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection on which half a request was sent and read."""
    reader, writer = await site.connect()
    writer.write(framed(notice())[:100])
    listener = site.front._listeners["line"]
    async with asyncio.timeout(10):
        while not any(each is not None and each.is_busy for each in listener._connections.values()):
            await asyncio.sleep(0.01)
    return reader, writer


async def rest_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(framed(notice())[100:])
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.transport.abort()
    return answer


async def test_a_request_under_way_is_answered_before_the_front_stops(line: Opening) -> None:
    site = await line(connection={"several": True})
    idle, idle_writer = await site.connect()
    reader, writer = await half_sent(site)
    stopping = asyncio.create_task(site.front.stop())
    async with asyncio.timeout(10):
        assert await idle.read() == b""
    idle_writer.transport.abort()
    with pytest.raises(ConnectionRefusedError):
        await site.connect()
    assert reply(await rest_of(reader, writer))[1] == YES
    await stopping
    assert site.serials() == ["YS260421000032"]


async def test_a_reload_moves_a_changed_channel_and_answers_what_is_under_way(line: Opening) -> None:
    site = await line()
    site.gateway.when_reloaded(site.front.reload)
    port, reader_writer = free_port(), await half_sent(site)
    site.profile(lambda profile: profile["tcp"]["listen"].update(port=port))
    assert (await site.gateway.reload()).channels.changed == ("line",)
    assert reply(await rest_of(*reader_writer))[1] == YES
    with pytest.raises(ConnectionRefusedError):
        await site.connect()
    site.port = port
    assert reply(await site.talk(framed(notice("YS2"))))[1] == YES


async def test_a_reload_with_the_same_port_listens_on(line: Opening) -> None:
    site = await line(listen={"allow": ["10.0.0.0/8"]})
    site.gateway.when_reloaded(site.front.reload)
    site.profile(lambda profile: profile["tcp"]["listen"].update(allow=["127.0.0.1"]))
    await site.gateway.reload()
    assert reply(await site.talk(framed(notice())))[1] == YES


async def test_a_reload_that_changes_another_channel_leaves_connections_alone(line: Opening) -> None:
    site = await line()
    site.gateway.when_reloaded(site.front.reload)
    reader_writer = await half_sent(site)
    path = site.data / "channels" / "core" / "channel.yaml"
    path.write_text(path.read_text() + "limits: {body: 2048}\n")
    assert (await site.gateway.reload()).channels.changed == ("core",)
    assert reply(await rest_of(*reader_writer))[1] == YES


async def test_a_stop_while_a_reload_is_under_way_leaves_nothing_listening(line: Opening) -> None:
    site = await line()
    await site.front.stop()
    fronts = Fronts(site.gateway)
    await fronts.start()
    reloaded = asyncio.Event()

    async def see(_: frozenset[str]) -> None:
        reloaded.set()

    site.gateway.when_reloaded(see)
    site.profile(lambda profile: profile["tcp"]["listen"].update(allow=["127.0.0.1"]))
    listener = next(each for each in fronts._fronts if isinstance(each, TcpFront))._listeners["line"]
    reloading = asyncio.create_task(site.gateway.reload())
    async with asyncio.timeout(20):
        while listener._accepting is not None and not listener._accepting.cancelling():
            await asyncio.sleep(0)
        await fronts.stop()
        await reloading
    assert reloaded.is_set()
    with pytest.raises(ConnectionRefusedError):
        await site.connect()


async def test_a_port_that_is_taken_is_named_and_nothing_listens(line: Opening) -> None:
    site = await line()
    second = TcpFront(site.gateway)
    with pytest.raises(SettingsInvalid, match=f"channel line: tcp.listen: cannot listen on 127.0.0.1:{site.port}"):
        await second.start()
    assert second._listeners == {}
    assert reply(await site.talk(framed(notice())))[1] == YES


async def test_a_channel_without_the_section_has_no_port(line: Opening) -> None:
    site = await line()
    site.gateway.when_reloaded(site.front.reload)
    site.profile(lambda profile: profile["tcp"].pop("listen"))
    await site.gateway.reload()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", site.port)) != 0
