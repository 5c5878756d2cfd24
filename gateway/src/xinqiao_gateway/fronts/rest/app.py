"""The ASGI application of the rest front."""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from xinqiao.errors import InternalError, MalformedQuery, NotFound, XinqiaoError
from xinqiao.standard import message_types, schema_of
from xinqiao_gateway.fronts.h5.routes import routes as pages
from xinqiao_gateway.fronts.rest import openapi
from xinqiao_gateway.fronts.rest.answers import error_response
from xinqiao_gateway.fronts.rest.batches import router as batches
from xinqiao_gateway.fronts.rest.body import Guarded
from xinqiao_gateway.fronts.rest.documents import DOCUMENT_PATH, Document
from xinqiao_gateway.fronts.rest.exchange import Pull, Submit
from xinqiao_gateway.fronts.rest.health import health, ready_of
from xinqiao_gateway.fronts.rest.keys import Keys
from xinqiao_gateway.fronts.rest.operation import Traced, metrics_of, reload_of
from xinqiao_gateway.fronts.rest.queries import router
from xinqiao_gateway.fronts.rest.resolution import router as resolution
from xinqiao_gateway.gateway import Gateway

__all__ = ["build_app"]

_log = structlog.get_logger("rest")


def build_app(gateway: Gateway) -> Starlette:
    """Return the application: the exchange's bare routes first, everything else in FastAPI."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await gateway.start()
        try:
            yield
        finally:
            await gateway.stop()

    path = "/v1/channels/{channel}/messages"
    app = Starlette(
        routes=[
            Route(path, Traced(Submit(gateway)), methods=["POST"]),
            Route(path, Pull(gateway), methods=["GET"]),
            Route(DOCUMENT_PATH, Document(gateway, gateway.documents), methods=["PUT", "GET"]),
            Route("/v1/keys", Keys(gateway), methods=["GET"]),
            Route("/v1/health", health, methods=["GET"]),
            Route("/v1/ready", ready_of(gateway), methods=["GET"]),
            Route("/v1/reload", reload_of(gateway), methods=["POST"]),
            Route("/metrics", metrics_of(gateway), methods=["GET"]),
            Route(openapi.SCHEMAS + "/{name}.schema.json", _schema, methods=["GET"]),
            *pages(gateway),
            Mount("/", Guarded(_queries(gateway), gateway)),
        ],
        lifespan=lifespan,
        exception_handlers=_handlers(gateway.code),
    )
    app.state.gateway = gateway
    return app


def _queries(gateway: Gateway) -> FastAPI:
    app = FastAPI(
        title="Xinqiao gateway",
        version=version("xinqiao-gateway"),
        description="与合作机构的交换，运营查询。 / The exchange with partners, and queries of operators.",
        exception_handlers=_handlers(gateway.code),
        redoc_url=None,
    )
    app.state.gateway = gateway
    app.include_router(router)
    app.include_router(resolution)
    app.include_router(batches)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


def _handlers(code: str) -> dict[Any, Any]:
    """Return the handlers that turn every error into a rejection message."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, XinqiaoError)  # noqa: S101 -- registered for it
        return error_response(error, code)

    async def query(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        said = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
        return error_response(MalformedQuery(said), code)

    async def http(request: Request, _error: Exception) -> Response:
        # A path with another method is not found either: no reason of the error table is HTTP's alone.
        return error_response(NotFound(f"{request.method} {request.url.path}"), code)

    async def fault(request: Request, error: Exception) -> Response:
        _log.error("unexpected fault", path=request.url.path, error=type(error).__name__, exc_info=error)
        return error_response(InternalError(), code)

    return {XinqiaoError: ours, RequestValidationError: query, HTTPException: http, Exception: fault}


async def _schema(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {kind.name for kind in message_types().values()}:
        raise NotFound(f"no schema {name[:60]}")
    return Response(orjson.dumps(schema_of(name)), media_type="application/schema+json")
