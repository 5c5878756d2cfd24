"""Walks through whole flows in a browser: each yields the name of every page that it comes to, before it goes on.

A test looks at each page that a walk comes to; what writes the pictures of the documentation takes one of each.
"""

from collections.abc import Callable, Iterator, Mapping

from playwright.sync_api import Frame, Page

from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, TAX
from tests.peers.h5_site import H5Site

__all__ = [
    "INSTITUTION",
    "WALKS",
    "Typed",
    "Walk",
    "Window",
    "after_identity",
    "arrive",
    "confirmed",
    "fill",
    "go",
    "kyc_institution",
    "kyc_person",
    "manager_then_customer",
    "questions",
    "run",
    "until",
]

Window = Page | Frame
Typed = Mapping[str, str | list[str]]
Walk = Callable[[Window, H5Site, str], Iterator[str]]

_PERSON: Typed = {
    "party.name": "王小明",
    "party.documents[0].type": "RESIDENT_ID",
    "party.documents[0].number": "11010119800101007X",
    "party.documents[0].validUntil": "2035-06-01",
}


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


WALKS: Mapping[str, Walk] = {
    "kyc-person": kyc_person,
    "kyc-institution": kyc_institution,
    "kyc-manager": manager_then_customer,
}


def run(walk: Iterator[str]) -> list[str]:
    """Walk to the end; return the names of the pages."""
    return list(walk)


def until(walk: Iterator[str], name: str) -> None:
    """Walk as far as a page."""
    for each in walk:
        if each == name:
            return
    raise AssertionError(f"the walk does not come to {name}")
