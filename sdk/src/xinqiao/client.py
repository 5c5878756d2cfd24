"""The client of a partner: send sealed messages, fetch those that wait, repeat what is worth repeating.

One interface whatever the transport, which the address names: ``https://…`` and ``http://…`` REST, ``grpcs://…`` and
``grpc://…`` gRPC (install ``xinqiao[grpc]``). ``Client`` blocks, ``AsyncClient`` is for an event loop.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from xinqiao.conversation import (
    Page,
    Received,
    Retry,
    Step,
    Steps,
    Submission,
    Wait,
    answered,
    followed,
    is_final,
    paged,
    receipt_of,
)
from xinqiao.errors import KeyUnusable, XinqiaoError
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, SigningKey, access_token, seal
from xinqiao.transport import Answer, AsyncFollowing, AsyncTransport, Fetch, Following, NoAnswer, Tls, Transport
from xinqiao.transport.address import connect, connect_async
from xinqiao.transport.http import retry_after

if TYPE_CHECKING:
    from xinqiao import v1

__all__ = ["Answer", "AsyncClient", "Client", "NoAnswer", "Page", "Received", "Retry", "Tls", "retry_after"]

T = TypeVar("T")

# Of ``subscribe``: messages that may be unacknowledged, and the seconds to wait after nothing came.
_AT_ONCE = 100
_PAUSE = 1.0


class _Partner:
    """What both clients know: the channel, the keys, how long to go on."""

    def __init__(self, channel: str, key: SigningKey, gateway_keys: KeyRing | None, retry: Retry | None) -> None:
        self._path = f"/v1/channels/{channel}/messages"
        self._key, self._gateway_keys = key, gateway_keys
        self._retry = retry or Retry()

    def _sealed(self, message: "Json | v1.Message") -> Sealed:
        return seal(write_json(_canonical(message)), CONTENT_TYPE_JSON, self._key)

    def _answered(self, sealed: Sealed) -> Steps[Answer]:
        return answered(sealed, self._retry)

    def _paged(self, after: str | None, limit: int) -> Steps[Page]:
        return paged(Fetch(self._token(), after, limit), self._retry, self._trusted())

    def _followed(self, after: str | None) -> Steps[None]:
        return followed(self._token, after, _AT_ONCE, self._retry, self._trusted(), _PAUSE)

    def _token(self) -> str:
        return access_token(self._key, self._path)

    def _trusted(self) -> KeyRing:
        if self._gateway_keys is None:
            raise KeyUnusable("messages are verified: give the client gateway_keys (GET /v1/keys)")
        return self._gateway_keys


class Client(_Partner):
    """A partner's connection with a gateway for one channel. Use it as a context manager, or close it.

    Raises ``SettingsInvalid`` for an address that is none, or TLS files that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        channel: str,
        key: SigningKey,
        *,
        gateway_keys: KeyRing | None = None,
        timeout: float = 10.0,
        retry: Retry | None = None,
        tls: Tls | None = None,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(channel, key, gateway_keys, retry)
        self._transport: Transport = connect(base_url, channel, timeout, tls, http)
        self._sleep = sleep

    def submit(self, message: "Json | v1.Message") -> Json:
        """Send one message and return the receipt message: it is durably accepted.

        Raises the error class of the reason on a rejection, with its findings; ``DestinationDown`` where no
        answer came within the bounds of ``retry``, ``DestinationRefused`` where the receipt is for another message:
        the outcome is unknown then. A repeat is the same bytes, so it is recognised as one.
        """
        sealed = self._sealed(message)
        return receipt_of(sealed, self._run(self._answered(sealed)))

    def submit_many(self, messages: Iterable["Json | v1.Message"]) -> Iterator[Json | XinqiaoError]:
        """Send messages and yield for each, in order, its receipt, or the error with which it was refused.

        Over gRPC they go as a stream, many under way at once, and are accepted in no certain order. Raises
        ``DestinationDown`` where no answer came for one within the bounds of ``retry``.
        """
        for sealed, answer in self._transport.submit_many(self._sealed(each) for each in messages):
            if answer is None or not is_final(answer):
                answer = self._run(self._answered(sealed))  # noqa: PLW2901 -- the one that counts
            yield _said(sealed, answer)

    def submit_raw(self, content: bytes, content_type: str) -> Answer:
        """Send bytes in the partner's own format and return the last answer, whatever its status.

        Raises ``DestinationDown`` where none came.
        """
        return self._run(self._answered(seal(content, content_type, self._key)))

    def messages(self, after: str | None = None, limit: int = 100) -> Page:
        """Return the messages for this channel after a cursor, each verified against the gateway's keys.

        Raises ``SealInvalid`` where a message was not sealed by the gateway, ``MalformedJson`` where the page is
        not as the standard writes it, ``KeyUnusable`` without ``gateway_keys``, and the error of a rejection.
        """
        return self._run(self._paged(after, limit))

    def subscribe(self, after: str | None = None) -> Iterator[Received]:
        """Yield what waits for this channel and what comes, without an end; asking for the next acknowledges.

        ``after`` is a cursor that was kept. Without one, gRPC goes on after what was acknowledged, REST from the
        start. Whoever leaves the loop gets what was not acknowledged again: over REST a page, over gRPC one message.
        Raises as ``messages`` does.
        """
        steps, result, following = self._followed(after), None, self._transport.follow()
        try:
            while True:
                step = steps.send(result)
                if isinstance(step, Received):
                    result = None
                    yield step
                else:
                    result = self._do(step, following)
        finally:
            following.end()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        result = None
        try:
            while True:
                result = self._do(steps.send(result))
        except StopIteration as end:
            found: T = end.value
            return found

    def _do(self, step: Step, following: Following | None = None) -> Any:  # noqa: ANN401 -- what is asked
        try:
            match step:
                case Submission():
                    return self._transport.submit(step.sealed)
                case Fetch():
                    return (following or self._transport).fetch(step)
                case Wait():
                    self._sleep(step.seconds)
        except NoAnswer as error:
            return error
        return None


