"""The pages in Chromium: with and without JavaScript, embedded by their host and by nobody else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, TAX
from tests.peers.h5_site import H5Site, chromium, h5_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[H5Site]:
    with h5_site(tmp_path_factory.mktemp("h5")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    yield context.new_page()
    context.close()


def fill(page: Page | Frame, fields: dict[str, str | list[str]]) -> None:
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            field = page.locator(f'[name="{name}"]').first
            kind = field.get_attribute("type")
            if kind in {"radio", "checkbox"}:
                page.check(f'[name="{name}"][value="{value}"]')
            elif field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)


def go(page: Page | Frame, step: str, fields: dict[str, str | list[str]]) -> None:
    page.wait_for_url(f"**/{step}")
    fill(page, fields)
    page.click("button.main")


def fill_kyc(page: Page | Frame) -> None:
    go(page, "identity", IDENTITY)
    go(page, "contact", CONTACT)
    go(page, "means", MEANS)
    go(page, "tax", TAX)
    go(page, "family", {})
    page.wait_for_url("**/risk")
    names = page.eval_on_selector_all("input[type=radio]", "all => [...new Set(all.map(each => each.name))]")
    go(page, "risk", dict.fromkeys(names, "C"))
    page.wait_for_url("**/confirm")
    page.check("[name=declared]")


def test_kyc_is_filled_in_and_received(site: H5Site, page: Page) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(site.url("CASE-JS"))
    fill_kyc(page)
    page.click("button.main")
    page.wait_for_selector("#position")
    assert site.messages("CASE-JS") == 1
    assert said == []


def test_kyc_is_filled_in_without_javascript(site: H5Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url("CASE-PLAIN"))
    page.click("button.main")
    go(page, "identity", IDENTITY)
    go(page, "contact", CONTACT)
    page.wait_for_url("**/means")
    context.close()


def test_a_double_click_on_confirm_is_one_message(site: H5Site, page: Page) -> None:
    page.goto(site.url("CASE-DOUBLE"))
    fill_kyc(page)
    page.dblclick("button.main", no_wait_after=True)
    page.wait_for_selector("#position")
    assert site.messages("CASE-DOUBLE") == 1
    receipt = page.text_content("#message")
    page.go_back()
    page.wait_for_selector("#position")
    assert page.text_content("#message") == receipt


def test_problems_get_the_focus_and_lead_to_their_fields(site: H5Site, page: Page) -> None:
    page.goto(site.url("CASE-KEYS"))
    page.wait_for_url("**/identity")
    page.focus('[name="applicant.name"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("#problems")
    assert page.evaluate("document.activeElement.id") == "problems"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash !== ''")
    assert page.evaluate("document.querySelector(':target').name") == "applicant.name"


def test_the_host_of_the_launch_embeds_it_and_is_told(site: H5Site, page: Page) -> None:
    page.goto(site.embedding(site.host, site.url("CASE-FRAME", origin=site.host)))
    page.wait_for_function("said.some(each => each[1].event === 'ready')")
    frame = page.frames[1]
    fill_kyc(frame)
    frame.click("button.main")
    page.wait_for_function("said.some(each => each[1].event === 'done')")
    origin, told = page.evaluate("said.find(each => each[1].event === 'done')")
    assert origin == site.base
    assert (told["case"], told["flow"], told["position"]) == (
        "CASE-FRAME",
        "kyc-person",
        frame.text_content("#position"),
    )
    assert site.messages("CASE-FRAME") == 1


def test_a_foreign_host_neither_embeds_it_nor_is_told(site: H5Site, page: Page) -> None:
    foreign = site.host.replace("localhost", "127.0.0.1")
    for origin in (site.host, None):
        address = site.embedding(foreign, site.url("CASE-FOREIGN", origin=origin))
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.goto(address)
        assert page.evaluate("said") == []
    # What the launch was for goes on: nothing was used.
    assert site.messages("CASE-FOREIGN") == 0


def test_a_page_is_usable_in_large_text_on_a_small_phone(site: H5Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 568})
    page = context.new_page()
    page.goto(site.url("CASE-LARGE"))
    page.wait_for_url("**/identity")
    page.click("button[value='size:large']")
    page.wait_for_selector("html.large")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = page.eval_on_selector_all("button:not(.unseen)", "all => all.map(each => each.offsetHeight)")
    assert min(heights) >= 44
    context.close()
