"""gRPC: sealed messages through the service ``Exchange``. Needs grpcio (``xinqiao[grpc]``)."""

import queue
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Literal

import grpc
from protobuf import Oneof

from xinqiao.exchange.v1.exchange_pb import Delivery, SealedMessage, SubscribeRequest
from xinqiao.exchange.v1.exchange_pb import Start as Started
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeClient, ExchangeClientSync
from xinqiao.seal import Sealed
from xinqiao.transport import Answer, Fetch, NoAnswer, Pulled, Tls
from xinqiao.transport.feed import Feed
from xinqiao.transport.grpc_answers import DETAILS_LIMIT, MOST_DETAILS, answer_of, refused

__all__ = ["AsyncGrpcTransport", "GrpcTransport"]

_OPTIONS: list[tuple[str, Any]] = [
    # Answers may hold a thousand findings; a message is as large as its channel allows.
    ("grpc.max_metadata_size", 2 * MOST_DETAILS),
    ("grpc.absolute_max_metadata_size", 2 * MOST_DETAILS),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # The client repeats itself, within the bounds of its Retry.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A gateway that is gone without a word is noticed.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]
_METADATA = ((DETAILS_LIMIT, str(MOST_DETAILS)),)
# Seconds that one subscription lasts; the next begins with a fresh token.
_LONGEST = 240.0


class GrpcTransport:
    """Over ``grpc.Channel``."""

    def __init__(self, target: str, channel: str, timeout: float, tls: Tls | None) -> None:
        self._channel_id, self._timeout = channel, timeout
        self._channel = (
            grpc.secure_channel(target, _credentials(tls), _OPTIONS) if tls else grpc.insecure_channel(target, _OPTIONS)
        )
        self._stub = ExchangeClientSync(self._channel)
        self._following: _Following | None = None

    def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        try:
            reply = self._stub.submit(_input(self._channel_id, sealed), timeout=self._timeout, metadata=_METADATA)
        except grpc.RpcError as error:
            return refused(error)
        return answer_of(reply)

    def submit_many(self, inputs: Iterable[Sealed]) -> Iterator[tuple[Sealed, Answer | None]]:
        """Send a stream; where it breaks, what was not answered has no answer, and the rest goes in another."""
        feed = Feed(inputs)
        while not feed.is_empty:
            call = self._stub.submit_stream(_inputs(self._channel_id, feed), metadata=_METADATA)
            try:
                for reply in call:
                    yield feed.answered(reply.tag), answer_of(reply)
            except (grpc.RpcError, NoAnswer):
                pass  # what it did not answer, the feed knows
            finally:
                call.cancel()
            for each in feed.broken():
                yield each, None

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for messages, or wait for the next one of a subscription that stays."""
        try:
            return self._next(fetch) if fetch.waits else self._all(fetch)
        except grpc.RpcError as error:
            self._following = None
            if fetch.waits and _is_over(error):
                return Pulled([], fetch.after or "")
            return refused(error)

    def close(self) -> None:
        """Close the connections."""
        if self._following is not None:
            self._following.end()
        self._channel.close()

    def _all(self, fetch: Fetch) -> Pulled:
        request = iter([_start(self._channel_id, fetch)])
        call = self._stub.subscribe(request, timeout=self._timeout, metadata=_bearer(fetch))
        return _pulled(list(call), fetch)

    def _next(self, fetch: Fetch) -> Pulled:
        following = self._following
        if following is not None and following.cursor == fetch.after:
            following.acknowledge()
        else:
            if following is not None:
                following.end()
            following = self._following = _Following(self._stub, self._channel_id, fetch)
        delivery = following.next()
        if delivery is None:
            self._following = None
        return _pulled([delivery] if delivery else [], fetch)


class _Following:
    """A subscription that stays; its requests are read by gRPC's own thread."""

    def __init__(self, stub: ExchangeClientSync, channel: str, fetch: Fetch) -> None:
        self.cursor: str | None = None
        self._requests: queue.SimpleQueue[SubscribeRequest | None] = queue.SimpleQueue()
        self._requests.put(_start(channel, fetch))
        self._call = stub.subscribe(iter(self._requests.get, None), timeout=_LONGEST, metadata=_bearer(fetch))

    def acknowledge(self) -> None:
        """Acknowledge what came last."""
        self._requests.put(_acknowledgement(self.cursor or ""))

    def next(self) -> Delivery | None:
        """Wait for the next delivery; None where the gateway has ended the subscription."""
        delivery = next(self._call, None)
        self.cursor = delivery.cursor if delivery else None
        return delivery

    def end(self) -> None:
        """End it."""
        self._requests.put(None)
        self._call.cancel()


class AsyncGrpcTransport:
    """Over ``grpc.aio.Channel``."""

    def __init__(self, target: str, channel: str, timeout: float, tls: Tls | None) -> None:
        self._channel_id, self._timeout = channel, timeout
        self._channel = (
            grpc.aio.secure_channel(target, _credentials(tls), _OPTIONS)
            if tls
            else grpc.aio.insecure_channel(target, _OPTIONS)
        )
        self._stub = ExchangeClient(self._channel)
        self._following: Any = None
        self._cursor: str | None = None

    async def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        try:
            reply = await self._stub.submit(_input(self._channel_id, sealed), timeout=self._timeout, metadata=_METADATA)
        except grpc.RpcError as error:
            return refused(error)
        return answer_of(reply)

    async def submit_many(self, inputs: Iterable[Sealed]) -> AsyncIterator[tuple[Sealed, Answer | None]]:
        """Send a stream; where it breaks, what was not answered has no answer, and the rest goes in another."""
        feed = Feed(inputs)
        while not feed.is_empty:
            call = self._stub.submit_stream(_async_inputs(self._channel_id, feed), metadata=_METADATA)
            try:
                async for reply in call:
                    yield feed.answered(reply.tag), answer_of(reply)
            except (grpc.RpcError, NoAnswer):
                pass  # what it did not answer, the feed knows
            finally:
                call.cancel()
            for each in feed.broken():
                yield each, None

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for messages, or wait for the next one of a subscription that stays."""
        try:
            return await (self._next(fetch) if fetch.waits else self._all(fetch))
        except grpc.RpcError as error:
            self._following = None
            if fetch.waits and _is_over(error):
                return Pulled([], fetch.after or "")
            return refused(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._channel.close(None)

    async def _all(self, fetch: Fetch) -> Pulled:
        call = self._stub.subscribe(
            _async_iterator(_start(self._channel_id, fetch)), timeout=self._timeout, metadata=_bearer(fetch)
        )
        return _pulled([each async for each in call], fetch)

    async def _next(self, fetch: Fetch) -> Pulled:
        if self._following is not None and self._cursor == fetch.after:
            await self._following.write(_acknowledgement(self._cursor or ""))
        else:
            if self._following is not None:
                self._following.cancel()
            requests: Any = None  # they are written one by one
            self._following = self._stub.subscribe(requests, timeout=_LONGEST, metadata=_bearer(fetch))
            await self._following.write(_start(self._channel_id, fetch))
        delivery = await self._following.read()
        if not isinstance(delivery, Delivery):
            await self._following.code()
            self._following = None
            return _pulled([], fetch)
        self._cursor = delivery.cursor
        return _pulled([delivery], fetch)


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    ca, certificate, key = tls.contents()
    return grpc.ssl_channel_credentials(ca, key, certificate)


def _input(channel: str, sealed: Sealed, tag: str = "") -> SealedMessage:
    return SealedMessage(
        channel_id=channel,
        content=sealed.content,
        content_type=sealed.content_type,
        signature=sealed.signature,
        tag=tag,
    )


def _inputs(channel: str, feed: Feed) -> Iterator[SealedMessage]:
    for tag, sealed in feed.stream():
        yield _input(channel, sealed, tag)


async def _async_inputs(channel: str, feed: Feed) -> AsyncIterator[SealedMessage]:
    for each in _inputs(channel, feed):
        yield each


async def _async_iterator(request: SubscribeRequest) -> AsyncIterator[SubscribeRequest]:
    yield request


def _start(channel: str, fetch: Fetch) -> SubscribeRequest:
    """Return the first request; a page ends by itself and begins with the first message of all."""
    after = fetch.after or ("" if fetch.waits else "0")
    limit = 0 if fetch.waits else fetch.limit
    start = Started(channel_id=channel, after=after, window=fetch.limit, limit=limit)
    request: Oneof[Literal["start"], Started] = Oneof(field="start", value=start)
    return SubscribeRequest(request=request)


def _acknowledgement(cursor: str) -> SubscribeRequest:
    request: Oneof[Literal["acknowledged"], str] = Oneof(field="acknowledged", value=cursor)
    return SubscribeRequest(request=request)


def _bearer(fetch: Fetch) -> tuple[tuple[str, str], ...]:
    return (*_METADATA, ("authorization", f"Bearer {fetch.token}"))


def _is_over(error: grpc.RpcError) -> bool:
    """Whether a subscription ended because its time was over."""
    code: Any = getattr(error, "code", None)
    return code is not None and code() is grpc.StatusCode.DEADLINE_EXCEEDED


def _pulled(deliveries: Iterable[Delivery], fetch: Fetch) -> Pulled:
    sealed, cursor = [], fetch.after or ""
    for each in deliveries:
        cursor = each.cursor
        if each.message is not None:
            found = each.message
            sealed.append(Sealed(found.content, found.content_type, found.signature))
    return Pulled(sealed, cursor)
