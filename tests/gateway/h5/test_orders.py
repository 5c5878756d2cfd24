"""Orders and deliveries of cash: entered by a manager or the customer, confirmed by the customer, as data."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.gateway.conftest import BANK, TRUST, message
from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import Pages
from xinqiao.message import Json, write_json
from xinqiao.seal import SIGNATURE_HEADER, seal
from xinqiao.testing.examples import vectors
from xinqiao_gateway.journal.visits import visit_with_id, visits_of

FLOWS = {"subscriptionOrder": "subscription", "redemptionOrder": "redemption", "deliveryInstruction": "delivery-cash"}
EXAMPLES = [
    (body, each["message"][body], each["name"])
    for body in FLOWS
    for each in vectors(body)
    if body != "deliveryInstruction" or "cash" in each["message"][body]
]
# What is typed on the pages of the examples; all else is stated by the partner.
TYPED = ("grossAmount.value", "netAmount.value", "units", "holdingPercentage", "cash.amount.value", "remark")


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}")
    else:
        yield path, value


def send(pages: Pages, channel: str, found: Json) -> None:
    content = write_json(found)
    signature = seal(content, "application/json", pages.key).signature
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
    answer = pages.http.post(f"/v1/channels/{channel}/messages", content=content, headers=headers)
    assert answer.status_code in {200, 202}, answer.text


def through(browser: Browser, typed: Mapping[str, str | list[str]]) -> Browser:
    """Go through the steps of an order up to the page that is confirmed."""
    if browser.step == "product":
        browser.press()
    browser.type(dict(typed)).press()
    assert browser.step == "confirm", browser.problems or browser.text
    return browser


def sent(pages: Pages) -> Json:
    """Return the message of the case's visit: accepted, or refused where no process expects it."""
    if found := pages.messages():
        return dict(found[0]["message"])
    journal = pages.gateway.journal
    with journal.reading.engine.begin() as connection:
        (about,) = visits_of(connection, pages.case_id)
        visit = visit_with_id(connection, journal.reading.vault, about["visit_id"])
    assert visit is not None
    return dict(visit.content["sent"])


ORDER = {
    "subscriptionOrder.orderReference": "SO1",
    "subscriptionOrder.account.number": "8619910001",
    "subscriptionOrder.account.transactionAccount": "T0001",
    "subscriptionOrder.instrument.code": "XT2026001",
    "subscriptionOrder.launch": False,
}
REDEMPTION = {
    path.replace("subscription", "redemption"): value for path, value in ORDER.items() if "launch" not in path
}


@pytest.mark.parametrize(("body", "wanted", "_name"), EXAMPLES, ids=[f"{body}: {name}" for body, _, name in EXAMPLES])
def test_every_example_comes_out_of_the_pages_as_the_same_body(
    pages: Pages, body: str, wanted: Json, _name: str
) -> None:
    stated = dict(leaves(wanted, body))
    typed = {path: stated.pop(f"{body}.{path}") for path in TYPED if f"{body}.{path}" in stated}
    names = {path.removesuffix(".value"): value for path, value in typed.items()}
    parts = [dict(list(stated.items())[:45]), dict(list(stated.items())[45:])]
    for facts in parts:
        browser = pages.open(FLOWS[body], facts=facts)
    through(browser, names).type({"declared": "yes"}).press()
    assert not browser.problems
    said = sent(pages)[body]
    stamped = (
        {} if "orderedAt" in wanted or body == "deliveryInstruction" else {"orderedAt": "2027-01-15T16:00:00+08:00"}
    )
    assert said == wanted | stamped


