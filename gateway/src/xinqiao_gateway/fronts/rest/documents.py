"""Documents over HTTP: PUT, GET and HEAD /v1/channels/{channel}/documents/{digest}. Bare ASGI, and streaming."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from xinqiao.errors import BodyTooLarge, InternalError, Overloaded, XinqiaoError
from xinqiao.seal import check_access_token
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.documents import Access, Announced, DocumentDigest, Documents, Facts, Opened, Stored
from xinqiao_gateway.documents.upload import disk
from xinqiao_gateway.fronts.rest.answers import error_response
from xinqiao_gateway.gateway import Gateway

__all__ = ["DOCUMENT_PATH", "Document"]

DOCUMENT_PATH = "/v1/channels/{channel}/documents/{digest}"

_log = structlog.get_logger("rest")
# What is gathered before a thread is woken to hash, encrypt and write it.
_PIECE = 262_144


class Document:
    """One document: put by its digest, got by it. ``clock`` (seconds) measures how slowly a body comes."""

    def __init__(self, gateway: Gateway, documents: Documents, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._documents = documents
        self._access = Access(documents, gateway.journal.reading.message)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, channel = Request(scope), None
        with ExitStack() as held:
            try:
                channel = self._gateway.channels.find(request.path_params["channel"])
                digest = DocumentDigest.parse(request.path_params["digest"])
                if request.method == "PUT":
                    response = await self._put(request, channel, digest, receive)
                else:
                    response = await self._get(request, channel, digest, held)
            except ClientDisconnect:
                return  # nobody is there to read an answer, and nothing was stored
            except XinqiaoError as error:
                response = error_response(_outwardly(error, scope["path"]), self._gateway.code, channel)
            await self._answer(response, scope, receive, send)

    async def _put(
        self, request: Request, channel: ServedChannel, digest: DocumentDigest, receive: Receive
    ) -> Response:
        media_type, size, body = await self._authentic(request, channel, receive)
        announced = Announced(channel.channel_id, digest, media_type.partition(";")[0].strip().lower(), size)
        # Only who is known takes one of the channel's places.
        with self._documents.transfer(channel.channel_id):
            stored = await self._stored(announced, body)
        return Response(_described(stored.facts), 201 if stored.new else 200, media_type="application/json")

    async def _authentic(
        self, request: Request, channel: ServedChannel, receive: Receive
    ) -> tuple[str, int | None, AsyncIterator[bytes]]:
        """Return media type, size where known, and body: sealed and read already, or named by an access token."""
        media_type, body = request.headers.get("Content-Type", ""), self._body(receive)
        signature = request.headers.get(channel.signature_header or "", "")
        if not signature:
            check_access_token(_bearer(request), channel.keys, request.url.path)
            return media_type, _length(request), body
        service = self._gateway.service
        max_age = timedelta(seconds=service.settings.seal_max_age)
        # Whose it is shows once it is here: until then it has a place among the channel's bodies.
        with service.intake.admission.reading(channel.channel_id):
            sealed = await _bounded(body, channel.body_limit, _length(request))
        content, media_type = channel.opened(sealed, media_type, signature, max_age=max_age)
        return media_type, len(content), _once(content)

    async def _stored(self, announced: Announced, body: AsyncIterator[bytes]) -> Stored:
        upload = await asyncio.to_thread(self._documents.begin, announced)
        with upload:
            async for piece in body:
                await asyncio.to_thread(upload.write, piece)
            return await asyncio.to_thread(upload.finish)

    async def _body(self, receive: Receive) -> AsyncIterator[bytes]:
        """Yield a body in pieces. Raises ``Overloaded`` for one that stops coming or comes too slowly."""
        settings, started = self._documents.settings, self._clock()
        gathered, size, more = bytearray(), 0, True
        while more:
            try:
                async with asyncio.timeout(settings.patience):
                    event = await receive()
            except TimeoutError as error:
                raise Overloaded(f"nothing came for {settings.patience} s") from error
            if event["type"] == "http.disconnect":
                raise ClientDisconnect
            gathered += event.get("body", b"")
            size, more = size + len(event.get("body", b"")), event.get("more_body", False)
            if self._clock() - started > settings.patience + size / settings.least_rate:
                raise Overloaded(f"the body comes more slowly than {settings.least_rate} bytes a second")
            if gathered and (len(gathered) >= _PIECE or not more):
                yield bytes(gathered)
                gathered.clear()

    async def _get(self, request: Request, channel: ServedChannel, digest: DocumentDigest, held: ExitStack) -> Response:
        check_access_token(_bearer(request), channel.keys, request.url.path)
        held.enter_context(self._documents.transfer(channel.channel_id))
        message_id = request.query_params.get("message", "")[:36] or None
        read = self._gateway.journal.read
        opened = held.enter_context(await read(self._opened, channel.channel_id, digest, message_id))
        headers = _headers(opened.facts)
        if request.method == "HEAD":
            return Response(None, 200, headers)
        return StreamingResponse(_contents(opened), 200, headers)

    def _opened(self, channel_id: str, digest: DocumentDigest, message_id: str | None) -> Opened:
        with disk():
            self._access.check(channel_id, digest, message_id)
            return self._documents.open(digest)

    async def _answer(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        """Send an answer; one that is cut short (damaged, taken too slowly) ends the connection, and so is seen."""

        async def patient(message: Message) -> None:
            async with asyncio.timeout(self._documents.settings.patience):
                await send(message)

        with _cut_short(scope["path"]):
            await response(scope, receive, patient)


@contextmanager
def _cut_short(path: str) -> Iterator[None]:
    try:
        yield
    except InternalError as error:
        _log.error("document.damaged", path=path, why=error.detail)
    except (TimeoutError, ClientDisconnect):
        _log.warning("document.not_taken", path=path)
    except OSError as error:
        _log.error("document.unreadable", path=path, why=error.strerror)


async def _contents(opened: Opened) -> AsyncIterator[bytes]:
    pieces = opened.pieces()
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _bounded(body: AsyncIterator[bytes], limit: int, announced: int | None) -> bytes:
    larger = BodyTooLarge(f"more than {limit} bytes; send a larger document with an access token, not a seal")
    if announced is not None and announced > limit:
        raise larger
    content = bytearray()
    async for piece in body:
        content += piece
        if len(content) > limit:
            raise larger
    return bytes(content)


def _outwardly(error: XinqiaoError, path: str) -> XinqiaoError:
    """Return an error as a partner sees it: what is wrong on this side goes to the log."""
    if not isinstance(error, InternalError):
        return error
    _log.error("document.damaged", path=path, why=error.detail)
    return InternalError()


def _headers(facts: Facts) -> dict[str, str]:
    """Describe a document; a browser that is led to it must neither show nor keep it."""
    return {
        "Content-Type": facts.media_type,
        "Content-Length": str(facts.size),
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(facts.sha256)).decode()}:",
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }


def _described(facts: Facts) -> bytes:
    said = {"sha256": facts.sha256, "sm3": facts.sm3, "mediaType": facts.media_type, "size": str(facts.size)}
    return orjson.dumps(said)


def _length(request: Request) -> int | None:
    said = request.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and len(said) < 16 else None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""