class AsyncClient(_Partner):
    """The same for an event loop. Use it as an async context manager, or close it."""

    def __init__(
        self,
        base_url: str,
        channel: str,
        key: SigningKey,
        *,
        gateway_keys: KeyRing | None = None,
        timeout: float = 10.0,
        retry: Retry | None = None,
        tls: Tls | None = None,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(channel, key, gateway_keys, retry)
        self._transport: AsyncTransport = connect_async(base_url, channel, timeout, tls, http)
        self._sleep = sleep

    async def submit(self, message: "Json | v1.Message") -> Json:
        """See ``Client.submit``."""
        sealed = self._sealed(message)
        return receipt_of(sealed, await self._run(self._answered(sealed)))

    async def submit_many(self, messages: Iterable["Json | v1.Message"]) -> AsyncIterator[Json | XinqiaoError]:
        """See ``Client.submit_many``. Messages are made in the event loop: what makes them must not block it."""
        async for sealed, answer in self._transport.submit_many(self._sealed(each) for each in messages):
            if answer is None or not is_final(answer):
                answer = await self._run(self._answered(sealed))  # noqa: PLW2901 -- the one that counts
            yield _said(sealed, answer)

    async def submit_raw(self, content: bytes, content_type: str) -> Answer:
        """See ``Client.submit_raw``."""
        return await self._run(self._answered(seal(content, content_type, self._key)))

    async def messages(self, after: str | None = None, limit: int = 100) -> Page:
        """See ``Client.messages``."""
        return await self._run(self._paged(after, limit))

    async def subscribe(self, after: str | None = None) -> AsyncIterator[Received]:
        """See ``Client.subscribe``."""
        steps, result, following = self._followed(after), None, self._transport.follow()
        try:
            while True:
                step = steps.send(result)
                if isinstance(step, Received):
                    result = None
                    yield step
                else:
                    result = await self._do(step, following)
        finally:
            following.end()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, steps: Steps[T]) -> T:
        result = None
        try:
            while True:
                result = await self._do(steps.send(result))
        except StopIteration as end:
            found: T = end.value
            return found

    async def _do(self, step: Step, following: AsyncFollowing | None = None) -> Any:  # noqa: ANN401 -- what is asked
        try:
            match step:
                case Submission():
                    return await self._transport.submit(step.sealed)
                case Fetch():
                    return await (following or self._transport).fetch(step)
                case Wait():
                    await self._sleep(step.seconds)
        except NoAnswer as error:
            return error
        return None


def _said(sealed: Sealed, answer: Answer) -> Json | XinqiaoError:
    try:
        return receipt_of(sealed, answer)
    except XinqiaoError as error:
        return error


def _canonical(message: "Json | v1.Message") -> Json:
    if isinstance(message, dict):
        return message
    # The typed messages of all families take a third of a second to load: only who uses them waits for them.
    from xinqiao.typed import to_canonical  # noqa: PLC0415

    return to_canonical(message)
