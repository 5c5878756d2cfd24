"""A visit: one result whatever windows, buttons, waits and breaks there are on the way to it."""

from typing import Any

import pytest

from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import HOST, Pages
from tests.gateway.h5.filling import IDENTITY, fill_kyc, go
from xinqiao.errors import JournalUnavailable, NotValid, PolicyForbids
from xinqiao.finding import Finding, Text
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.journal.visits import visits_of

NOWHERE = "/h5/visits/" + "A" * 43


def states(pages: Pages) -> list[str]:
    with pages.gateway.journal.reading.engine.begin() as connection:
        return [each["state"] for each in visits_of(connection, pages.case_id)]


def test_two_windows_that_confirm_come_to_one_message(pages: Pages) -> None:
    one = fill_kyc(pages.open())
    other = one.copy()
    one.type({"declared": "yes"}).press()
    other.type({"declared": "yes"}).press()
    assert "已受理" in one.text
    assert one.text == other.text
    assert len(pages.messages()) == 1


def test_the_back_button_after_submitting_shows_the_receipt(pages: Pages) -> None:
    browser = fill_kyc(pages.open())
    confirm = browser.path
    browser.type({"declared": "yes"}).press()
    receipt = browser.text
    assert browser.open(confirm).text == receipt
    assert browser.open(confirm.replace("confirm", "identity")).text == receipt
    assert "王小明" not in browser.shown.text


def test_a_launch_after_submitting_shows_the_receipt(pages: Pages) -> None:
    browser = fill_kyc(pages.open()).type({"declared": "yes"}).press()
    again = pages.open()
    assert again.text == browser.text
    assert len(pages.messages()) == 1
    renewal = fill_kyc(pages.open(entry="renewal")).type({"declared": "yes"}).press()
    assert "已受理" in renewal.text
    numbers = [each["message"]["kycApplication"]["applicationNo"] for each in pages.messages()]
    assert numbers == [pages.case_id, f"{pages.case_id}-renewal"]


def test_the_same_form_twice_goes_on_once(pages: Pages) -> None:
    browser = pages.open()
    twice = browser.copy()
    browser.type(IDENTITY).press()
    twice.type(IDENTITY).press()
    assert (browser.step, twice.step) == ("contact", "contact")


def test_a_form_of_an_older_page_changes_nothing_and_keeps_what_was_typed(pages: Pages) -> None:
    browser = pages.open()
    older = browser.copy()
    browser.type(IDENTITY).press()
    older.type({**IDENTITY, "applicant.name": "李四"}).press()
    assert older.status == 409
    assert "此页内容已在其他窗口更改" in older.text
    assert older.value("applicant.name") == "李四"
    assert pages.open().open(older.path).value("applicant.name") == "王小明"
    older.press()
    assert older.step == "contact"
    assert pages.open().open(older.path.replace("contact", "identity")).value("applicant.name") == "李四"


def test_the_same_form_with_a_problem_twice_shows_the_problem_twice(pages: Pages) -> None:
    browser = pages.open()
    twice = browser.copy()
    browser.type({"applicant.name": "王小明"}).press()
    twice.type({"applicant.name": "王小明"}).press()
    assert (browser.status, twice.status) == (422, 422)
    assert browser.problems == twice.problems


def test_going_back_keeps_what_was_typed(pages: Pages) -> None:
    browser = go(pages.open(), "identity", IDENTITY)
    browser.type({"applicant.contact.mobile": "1380013800"}).press("back")
    assert (browser.step, browser.value("applicant.name")) == ("identity", "王小明")
    assert browser.press().value("applicant.contact.mobile") == "1380013800"


def test_changing_a_step_comes_back_to_what_is_confirmed(pages: Pages) -> None:
    browser = fill_kyc(pages.open())
    (link,) = browser.document.xpath("//a[contains(@class, 'change')][contains(@href, '/means')]/@href")
    browser.open(link).type({"annualIncome": "1"}).press()
    assert browser.step == "confirm"
    assert "1 元" in browser.press("show:full").text


def test_what_is_confirmed_is_masked_until_it_is_asked_for(pages: Pages) -> None:
    browser = fill_kyc(pages.open())
    assert "110************07X" in browser.text
    assert "11010119800101007X" not in browser.shown.text
    assert "11010119800101007X" in browser.press("show:full").text
    assert "11010119800101007X" not in browser.press("show:masked").text


def test_nothing_is_submitted_without_the_declaration(pages: Pages) -> None:
    browser = fill_kyc(pages.open()).press()
    assert (browser.status, browser.problems) == (422, ["请先勾选声明"])
    assert pages.messages() == []


def test_a_step_that_was_passed_over_is_named_with_a_link(pages: Pages) -> None:
    browser = go(pages.open(), "identity", IDENTITY)
    browser.open(browser.path.replace("contact", "confirm")).type({"declared": "yes"}).press()
    assert browser.status == 422
    assert "“联系方式与职业”尚未完成" in browser.problems
    (link,) = browser.document.xpath("//div[@id='problems']//a[contains(text(), '联系方式与职业')]/@href")
    assert browser.open(link).step == "contact"
    assert pages.messages() == []


