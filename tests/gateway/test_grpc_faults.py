"""The gRPC front when something is at fault: its own, a client that goes away or reads nothing, too many at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from tests.gateway.conftest import message
from tests.gateway.grpc_site import GrpcSite, installed, serving, trailer
from xinqiao.errors import ContentRefused, NotValid
from xinqiao.exchange.v1.exchange_pb import Status, SubmitReply, SubscribeRequest
from xinqiao.finding import Finding, Text
from xinqiao.seal import access_token, new_key
from xinqiao_gateway.fronts.grpc.status import refusal_of
from xinqiao_gateway.intake import Acceptance, Raw

SERVICE = "/xinqiao.exchange.v1.Exchange"
SUBMIT, STREAM, SUBSCRIBE = (f"{SERVICE}/{name}" for name in ("Submit", "SubmitStream", "Subscribe"))
WATCH = "/grpc.health.v1.Health/Watch"
SECRET = "110101199003070011"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[GrpcSite]:
    async with serving(*installed(tmp_path)) as found:
        yield found


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


def accepted(site: GrpcSite) -> int:
    """Return how many messages the journal holds for the core."""
    return len(site.gateway.journal.reading.waiting("core", 0, 100))


# --- under way ---------------------------------------------------------------------------------------------------


class Held:
    """Inputs are held on their way to the intake until they are let go."""

    def __init__(self, site: GrpcSite, monkeypatch: pytest.MonkeyPatch) -> None:
        self.arrived, self.let_go = 0, asyncio.Event()
        accept = site.gateway.intake.accept

        async def held(raw: Raw) -> Acceptance:
            self.arrived += 1
            await asyncio.wait_for(self.let_go.wait(), 10)
            return await accept(raw)

        monkeypatch.setattr(site.gateway.intake, "accept", held)


@pytest.mark.parametrize("method", [SUBMIT, STREAM])
async def test_an_input_under_way_is_taken_though_its_sender_goes_away(
    site: GrpcSite, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    held = Held(site, monkeypatch)
    async with site.channel() as channel:
        call = channel.stream_stream(method)(timeout=10)
        await call.write(site.sealed(message("kycApplication")))
        await until(lambda: held.arrived == 1)
        call.cancel()
    held.let_go.set()
    await until(lambda: accepted(site) == 1)


async def test_a_gateway_that_stops_answers_what_is_under_way_and_takes_no_more(
    site: GrpcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(site, monkeypatch)
    async with site.channel() as channel:
        stream = channel.stream_stream(STREAM)(timeout=10)
        await stream.write(site.sealed(message("kycApplication"), tag="first"))
        unary = channel.unary_unary(SUBMIT)(site.sealed(message("kycApplication"), tag="second"), timeout=10)
        await until(lambda: held.arrived == 2)
        stopping = asyncio.create_task(site.front.stop())
        await asyncio.sleep(0)
        held.let_go.set()
        assert [SubmitReply.from_binary(each).tag for each in (await stream.read(), await unary)] == ["first", "second"]
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()
        await stopping
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SUBMIT)(site.sealed(message("kycApplication")), timeout=5)
    assert [each.value.code() for each in (ended, refused)] == [grpc.StatusCode.UNAVAILABLE] * 2
    assert accepted(site) == 2


async def test_a_call_more_than_there_are_places_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(*installed(tmp_path, connections=1)) as site, site.channel() as channel:
        held = Held(site, monkeypatch)
        first = channel.unary_unary(SUBMIT)(site.sealed(message("kycApplication")), timeout=10)
        await until(lambda: held.arrived == 1)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SUBMIT)(site.sealed(message("kycApplication")), timeout=10)
        held.let_go.set()
        await first
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


# --- faults of our own -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [SUBMIT, STREAM, SUBSCRIBE])
async def test_a_fault_of_our_own_is_said_without_its_words(
    site: GrpcSite, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: object) -> None:
        raise LookupError(SECRET)

    first = site.sealed(message("kycApplication"))
    if method == SUBSCRIBE:
        monkeypatch.setattr(site.gateway.journal, "waiting", broken)
        first = SubscribeRequest.from_json('{"start": {"channelId": "core"}}').to_binary()
    else:
        monkeypatch.setattr("xinqiao_gateway.fronts.grpc.submission.reply", broken)
    token = (("authorization", f"Bearer {access_token(site.key, '/v1/channels/core/messages')}"),)
    with capture_logs() as logs:
        async with site.channel() as channel:
            call = channel.stream_stream(method)(timeout=10, metadata=token)
            await call.write(first)
            with pytest.raises(grpc.aio.AioRpcError) as fault:
                await call.read()
    assert fault.value.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in f"{fault.value.details()} {trailer(fault.value)}"
    [said] = [each for each in logs if each["event"] == "unexpected fault"]
    assert (said["call"], said["error"]) == (method.rpartition("/")[2], "LookupError")


def test_a_refusal_fits_into_what_clients_take_whatever_it_says() -> None:
    findings = [Finding("XQ-R-001", "x" * 200, Text("错" * 200, "wrong")) for _ in range(100)]
    for error in (ContentRefused("错" * 990), NotValid("错" * 900, findings=findings)):
        found = refusal_of(error, "913100001000100012")
        details = dict(found.trailer)["grpc-status-details-bin"]
        assert isinstance(details, bytes)
        assert len(details) <= 4096
        assert len(found.message.encode()) <= 300
        assert Status.from_binary(details).message == found.message


# --- who reads nothing -------------------------------------------------------------------------------------------


class Mute:
    """A client of HTTP/2 whose window is closed: nothing but headers can be sent to it until it opens."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def call(self, path: str, *messages: bytes) -> None:
        headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x", "te": "trailers"}
        block = b"".join(_literal(*each) for each in (headers | {"content-type": "application/grpc"}).items())
        self._writer.write(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"\0\4\0\0\0\0") + _frame(1, 4, 1, block)
        )
        for each in messages:
            self._writer.write(_frame(0, 0, 1, b"\0" + len(each).to_bytes(4, "big") + each))

    async def read_until(self, expected: bytes) -> None:
        found = b""
        async with asyncio.timeout(10):
            while expected not in found:
                found += (piece := await self._reader.read(65_536))
                assert piece, "the connection ended"

    def open(self) -> None:
        self._writer.write(_frame(8, 0, 1, (1 << 20).to_bytes(4, "big")))


