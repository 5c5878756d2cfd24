"""The controls of a scripted institution over HTTP: its rules and its clock."""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xinqiao.errors import Rejected, SettingsInvalid
from xinqiao.message import read_value, timestamp
from xinqiao_conformance.simulators.durations import duration
from xinqiao_conformance.simulators.engine import Engine
from xinqiao_conformance.simulators.institution import Unable
from xinqiao_conformance.simulators.rules import Rule

__all__ = ["controls"]

_LARGEST = 65_536


def controls(engine: Engine) -> list[Route]:
    """Return the routes ``/rules`` (GET, POST one or a list, DELETE all) and ``/clock`` (GET, POST ``?advance=``)."""

    async def rules(request: Request) -> Response:
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > _LARGEST:
                return JSONResponse({"error": f"rules are of at most {_LARGEST} bytes"}, 413)
        return await run_in_threadpool(_answer, lambda: _steered(engine, request.method, bytes(content)))

    async def clock(request: Request) -> Response:
        by = request.query_params.get("advance", "") if request.method == "POST" else ""
        return await run_in_threadpool(_answer, lambda: _advanced(engine, request.method, by))

    return [
        Route("/rules", rules, methods=["GET", "POST", "DELETE"]),
        Route("/clock", clock, methods=["GET", "POST"]),
    ]


def _answer(done: Callable[[], Any]) -> Response:
    try:
        return JSONResponse(done())
    except Unable as error:
        return JSONResponse({"error": str(error)}, error.status)
    except (SettingsInvalid, Rejected, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)


def _steered(engine: Engine, method: str, content: bytes) -> list[dict[str, Any]]:
    if method == "DELETE":
        engine.steering.clear()
    if method == "POST":
        said = read_value(content)
        engine.steering.add([Rule.of_json(each) for each in (said if isinstance(said, list) else [said])])
    return [each.as_json() for each in engine.steering.rules()]


def _advanced(engine: Engine, method: str, by: str) -> dict[str, str]:
    if method == "POST":
        engine.advance(duration(by))
    return {"now": timestamp(engine.clock.now())}