def test_facts_of_the_partner_are_shown_and_cannot_be_changed(fresh: Pages) -> None:
    pages = fresh
    facts = {"kycApplication.applicant.name": "王小明", "kycApplication.branch": "示例支行"}
    browser = pages.open(facts=facts)
    assert "applicant.name" not in browser.names()
    typed = {name: value for name, value in IDENTITY.items() if name != "applicant.name"}
    pairs = [(name, str(value)) for name, value in typed.items()]
    version = str(browser.value("version"))
    browser.post(
        browser.path, [("version", version), *pairs, ("applicant.name", "李四"), ("branch", "x"), ("do", "next")]
    )
    assert browser.step == "contact", browser.problems
    address = browser.path.rpartition("/")[0]
    assert "示例支行" in browser.open(f"{address}/confirm").text
    with pages.gateway.journal.reading.engine.begin() as connection:
        assert "李四" not in str(connection.exec_driver_sql("select * from visits").all())
    assert "姓名或名称***由所在机构提供" in browser.open(f"{address}/identity").text


def test_a_page_left_alone_closes_and_a_new_launch_goes_on(pages: Pages) -> None:
    browser = go(pages.open(origin=HOST), "identity", IDENTITY)
    pages.clock.now += 1801
    browser.open(browser.path)
    assert (browser.status, browser.document.get_element_by_id("reason").text_content()) == (410, "content_gone")
    assert "页面已超时" in browser.text
    assert f"frame-ancestors {HOST}" in browser.shown.headers["Content-Security-Policy"]
    assert browser.document.find("body").get("data-event") == "expired"
    assert pages.open().step == "contact"


def test_a_page_that_is_used_stays_open(pages: Pages) -> None:
    browser = pages.open()
    for _ in range(3):
        pages.clock.now += 1200
        assert browser.open(browser.path).step == "identity"


def test_what_was_entered_is_let_go_in_time(fresh: Pages) -> None:
    pages = fresh
    go(pages.open(), "identity", IDENTITY)
    pages.clock.now += 86_401
    browser = pages.open()
    assert (browser.step, browser.value("applicant.name")) == ("identity", "")
    assert states(pages) == ["expired", "open"]
    with pages.gateway.journal.reading.engine.begin() as connection:
        kept = connection.exec_driver_sql("select content from visits where state = 'expired'").all()
    assert kept == [(None,)]


@pytest.mark.parametrize("path", [NOWHERE, f"{NOWHERE}/identity", "/h5/visits/short", "/h5/visits/x%2F..%2Fy"])
def test_an_unknown_address_is_always_the_same_page(pages: Pages, path: str) -> None:
    constant = pages.http.get(NOWHERE)
    found = pages.http.get(path)
    assert found.status_code == 404
    if path != "/h5/visits/x%2F..%2Fy":
        assert found.content == constant.content
        assert dict(found.headers) == dict(constant.headers)


def test_a_step_that_is_not_asked_is_not_found(pages: Pages) -> None:
    browser = pages.open()
    for step in ("exposure", "nothing"):
        assert pages.http.get(browser.path.replace("identity", step)).status_code == 404


def test_the_intake_says_no_and_the_person_corrects_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("XQ-R-999", "kycApplication.annualIncome", Text("收入不足", "too little income"))
    refusals: list[Exception] = [NotValid("1 finding", findings=[finding]), PolicyForbids("no")]
    accept = Intake.accept

    async def refuse(self: Intake, raw: Any) -> Any:
        if refusals:
            raise refusals.pop(0)
        return await accept(self, raw)

    monkeypatch.setattr(Intake, "accept", refuse)
    browser = fill_kyc(pages.open()).type({"declared": "yes"}).press()
    assert "收入不足" in browser.problems
    browser.press("correct")
    assert browser.step == "confirm"
    browser.type({"declared": "yes"}).press()
    assert "policy_forbids" in browser.text
    browser.press("correct").type({"declared": "yes"}).press()
    assert "已受理" in browser.text
    assert len(pages.messages()) == 1


def test_no_answer_is_said_and_trying_again_submits_once(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, accept = [True], Intake.accept

    async def lose(self: Intake, raw: Any) -> Any:
        accepted = await accept(self, raw)
        if lost:
            lost.pop()
            raise JournalUnavailable("no answer")
        return accepted

    monkeypatch.setattr(Intake, "accept", lose)
    browser = fill_kyc(pages.open()).type({"declared": "yes"}).press()
    assert "正在提交" in browser.text
    assert len(pages.messages()) == 1
    browser.open(browser.path + "/identity")
    assert "正在提交" in browser.text
    browser.press("again")
    assert "已受理" in browser.text
    assert len(pages.messages()) == 1


def test_erasing_a_case_erases_what_was_entered(fresh: Pages) -> None:
    pages = fresh
    browser = go(pages.open(), "identity", IDENTITY)
    with pages.gateway.journal.reading.engine.begin() as connection:
        scope = connection.exec_driver_sql("select scope from visits").scalar_one()
        assert scope.startswith("case:production:")
        assert scope.endswith(f":{pages.case_id}")
        connection.exec_driver_sql("update data_keys set wrapped = X''")
    assert browser.open(browser.path).status == 410
    assert pages.open().status == 410


def test_a_form_that_no_page_sends_is_refused(pages: Pages) -> None:
    path = pages.open().path
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    many = "&".join(f"a{number}=1" for number in range(1001))
    assert pages.http.post(path, content=b"{}", headers={"Content-Type": "application/json"}).status_code == 415
    assert pages.http.post(path, content=many, headers=form).status_code == 400
    assert pages.http.post(path, content=b"a=\xff\xfe", headers=form).status_code == 400
    assert pages.http.post(path, content=b"a=" + b"1" * 262_144, headers=form).status_code == 413
    assert Browser(pages.http).open(path).value("applicant.name") == ""
