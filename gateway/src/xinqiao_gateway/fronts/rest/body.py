"""Bodies of requests: read whole, within limits of size and time, and only of whom it is right to wait for."""

import asyncio

from fastapi.security import HTTPAuthorizationCredentials
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xinqiao.errors import BodyTooLarge, SlowBody
from xinqiao_gateway.fronts.rest.access import reader
from xinqiao_gateway.gateway import Gateway

__all__ = ["Guarded", "read_body"]

# An operator's request holds one message at most, and that is no larger than a partner's.
_LARGEST = 2 * 1024 * 1024
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class Guarded:
    """An application for operators, which sees a request with a body once its token is right and its body is there."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises ``NotAuthorized``, ``BodyTooLarge`` and ``SlowBody``."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        reader(self._gateway, _credentials(headers.get("Authorization", "")))
        seconds = self._gateway.installation.settings.body_timeout
        try:
            body = await read_body(headers.get("Content-Length", ""), receive, _LARGEST, seconds)
        except ClientDisconnect:
            return  # nobody is there to read an answer, and nothing was done
        await self._app(scope, _read_already(body, receive), send)


async def read_body(announced: str, receive: Receive, limit: int, seconds: float) -> bytes:
    """Read a body of at most ``limit`` bytes; ``announced`` is what its Content-Length says.

    Raises ``BodyTooLarge`` as soon as it is known, ``SlowBody`` where it takes too long.
    """
    if announced.isdecimal() and int(announced) > limit:
        raise BodyTooLarge(f"{announced} bytes, at most {limit} are taken")
    try:
        async with asyncio.timeout(seconds):
            return await _received(receive, limit)
    except TimeoutError as error:
        raise SlowBody(f"the body had not arrived after {seconds:g} s") from error


async def _received(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLarge(f"more than the {limit} bytes that are taken")
        more = event.get("more_body", False)
    return b"".join(chunks)


def _credentials(header: str) -> HTTPAuthorizationCredentials | None:
    scheme, _, token = header.partition(" ")
    return HTTPAuthorizationCredentials(scheme=scheme, credentials=token) if scheme.lower() == "bearer" else None


def _read_already(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, and after it what comes of the connection."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
