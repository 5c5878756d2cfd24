"""Providers of others: chosen by a setting, not always there, and never believed beyond what is theirs to say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.gateway.h5.paying import Shop, cashier_site
from xinqiao.errors import DestinationDown, SealInvalid, SettingsInvalid
from xinqiao.message import Json
from xinqiao_gateway.fronts.beside import Fronts
from xinqiao_gateway.fronts.h5.payment import port
from xinqiao_gateway.fronts.h5.payment.port import Order, Result, Started, Told, provider_named
from xinqiao_gateway.fronts.h5.payment.rounds import CashierFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation


@dataclass
class Provider:
    """A provider that does what a test says."""

    test_only: bool = True
    down: bool = False
    result: Result = field(default_factory=lambda: Result("pending"))
    orders: list[Order] = field(default_factory=list)

    async def start(self, order: Order) -> Started:
        if self.down:
            raise DestinationDown("nobody is there")
        self.orders.append(order)
        return Started(f"https://pay.example.com/{order.payment_no}")

    async def query(self, payment_no: str) -> Result:
        if self.down:
            raise DestinationDown("nobody is there")
        return self.result if any(each.payment_no == payment_no for each in self.orders) else Result("unknown")

    def verified(self, headers: Mapping[str, str], content: bytes) -> Told:
        raise SealInvalid("none is believed")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def shop(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    def offered(*, group: str) -> list[EntryPoint]:
        return [_Offer("double", "tests", group, lambda: provider)]

    monkeypatch.setattr(port, "entry_points", offered)
    provider_named.cache_clear()
    with cashier_site(tmp_path, "double") as found:
        yield found
    provider_named.cache_clear()


class _Offer(EntryPoint):
    """What an installed package offers."""

    made: Callable[[], object]

    def __init__(self, name: str, value: str, group: str, made: Callable[[], object]) -> None:
        super().__init__(name, value, group)
        vars(self)["made"] = made

    def load(self) -> Callable[[], object]:
        return self.made


def paid(amount: str = "5000.00", **details: object) -> Result:
    said: Json = {"paidAt": "2027-01-15T16:00:00+08:00", "channel": "ALIPAY", **details}
    return Result("paid", {"value": amount, "currency": "CNY"}, said)


def test_a_provider_that_is_down_is_said_and_tried_again_under_the_same_number(shop: Shop, provider: Provider) -> None:
    provider.down = True
    browser = shop.begin()
    assert (browser.status, "没有应答" in browser.problems[0]) == (422, True)
    number = shop.number(browser)
    provider.down = False
    browser.press("pay")
    assert [each.payment_no for each in provider.orders] == [number]
    assert browser.document.xpath("//a[@id='provider']/@href") == [f"https://pay.example.com/{number}"]


def test_a_provider_gets_amount_order_payee_and_where_to_go_back(shop: Shop, provider: Provider) -> None:
    browser = shop.begin()
    (order,) = provider.orders
    assert order.amount == {"value": "5000.00", "currency": "CNY"}
    assert (order.order_reference, order.payee) == (f"PO-{shop.pages.case_id}", "M320505001")
    assert browser.path.startswith(order.return_address)
    assert order.notify_address == "/h5/payments/double/callback"


def test_silence_is_no_result_and_the_round_goes_on_asking(shop: Shop, provider: Provider) -> None:
    shop.begin()
    provider.down = True
    assert shop.round(10) == 1
    assert shop.payments() == []
    provider.down, provider.result = False, paid()
    shop.round(100)
    assert [each["channel"] for each in shop.payments()] == ["ALIPAY"]


def test_a_fault_of_a_provider_is_logged_and_keeps_no_other_payment_waiting(shop: Shop, provider: Provider) -> None:
    shop.begin()
    provider.result = Result("paid", {"value": "5000.00", "currency": "CNY"}, None)  # type: ignore[arg-type]
    assert shop.round(10) == 1
    assert shop.round() == 0
    provider.result = paid()
    shop.round(120)
    assert len(shop.payments()) == 1


def test_another_amount_is_held_for_a_person_and_never_becomes_a_message(shop: Shop, provider: Provider) -> None:
    browser = shop.begin()
    provider.result = paid("4999.00")
    shop.round(10)
    assert shop.state(browser.open(browser.path)) == "disputed"
    assert not browser.document.xpath("//button[@value='pay']")
    assert shop.payments() == []


def test_what_is_not_the_providers_to_say_is_left_out(shop: Shop, provider: Provider) -> None:
    shop.begin()
    provider.result = paid(orderReference="OTHER", supervisedPercentage="0", thirdPartyPayer=True)
    shop.round(10)
    (found,) = shop.payments()
    assert found["orderReference"] == f"PO-{shop.pages.case_id}"
    assert (found["supervisedPercentage"], found["thirdPartyPayer"]) == ("80", True)


def test_money_whose_message_is_refused_is_not_asked_for_again(shop: Shop, provider: Provider) -> None:
    browser = shop.begin()
    back = browser.path
    provider.result = paid(channel="x y")
    shop.round(10)
    assert "未受理" in browser.open(back).text
    browser.press("correct")
    assert (shop.state(browser), len(provider.orders)) == ("refused", 1)
    assert not browser.document.xpath("//button[@value='pay']")


def test_one_that_moves_money_is_not_used_without_a_public_address(shop: Shop, provider: Provider) -> None:
    provider.test_only = False
    assert "暂不能在此支付" in shop.open().problems[0]


@pytest.mark.parametrize("name", ["nobody", "two"])
async def test_a_gateway_does_not_start_with_a_provider_that_is_not_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = [_Offer("two", "tests", "xinqiao.payment", object)] * 2
    monkeypatch.setattr(port, "entry_points", lambda *, group: offers if group else [])
    monkeypatch.setenv("XINQIAO_PAYMENT", name)
    gateway = Gateway(open_installation(tmp_path / "data"))
    with pytest.raises(SettingsInvalid, match=name):
        await Fronts(gateway).start()
    gateway.journal.close()


async def test_the_round_runs_beside_the_pages_and_stops_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XINQIAO_PAYMENT", "simulator")
    gateway = Gateway(open_installation(tmp_path / "data"))
    front = CashierFront(gateway)
    await front.start()
    await front.reload(frozenset())
    await front.stop()
    gateway.journal.close()


def test_what_offers_no_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "entry_points", lambda *, group: [_Offer("odd", "tests", group, object)])
    with pytest.raises(SettingsInvalid, match="has not test_only, start, query and verified"):
        provider_named("odd")
