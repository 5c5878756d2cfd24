"""A cashier on a test channel, with the simulator as its provider, and what a partner's launch to it says."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.gateway.conftest import BANK, CORE, TRUST, message
from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import Pages, started
from xinqiao.message import Json, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, new_key, seal, write_key
from xinqiao_gateway.fronts.h5.payment.paying import Cashier
from xinqiao_gateway.fronts.h5.payment.simulator import Simulator
from xinqiao_gateway.installation import add_channel

__all__ = ["FACTS", "Shop", "cashier_site"]

FACTS: dict[str, Any] = {
    "prepaidPayment.orderReference": "PO1",
    "prepaidPayment.merchantNo": "M320505001",
    "prepaidPayment.consumerNo": "U10000001",
    "prepaidPayment.amount.value": "5000.00",
    "prepaidPayment.amount.currency": "CNY",
    "prepaidPayment.supervisedPercentage": "80",
}


@dataclass
class Shop:
    """The cashier of a test channel."""

    pages: Pages
    core: SigningKey

    @property
    def simulator(self) -> Simulator:
        """The provider of the cashier."""
        found = Cashier(self.pages.gateway).provider()
        assert isinstance(found, Simulator)
        return found

    def facts(self, **changed: Any) -> dict[str, Any]:
        """Return the facts of an order of this case, changed by name; None takes one out."""
        changes = {f"prepaidPayment.{name.replace('_', '.')}": value for name, value in changed.items()}
        said = {**FACTS, "prepaidPayment.orderReference": f"PO-{self.pages.case_id}", **changes}
        return {path: value for path, value in said.items() if value is not None}

    def open(self, **about: Any) -> Browser:
        """Return a browser at the cashier."""
        facts = about.pop("facts", None) or self.facts()
        return self.pages.open("cashier", channel="sandbox", facts=facts, **about)

    def begin(self, **about: Any) -> Browser:
        """Return a browser that has pressed Pay."""
        return self.open(**about).press("pay")

    def choose(self, browser: Browser, act: str) -> Browser:
        """Follow the link to the provider in a window, and choose what becomes of the payment there."""
        (link,) = browser.document.xpath("//a[@id='provider']/@href")
        return browser.open(link).press(act)

    def number(self, browser: Browser) -> str:
        """Return the payment's number that a page shows."""
        return str(browser.document.get_element_by_id("payment").text_content())

    def state(self, browser: Browser) -> str:
        """Return what a page says that a payment is at."""
        (state,) = browser.document.xpath("//*[@id='state']/@data-state")
        return str(state)

    def callback(self, content: bytes, headers: dict[str, str], provider: str = "simulator") -> httpx.Response:
        """Send what claims to come from the provider."""
        return self.pages.http.post(f"/h5/payments/{provider}/callback", content=content, headers=headers)

    def told(self, number: str, amount: Json | None = None) -> httpx.Response:
        """Send the callback of a payment, perhaps with another amount than was paid."""
        headers, content = self.simulator.callback(self.simulator._payments[number], amount)
        return self.callback(content, headers)

    def payments(self) -> list[Json]:
        """Return the bodies of the payments that the journal has of this case."""
        return [
            each["message"]["prepaidPayment"] for each in self.pages.messages() if "prepaidPayment" in each["message"]
        ]

    def round(self, seconds: float = 0.0) -> int:
        """Let time pass, and let the cashier ask after what is due."""
        self.pages.clock.now += seconds
        portal = self.pages.http.portal
        assert portal is not None
        return portal.call(Cashier(self.pages.gateway).round)

    def file(self) -> None:
        """Let the case be one of a merchant that the trustee has admitted: prepayments are supervised by 80 %."""
        self.send("sandbox", message("merchantFiling", self.pages.case_id))
        ratio = message("supervisedRatio", self.pages.case_id, sender=TRUST, receiver=BANK)
        ratio["supervisedRatio"] |= {"merchantNo": "M320505001", "supervisedPercentage": "60"}
        ratio["supervisedRatio"].pop("previousPercentage", None)
        self.send("core-sandbox", ratio)

    def order(self, **changed: Any) -> None:
        """Send an order of the case over the channel, as the partner does."""
        found = message("prepaidOrder", self.pages.case_id)
        found["prepaidOrder"].pop("payDueAt")
        found["prepaidOrder"] |= {"orderReference": f"PO-{self.pages.case_id}"} | changed
        self.send("sandbox", found)

    def send(self, channel: str, found: Json) -> None:
        """Send a message over a test channel."""
        found["header"]["test"] = True
        content = write_json(found)
        signature = seal(content, "application/json", self.pages.key if channel == "sandbox" else self.core).signature
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
        answer = self.pages.http.post(f"/v1/channels/{channel}/messages", content=content, headers=headers)
        assert answer.status_code in {200, 201, 202}, answer.text


@contextmanager
def cashier_site(folder: Path, provider: str = "simulator") -> Iterator[Shop]:
    """Serve a gateway whose cashier takes payments on its channel ``sandbox``."""
    with ExitStack() as running:
        patched = running.enter_context(pytest.MonkeyPatch.context())
        patched.setenv("XINQIAO_PAYMENT", provider)
        core, public = new_key("core-1"), folder / "core.pub.jwk"
        write_key(core.public(), public)
        add_channel(folder / "data", "core-sandbox", extends="canonical", keys=[public], institution=CORE, test=True)
        pages = started(folder, running, flows=["cashier"])
        yield Shop(pages, core)
