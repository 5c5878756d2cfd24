"""What a payment provider calls, and the page of the simulator that stands for one on test channels."""

from typing import cast

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from xinqiao.errors import NotFound, XinqiaoError
from xinqiao_gateway.fronts.h5.form_data import FormData, read_form_data
from xinqiao_gateway.fronts.h5.money import money_text
from xinqiao_gateway.fronts.h5.pages import bare_page, error_page, redirect
from xinqiao_gateway.fronts.h5.payment.paying import Cashier
from xinqiao_gateway.fronts.h5.payment.simulator import Act, Simulated, Simulator
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.fronts.rest.body import read_body
from xinqiao_gateway.gateway import Gateway

__all__ = ["Callbacks", "SimulatorPage"]

_log = structlog.get_logger("h5")
_LARGEST = 65_536
_ACTS = frozenset({"pay", "fail", "lose", "close"})


class Callbacks:
    """POST /h5/payments/{provider}/callback: a result that the provider tells by itself, as often as it likes."""

    def __init__(self, gateway: Gateway) -> None:
        self._cashier = Cashier(gateway)

    async def serve(self, request: Request) -> Response:
        """Serve one callback: what is forged, of no payment or of another amount is refused, and changes nothing."""
        try:
            return Response(await self._told(request), media_type="text/plain")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except XinqiaoError as error:
            _log.warning("callback refused", provider=request.path_params["provider"][:40], reason=error.reason)
            return Response(error.reason, error.http_status, media_type="text/plain")

    async def _told(self, request: Request) -> bytes:
        name, cashier = request.path_params["provider"], self._cashier
        provider = cashier.provider() if name == cashier.provider_name else None
        if provider is None:
            raise NotFound("no such provider")
        told = provider.verified(request.headers, await _content(request, cashier.gateway))
        if await cashier.told(told.payment_no, name, told.result) is None:
            raise NotFound("no such payment")
        return told.answer


class SimulatorPage:
    """/h5/payments/simulator/{payment}/{token}: pay, fail, pay and lose the callback, or close."""

    def __init__(self, gateway: Gateway) -> None:
        self._cashier = Cashier(gateway)

    async def serve(self, request: Request) -> Response:
        """Serve the page, or do what was chosen and send the customer back."""
        number, token = request.path_params["payment"], request.path_params["token"]
        try:
            simulator = self._cashier.provider()
            if not isinstance(simulator, Simulator):
                raise NotFound("nothing is at this address")
            payment = simulator.opened(number, token)
            if request.method != "POST":
                return _page(payment)
            content = await _content(request, self._cashier.gateway)
            form = read_form_data(content, request.headers.get("Content-Type", ""))
            await self._act(simulator, number, form)
            return redirect(payment.order.return_address)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except XinqiaoError as error:
            return error_page(error)

    async def _act(self, simulator: Simulator, number: str, form: FormData) -> None:
        act = form.act
        if act not in _ACTS:
            return
        done = simulator.act(number, cast("Act", act), self._cashier.gateway.journal.now())
        if act not in {"pay", "fail"}:
            return
        told = simulator.verified(*simulator.callback(done))
        await self._cashier.told(told.payment_no, self._cashier.provider_name, told.result)


async def _content(request: Request, gateway: Gateway) -> bytes:
    seconds = gateway.service.settings.body_timeout
    return await read_body(request.headers.get("Content-Length", ""), request.receive, _LARGEST, seconds)


def _page(payment: Simulated) -> Response:
    order = payment.order
    values = {
        "amount": money_text(order.amount),
        "payee": order.payee,
        "order_reference": order.order_reference,
        "paid": payment.state == "paid",
    }
    return bare_page("simulator.html.j2", values, word("simulator_title"), order.language)
