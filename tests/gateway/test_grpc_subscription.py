"""Subscribe over gRPC: what waits and what comes, a window, acknowledgements that last, and whom it is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
from protobuf import Oneof

from tests.gateway.conftest import message
from tests.gateway.grpc_site import GrpcSite, installed, serving
from xinqiao.adapter import Encoded
from xinqiao.client import AsyncClient, Client
from xinqiao.errors import ContentRefused, NotAuthorized, SettingsInvalid, UnknownChannel
from xinqiao.exchange.v1.exchange_pb import Delivery, Start, SubscribeRequest
from xinqiao.message import Json
from xinqiao.seal import Sealed, access_token, new_key, open_seal
from xinqiao_gateway.channels import ServedChannel

SUBSCRIBE = "/xinqiao.exchange.v1.Exchange/Subscribe"
CORE = "/v1/channels/core/messages"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[GrpcSite]:
    async with serving(*installed(tmp_path)) as found:
        yield found


def start(channel: str = "core", **given: Any) -> bytes:
    request: Oneof[Literal["start"], Start] = Oneof(field="start", value=Start(channel_id=channel, **given))
    return SubscribeRequest(request=request).to_binary()


def acknowledged(cursor: str) -> bytes:
    request: Oneof[Literal["acknowledged"], str] = Oneof(field="acknowledged", value=cursor)
    return SubscribeRequest(request=request).to_binary()


def subscription(site: GrpcSite, channel: Any, token: str = "") -> Any:
    token = token or access_token(site.key, CORE)
    return channel.stream_stream(SUBSCRIBE)(timeout=20, metadata=(("authorization", f"Bearer {token}"),))


async def send(site: GrpcSite, count: int) -> list[str]:
    """Send messages that wait for the core; return their ids."""
    sent = [message("kycApplication", f"CASE-{number}") for number in range(count)]
    async with site.client() as client:
        for each in sent:
            await client.submit(each)
    return [each["header"]["messageId"] for each in sent]


async def read(call: Any) -> Delivery:
    raw = await asyncio.wait_for(call.read(), 10)
    assert isinstance(raw, bytes)
    return Delivery.from_binary(raw)


def states(site: GrpcSite) -> list[str]:
    return sorted(each["state"] for each in site.gateway.journal.reading.deliveries())


async def take(client: AsyncClient, count: int, after: str | None = None) -> list[Json]:
    """Return the next messages of a subscription, none of them but the last left unacknowledged."""
    found: list[Json] = []
    async for each in client.subscribe(after):
        found.append(each.message)
        if len(found) == count:
            break
    return found


def ids(messages: list[Json]) -> list[str]:
    return [each["header"]["messageId"] for each in messages]


async def test_what_waits_is_delivered_sealed_and_then_what_comes(site: GrpcSite) -> None:
    first = await send(site, 1)
    async with site.channel() as channel:
        call = subscription(site, channel)
        await call.write(start())
        delivery = await read(call)
        second = await send(site, 1)
        later = await read(call)
    assert delivery.message is not None
    assert later.message is not None
    found = delivery.message
    kid = open_seal(Sealed(found.content, found.content_type, found.signature), site.keys)
    assert kid == site.gateway.installation.key.kid
    assert first[0].encode() in found.content
    assert second[0].encode() in later.message.content


async def test_an_acknowledgement_lasts_over_a_restart_and_the_rest_comes_again(tmp_path: Path) -> None:
    data, key = installed(tmp_path)
    async with serving(data, key) as site:
        sent = await send(site, 3)
        async with site.client("core") as client:
            assert ids(await take(client, 2)) == sent[:2]
    async with serving(data, key) as site:
        assert states(site) == ["delivered", "waiting", "waiting"]
        async with site.client("core") as client:
            assert ids(await take(client, 2)) == sent[1:]


async def test_a_kept_cursor_goes_on_after_it_and_acknowledges_what_came_before(site: GrpcSite) -> None:
    sent = await send(site, 3)
    async with site.channel() as channel:
        call = subscription(site, channel)
        await call.write(start())
        cursor = [(await read(call)).cursor for _ in range(2)][-1]
        call.cancel()
    assert states(site) == ["waiting"] * 3
    async with site.client("core") as client:
        assert ids(await take(client, 1, after=cursor)) == sent[2:]
    assert states(site) == ["delivered", "delivered", "waiting"]


async def test_no_more_come_than_the_window_holds_until_one_is_acknowledged(site: GrpcSite) -> None:
    await send(site, 3)
    async with site.channel() as channel:
        call = subscription(site, channel)
        await call.write(start(window=2))
        cursors = [(await read(call)).cursor for _ in range(2)]
        third = asyncio.create_task(read(call))
        done, _ = await asyncio.wait([third], timeout=0.2)
        assert not done
        await call.write(acknowledged(cursors[0]))
        assert int((await third).cursor) > int(cursors[1])
        call.cancel()


async def test_a_client_that_blocks_subscribes_alike(tmp_path: Path) -> None:
    async with serving(*installed(tmp_path)) as site:
        sent = await send(site, 3)

        def blocking() -> list[Json]:
            with site.blocking("core") as client:
                return [each.message for each in islice(client.subscribe(), 3)]

        assert ids(await asyncio.to_thread(blocking)) == sent


async def test_pages_are_the_same_over_rest_and_grpc(site: GrpcSite) -> None:
    sent = await send(site, 3)
    async with site.client("core") as client, site.rest("core") as rest:
        pages = [await each.messages(limit=2) for each in (client, rest)]
        assert pages[0].messages == pages[1].messages
        assert pages[0].cursor == pages[1].cursor
        rest_of = await client.messages(after=pages[0].cursor)
        assert ids(pages[0].messages) + ids(rest_of.messages) == sent
        assert (await client.messages(after=rest_of.cursor)).messages == []
    assert states(site) == ["delivered"] * 3


async def test_rest_is_subscribed_to_through_the_same_interface(site: GrpcSite) -> None:
    sent = await send(site, 2)
    async with site.rest("core") as client:
        assert ids(await take(client, 2)) == sent


async def test_a_stranger_and_an_unknown_channel_are_refused(site: GrpcSite) -> None:
    stranger = AsyncClient(f"grpc://{site.target}", "core", new_key("x"), gateway_keys=site.keys, timeout=5)
    async with stranger, site.client("nowhere") as nowhere:
        with pytest.raises(NotAuthorized):
            await take(stranger, 1)
        with pytest.raises(NotAuthorized):
            await stranger.messages()
        with pytest.raises(UnknownChannel):
            await take(nowhere, 1)


async def test_a_token_for_something_else_is_refused(site: GrpcSite) -> None:
    async with site.channel() as channel:
        for audience in ("/v1/channels/partner/messages", "/v1/other"):
            call = subscription(site, channel, access_token(site.key, audience))
            await call.write(start())
            assert await ended(call) is grpc.StatusCode.UNAUTHENTICATED


async def test_no_token_and_one_that_is_over_are_refused(site: GrpcSite) -> None:
    over = access_token(site.key, CORE, datetime.now(UTC) - timedelta(minutes=10))
    metadata = [(), (("authorization", "Basic eDp5"),), (("authorization", f"Bearer {over}"),)]
    async with site.channel() as channel:
        for each in metadata:
            call = channel.stream_stream(SUBSCRIBE)(timeout=20, metadata=each)
            await call.write(start())
            assert await ended(call) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_message_that_cannot_be_written_moves_the_cursor_and_is_left_to_the_operator(
    site: GrpcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = ServedChannel.encode
    sent = await send(site, 3)

    def refusing(channel: ServedChannel, found: Json, original: bytes | None) -> Encoded:
        if found["header"]["messageId"] == sent[1]:
            raise ContentRefused("too long for its column")
        return encode(channel, found, original)

    monkeypatch.setattr(ServedChannel, "encode", refusing)
    async with site.channel() as channel:
        call = subscription(site, channel)
        await call.write(start())
        found = [await read(call) for _ in range(3)]
        call.cancel()
    assert [each.message is not None for each in found] == [True, False, True]
    assert int(found[0].cursor) < int(found[1].cursor) < int(found[2].cursor)
    assert states(site) == ["dead", "waiting", "waiting"]


async def ended(call: Any) -> grpc.StatusCode:
    """Return the code with which a call ends, whatever it still gives."""
    try:
        while isinstance(await call.read(), bytes):
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_requests_that_make_no_sense_end_it(site: GrpcSite) -> None:
    starts = [
        start(window=501),
        start(window=-1),
        start(limit=501),
        start(limit=-1),
        start(after="x"),
        start(after="9" * 30),
        start(after="77"),
    ]
    following = [start(), acknowledged("77"), acknowledged("-1"), acknowledged("")]
    async with site.channel() as channel:
        for first in (b"\xff\xff", b"", acknowledged("1"), *starts):
            call = subscription(site, channel)
            await call.write(first)
            assert await ended(call) is grpc.StatusCode.INVALID_ARGUMENT
        for second in following:
            call = subscription(site, channel)
            await call.write(start())
            await call.write(second)
            assert await ended(call) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_channel_has_a_bounded_number_of_subscriptions(site: GrpcSite) -> None:
    await send(site, 1)
    async with site.channel() as channel:
        for _ in range(16):
            call = subscription(site, channel)
            await call.write(start())
            await read(call)
        call = subscription(site, channel)
        await call.write(start())
        assert await ended(call) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_reload_ends_the_subscriptions_of_a_channel_that_changed_and_the_stop_all(tmp_path: Path) -> None:
    async with serving(*installed(tmp_path)) as site, site.channel() as channel:
        call = subscription(site, channel)
        await call.write(start())
        await send(site, 1)
        await read(call)
        await site.front.reload(frozenset({"partner"}))
        await send(site, 1)
        await read(call)
        await site.front.reload(frozenset({"core"}))
        assert await ended(call) is grpc.StatusCode.UNAVAILABLE
        call = subscription(site, channel)
        await call.write(start())
        await read(call)
        await site.front.stop()
        assert await ended(call) is grpc.StatusCode.UNAVAILABLE


async def test_a_subscriber_comes_again_by_itself_after_a_reload(site: GrpcSite) -> None:
    sent = await send(site, 2)
    found = []
    async with site.client("core", retry=None) as client:
        async for each in client.subscribe():
            found.append(each.message)
            if len(found) == 2:
                break
            await site.front.reload(frozenset({"core"}))
    assert ids(found) == sent


def test_a_client_for_an_address_that_is_none_is_refused() -> None:
    for url in ("grpc://host", "grpc:///x", "ftp://host"):
        with pytest.raises(SettingsInvalid, match="is no address"):
            Client(url, "core", new_key("x"))
