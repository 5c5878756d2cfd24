"""Contracts, orders, the cashier and disclosures in Chromium: what the journal has at the end."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.peers.h5_basics import unfit
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import WALKS, arrive, at_provider, cashier, contract_signing, disclosure, run, until
from tests.peers.h5_windows import Windows
from xinqiao.validation import check


def bodies(site: H5Site, case_id: str, body: str) -> list[Any]:
    """Return the bodies of one kind that the journal has of a case; each is valid."""
    found = [each for each in site.messages(case_id) if body in each]
    assert [check(each) for each in found] == [[]] * len(found)
    return [each[body] for each in found]


def test_a_contract_is_read_and_signed_by_hand(site: H5Site, page: Page) -> None:
    run(contract_signing(page, site, "INK-1"))
    found = bodies(site, "INK-1", "signatureEvidence")
    assert {each["terminal"] for each in found} == {"H5 手写 drawn"}
    assert {each["verification"] for each in found} == {"CODE_CHECK"}
    papers = site.messages("INK-1")[-1]
    assert [each["documentId"] for each in found] == ["D1", "D2"]
    assert papers["header"]["caseId"] == "INK-1"


def test_a_contract_is_signed_by_name_where_there_is_no_script(site: H5Site, windows: Windows) -> None:
    run(contract_signing(windows.phone(java_script_enabled=False), site, "INK-2"))
    assert {each["terminal"] for each in bodies(site, "INK-2", "signatureEvidence")} == {"H5 键入姓名 typed name"}


def test_what_was_drawn_outlives_a_code_sent_again_and_can_be_wiped(site: H5Site, page: Page) -> None:
    walk = contract_signing(page, site, "INK-3")
    until(walk, "sign")
    site.clock.now += 61
    page.click("button[value=send-code]")
    page.wait_for_selector("#simulated")
    drawn = page.evaluate(_INK)
    page.click("#clear")
    assert page.evaluate(_INK) < drawn
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert bodies(site, "INK-3", "signatureEvidence") == []


_INK = "document.getElementById('pad').toDataURL().length"


def test_a_wrong_code_signs_nothing(site: H5Site, page: Page) -> None:
    until(contract_signing(page, site, "INK-4"), "sign")
    page.fill("[name=code]", "000000" if page.inner_text("#simulated") != "000000" else "111111")
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert page.evaluate("document.activeElement.id") == "problems"
    assert unfit(page) == []
    assert bodies(site, "INK-4", "signatureEvidence") == []


def test_texts_that_were_not_opened_are_not_signed(site: H5Site, page: Page) -> None:
    site.contract("INK-5")
    facts = {"signatureEvidence.partyId": "P1"}
    arrive(page, site.url("INK-5", flow="contract-signing", channel="sandbox", facts=facts))
    page.wait_for_url("**/read")
    for tick in page.locator('[name^="read."]').all():
        tick.check()
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert page.locator("#problems li").count() == 2
    assert unfit(page) == []


def test_an_order_is_paid_once(site: H5Site, page: Page) -> None:
    run(cashier(page, site, "TILL-1"))
    (paid,) = bodies(site, "TILL-1", "prepaidPayment")
    assert paid["amount"] == {"value": "5000.00", "currency": "CNY"}


def test_a_payment_that_failed_is_paid_again_under_its_number(site: H5Site, page: Page) -> None:
    until(at_provider(page, site, "TILL-2"), "provider")
    page.click("button[value=fail]")
    page.wait_for_selector("[data-state=failed]")
    assert unfit(page) == []
    number = page.inner_text("#payment")
    page.click("button[value=pay]")
    page.click("#provider")
    page.click("button[value=pay]")
    page.wait_for_selector("#position")
    (paid,) = bodies(site, "TILL-2", "prepaidPayment")
    assert paid["paymentNo"] == number


def test_a_lost_callback_is_found_when_the_page_asks(site: H5Site, page: Page) -> None:
    until(at_provider(page, site, "TILL-3"), "provider")
    page.click("button[value=lose]")
    page.wait_for_selector("#position, button[value=check]")
    site.clock.now += 30
    if page.locator("button[value=check]").count():
        page.click("button[value=check]")
    page.wait_for_selector("#position")
    assert len(bodies(site, "TILL-3", "prepaidPayment")) == 1


def test_an_amount_changed_in_the_page_changes_nothing(site: H5Site, page: Page) -> None:
    walk = at_provider(page, site, "TILL-4")
    until(walk, "pay")
    page.evaluate(_CHEAPER)
    until(walk, "provider")
    assert "5,000.00" in page.inner_text("main")
    page.evaluate(_CHEAPER)
    page.click("button[value=pay]")
    page.wait_for_selector("#position")
    (paid,) = bodies(site, "TILL-4", "prepaidPayment")
    assert paid["amount"]["value"] == "5000.00"


# Somebody edits the page: what it shows, and what it posts.
_CHEAPER = """for (const shown of document.querySelectorAll(".amount")) shown.textContent = "0.01 元";
for (const name of ["amount", "amount.value", "prepaidPayment.amount.value", "facts"])
  document.getElementById("main").insertAdjacentHTML("beforeend", `<input type=hidden name="${name}" value="0.01">`)"""


def test_a_payment_pressed_twice_and_reloaded_is_one(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    until(at_provider(page, site, "TILL-5"), "pay")
    other = windows.tab(page.context)
    other.goto(page.url)
    page.dblclick("button[value=pay]", no_wait_after=True)
    other.click("button[value=pay]")
    for each in (page, other):
        each.wait_for_selector("#provider")
    assert page.inner_text("#payment") == other.inner_text("#payment")
    page.click("#provider")
    page.click("button[value=pay]")
    page.wait_for_selector("#position")
    page.reload()
    assert len(bodies(site, "TILL-5", "prepaidPayment")) == 1


@pytest.mark.parametrize(("flow", "body", "field", "value"), [
    ("subscription", "subscriptionOrder", "grossAmount", {"value": "1000000.00", "currency": "CNY"}),
    ("redemption", "redemptionOrder", "units", "1000"),
])  # fmt: skip
def test_an_order_becomes_its_message(
    site: H5Site, page: Page, flow: str, body: str, field: str, value: object
) -> None:
    run(WALKS[flow](page, site, f"ORDER-{flow}"))
    (order,) = bodies(site, f"ORDER-{flow}", body)
    assert order[field] == value
    assert order["account"]["number"] == "8619910001"


def test_a_disclosure_that_was_read_has_its_receipt(site: H5Site, windows: Windows) -> None:
    run(disclosure(windows.desktop(), site, "NOTICE-1"))
    (receipt,) = bodies(site, "NOTICE-1", "disclosureReceipt")
    assert receipt["reach"] == "READ"


def test_a_photo_is_uploaded_shown_and_taken_away_again(site: H5Site, page: Page) -> None:
    until(WALKS["kyc-person"](page, site, "PHOTO-1"), "images")
    picture = {"name": "正面.png", "mimeType": "image/png", "buffer": page.screenshot()}
    page.locator("input[type=file]").first.set_input_files(picture)
    page.locator("button[value=upload]").first.click()
    page.wait_for_selector(".files li")
    assert "正面.png" in page.inner_text(".files")
    assert unfit(page) == []
    page.locator("input[type=file]").last.set_input_files(
        {"name": "<img src=x onerror=window.canary=1>.png", "mimeType": "image/png", "buffer": b"MZ no picture"}
    )
    page.locator("button[value=upload]").last.click()
    page.wait_for_selector("#problems")
    assert page.evaluate("typeof window.canary") == "undefined"
    assert unfit(page) == []
    page.locator(".files button").first.click()
    page.wait_for_selector(".files li", state="detached")
