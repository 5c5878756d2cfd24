"""Walks through whole flows in a browser: each yields the name of every page that it comes to, before it goes on.

A test looks at each page that a walk comes to; what writes the pictures of the documentation takes one of each.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from playwright.sync_api import Frame, Page

from tests.gateway.conftest import message
from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, TAX
from tests.gateway.h5.paying import FACTS as PAYING
from tests.gateway.h5.test_orders import ORDER, REDEMPTION, send
from tests.gateway.h5.test_statement import notice, report
from tests.gateway.h5.test_statement import statement as send_statement
from tests.peers.h5_site import H5Site

__all__ = [
    "BODIES",
    "INSTITUTION",
    "WALKS",
    "Typed",
    "Walk",
    "Window",
    "after_identity",
    "arrive",
    "becomes",
    "confirmed",
    "fill",
    "go",
    "kyc_institution",
    "kyc_person",
    "manager_then_customer",
    "questions",
    "run",
    "tab_of",
    "until",
]

Window: TypeAlias = "Page | Frame"
Typed = Mapping[str, str | list[str]]
Walk = Callable[[Window, H5Site, str], Iterator[str]]

_PERSON: Typed = {
    "party.name": "王小明",
    "party.documents[0].type": "RESIDENT_ID",
    "party.documents[0].number": "11010119800101007X",
    "party.documents[0].validUntil": "2035-06-01",
}


def tab_of(page: Window) -> Page:
    """Return the tab that a frame is in."""
    return page.page if isinstance(page, Frame) else page


def arrive(page: Window, address: str) -> None:
    """Open a launch; without JavaScript the button is pressed by hand."""
    page.goto(address)
    if page.evaluate("matchMedia('(scripting: none)').matches"):
        page.click("button.main")


def fill(page: Window, fields: Typed) -> None:
    """Fill in fields of a page by name, whatever their kind."""
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            field = page.locator(f'[name="{name}"]').first
            if field.get_attribute("type") in {"radio", "checkbox"}:
                page.check(f'[name="{name}"][value="{value}"]')
            elif field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)


def go(page: Window, step: str, fields: Typed) -> None:
    """Fill in a step and press the main button."""
    page.wait_for_url(f"**/{step}")
    fill(page, fields)
    page.click("button.main")


def questions(page: Window) -> list[str]:
    """Return the names of a page's questions."""
    names: list[str] = page.eval_on_selector_all("input[type=radio]", "all => [...new Set(all.map(each => each.name))]")
    return names


