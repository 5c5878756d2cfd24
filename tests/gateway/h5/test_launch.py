"""The launch: a token of the partner opens its pages once, and nothing else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import HOST, TRUST, Pages
from xinqiao.errors import MalformedRequest, NotAuthorized, SealExpired
from xinqiao.launch import Actor, Launch, launch_token, launch_url, open_launch
from xinqiao.seal import KeyRing, new_key, sign_token


def reason(browser: Browser) -> str:
    return str(browser.document.get_element_by_id("reason").text_content())


def test_a_launch_opens_the_first_step_once(pages: Pages) -> None:
    url = pages.url()
    assert Browser(pages.http).launch(url).step == "identity"
    again = Browser(pages.http).launch(url)
    assert (again.status, reason(again)) == (409, "conflict")
    assert "链接已使用" in again.text
    assert "The link was used before" in again.text


def test_looking_at_a_launch_does_not_use_it(pages: Pages) -> None:
    url = pages.url()
    assert pages.http.head(url).status_code == 200
    assert pages.http.get(url).status_code == 200
    assert Browser(pages.http).launch(url).step == "identity"


def test_a_partner_may_post_the_token_itself(pages: Pages) -> None:
    browser = Browser(pages.http).post("/h5/partner/launch", [("token", pages.token())])
    assert browser.step == "identity"


def test_a_launch_by_a_foreign_key_is_refused(pages: Pages) -> None:
    browser = Browser(pages.http).launch(pages.url(key=new_key("partner-1")))
    assert (browser.status, reason(browser)) == (401, "not_authorized")


def test_a_changed_token_is_refused(pages: Pages) -> None:
    url = pages.url()
    browser = Browser(pages.http).launch(url[:-2] + ("AA" if not url.endswith("AA") else "BB"))
    assert (browser.status, reason(browser)) == (401, "not_authorized")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_launch_outside_its_time_is_refused(pages: Pages, minutes: int) -> None:
    at = datetime.fromtimestamp(pages.clock.now, UTC) + timedelta(minutes=minutes)
    browser = Browser(pages.http).launch(pages.url(at=at))
    assert (browser.status, reason(browser)) == (401, "signature_expired")


def test_a_launch_for_another_channel_or_gateway_is_refused(pages: Pages) -> None:
    other_channel = launch_url("", "partner", pages.token(channel="sandbox"))
    other_gateway = launch_url("", "partner", pages.token(code="91110000100000000R"))
    for url in (other_channel, other_gateway):
        browser = Browser(pages.http).launch(url)
        assert (browser.status, reason(browser)) == (401, "not_authorized")


def test_a_channel_without_pages_has_none(pages: Pages) -> None:
    browser = Browser(pages.http).launch(launch_url("", "core", pages.token(channel="core")))
    assert (browser.status, reason(browser)) == (404, "not_found")
    assert Browser(pages.http).launch(launch_url("", "nobody", pages.token(channel="nobody"))).status == 404


def test_a_flow_that_the_channel_may_not_launch_is_refused(make_pages: Callable[..., Pages]) -> None:
    pages = make_pages(flows=["kyc-institution"])
    for flow in ("kyc-person", "kyc-nobody"):
        browser = Browser(pages.http).launch(pages.url(flow))
        assert (browser.status, reason(browser)) == (404, "not_found")
        assert "此处不提供该页面" in browser.text
        assert "ask the institution that gave you the link" in browser.text
        assert "稍后再试" not in browser.text


def test_a_role_that_the_flow_is_not_for_is_refused(pages: Pages) -> None:
    browser = Browser(pages.http).launch(pages.url("kyc-institution", role="CUSTOMER"))
    assert (browser.status, reason(browser)) == (401, "not_authorized")


def test_a_test_channel_says_what_is_wrong_with_a_launch(pages: Pages) -> None:
    url = pages.url("kyc-nobody", channel="sandbox")
    assert (
        "flow kyc-nobody is not offered; this channel offers kyc-person, kyc-institution"
        in Browser(pages.http).launch(url).text
    )
    url = pages.url("kyc-nobody")
    assert "is not offered; this" not in Browser(pages.http).launch(url).text


def test_a_host_that_may_not_embed_is_refused(pages: Pages) -> None:
    browser = Browser(pages.http).launch(pages.url(origin="https://elsewhere.example.com"))
    assert (browser.status, reason(browser)) == (401, "not_authorized")


def test_a_page_may_be_embedded_by_the_host_of_its_launch_alone(pages: Pages) -> None:
    embedded, alone = pages.open(origin=HOST), pages.open(case_id=f"{pages.case_id}-2")
    assert f"frame-ancestors {HOST}" in embedded.shown.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in alone.shown.headers["Content-Security-Policy"]
    assert embedded.document.find("body").get("data-origin") == HOST


def test_a_launch_comes_back_to_what_was_begun(pages: Pages) -> None:
    first = pages.open()
    first.type({"applicant.name": "王小明"}).press()
    assert pages.open().value("applicant.name") == "王小明"
    assert pages.open(case_id=f"{pages.case_id}-2").value("applicant.name") == ""
    assert pages.open(entry="second").value("applicant.name") == ""


def test_another_customer_does_not_come_in(pages: Pages) -> None:
    pages.open().type({"applicant.name": "王小明"}).press()
    browser = pages.open(actor="somebody-else")
    assert (browser.status, reason(browser)) == (401, "not_authorized")
    assert "王小明" not in browser.shown.text


@pytest.mark.parametrize(
    "facts",
    [
        {"kycApplication.nothing": "x"},
        {"kycApplication.applicant": "x"},
        {"header.sender": "91110000100000000R"},
        {"kycApplication.politicallyExposed": "true"},
    ],
)
def test_facts_that_are_no_fields_are_refused(pages: Pages, facts: dict[str, str]) -> None:
    browser = Browser(pages.http).launch(pages.url(facts=facts))
    assert (browser.status, reason(browser)) == (400, "malformed_request")


def test_facts_that_are_not_valid_are_refused(pages: Pages) -> None:
    browser = Browser(pages.http).launch(pages.url(facts={"kycApplication.applicant.birthDate": "yesterday"}))
    assert (browser.status, reason(browser)) == (422, "not_valid")


def test_a_case_whose_number_would_be_too_long_is_refused_before_anything_is_typed(pages: Pages) -> None:
    browser = Browser(pages.http).launch(pages.url(case_id="C" * 40, entry="E" * 24))
    assert (browser.status, reason(browser)) == (400, "malformed_request")
    assert pages.open(case_id="C" * 40, entry="E" * 23).status == 200


def test_launches_of_a_wrong_form_are_not_made() -> None:
    key, actor = new_key("k"), Actor("CUSTOMER", "c-1")
    for wrong in (
        Launch("kyc-person", "CASE 1", actor),
        Launch("KYC", "CASE-1", actor),
        Launch("kyc-person", "CASE-1", Actor("CUSTOMER", "王小明")),
        Launch("kyc-person", "CASE-1", actor, locale="fr"),
        Launch("kyc-person", "CASE-1", actor, origin="https://shop.example.com/page"),
        Launch("kyc-person", "CASE-1", actor, return_url="javascript:alert(1)"),
        Launch("kyc-person", "CASE-1", actor, return_url="http://shop.example.com"),
    ):
        with pytest.raises(MalformedRequest):
            launch_token(key, wrong, gateway_code=TRUST, channel="partner")


def test_a_launch_says_what_was_put_into_it() -> None:
    key, at = new_key("k"), datetime(2026, 1, 5, tzinfo=UTC)
    launch = Launch(
        "kyc-person", "CASE-1", Actor("CUSTOMER", "c-1"), "second", "en", HOST, f"{HOST}/done?x=1",
        {"kycApplication.applicant.name": "王小明"},
    )  # fmt: skip
    token = launch_token(key, launch, gateway_code=TRUST, channel="partner", at=at)
    opened = open_launch(token, KeyRing([key.public()]), gateway_code=TRUST, channel="partner", at=at)
    assert (opened.launch, opened.kid) == (launch, "k")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"exp": 4_000_000_000}, MalformedRequest),
        ({"exp": None}, MalformedRequest),
        ({"jti": "once"}, MalformedRequest),
        ({"actor": "CUSTOMER"}, MalformedRequest),
        ({"facts": {"a": None}}, MalformedRequest),
        ({"facts": {str(number): 1 for number in range(60)}}, MalformedRequest),
        ({"aud": "x"}, NotAuthorized),
        ({"iat": 1, "exp": 2}, SealExpired),
    ],
)
def test_claims_of_a_wrong_form_are_refused(change: dict[str, object], error: type[Exception]) -> None:
    key = new_key("k")
    claims: dict[str, object] = {
        "aud": f"{TRUST}/partner", "jti": "019bf0a0-7c00-7000-8000-000000000001", "iat": 1_800_000_000,
        "exp": 1_800_000_300, "flow": "kyc-person", "case": "CASE-1", "actor": {"role": "CUSTOMER", "id": "c"},
    }  # fmt: skip
    at = datetime.fromtimestamp(1_800_000_000, UTC)
    keys = KeyRing([key.public()])
    assert open_launch(sign_token(claims, key), keys, gateway_code=TRUST, channel="partner", at=at).jti == claims["jti"]
    with pytest.raises(error):
        open_launch(sign_token(claims | change, key), keys, gateway_code=TRUST, channel="partner", at=at)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(minutes=-1)])
def test_a_token_that_would_be_over_at_once_is_not_made(life: timedelta) -> None:
    launch = Launch("kyc-person", "CASE-1", Actor("CUSTOMER", "c-1"))
    with pytest.raises(MalformedRequest, match="a second at least"):
        launch_token(new_key("x"), launch, gateway_code=TRUST, channel="partner", life=life)
