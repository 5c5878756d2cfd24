"""KYC by the keyboard alone: Tab, Shift, Space, arrows and Enter; whoever is there sees where they are."""

from playwright.sync_api import Page

from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, TAX
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import Typed, arrive, becomes, questions
from tests.peers.h5_windows import Windows

_HERE = """([css]) => {
  const here = document.activeElement, style = getComputedStyle(here);
  const isRinged = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [here.matches(css), here === document.body || isRinged];
}"""
_MOST = 150


def tab_to(page: Page, css: str) -> None:
    """Press Tab until an element has the focus; wherever the focus comes by, it is seen."""
    for _ in range(_MOST):
        is_there, is_seen = page.evaluate(_HERE, [css])
        assert is_seen, page.evaluate("document.activeElement.outerHTML")
        if is_there:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {css}")


def type_in(page: Page, name: str, value: str) -> None:
    """Give a field a value by keys."""
    field = page.locator(f'[name="{name}"]').first
    kind = field.get_attribute("type") or field.evaluate("each => each.tagName")
    if kind == "checkbox":
        tab_to(page, f'[name="{name}"][value="{value}"]')
        page.keyboard.press("Space")
        return
    tab_to(page, f'[name="{name}"]')
    if kind == "radio":
        page.keyboard.press("Space")
    if kind in {"radio", "SELECT"}:
        for _ in range(_MOST):
            if page.evaluate("document.activeElement.value") == value:
                break
            page.keyboard.press("ArrowDown")
        return
    page.keyboard.type(_as_keyed(value) if kind == "date" else value)


def _as_keyed(date: str) -> str:
    """Return a date as this browser's own language has it: month, day, year."""
    year, month, day = date.split("-")
    return month + day + year


def by_keys(page: Page, step: str, fields: Typed) -> None:
    """Fill in a step and go on."""
    page.wait_for_url(f"**/{step}")
    page.wait_for_load_state()
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            type_in(page, name, value)
    tab_to(page, "button.main:not(.unseen)")
    page.keyboard.press("Enter")


def test_kyc_is_entered_by_keys_alone(site: H5Site, windows: Windows) -> None:
    page = windows.desktop()
    arrive(page, site.url("KEYS-1"))
    by_keys(page, "identity", IDENTITY)
    by_keys(page, "contact", CONTACT)
    by_keys(page, "means", MEANS)
    by_keys(page, "tax", TAX)
    by_keys(page, "family", {})
    by_keys(page, "images", {})
    page.wait_for_url("**/risk")
    by_keys(page, "risk", dict.fromkeys(questions(page), "C"))
    by_keys(page, "confirm", {"declared": "yes"})
    page.wait_for_selector("#position")
    (message,) = site.messages("KEYS-1")
    applicant = message["kycApplication"]["applicant"]
    assert (applicant["birthDate"], applicant["gender"]) == ("1980-01-01", "MALE")


def test_enter_in_a_field_goes_on_and_problems_get_the_focus(site: H5Site, page: Page) -> None:
    arrive(page, site.url("KEYS-2"))
    page.wait_for_url("**/identity")
    tab_to(page, '[name="applicant.name"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("#problems")
    assert page.evaluate("document.activeElement.id") == "problems"
    assert page.title().startswith("! ")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    becomes(page, "document.activeElement.name === 'applicant.name'")


def test_the_first_tab_offers_to_skip_to_the_content(site: H5Site, page: Page) -> None:
    arrive(page, site.url("KEYS-3"))
    page.wait_for_url("**/identity")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().height") > 10
    page.keyboard.press("Enter")
    becomes(page, "location.hash === '#content'")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "applicant.name"
