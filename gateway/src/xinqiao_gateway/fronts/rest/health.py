"""Health for those who keep the gateway running: that the process lives, and whether it can take messages now."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import orjson
from starlette.requests import Request
from starlette.responses import Response

from xinqiao_gateway.fronts.rest.authority import is_admin
from xinqiao_gateway.gateway import Gateway

__all__ = ["health", "ready_of"]

_HEADERS = {"Cache-Control": "no-store"}


async def health(_request: Request) -> Response:
    """GET /v1/health: the process lives and its event loop turns; nothing else is asked, least of all the journal.

    A process that is killed for a database that is away would not bring it back.
    """
    return Response(b'{"status":"ok"}', media_type="application/json", headers=_HEADERS)


def ready_of(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    """Return GET /v1/ready: 200 while messages can be taken, 503 while not; each condition for the admin token."""

    async def ready(request: Request) -> Response:
        readiness = gateway.surveillance.readiness()
        shown: dict[str, object] = {"status": "ready" if readiness else "not ready"}
        if is_admin(request, gateway):
            shown["conditions"] = asdict(readiness)
        headers = _HEADERS if readiness else {**_HEADERS, "Retry-After": "2"}
        return Response(orjson.dumps(shown), 200 if readiness else 503, headers, "application/json")

    return ready
