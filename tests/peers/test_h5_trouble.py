"""What goes wrong at a page in a browser: pressed twice, gone back, reloaded, too late, cut off, scripts typed in."""

import pytest
from playwright.sync_api import Error, Page, Route

from tests.gateway.h5.filling import CONTACT, IDENTITY
from tests.peers.h5_basics import unfit
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import after_identity, arrive, go, kyc_person, run, until
from tests.peers.h5_windows import Windows


def at_confirm(site: H5Site, page: Page, case_id: str) -> None:
    until(kyc_person(page, site, case_id), "confirm")
    page.check("[name=declared]")


def received(site: H5Site, page: Page, case_id: str) -> None:
    """The page is the receipt of the one message of a case."""
    page.wait_for_selector("#position")
    (message,) = site.messages(case_id)
    assert page.inner_text("#message") == message["header"]["messageId"]


def test_a_double_click_on_confirm_is_one_message(site: H5Site, page: Page) -> None:
    at_confirm(site, page, "TWICE-1")
    page.dblclick("button.main", no_wait_after=True)
    received(site, page, "TWICE-1")


def test_a_double_click_without_a_script_is_one_message(site: H5Site, windows: Windows) -> None:
    page = windows.phone(java_script_enabled=False)
    at_confirm(site, page, "TWICE-2")
    page.dblclick("button.main", no_wait_after=True)
    received(site, page, "TWICE-2")


