"""Subscriptions over gRPC: each delivery is acknowledged when the next one is asked for."""

import queue
from collections.abc import Iterable
from typing import Any, Literal

import grpc
from protobuf import Oneof

from xinqiao.exchange.v1.exchange_pb import Delivery, Start, SubscribeRequest
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeClient, ExchangeClientSync
from xinqiao.seal import Sealed
from xinqiao.transport import Answer, Fetch, Pulled
from xinqiao.transport.grpc_answers import METADATA, refused

__all__ = ["AsyncGrpcFollowing", "GrpcFollowing", "bearer", "page_request", "pulled"]

# Seconds that one subscription lasts; the next begins with a fresh token.
_LONGEST = 240.0


class GrpcFollowing:
    """A subscription that goes on in another call where one ends; its requests are read by gRPC's own thread."""

    def __init__(self, stub: ExchangeClientSync, channel: str) -> None:
        self._stub, self._channel = stub, channel
        self._requests: queue.SimpleQueue[SubscribeRequest | None] = queue.SimpleQueue()
        self._call: Any = None

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Acknowledge what came last, and wait for the next delivery."""
        try:
            return self._next(fetch)
        except grpc.RpcError as error:
            self.end()
            return _ended(error, fetch)

    def end(self) -> None:
        """End it; what was not acknowledged comes again."""
        if self._call is not None:
            self._requests.put(None)
            self._call.cancel()
            self._call = None

    def _next(self, fetch: Fetch) -> Pulled:
        if self._call is not None:
            self._requests.put(_acknowledgement(fetch))
        else:
            self._requests = queue.SimpleQueue()
            self._requests.put(_start(self._channel, fetch))
            requests = iter(self._requests.get, None)
            self._call = self._stub.subscribe(requests, timeout=_LONGEST, metadata=bearer(fetch))
        delivery = next(self._call, None)
        if delivery is None:
            self.end()
        return pulled([delivery] if delivery else [], fetch)


class AsyncGrpcFollowing:
    """The same for an event loop."""

    def __init__(self, stub: ExchangeClient, channel: str) -> None:
        self._stub, self._channel = stub, channel
        self._call: Any = None

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Acknowledge what came last, and wait for the next delivery."""
        try:
            return await self._next(fetch)
        except grpc.RpcError as error:
            self.end()
            return _ended(error, fetch)

    def end(self) -> None:
        """End it; what was not acknowledged comes again."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    async def _next(self, fetch: Fetch) -> Pulled:
        if self._call is not None:
            await self._call.write(_acknowledgement(fetch))
        else:
            requests: Any = None  # they are written one by one
            self._call = self._stub.subscribe(requests, timeout=_LONGEST, metadata=bearer(fetch))
            await self._call.write(_start(self._channel, fetch))
        delivery = await self._call.read()
        if isinstance(delivery, Delivery):
            return pulled([delivery], fetch)
        await self._call.code()
        self.end()
        return pulled([], fetch)


def page_request(channel: str, fetch: Fetch) -> SubscribeRequest:
    """Return what asks for a page: it begins with the first message of all, and ends by itself."""
    return _started(Start(channel_id=channel, after=fetch.after or "0", window=fetch.limit, limit=fetch.limit))


def bearer(fetch: Fetch) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a subscription."""
    return (*METADATA, ("authorization", f"Bearer {fetch.token}"))


def pulled(deliveries: Iterable[Delivery], fetch: Fetch) -> Pulled:
    """Return deliveries as what was pulled; one without a message only moves the cursor."""
    sealed, cursor = [], fetch.after or ""
    for each in deliveries:
        cursor = each.cursor
        if each.message is not None:
            found = each.message
            sealed.append(Sealed(found.content, found.content_type, found.signature))
    return Pulled(sealed, cursor)


def _start(channel: str, fetch: Fetch) -> SubscribeRequest:
    return _started(Start(channel_id=channel, after=fetch.after or "", window=fetch.limit))


def _started(start: Start) -> SubscribeRequest:
    request: Oneof[Literal["start"], Start] = Oneof(field="start", value=start)
    return SubscribeRequest(request=request)


def _acknowledgement(fetch: Fetch) -> SubscribeRequest:
    request: Oneof[Literal["acknowledged"], str] = Oneof(field="acknowledged", value=fetch.after or "")
    return SubscribeRequest(request=request)


def _ended(error: grpc.RpcError, fetch: Fetch) -> Pulled | Answer:
    """Return what the end of a call comes to: nothing came where its time was over. Raises ``NoAnswer``."""
    found: Any = error
    if found.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Pulled([], fetch.after or "")
    return refused(error)
