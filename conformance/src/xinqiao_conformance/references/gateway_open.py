"""A gateway with one channel that takes whatever is valid and sealed, of any case, and delivers nothing: for whoever
tries out a sender by himself.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from xinqiao.errors import UnknownChannel
from xinqiao.message import Json
from xinqiao.seal import KeyRing, Sealed, open_seal
from xinqiao_conformance.benches import web
from xinqiao_conformance.references.gateway import Party, ReferenceGateway, Waiting

__all__ = ["OpenGateway", "gateway_application"]


class OpenGateway(ReferenceGateway):
    """Knows a channel by the keys that seal what comes over it, and answers as an institution."""

    def __init__(self, channel: str, institution: str, keys: KeyRing) -> None:
        super().__init__()
        self.institution = institution
        self._channel, self._keys = channel, keys

    def find(self, channel: str) -> Party:
        """Return the one channel."""
        if channel != self._channel:
            raise UnknownChannel(channel[:60])
        return Party(channel, self.institution, self.key)

    def verify(self, party: Party, sealed: Sealed) -> None:  # noqa: ARG002 -- there is one
        """Raise unless the seal belongs to the bytes."""
        open_seal(sealed, self._keys)

    def require_parties(self, party: Party, header: Json) -> None:
        """Take messages from anybody to anybody."""

    def expects(self, message: Json) -> bool:  # noqa: ARG002
        """Expect everything."""
        return True

    def deliver(self, message: Json, waiting: Waiting) -> None:
        """Deliver nothing."""


def gateway_application(gateway: ReferenceGateway) -> Starlette:
    """Return the ASGI application of a reference gateway."""

    async def answer(request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.query_params)
        asked = web.Request(request.method, request.url.path, query, headers, await request.body())
        answered = await run_in_threadpool(gateway.handle, asked)
        given = {**answered.headers, "Content-Type": answered.content_type}
        return Response(answered.body, answered.status, given)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
