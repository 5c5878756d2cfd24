"""The HTTP side that every simulated institution shows, and how its process starts and ends."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xinqiao.seal import NEXT_SIGNATURE_HEADER, SIGNATURE_HEADER
from xinqiao_conformance.simulators.institution import Institution, Unable

__all__ = ["application", "listen", "serve"]

# Bytes of a body that are read: more than an institution takes, so that it can say so.
_LARGEST = 2 << 20
# Of the number of an event.
_DIGITS = 18


def application(institution: Institution, more: Sequence[Route] = ()) -> Starlette:
    """Return the ASGI application of an institution: messages, events, health, its own steps, and ``more``."""

    async def messages(request: Request) -> Response:
        content, headers = await _beginning(request), request.headers
        said = (headers.get(name, "") for name in ("content-type", SIGNATURE_HEADER, NEXT_SIGNATURE_HEADER))
        answer = await run_in_threadpool(institution.receive, content, *said)
        return Response(answer.content, answer.status, media_type=answer.content_type)

    async def events(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > _DIGITS:
            return JSONResponse({"error": "after is a number of an event"}, 400)
        return JSONResponse([event.as_json() for event in institution.events.after(int(after))])

    async def step(request: Request) -> Response:
        options = dict(request.query_params)
        try:
            done = await run_in_threadpool(institution.do, request.path_params["step"], options)
        except Unable as error:
            return JSONResponse({"error": str(error)}, error.status)
        return JSONResponse(done)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        institution.start()
        yield
        await run_in_threadpool(institution.stop)

    routes = [
        Route("/messages", messages, methods=["POST"]),
        Route("/events", events),
        Route("/do/{step}", step, methods=["POST"]),
        Route("/health", health),
        *more,
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _beginning(request: Request) -> bytes:
    """Read a body as far as anybody takes one, and a little further; the rest is thrown away."""
    content = bytearray()
    async for part in request.stream():
        content += part[: max(_LARGEST - len(content), 0)]
    return bytes(content)


class _Announcing(uvicorn.Server):
    """Says when it serves, so that whoever started the process need not guess."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``OSError`` where the port is taken."""
    return socket.create_server((host, port))


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; print one JSON line with the address when ready."""
    host, port = listener.getsockname()[:2]

    def ready() -> None:
        print(json.dumps({"ready": True, "url": f"http://{host}:{port}"}), flush=True)

    # uvicorn raises the signal again once it has shut down; with no handler of our own the exit code would not be 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    asyncio.run(_Announcing(config, ready).serve(sockets=[listener]))
