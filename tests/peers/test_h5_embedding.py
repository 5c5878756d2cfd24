"""The pages in a page of the partner's, on another origin: by the snippet, by a bare frame, and where they may not."""

from pathlib import Path

from playwright.sync_api import Page

from tests.gateway.h5.filling import IDENTITY
from tests.peers.h5_site import H5Site
from tests.peers.h5_walks import after_identity, at_provider, becomes, contract_signing, go, kyc_person, run, until
from tests.peers.h5_windows import Windows

_STATIC = Path("gateway/src/xinqiao_gateway/fronts/h5/static")
_HEIGHT = "document.querySelector('#pages iframe').clientHeight"
_NO_ROOM_LEFT = "Math.abs(innerHeight - document.getElementById('content').getBoundingClientRect().bottom) <= 1"
_TOP = "document.querySelector('#pages iframe').getBoundingClientRect().top"


def embedded(site: H5Site, page: Page, case_id: str, **about: str) -> None:
    page.goto(site.embedding(site.url(case_id, origin=site.host), **about))
    page.wait_for_function("told.some(each => each.event === 'ready')")


def test_the_snippet_is_small(site: H5Site, page: Page) -> None:
    answered = page.request.get(f"{site.base}/h5/static/embed.js")
    assert answered.headers["content-type"] == "text/javascript; charset=utf-8"
    assert len(answered.body()) <= 2048


