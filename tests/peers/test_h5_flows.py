"""Whole flows in Chromium, on a phone and a desktop: what the journal has at the end, and every page on the way."""

import pytest
from playwright.sync_api import Page

from tests.gateway.h5.filling import IDENTITY
from tests.peers.h5_basics import unfit
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import WALKS, after_identity, go, kyc_person, manager_then_customer, run
from tests.peers.h5_windows import DESKTOP, PHONE, Windows
from xinqiao.validation import check

_SMALL = {"width": 320, "height": 568}


@pytest.mark.parametrize("name", WALKS)
def test_every_page_of_a_flow_is_fit_for_everybody(site: H5Site, windows: Windows, name: str) -> None:
    page, case_id = windows.phone(), f"FIT-{name}"
    for at in WALKS[name](page, site, case_id):
        for size in (_SMALL, DESKTOP, PHONE):
            page.set_viewport_size(size)
            assert unfit(page) == [], f"{at} at {size['width']}"


@pytest.mark.parametrize("name", WALKS)
def test_every_page_of_a_flow_is_fit_in_english_and_large_text(site: H5Site, windows: Windows, name: str) -> None:
    page, doors = windows.phone(viewport=_SMALL), set()
    for at in WALKS[name](page, site, f"LARGE-{name}"):
        if at == "provider":
            continue  # a page of somebody else's: it has neither
        if page.url.split("/")[5] not in doors:
            doors.add(page.url.split("/")[5])
            _turn(page, "language:en")
            _turn(page, "size:large")
        assert page.evaluate("document.documentElement.lang + document.documentElement.className") == "enlarge", at
        assert unfit(page) == [], at


def _turn(page: Page, to: str) -> None:
    """Press a button for the language or the size, where it is not as asked already."""
    button = page.locator(f'button[value="{to}"]')
    if button.count():
        button.click()
        button.wait_for(state="detached")


def test_kyc_of_a_person_on_a_desktop_is_one_valid_message(site: H5Site, windows: Windows) -> None:
    run(kyc_person(windows.desktop(), site, "DESKTOP-1"))
    (message,) = site.messages("DESKTOP-1")
    assert check(message) == []
    applicant = message["kycApplication"]["applicant"]
    assert (applicant["name"], applicant["kind"]) == ("王小明", "NATURAL_PERSON")
    assert applicant["documents"][0]["number"] == "11010119800101007X"
    assert "relatedParties" not in message["kycApplication"]


def test_kyc_of_an_institution_is_one_valid_message(site: H5Site, page: Page) -> None:
    run(WALKS["kyc-institution"](page, site, "FIRM-1"))
    (message,) = site.messages("FIRM-1")
    assert check(message) == []
    assert message["kycApplication"]["applicant"]["institution"]["registeredCapital"]["value"] == "10000000"


def test_nothing_is_in_force_before_the_customer_confirms_what_a_manager_entered(site: H5Site, page: Page) -> None:
    for at in manager_then_customer(page, site, "RM-1"):
        if at == "waiting":
            assert site.messages("RM-1") == []
            assert "待客户确认" in page.inner_text("h1")
    (message,) = site.messages("RM-1")
    assert message["header"]["operator"] == "relationship_manager"


def test_values_of_the_launch_are_shown_and_cannot_be_typed_over(site: H5Site, page: Page) -> None:
    facts = {"kycApplication.applicant.name": "李大海", "kycApplication.branch": "北京东城支行"}
    page.goto(site.url("FACTS-1", facts=facts))
    page.wait_for_url("**/identity")
    page.evaluate(_TAMPER)
    go(page, "identity", {name: value for name, value in IDENTITY.items() if name != "applicant.name"})
    for at in after_identity(page):
        assert unfit(page) == [], at
    (message,) = site.messages("FACTS-1")
    applicant = message["kycApplication"]["applicant"]
    assert (applicant["name"], message["kycApplication"]["branch"]) == ("李大海", "北京东城支行")


# Somebody at the page adds a field for what the launch states.
_TAMPER = """document.getElementById("main").insertAdjacentHTML("beforeend",
    "<input type=hidden name=applicant.name value=王小明><input type=hidden name=branch value=别处>")"""


def test_the_checks_of_fitness_find_what_is_unfit(windows: Windows) -> None:
    page = windows.phone()
    page.set_content(
        """<html lang="zh"><h1>one</h1><h3>three</h3><p id="a" style="color:#999">faint</p><p id="a">twice</p>
        <label for="none">nothing</label><input name="bare"><input type="radio" name="r" aria-label="r">
        <button style="height:20px"></button><img src="data:,"><canvas></canvas><a tabindex="3" href="#x">tab</a>
        <p aria-describedby="gone" style="width:900px;font-size:9px">wide</p></html>"""
    )
    found = " ".join(unfit(page))
    for part in (
        "lang is zh", "no title", "no main", "follows h1", "not unique: a", "label for none", "[bare] has no label",
        "has no legend", "button has no name", "img has no alt", "canvas has no name", "order of tabs", "names gone",
        "scrolls sideways", "by 20", "contrast 2.85", "9 pixels",
    ):  # fmt: skip
        assert part in found, part
