"""gRPC: sealed messages through the service ``Exchange``. Needs grpcio (``xinqiao[grpc]``)."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from functools import cached_property
from typing import Any

import grpc

from xinqiao.exchange.v1.exchange_pb import SealedMessage, SubscribeRequest
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeClient, ExchangeClientSync
from xinqiao.seal import Sealed
from xinqiao.transport import Answer, Fetch, NoAnswer, Pulled, Tls
from xinqiao.transport.feed import Feed, Tagged
from xinqiao.transport.grpc_answers import METADATA, MOST_DETAILS, answer_of, refused
from xinqiao.transport.grpc_following import AsyncGrpcFollowing, GrpcFollowing, bearer, page_request, pulled

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


class GrpcTransport:
    """Over ``grpc.Channel``."""

    def __init__(self, target: str, channel: str, timeout: float, tls: Tls | None) -> None:
        self._channel_id, self._timeout = channel, timeout
        self._channel = (
            grpc.secure_channel(target, _credentials(tls), _OPTIONS) if tls else grpc.insecure_channel(target, _OPTIONS)
        )
        self._stub = ExchangeClientSync(self._channel)

    def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        try:
            reply = self._stub.submit(_input(self._channel_id, sealed), timeout=self._timeout, metadata=METADATA)
        except grpc.RpcError as error:
            return refused(error)
        return answer_of(reply)

    def submit_many(self, inputs: Iterable[Sealed]) -> Iterator[tuple[Sealed, Answer | None]]:
        """Send a stream; where it breaks, what was not answered has no answer, and the rest goes in another."""
        feed = Feed(inputs)
        while feed.has_more():
            yield from self._stream(feed)
            for each in feed.broken():
                yield each, None

    def _stream(self, feed: Feed) -> Iterator[tuple[Sealed, Answer]]:
        call = self._stub.submit_stream(_inputs(self._channel_id, feed.stream()), metadata=METADATA)
        is_over = threading.Event()

        def watch() -> None:
            while (left := feed.patience(self._timeout)) > 0:
                if is_over.wait(left):
                    return
            call.cancel()

        threading.Thread(target=watch, name="xinqiao stream", daemon=True).start()
        try:
            feed.wait()
            for reply in call:
                yield feed.answered(reply.tag), answer_of(reply)
                feed.wait()
        except (grpc.RpcError, NoAnswer):
            pass  # what it did not answer, the feed knows
        finally:
            is_over.set()
            call.cancel()

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for a page."""
        request = iter([page_request(self._channel_id, fetch)])
        try:
            return pulled(list(self._stub.subscribe(request, timeout=self._timeout, metadata=bearer(fetch))), fetch)
        except grpc.RpcError as error:
            return refused(error)

    def follow(self) -> GrpcFollowing:
        """Return a subscription, to begin when it is first asked."""
        return GrpcFollowing(self._stub, self._channel_id)

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()


class AsyncGrpcTransport:
    """Over ``grpc.aio.Channel``."""

    def __init__(self, target: str, channel: str, timeout: float, tls: Tls | None) -> None:
        self._target, self._channel_id, self._timeout = target, channel, timeout
        self._credentials = _credentials(tls) if tls else None

    # Made at the first call: grpcio binds a channel to the event loop in which it is made.
    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._target, _OPTIONS)
        return grpc.aio.secure_channel(self._target, self._credentials, _OPTIONS)

    @cached_property
    def _stub(self) -> ExchangeClient:
        return ExchangeClient(self._channel)

    async def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        try:
            reply = await self._stub.submit(_input(self._channel_id, sealed), timeout=self._timeout, metadata=METADATA)
        except grpc.RpcError as error:
            return refused(error)
        return answer_of(reply)

    async def submit_many(self, inputs: Iterable[Sealed]) -> AsyncIterator[tuple[Sealed, Answer | None]]:
        """Send a stream; where it breaks, what was not answered has no answer, and the rest goes in another."""
        feed = Feed(inputs)
        while feed.has_more():
            async with aclosing(self._stream(feed)) as stream:
                async for each in stream:
                    yield each
            for left in feed.broken():
                yield left, None

    async def _stream(self, feed: Feed) -> AsyncGenerator[tuple[Sealed, Answer], None]:
        call = self._stub.submit_stream(_async_inputs(self._channel_id, feed.stream()), metadata=METADATA)

        async def watch() -> None:
            while (left := feed.patience(self._timeout)) > 0:
                await asyncio.sleep(left)
            call.cancel()

        watching = asyncio.create_task(watch())
        try:
            feed.wait()
            async for reply in call:
                yield feed.answered(reply.tag), answer_of(reply)
                feed.wait()
        except (grpc.RpcError, NoAnswer):
            pass  # what it did not answer, the feed knows
        except asyncio.CancelledError:
            if not watching.done() or _is_cancelled():
                raise
        finally:
            watching.cancel()
            call.cancel()

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for a page."""
        request = _one(page_request(self._channel_id, fetch))
        call = self._stub.subscribe(request, timeout=self._timeout, metadata=bearer(fetch))
        try:
            return pulled([each async for each in call], fetch)
        except grpc.RpcError as error:
            return refused(error)

    def follow(self) -> AsyncGrpcFollowing:
        """Return a subscription, to begin when it is first asked."""
        return AsyncGrpcFollowing(self._stub, self._channel_id)

    async def close(self) -> None:
        """Close the connections."""
        if "_channel" in vars(self):
            await self._channel.close(None)


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    ca, certificate, key = tls.contents()
    return grpc.ssl_channel_credentials(ca, key, certificate)


def _is_cancelled() -> bool:
    """Whether it is the caller that is cancelled; a call that was cancelled here raises the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _input(channel: str, sealed: Sealed, tag: str = "") -> SealedMessage:
    return SealedMessage(
        channel_id=channel,
        content=sealed.content,
        content_type=sealed.content_type,
        signature=sealed.signature,
        tag=tag,
    )


def _inputs(channel: str, stream: Iterator[Tagged]) -> Iterator[SealedMessage]:
    for each in stream:
        yield _input(channel, each.sealed, each.tag)


async def _async_inputs(channel: str, stream: Iterator[Tagged]) -> AsyncIterator[SealedMessage]:
    for each in stream:
        yield _input(channel, each.sealed, each.tag)


async def _one(request: SubscribeRequest) -> AsyncIterator[SubscribeRequest]:
    yield request