def test_two_tabs_that_confirm_are_one_message(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    at_confirm(site, page, "TWICE-3")
    other = windows.tab(page.context)
    other.goto(page.url)
    other.check("[name=declared]")
    page.click("button.main", no_wait_after=True)
    other.click("button.main", no_wait_after=True)
    page.wait_for_selector("#position")
    # The one that came second may be told that it is under way, and asks again.
    other.wait_for_selector("#position, button[value=again]")
    if other.locator("button[value=again]").count():
        other.click("button[value=again]")
    received(site, page, "TWICE-3")
    received(site, other, "TWICE-3")


def test_of_two_tabs_the_later_one_sees_what_changed(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    arrive(page, site.url("TWICE-4"))
    page.wait_for_url("**/identity")
    other = windows.tab(page.context)
    other.goto(page.url)
    go(page, "identity", IDENTITY)
    page.wait_for_url("**/contact")
    go(other, "identity", {**IDENTITY, "applicant.name": "王晓明"})
    other.wait_for_selector("#problems")
    assert "已在其他窗口更改" in other.inner_text("#problems")
    assert other.input_value('[name="applicant.name"]') == "王晓明"
    assert unfit(other) == []


def test_going_back_and_reloading_after_the_end_shows_the_receipt(site: H5Site, page: Page) -> None:
    run(kyc_person(page, site, "BACK-1"))
    address = page.url
    page.go_back()
    received(site, page, "BACK-1")
    page.goto(address)
    page.reload()
    received(site, page, "BACK-1")
    page.goto(f"{address}/identity")
    received(site, page, "BACK-1")


def test_going_back_in_the_middle_keeps_what_was_typed_and_goes_on(site: H5Site, page: Page) -> None:
    arrive(page, site.url("BACK-2"))
    go(page, "identity", IDENTITY)
    go(page, "contact", CONTACT)
    page.wait_for_url("**/means")
    page.go_back()
    page.go_back()
    page.wait_for_url("**/identity")
    assert page.input_value('[name="applicant.name"]') == "王小明"
    go(page, "identity", {**IDENTITY, "applicant.name": "王晓明"})
    page.wait_for_url("**/means")
    page.go_back()
    page.wait_for_url("**/identity")
    assert page.input_value('[name="applicant.name"]') == "王晓明"
    assert site.messages("BACK-2") == []


def test_a_used_link_says_so_and_a_new_one_goes_on(site: H5Site, page: Page) -> None:
    address = site.url("USED-1")
    arrive(page, address)
    go(page, "identity", IDENTITY)
    page.wait_for_url("**/contact")
    page.goto(address)
    page.wait_for_selector("#reason")
    assert page.inner_text("h1") == "链接已使用"
    assert unfit(page) == []
    arrive(page, site.url("USED-1"))
    page.wait_for_url("**/contact")


def test_pressing_the_button_of_a_launch_while_it_opens_uses_it_once(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    page.add_init_script(_PRESS_TWICE)
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.goto(site.url("USED-2"))
    page.wait_for_url("**/identity")
    assert len(posted) == 1


# Somebody presses the button of the launch page that its script has pressed already.
_PRESS_TWICE = """addEventListener("DOMContentLoaded", () => setTimeout(() => {
  const button = document.querySelector("form[data-now] button");
  if (button) { button.click(); button.click(); }
}))"""


def test_a_link_that_is_too_old_and_a_forged_one_say_so(site: H5Site, page: Page) -> None:
    old = site.url("OLD-1")
    site.clock.now += 1200
    page.goto(old)
    page.wait_for_selector("#reason")
    assert page.inner_text("h1") == "链接已过期"
    page.goto(site.url("OLD-1")[:-3] + "AAA")
    page.wait_for_selector("#reason")
    assert page.inner_text("h1") == "链接无效"
    assert unfit(page) == []


def test_a_page_that_was_left_alone_closes_and_what_was_saved_is_there_again(site: H5Site, page: Page) -> None:
    arrive(page, site.url("IDLE-1"))
    go(page, "identity", IDENTITY)
    page.wait_for_url("**/contact")
    site.clock.now += 3600
    page.click("button.main")
    page.wait_for_selector("#reason")
    assert page.inner_text("h1") == "页面已超时"
    assert unfit(page) == []
    arrive(page, site.url("IDLE-1"))
    page.wait_for_url("**/contact")
    page.click('button[value="back"]')
    page.wait_for_url("**/identity")
    assert page.input_value('[name="applicant.name"]') == "王小明"


def test_a_connection_lost_before_the_gateway_heard_is_tried_again(site: H5Site, page: Page) -> None:
    at_confirm(site, page, "CUT-1")
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"), page.expect_navigation():
        page.click("button.main", no_wait_after=True)
    assert site.messages("CUT-1") == []
    page.context.set_offline(False)
    page.reload()
    received(site, page, "CUT-1")


def test_a_connection_lost_after_the_gateway_heard_is_one_message(site: H5Site, page: Page) -> None:
    at_confirm(site, page, "CUT-2")
    address = page.url

    def cut(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    page.route("**/confirm", cut, times=1)
    with pytest.raises(Error, match="ERR_CONNECTION_RESET"), page.expect_navigation():
        page.click("button.main", no_wait_after=True)
    assert len(site.messages("CUT-2")) == 1
    page.wait_for_url("chrome-error://**")
    page.goto(address)
    received(site, page, "CUT-2")


_SCRIPT = "<img src=x onerror=window.canary=1>"
_ALL_TEXT = "input[type=text],input[type=tel],input[type=email],textarea"


def test_a_script_in_any_field_is_text_on_every_page(site: H5Site, page: Page) -> None:
    arrive(page, site.url("SCRIPT-1"))
    page.wait_for_url("**/identity")
    _everywhere(page)
    go(page, "identity", {**IDENTITY, "applicant.name": _SCRIPT, "applicant.documents[0].issuer": ""})
    page.wait_for_url("**/contact")
    _everywhere(page)
    page.fill('[name="applicant.contact.email"]', "")
    page.fill('[name="applicant.addresses[0].postalCode"]', "")
    for at in after_identity(page):
        if at == "confirm":
            page.click('button[value="show:full"]')
            page.wait_for_selector('button[value="show:masked"]')
            assert _SCRIPT in page.inner_text("main")
        assert page.evaluate("typeof window.canary") == "undefined"
    (message,) = site.messages("SCRIPT-1")
    assert message["kycApplication"]["applicant"]["name"] == _SCRIPT


def _everywhere(page: Page) -> None:
    """Type a script into every field of a page, and see it come back as text."""
    for field in page.locator(_ALL_TEXT).all():
        field.fill(f'"{_SCRIPT}<script>window.canary=1</script>')
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert page.evaluate("typeof window.canary") == "undefined"
    assert page.locator("img,main script").count() == 0
