"""The exchange with partners: raw input in, waiting messages out. Bare ASGI behind Starlette routes, for speed."""

import base64

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xinqiao.errors import BodyTooLarge, MalformedQuery, Rejected, XinqiaoError
from xinqiao.seal import Sealed, check_access_token, seal
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.rest.answers import acceptance_response, error_response
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Waiting, refused

__all__ = ["Pull", "Submit"]

_LARGEST_PAGE = 500


class Submit:
    """POST /v1/channels/{channel}/messages: take one raw input and answer what became of it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = await self._answer(scope, receive)
        except ClientDisconnect:
            return  # nobody is there to read an answer, and nothing was accepted
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        channel: ServedChannel | None = None
        headers = dict(scope["headers"])
        try:
            channel = self._gateway.channels.find(scope["path_params"]["channel"])
            raw = Raw(
                channel_id=channel.channel_id,
                content=await _body(headers.get(b"content-length", b"0"), receive, channel.body_limit),
                content_type=headers.get(b"content-type", b"").decode("latin-1"),
                signature=_signature(channel, headers),
            )
            return acceptance_response(await self._gateway.intake.accept(raw), self._gateway.code)
        except XinqiaoError as error:
            return error_response(error, self._gateway.code, channel)


class Pull:
    """GET /v1/channels/{channel}/messages: the sealed messages after a cursor, in journal order.

    A cursor acknowledges what came before it.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope)
        try:
            channel = self._gateway.channels.find(request.path_params["channel"])
            check_access_token(_bearer(request), channel.keys, request.url.path)
            after = _number(request, "after", 0, 2**63 - 1)
            limit = _number(request, "limit", 100, _LARGEST_PAGE, least=1)
            response = await self._page(channel, after, limit)
        except XinqiaoError as error:
            response = error_response(error, self._gateway.code)
        await response(scope, receive, send)

    async def _page(self, channel: ServedChannel, after: int, limit: int) -> Response:
        journal = self._gateway.journal
        if after:
            await journal.acknowledge(channel.channel_id, after)
        waiting = await journal.waiting(channel.channel_id, after, limit)
        sealed = [sealed for each in waiting if (sealed := await self._sealed(channel, each)) is not None]
        page = {
            "messages": [
                {
                    "content": base64.b64encode(each.content).decode(),
                    "contentType": each.content_type,
                    "signature": each.signature,
                }
                for each in sealed
            ],
            "cursor": str(waiting[-1].cursor if waiting else after),
        }
        return Response(orjson.dumps(page), media_type="application/json")

    async def _sealed(self, channel: ServedChannel, waiting: Waiting) -> Sealed | None:
        """Return a message as the partner gets it; one that its format cannot hold becomes a dead letter."""
        try:
            encoded = channel.encode(waiting.message, waiting.original)
        except Rejected as error:
            await self._gateway.journal.settle(refused(waiting.delivery_id, error))
            return None
        return seal(encoded.content, encoded.content_type, self._gateway.installation.key)


def _signature(channel: ServedChannel, headers: dict[bytes, bytes]) -> str:
    """Return the value of the header in which the channel's signatures come; empty where the body carries them."""
    name = channel.signature_header
    return headers.get(name.lower().encode("ascii"), b"").decode("latin-1") if name else ""


async def _body(announced: bytes, receive: Receive, limit: int) -> bytes:
    """Read a body of at most ``limit`` bytes. Raises ``BodyTooLarge`` as soon as it is known."""
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge(f"{announced.decode()} bytes, at most {limit} are taken")
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


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _number(request: Request, name: str, default: int, largest: int, *, least: int = 0) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isdecimal() or len(text) > 19 or not least <= int(text) <= largest:
        raise MalformedQuery(f"{name} is a whole number from {least} to {largest}")
    return int(text)
