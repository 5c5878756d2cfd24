"""Operation over HTTP: metrics for Prometheus, and reading the configuration again."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.fronts.rest.authority import require_admin
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.telemetry.metrics import CONTENT_TYPE
from xinqiao_gateway.telemetry.traces import continued, is_traced

__all__ = ["Traced", "metrics_app", "metrics_of", "reload_of"]

_MOST_PROBLEMS = 1000

Endpoint = Callable[[Request], Awaitable[Response]]


def metrics_of(gateway: Gateway, *, is_open: bool = False) -> Endpoint:
    """Return GET /metrics; ``is_open``: without a token, for a port that only Prometheus reaches."""

    async def metrics(request: Request) -> Response:
        if not is_open:
            require_admin(request, gateway)
        await gateway.surveillance.count()
        content = await asyncio.to_thread(gateway.metrics.exposition)
        return Response(content, headers={"Content-Type": CONTENT_TYPE})

    return metrics


def metrics_app(gateway: Gateway) -> Starlette:
    """Return the application for the port of metrics: nothing but them."""
    return Starlette(routes=[Route("/metrics", metrics_of(gateway, is_open=True), methods=["GET"])])


def reload_of(gateway: Gateway) -> Endpoint:
    """Return POST /v1/reload: read channels, rules and settings again; says what changed, or why nothing did."""

    async def reload(request: Request) -> Response:
        require_admin(request, gateway)
        try:
            status, said = 200, (await gateway.reload()).as_json()
        except SettingsInvalid as error:
            status, said = 422, {"reason": error.reason, "problems": error.detail.splitlines()[:_MOST_PROBLEMS]}
        return Response(orjson.dumps(said), status, media_type="application/json")

    return reload


class Traced:
    """An application that continues the trace which a request names, where traces are made at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not is_traced():
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with continued(headers):
            await self._app(scope, receive, send)