def test_a_flow_in_a_frame_of_another_origin_tells_the_host_what_happened(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-1")
    frame = page.frames[1]
    go(frame, "identity", IDENTITY)
    run(after_identity(frame))
    page.wait_for_function("told.some(each => each.event === 'done')")
    (message,) = site.messages("FRAME-1")
    assert page.evaluate("told.at(-1)") == {
        "source": "xinqiao",
        "event": "done",
        "flow": "kyc-person",
        "case": "FRAME-1",
        "messageId": message["header"]["messageId"],
        "position": frame.inner_text("#position"),
    }
    assert page.evaluate("said.map(each => each[0])") == [site.base] * page.evaluate("said.length")
    assert set(page.evaluate("told.map(each => each.event)")) == {"ready", "done"}


def test_the_frame_is_as_high_as_its_page_and_shrinks_with_it(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-2")
    frame = page.frames[1]
    page.wait_for_function(f"{_HEIGHT} > 1000")
    go(frame, "identity", IDENTITY)
    frame.wait_for_url("**/contact")
    page.wait_for_function(f"{_HEIGHT} < 1600")
    for step in ("contact", "identity"):
        frame.goto(frame.url.rpartition("/")[0] + f"/{step}")
        becomes(frame, _NO_ROOM_LEFT)
    page.set_viewport_size({"width": 900, "height": 844})
    becomes(frame, "innerWidth === 900")
    becomes(frame, _NO_ROOM_LEFT)


def test_the_next_page_begins_at_its_top(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-3")
    page.wait_for_function(f"{_HEIGHT} > 1000")
    frame = page.frames[1]
    go(frame, "identity", IDENTITY)
    frame.wait_for_url("**/contact")
    page.wait_for_function(f"{_TOP} >= -1")


def test_what_another_frame_or_origin_says_is_not_believed(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-4", liar=f"{site.foreign}/liar")
    page.wait_for_function("said.filter(each => each[1].case === 'LIE').length === 3")
    assert page.evaluate("told.every(each => each.case !== 'LIE')")
    assert page.evaluate(f"{_HEIGHT} !== 7777")
    # Nor what the frame says once it shows something else.
    page.evaluate("address => { document.querySelector('#pages iframe').src = address }", f"{site.foreign}/liar")
    page.wait_for_function("said.filter(each => each[1].case === 'LIE').length === 6")
    assert page.evaluate("told.every(each => each.case !== 'LIE')")
    assert page.evaluate(f"{_HEIGHT} !== 7777")


def test_a_host_that_closed_the_pages_is_told_no_more(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-5")
    page.evaluate("pages.close()")
    assert page.locator("#pages iframe").count() == 0
    before = page.evaluate("told.length")
    page.evaluate("pages.frame.src = pages.frame.src; document.body.appendChild(pages.frame)")
    page.wait_for_function(f"said.length > {before}")
    assert page.evaluate("told.length") == before


def test_a_bare_frame_works_without_the_snippet(site: H5Site, page: Page) -> None:
    page.goto(site.embedding(site.url("FRAME-6", origin=site.host), page="plain"))
    page.frames[1].wait_for_url("**/identity")
    go(page.frames[1], "identity", IDENTITY)
    run(after_identity(page.frames[1]))
    assert len(site.messages("FRAME-6")) == 1


def test_a_foreign_origin_sees_nothing_and_is_told_nothing(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    for origin in (site.host, None):
        address = site.url("FRAME-7", origin=origin)
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.goto(site.embedding(address, host=site.foreign, page="plain"))
        assert page.frames[1].url.startswith("chrome-error://")
        windows.expect("frame-ancestors")
    # What the launch was for goes on: the frame used nothing.
    page.goto(address)
    page.wait_for_url("**/identity")


def test_a_visit_cannot_be_moved_into_a_foreign_frame(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    page.goto(site.url("FRAME-8", origin=site.host))
    page.wait_for_url("**/identity")
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(site.embedding(page.url, host=site.foreign, page="plain"))
    windows.expect("frame-ancestors")


def test_the_pages_work_in_a_webview_without_windows_storage_or_cookies(site: H5Site, windows: Windows) -> None:
    page = windows.webview()
    run(kyc_person(page, site, "WEBVIEW-1"))
    assert len(site.messages("WEBVIEW-1")) == 1
    assert page.context.cookies() == []


def test_the_pages_work_where_a_browser_keeps_third_parties_from_storing(site: H5Site, windows: Windows) -> None:
    page = windows.phone()
    page.context.new_cdp_session(page).send("Network.setCookieControls", _NO_THIRD_PARTIES)
    embedded(site, page, "FRAME-9")
    go(page.frames[1], "identity", IDENTITY)
    run(after_identity(page.frames[1]))
    assert len(site.messages("FRAME-9")) == 1


_NO_THIRD_PARTIES = {
    "enableThirdPartyCookieRestriction": True,
    "disableThirdPartyCookieMetadata": True,
    "disableThirdPartyCookieHeuristics": True,
}


def test_a_problem_in_a_frame_leads_to_its_field(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-10")
    frame = page.frames[1]
    frame.wait_for_url("**/identity")
    frame.click("button.main")
    frame.wait_for_selector("#problems")
    assert frame.evaluate("document.activeElement.id") == "problems"
    page.wait_for_function(f"{_HEIGHT} > 1500")
    frame.click("#problems li:last-child a")
    field = frame.locator("#problems li:last-child a").get_attribute("href")
    assert field
    becomes(frame, "id => document.activeElement.id === id", field[1:])
    box = frame.locator(f'[id="{field[1:]}"]').bounding_box()
    assert box
    assert 0 <= box["y"] <= 844 - box["height"]


def test_a_contract_is_signed_by_hand_in_a_frame(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-11")
    run(contract_signing(page.frames[1], site.in_host(), "FRAME-12"))
    page.wait_for_function("told.some(each => each.event === 'done' && each.case === 'FRAME-12')")
    found = [each["signatureEvidence"] for each in site.messages("FRAME-12") if "signatureEvidence" in each]
    assert [each["terminal"] for each in found] == ["H5 手写 drawn"] * 2


def test_an_order_is_paid_from_a_frame_in_a_window_of_its_own(site: H5Site, page: Page) -> None:
    embedded(site, page, "FRAME-13")
    frame = page.frames[1]
    until(at_provider(frame, site.in_host(), "FRAME-14"), "paying")
    with page.expect_popup() as opened:
        frame.click("#provider")
    opened.value.click("button[value=pay]")
    frame.wait_for_selector("#position")
    page.wait_for_function("told.some(each => each.event === 'done' && each.case === 'FRAME-14')")
    assert [each["prepaidPayment"]["amount"]["value"] for each in site.messages("FRAME-14")] == ["5000.00"]
