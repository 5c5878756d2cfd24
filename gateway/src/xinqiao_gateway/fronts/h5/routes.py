"""The addresses of the h5 front, as routes of the application that serves HTTP."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xinqiao.errors import InternalError
from xinqiao_gateway.fronts.h5.entering import Entering
from xinqiao_gateway.fronts.h5.launching import Launching
from xinqiao_gateway.fronts.h5.pages import STATIC, error_page, static_file
from xinqiao_gateway.fronts.h5.papers import Papers
from xinqiao_gateway.fronts.h5.payment.endpoints import Callbacks, SimulatorPage
from xinqiao_gateway.fronts.h5.visiting import Visiting
from xinqiao_gateway.gateway import Gateway

__all__ = ["routes"]

_log = structlog.get_logger("h5")


def routes(gateway: Gateway) -> list[BaseRoute]:
    """Return the routes; all of them begin with ``/h5``."""
    visiting, simulator = Visiting(gateway), SimulatorPage(gateway)
    return [
        Route(STATIC + "/{name}", static_file, methods=["GET"]),
        Route("/h5/payments/{provider}/callback", _safely(Callbacks(gateway).serve), methods=["POST"]),
        Route("/h5/payments/simulator/{payment}/{token}", _safely(simulator.serve), methods=["GET", "POST"]),
        Route("/h5/{channel}/entries", Entering(gateway).serve, methods=["POST"]),
        Route("/h5/{channel}/launch", _safely(Launching(gateway).serve), methods=["GET", "POST"]),
        Route("/h5/visits/{secret}", _safely(visiting.serve), methods=["GET", "POST"]),
        Route("/h5/visits/{secret}/{step}", _safely(visiting.serve), methods=["GET", "POST"]),
        Route("/h5/visits/{secret}/{step}/papers/{digest}", _safely(Papers(visiting).serve), methods=["GET"]),
    ]


def _safely(serve: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer a fault with a page, and log it without its address: that is a secret."""

    async def safely(request: Request) -> Response:
        try:
            return await serve(request)
        except Exception:  # noqa: BLE001 -- the top of a request; the application's own handler logs addresses
            _log.exception("unexpected fault", method=request.method)
            return error_page(InternalError())

    return safely