@asynccontextmanager
async def mute(site: GrpcSite) -> AsyncIterator[Mute]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield Mute(reader, writer)
    finally:
        writer.close()


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def _literal(name: str, value: str) -> bytes:
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


async def test_a_watcher_who_does_not_read_keeps_neither_health_nor_the_end_from_others(site: GrpcSite) -> None:
    async with mute(site) as stranger, site.channel() as channel:
        stranger.call(WATCH, b"")
        await stranger.read_until(b"application/grpc")
        check = health_pb2_grpc.HealthStub(channel).Check
        await until(lambda: bool(site.gateway.surveillance.readiness()))
        assert (await check(health_pb2.HealthCheckRequest(), timeout=5)).status == 1
        site.gateway.surveillance.draining = True
        assert (await check(health_pb2.HealthCheckRequest(), timeout=5)).status == 2
        async with asyncio.timeout(10):
            await site.front.stop()


async def test_a_stream_whose_answers_nobody_reads_is_given_up(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with serving(*installed(tmp_path, body_timeout=0.3)) as site, mute(site) as stranger:
            refused = [site.sealed(message("kycApplication"), key=new_key("x")) for _ in range(2)]
            stranger.call(STREAM, *refused)
            await until(lambda: "not read" in [each["event"] for each in logs])
            stranger.open()
            await stranger.read_until(b"was not read for 0.3 s")


async def test_watchers_and_those_who_look_around_are_bounded(site: GrpcSite) -> None:
    async with site.channel() as channel:
        for path, first in ((WATCH, b""), ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\0")):
            calls = [channel.stream_stream(path)() for _ in range(32)]
            for each in calls:
                await each.write(first)
                assert isinstance(await asyncio.wait_for(each.read(), 10), bytes)
            one_more = channel.stream_stream(path)()
            await one_more.write(first)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await one_more.read()
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            for each in calls:
                each.cancel()


async def test_a_watcher_hears_each_change_also_of_what_is_not_served(site: GrpcSite) -> None:
    await until(lambda: bool(site.gateway.surveillance.readiness()))
    async with site.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="other"), timeout=10)
        watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=10)
        said = [(await watched.read()).status, (await unknown.read()).status]
        site.gateway.surveillance.draining = True
        said.append((await watched.read()).status)
        watched.cancel()
        unknown.cancel()
    assert said == [1, 3, 2]