def test_what_a_manager_orders_is_in_force_once_the_customer_confirms_it(pages: Pages) -> None:
    manager = pages.open("subscription", role="RELATIONSHIP_MANAGER", facts=ORDER)
    assert "1,000,000.00 元" in through(manager, {"grossAmount": "1,000,000.00"}).text
    assert "8619910001" not in manager.text
    manager.type({"declared": "yes"}).press()
    assert "待客户确认" in manager.text
    assert pages.messages() == []
    customer = pages.open("subscription", facts=ORDER)
    assert "客户经理录入" in customer.text
    assert "8619910001" in customer.press("show:full").text
    assert "1,000,000.00 元" in customer.text
    customer.type({"declared": "yes"}).press()
    (found,) = pages.messages()
    assert found["message"]["header"]["operator"] == "relationship_manager-1"
    assert found["message"]["subscriptionOrder"]["grossAmount"] == {"value": "1000000.00", "currency": "CNY"}
    assert found["message"]["subscriptionOrder"]["orderedAt"].endswith("+08:00")


def test_an_amount_is_in_the_currency_that_the_partner_states(pages: Pages) -> None:
    browser = pages.open("subscription", facts=ORDER | {"subscriptionOrder.grossAmount.currency": "EUR"}).press()
    assert "EUR" in browser.text
    browser.type({"grossAmount": "100"}).press().press("show:full")
    assert "100 EUR" in browser.text


def test_facts_are_shown_and_cannot_be_changed(pages: Pages) -> None:
    browser = pages.open("subscription", facts=ORDER).press()
    assert not {"orderReference", "account.number", "instrument.code"} & set(browser.names())
    version = str(browser.document.xpath("//input[@name='version']/@value")[0])
    browser.post(browser.path, [("version", version), ("account.number", "999"), ("units", "1"), ("do", "next")])
    browser.type({"declared": "yes"}).press()
    assert pages.messages()[0]["message"]["subscriptionOrder"]["account"]["number"] == "8619910001"


@pytest.mark.parametrize(
    "typed", [{}, {"grossAmount": "1", "units": "1"}, {"grossAmount": "-1"}, {"units": "<script>alert(1)</script>"}]
)
def test_neither_none_nor_two_amounts_nor_what_is_none_is_taken(pages: Pages, typed: dict[str, str]) -> None:
    browser = pages.open("subscription", facts=ORDER).press()
    browser.type(dict(typed)).press()
    if not browser.problems:
        browser.type({"declared": "yes"}).press()
    assert browser.problems
    assert "<script>alert" not in browser.shown.text
    assert pages.messages() == []


@pytest.fixture
def held(pages: Pages) -> Pages:
    """A case with a holding, a NAV and a product that the core sent to the partner."""
    send(pages, "partner", message("subscriptionOrder", pages.case_id))
    for name in ("positionStatement", "navReport", "productInfo"):
        case = None if name == "productInfo" else pages.case_id
        send(pages, "core", message(name, case, sender=TRUST, receiver=BANK))
    return pages


def test_the_product_its_nav_and_the_holding_are_shown_before_an_order(held: Pages) -> None:
    browser = held.open("subscription", facts=ORDER)
    assert "R3" in browser.text
    facts = {**REDEMPTION, "redemptionOrder.instrument.isin": "LU0208853274"}
    facts.pop("redemptionOrder.instrument.code")
    assert "4,000,000.00" in held.open("redemption", facts=facts).text


def test_more_than_is_held_is_a_notice_and_the_registrars_to_decide(held: Pages) -> None:
    facts = {**REDEMPTION, "redemptionOrder.instrument.isin": "LU0208853274"}
    facts.pop("redemptionOrder.instrument.code")
    browser = through(held.open("redemption", facts=facts), {"units": "4000000.01"})
    assert "多于最近对账单" in browser.text
    browser.type({"declared": "yes"}).press()
    assert "已受理" in browser.text


def test_a_double_click_on_confirm_is_one_order(pages: Pages) -> None:
    browser = through(pages.open("subscription", facts=ORDER), {"units": "100"}).type({"declared": "yes"})
    other = browser.copy()
    other.typed = dict(browser.typed)
    browser.press()
    assert other.press().text == browser.text
    assert len(pages.messages()) == 1
