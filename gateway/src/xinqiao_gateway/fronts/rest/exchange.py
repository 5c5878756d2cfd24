"""The exchange with partners: raw input in, waiting messages out. Bare ASGI behind Starlette routes, for speed."""

import base64

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xinqiao.errors import MalformedQuery, XinqiaoError
from xinqiao.seal import Sealed, check_access_token
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.rest.answers import acceptance_response, error_response
from xinqiao_gateway.fronts.rest.body import read_body
from xinqiao_gateway.fronts.sealing import sealed_for
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.service import Service

__all__ = ["Pull", "Submit"]

_LARGEST_PAGE = 500
# Bytes of content after which a page ends, whatever it was asked for; one message goes whatever its size.
_LARGEST_CONTENT = 4 * 1024 * 1024


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
            # What it began with it ends with, whatever is reloaded meanwhile.
            service = self._gateway.service
            channel = service.channels.find(scope["path_params"]["channel"])
            raw = Raw(
                channel_id=channel.channel_id,
                content=await self._content(service, channel, headers, receive),
                content_type=headers.get(b"content-type", b"").decode("latin-1"),
                signature=_signature(channel, headers),
            )
            return acceptance_response(await service.intake.accept(raw), self._gateway.code)
        except XinqiaoError as error:
            return error_response(error, self._gateway.code, channel)

    async def _content(
        self, service: Service, channel: ServedChannel, headers: dict[bytes, bytes], receive: Receive
    ) -> bytes:
        """Read the body where its channel may send one now. Raises ``SlowBody`` where it takes too long."""
        announced = headers.get(b"content-length", b"").decode("latin-1")
        with service.intake.admission.reading(channel.channel_id):
            return await read_body(announced, receive, channel.body_limit, service.settings.body_timeout)


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
        sealed: list[Sealed] = []
        size, cursor = 0, after
        for each in waiting:
            if size >= _LARGEST_CONTENT:
                break
            cursor = each.cursor
            if (found := await sealed_for(self._gateway, channel, each)) is not None:
                sealed.append(found)
                size += len(found.content)
        page = {
            "messages": [
                {
                    "content": base64.b64encode(each.content).decode(),
                    "contentType": each.content_type,
                    "signature": each.signature,
                }
                for each in sealed
            ],
            "cursor": str(cursor),
        }
        return Response(orjson.dumps(page), media_type="application/json")


def _signature(channel: ServedChannel, headers: dict[bytes, bytes]) -> str:
    """Return the value of the header in which the channel's signatures come; empty where the body carries them."""
    name = channel.signature_header
    return headers.get(name.lower().encode("ascii"), b"").decode("latin-1") if name else ""


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _number(request: Request, name: str, default: int, largest: int, *, least: int = 0) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isdecimal() or len(text) > 19 or not least <= int(text) <= largest:
        raise MalformedQuery(f"{name} is a whole number from {least} to {largest}")
    return int(text)
