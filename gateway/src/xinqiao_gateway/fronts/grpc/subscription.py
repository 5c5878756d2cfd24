"""``Subscribe``: what waits for a channel and what comes, in the order of the journal, until it is acknowledged."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import grpc

from xinqiao.errors import MalformedBinary, MalformedQuery, NotAuthorized, Overloaded, XinqiaoError
from xinqiao.exchange.v1.exchange_pb import Delivery, SealedMessage, Start, SubscribeRequest
from xinqiao.seal import check_access_token
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.grpc.calls import LONGEST_REST, Context, metadata_of, read_within, write_within
from xinqiao_gateway.fronts.grpc.status import refusal_of
from xinqiao_gateway.fronts.sealing import sealed_for
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal.cursors import acknowledged

__all__ = ["Subscriptions"]

_LARGEST_WINDOW = 500
_USUAL_WINDOW = 100
# Read of the journal at once.
_PAGE = 50
# Of one channel at once.
_MOST = 16
# Seconds: what another node accepted is seen by then.
_LOOK_AGAIN = 2.0
_DIGITS = 19


class Subscriptions:
    """All subscriptions; knows which channel each is for."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._running: dict[str, set[_Subscription]] = {}
        gateway.journal.when_accepted(self._wake)

    async def serve(self, context: Context) -> None:
        """Serve one call."""
        try:
            channel, terms = await self._started(context)
            subscription = _Subscription(self._gateway, channel, terms, context)
            await self._run(channel.channel_id, subscription)
        except XinqiaoError as error:
            await context.abort(*refusal_of(error, self._gateway.code, metadata_of(context)))
        if subscription.is_ended:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "subscribe again: the gateway stops or was reloaded")

    def end(self, channels: frozenset[str] | None = None) -> None:
        """End those for these channels, or all; their clients come again."""
        for channel, running in self._running.items():
            if channels is None or channel in channels:
                for each in running:
                    each.end()

    async def _started(self, context: Context) -> "tuple[ServedChannel, _Terms]":
        """Read the first request and say what it is for. Raises what is wrong with it, or with who asks."""
        start = _read(await read_within(context, self._gateway.service.settings.body_timeout) or b"")
        if not isinstance(start, Start):
            raise MalformedQuery("the first request of a subscription is its start")
        channel = self._gateway.channels.find(start.channel_id)
        path = f"/v1/channels/{channel.channel_id}/messages"
        check_access_token(_bearer(context), channel.keys, path)
        return channel, await self._terms(channel, start)

    async def _terms(self, channel: ServedChannel, start: Start) -> "_Terms":
        window, limit = start.window or _USUAL_WINDOW, start.limit
        for name, value, least in (("window", window, 1), ("limit", limit, 0)):
            if not least <= value <= _LARGEST_WINDOW:
                raise MalformedQuery(f"{name} is a whole number from {least} to {_LARGEST_WINDOW}")
        journal = self._gateway.journal
        if not start.after:
            after = await journal.read(acknowledged, journal.reading.engine, channel.channel_id)
        elif after := _cursor(start.after):
            await journal.acknowledge(channel.channel_id, after)
        return _Terms(after, window, limit)

    async def _run(self, channel_id: str, subscription: "_Subscription") -> None:
        running = self._running.setdefault(channel_id, set())
        if len(running) >= _MOST:
            raise Overloaded(f"{_MOST} subscriptions of channel {channel_id} are there already")
        running.add(subscription)
        try:
            await subscription.serve()
        finally:
            running.discard(subscription)
            if not running:
                del self._running[channel_id]

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            for each in self._running.get(channel, ()):
                each.changed.set()


class _Terms(NamedTuple):
    """After which cursor to go on, how many may be unacknowledged, after how many to end (0: never)."""

    after: int
    window: int
    limit: int


class _Subscription:
    """One subscription that has been let in."""

    def __init__(self, gateway: Gateway, channel: ServedChannel, terms: _Terms, context: Context) -> None:
        self._gateway, self._channel, self._context = gateway, channel, context
        self._window, self._limit = terms.window, terms.limit
        self._sent_to = self._acknowledged_to = terms.after
        self._unacknowledged: deque[int] = deque()
        self._sent = 0
        self.changed = asyncio.Event()
        self.is_ended = False

    def end(self) -> None:
        """End it soon."""
        self.is_ended = True
        self.changed.set()

    async def serve(self) -> None:
        """Deliver until its end. Raises what is wrong with a request."""
        await self._context.send_initial_metadata(())  # it has been let in
        reader = asyncio.create_task(self._read())
        reader.add_done_callback(lambda _: self.changed.set())
        try:
            while not (self.is_ended or (reader.done() and reader.exception())):
                self.changed.clear()
                if not await self._deliver():
                    # Who sends no more acknowledges no more, but may still listen.
                    if self._limit or (reader.done() and self._room() == 0):
                        break
                    await self._change()
            if reader.done():
                reader.result()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _room(self) -> int:
        room = min(self._window - len(self._unacknowledged), _PAGE)
        return min(room, self._limit - self._sent) if self._limit else room

    async def _deliver(self) -> bool:
        """Send what there is room for; say whether anything was sent."""
        room = self._room()
        if not room:
            return False
        waiting = await self._gateway.journal.waiting(self._channel.channel_id, self._sent_to, room)
        for each in waiting:
            sealed = await sealed_for(self._gateway, self._channel, each)
            message = None
            if sealed is not None:
                message = SealedMessage(
                    channel_id=self._channel.channel_id,
                    content=sealed.content,
                    content_type=sealed.content_type,
                    signature=sealed.signature,
                )
            # Before it is written: its acknowledgement may come before writing returns.
            self._sent_to = each.cursor
            self._unacknowledged.append(each.cursor)
            self._sent += 1
            delivery = Delivery(cursor=str(each.cursor), message=message)
            await write_within(self._context, delivery.to_binary(), LONGEST_REST)
            if self.is_ended:
                break
        return bool(waiting)

    async def _read(self) -> None:
        """Read acknowledgements until the client sends no more; what it has not acknowledged comes again."""
        while isinstance(raw := await self._context.read(), bytes):
            request = _read(raw)
            if not isinstance(request, str):
                raise MalformedQuery("a subscription has started already; each further request acknowledges")
            cursor = _cursor(request)
            if not cursor <= self._sent_to:
                raise MalformedQuery("acknowledged is a cursor that this subscription has delivered")
            if cursor > self._acknowledged_to:
                await self._gateway.journal.acknowledge(self._channel.channel_id, cursor)
                self._acknowledged_to = cursor
            while self._unacknowledged and self._unacknowledged[0] <= cursor:
                self._unacknowledged.popleft()
            self.changed.set()

    async def _change(self) -> None:
        """Wait until something may have come, or was acknowledged."""
        try:
            async with asyncio.timeout(_LOOK_AGAIN):
                await self.changed.wait()
        except TimeoutError:
            return


def _read(raw: bytes) -> Start | str:
    try:
        request = SubscribeRequest.from_binary(raw).request
    except ValueError as error:
        raise MalformedBinary(f"xinqiao.exchange.v1.SubscribeRequest is expected: {error}") from error
    if request is None:
        raise MalformedQuery("a request of a subscription is its start or acknowledges a cursor")
    return request.value


def _cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS) or int(text) >= 2**63:
        raise MalformedQuery("a cursor is the text that a delivery gave")
    return int(text)


def _bearer(context: Context) -> str:
    said = next((value for name, value in metadata_of(context) if name == "authorization"), "")
    scheme, _, token = (said if isinstance(said, str) else "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthorized("send an access token in the metadata, as authorization: Bearer …")
    return token