def kyc_person(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """KYC of a person; a wrong number comes first, and a relative who is added and taken away again."""
    arrive(page, site.url(case_id))
    yield from _identity(page)
    yield from after_identity(page)


def after_identity(page: Window) -> Iterator[str]:
    """KYC of a person from its second step to the end."""
    page.wait_for_url("**/contact")
    yield "contact"
    go(page, "contact", CONTACT)
    page.wait_for_url("**/means")
    yield "means"
    go(page, "means", MEANS)
    page.wait_for_url("**/tax")
    yield "tax"
    go(page, "tax", TAX)
    page.wait_for_url("**/family")
    page.click('button[value="add:relatedParties"]')
    page.wait_for_selector('[name="relatedParties[0].party.name"]')
    yield "family"
    page.click('button[value="remove:relatedParties[0]"]')
    page.wait_for_selector('[name="relatedParties[0].party.name"]', state="detached")
    go(page, "family", {})
    page.wait_for_url("**/images")
    yield "images"
    go(page, "images", {})
    page.wait_for_url("**/risk")
    yield "risk"
    go(page, "risk", dict.fromkeys(questions(page), "C"))
    yield from confirmed(page)


def read_papers(page: Window) -> None:
    """Open each paper in a window of its own, and come back to a page that knows it."""
    links = page.locator("a[target=_blank][href*='/papers/']").all()
    for link in links:
        with tab_of(page).expect_popup() as opened:
            link.click()
        opened.value.wait_for_load_state()
        opened.value.close()
    deadline = time.monotonic() + 20
    while page.locator("a[target=_blank] ~ .mark, label .mark").count() < len(links):
        assert time.monotonic() < deadline, "a paper that was opened is not known as read"
        page.goto(page.url)


def confirmed(page: Window) -> Iterator[str]:
    """Confirm, and come to the receipt."""
    page.wait_for_url("**/confirm")
    yield "confirm"
    page.check("[name=declared]")
    page.click("button.main")
    page.wait_for_selector("#position")
    yield "received"


def _identity(page: Window) -> Iterator[str]:
    page.wait_for_url("**/identity")
    yield "identity"
    fill(page, {**IDENTITY, "applicant.documents[0].number": "110101198001010071"})
    page.click("button.main")
    page.wait_for_selector("#problems")
    yield "problems"
    go(page, "identity", IDENTITY)


def kyc_institution(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """KYC of an institution by its operator."""
    arrive(page, site.url(case_id, flow="kyc-institution", role="INSTITUTION_OPERATOR"))
    for step, typed in INSTITUTION.items():
        page.wait_for_url(f"**/{step}")
        yield step
        go(page, step, typed)
    yield from confirmed(page)


INSTITUTION: Mapping[str, Typed] = {
    "identity": {
        "applicant.name": "示例科技有限公司",
        "applicant.documents[0].type": "UNIFIED_SOCIAL_CREDIT_CODE",
        "applicant.documents[0].number": "91110000100000000R",
        "applicant.documents[0].longTerm": "true",
        "applicant.institution.type": "COMPANY",
        "applicant.institution.establishedOn": "2010-05-01",
        "applicant.institution.businessScope": "软件开发",
        "applicant.institution.registeredCapital": "10000000",
    },
    "contact": {
        "applicant.contact.phone": "01012345678",
        **{name: value for name, value in CONTACT.items() if "addresses" in name},
        "applicant.addresses[0].use": "REGISTERED",
    },
    "people": {
        **{f"relatedParties[0].{name}": value for name, value in _PERSON.items()},
        "relatedParties[0].roles": ["LEGAL_REPRESENTATIVE", "AGENT"],
    },
    "owners": {
        **{f"beneficialOwners[0].{name}": value for name, value in _PERSON.items()},
        "beneficialOwners[0].basis": "BY_SHARES",
        "beneficialOwners[0].percentage": "60",
    },
    "means": {"financialAssets": "60000000", "fundSources": ["OWN_FUNDS"], "relatedPartyOfTrustee": "false"},
    "tax": {"crs.declaration": "RESIDENT_ONLY", "crs.entityClass": "ACTIVE_NON_FINANCIAL"},
}


def manager_then_customer(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """A relationship manager enters what a customer then reads, completes and confirms."""
    arrive(page, site.url(case_id, role="RELATIONSHIP_MANAGER"))
    for step, typed in {
        "identity": IDENTITY,
        "contact": CONTACT,
        "means": MEANS,
        "tax": TAX,
        "family": {},
        "images": {},
    }.items():
        go(page, step, typed)
    page.wait_for_url("**/confirm")
    yield "hand-over"
    page.check("[name=declared]")
    page.click("button.main")
    page.wait_for_selector("button[value=correct]")
    yield "waiting"
    arrive(page, site.url(case_id))
    page.wait_for_url("**/risk")
    go(page, "risk", dict.fromkeys(questions(page), "C"))
    yield from confirmed(page)


def contract_signing(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """Two texts are opened and read, a signature is drawn with the mouse, and a code to the mobile proves who signs."""
    site.contract(case_id)
    facts = {"signatureEvidence.partyId": "P1", "signatureEvidence.place": "北京市"}
    arrive(page, site.url(case_id, flow="contract-signing", channel="sandbox", facts=facts))
    page.wait_for_url("**/read")
    yield "read"
    read_papers(page)
    site.clock.now += 60
    for tick in page.locator('[name^="read."]').all():
        tick.check()
    page.click("button.main")
    page.wait_for_url("**/sign")
    page.click("button[value=send-code]")
    code = page.inner_text("#simulated")
    if page.locator("#pad").is_visible():
        sign_by_hand(page)
    else:
        page.fill("[name=typed]", "王小明")
    page.fill("[name=code]", code)
    page.check("[name=declared]")
    yield "sign"
    page.click("button.main")
    page.wait_for_selector("#position")
    yield "received"


def sign_by_hand(page: Window) -> None:
    """Draw two strokes on the box with the mouse."""
    page.locator("#pad").scroll_into_view_if_needed()
    box, mouse = page.locator("#pad").bounding_box(), tab_of(page).mouse
    assert box
    for stroke in _STROKES:
        mouse.move(box["x"] + stroke[0][0] * box["width"], box["y"] + stroke[0][1] * box["height"])
        mouse.down()
        for across, down in stroke[1:]:
            mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
        mouse.up()


# 王: three strokes across and one down.
_STROKES = (
    ((0.38, 0.22), (0.50, 0.20), (0.62, 0.22)),
    ((0.40, 0.50), (0.50, 0.48), (0.60, 0.50)),
    ((0.34, 0.80), (0.50, 0.78), (0.68, 0.80)),
    ((0.50, 0.21), (0.51, 0.50), (0.50, 0.79)),
)


def cashier(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """An order is paid at the simulator."""
    yield from at_provider(page, site, case_id)
    page.click("button[value=pay]")
    page.wait_for_selector("#position")
    yield "received"


def at_provider(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """Begin to pay, and come to the provider's page."""
    facts = {**PAYING, "prepaidPayment.orderReference": f"PO-{case_id}"}
    arrive(page, site.url(case_id, flow="cashier", channel="sandbox", facts=facts))
    page.wait_for_url("**/pay")
    yield "pay"
    page.click("button[value=pay]")
    page.wait_for_selector("#provider")
    yield "paying"
    page.click("#provider")
    page.wait_for_selector("button[value=close]")
    yield "provider"


def subscription(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """A customer subscribes; product and account are the partner's."""
    return _order(page, site.url(case_id, flow="subscription", facts=ORDER), {"grossAmount": "1,000,000.00"})


def redemption(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """A customer redeems units."""
    return _order(page, site.url(case_id, flow="redemption", facts=REDEMPTION), {"units": "1000"})


def _order(page: Window, address: str, typed: Typed) -> Iterator[str]:
    arrive(page, address)
    page.wait_for_url("**/product")
    yield "product"
    page.click("button.main")
    page.wait_for_url("**/order")
    yield "order"
    go(page, "order", typed)
    yield from confirmed(page)


def statement(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """Holdings and NAVs of a case in which something was ordered."""
    pages = site.pages(case_id)
    send(pages, "partner", message("subscriptionOrder", case_id))
    report(pages)
    send_statement(pages)
    arrive(page, site.url(case_id, flow="statement"))
    page.wait_for_selector("table")
    yield "holdings"


def disclosure(page: Window, site: H5Site, case_id: str) -> Iterator[str]:
    """A notice is opened, read and its receipt confirmed."""
    notice(site.pages(case_id))
    arrive(page, site.url(case_id, flow="disclosure"))
    page.wait_for_url("**/read")
    yield "read"
    read_papers(page)
    page.check("[name=read]")
    page.click("button.main")
    yield from confirmed(page)


WALKS: Mapping[str, Walk] = {
    "kyc-person": kyc_person,
    "kyc-institution": kyc_institution,
    "kyc-manager": manager_then_customer,
    "contract-signing": contract_signing,
    "subscription": subscription,
    "redemption": redemption,
    "cashier": cashier,
    "statement": statement,
    "disclosure": disclosure,
}

# What each walk leaves in the journal: the message's body, and how many.
BODIES: Mapping[str, tuple[str, int]] = {
    "kyc-person": ("kycApplication", 1),
    "kyc-institution": ("kycApplication", 1),
    "kyc-manager": ("kycApplication", 1),
    "contract-signing": ("signatureEvidence", 2),
    "subscription": ("subscriptionOrder", 1),
    "redemption": ("redemptionOrder", 1),
    "cashier": ("prepaidPayment", 1),
    "statement": ("receipt", 0),
    "disclosure": ("disclosureReceipt", 1),
}


def run(walk: Iterator[str]) -> list[str]:
    """Walk to the end; return the names of the pages."""
    return list(walk)


def becomes(window: Window, expression: str, arg: object = None) -> None:
    """Wait until something is true of a page of the gateway's.

    The browser's own waiting evaluates texts in the page, which the page's Content Security Policy forbids.
    """
    deadline = time.monotonic() + 20
    while not window.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"not seen within 20 s: {expression}"
        time.sleep(0.05)


def until(walk: Iterator[str], name: str) -> None:
    """Walk as far as a page."""
    for each in walk:
        if each == name:
            return
    raise AssertionError(f"the walk does not come to {name}")
