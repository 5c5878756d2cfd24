"""The pages themselves: what they say, how they are made for everybody, and what they let nobody do."""

from typing import Any

import pytest

from tests.gateway.h5.browser import Browser
from tests.gateway.h5.conftest import Pages
from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, answer_risk, go

SCRIPT = "\"'><script>alert(1)</script>"


def at(pages: Pages, step: str) -> Browser:
    browser = pages.open()
    return browser.open(browser.path.replace("identity", step))


@pytest.mark.parametrize("step", ["identity", "contact", "means", "family"])
def test_a_script_in_every_text_field_is_text(pages: Pages, step: str) -> None:
    browser = at(pages, step)
    if step == "family":
        browser.press("add:relatedParties")
    texts = [
        each.get("name")
        for each in browser.document.xpath("//form[@id='main']//*[self::input or self::textarea]")
        if each.get("type") not in {"hidden", "radio", "checkbox"}
    ]
    assert texts
    browser.type(dict.fromkeys(texts, SCRIPT)).press()
    assert "<script>alert" not in browser.shown.text
    for name in texts:
        typed = browser.value(name)
        assert isinstance(typed, str)
        assert typed.casefold() in {SCRIPT.casefold(), SCRIPT.replace(" ", "").casefold()}, name
    address = browser.path.rpartition("/")[0]
    confirm = browser.open(f"{address}/confirm").press("show:full")
    assert "<script>alert" not in confirm.shown.text
    assert SCRIPT.casefold() in "".join(confirm.document.text_content()).casefold()


def test_a_choice_that_is_not_offered_is_refused(pages: Pages) -> None:
    browser = pages.open()
    pairs = [("version", str(browser.value("version"))), ("applicant.gender", SCRIPT), ("do", "next")]
    browser.post(browser.path, pairs)
    assert browser.status == 422
    assert "<script>alert" not in browser.shown.text
    assert any("性别" in each for each in browser.problems)


@pytest.mark.parametrize(
    ("step", "name", "typed", "said"),
    [
        ("identity", "applicant.name", "", "缺少必填项：姓名或名称 请填写"),
        ("identity", "applicant.name", "王\u0007", "姓名或名称的格式不正确"),
        ("identity", "applicant.birthDate", "1980-13-01", "出生日期的格式不正确 应为日期 yyyy-MM-dd"),
        ("identity", "applicant.nationality", "火星", "国籍的格式不正确"),
        ("identity", "applicant.documents[0].number", "110101198001010070", "居民身份证号码不正确"),
        ("identity", "applicant.documents[0].validUntil", "", "缺少必填项：证件到期日"),
        ("contact", "applicant.contact.mobile", "1" * 41, "手机号码过长"),
        ("contact", "applicant.contact.email", "wang", "电子邮箱的格式不正确 例如：wang@example.com"),
        ("contact", "applicant.addresses[0].region", "不存在市", "行政区划代码的格式不正确"),
        ("contact", "applicant.addresses[0].postalCode", "1", "邮政编码的格式不正确 例如：100010"),
        ("means", "annualIncome", "三百万", "数额的格式不正确"),
    ],
)
def test_a_bad_field_is_said_beside_it(pages: Pages, step: str, name: str, typed: str, said: str) -> None:
    browser = at(pages, step)
    fields: dict[str, Any] = {"identity": IDENTITY, "contact": CONTACT, "means": MEANS}[step]
    browser.type({**fields, name: typed}).press()
    assert browser.status == 422
    assert len(browser.problems) == 1, browser.problems
    assert browser.problems[0].startswith(said)
    assert said.partition(" ")[0] in browser.problem_beside(name)
    (link,) = browser.document.xpath("//*[@id='problems']//a/@href")
    field = browser.document.get_element_by_id(link.removeprefix("#"))
    assert field.get("aria-invalid") == "true"
    if typed:
        assert browser.value(name) == typed.upper() if name.endswith("number") else typed


def test_every_field_has_a_label_and_a_place_in_the_order(pages: Pages) -> None:
    for step in ("identity", "contact", "means", "tax", "risk", "confirm"):
        document = at(pages, step).document
        for each in document.xpath("//form[@id='main']//*[self::input or self::select or self::textarea]"):
            if each.get("type") == "hidden":
                continue
            labelled = document.xpath("//label[@for=$id]", id=each.get("id")) or each.xpath("ancestor::label")
            assert labelled, each.get("name")
            if each.get("type") in {"radio"}:
                assert each.xpath("ancestor::fieldset/legend")
        assert not document.xpath("//*[@tabindex > 0]")
        ids = document.xpath("//@id")
        assert len(ids) == len(set(ids))
        for reference in document.xpath("//@aria-describedby"):
            assert set(reference.split()) <= set(ids)


def test_a_page_turns_to_english_and_back_and_keeps_what_was_typed(pages: Pages) -> None:
    browser = pages.open()
    assert browser.document.get("lang") == "zh-CN"
    browser.type({"applicant.name": "王小明"}).press("language:en")
    assert browser.document.get("lang") == "en"
    assert "Date of birth" in browser.text
    assert browser.value("applicant.name") == "王小明"
    browser.press()
    assert "Gender is missing choose one" in browser.problems
    assert browser.press("language:zh").document.get("lang") == "zh-CN"


def test_a_launch_says_the_language(pages: Pages) -> None:
    browser = pages.open(locale="en")
    assert "Who you are" in browser.text
    chinese = [each for each in browser.text if "\u4e00" <= each <= "\u9fff"]
    assert "".join(chinese) == "中文"


def test_large_text_is_kept_for_the_visit(pages: Pages) -> None:
    browser = pages.open().press("size:large")
    assert browser.document.get("class") == "large"
    go(browser, "identity", IDENTITY)
    assert browser.document.get("class") == "large"
    assert pages.open().document.get("class") == "large"
    assert browser.press("size:normal").document.get("class") is None


def test_every_answer_keeps_itself_to_itself(pages: Pages) -> None:
    browser = pages.open()
    answers = [
        browser.shown,
        pages.http.get(browser.path.rpartition("/")[0], follow_redirects=False),
        pages.http.get(pages.url(case_id=f"{pages.case_id}-2")),
        pages.http.get("/h5/visits/" + "A" * 43),
        pages.http.get("/h5/partner/launch"),
    ]
    for each in answers:
        policy = each.headers["Content-Security-Policy"]
        assert policy.startswith(
            "default-src 'none'; style-src 'self'; script-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors "
        )
        assert each.headers["Referrer-Policy"] == "no-referrer"
        assert each.headers["Cache-Control"] == "no-store"
        assert each.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in each.headers


def test_no_page_has_a_script_or_a_style_of_its_own(pages: Pages) -> None:
    browser = pages.open()
    go(browser, "identity", IDENTITY)
    for page in (browser.document, Browser(pages.http).open(pages.url(case_id=f"{pages.case_id}-2")).document):
        assert all(each.get("src") and not each.text for each in page.xpath("//script"))
        assert not page.xpath("//style | //*[@style] | //@*[starts-with(name(), 'on')]")


def test_the_first_page_is_light(pages: Pages) -> None:
    first = pages.open().shown
    document = Browser(pages.http, first).document
    parts = [pages.http.get(each) for each in document.xpath("//link/@href | //script/@src")]
    assert len(parts) == 2
    assert all(each.status_code == 200 and "immutable" in each.headers["Cache-Control"] for each in parts)
    style, script = (len(each.content) for each in parts)
    assert style <= 8192
    assert script <= 6144
    assert len(first.content) + style + script < 25_600


def test_a_page_of_a_file_that_is_not_there_is_not_found(pages: Pages) -> None:
    assert pages.http.get("/h5/static/h5.txt").status_code == 404


def test_the_title_says_that_something_is_wrong(pages: Pages) -> None:
    browser = pages.open().press()
    assert browser.document.findtext("head/title").startswith("! ")
    assert browser.document.get_element_by_id("problems").get("role") == "alert"


def test_the_receipt_tells_the_host_and_shows_the_way_back(pages: Pages) -> None:
    browser = pages.open(origin="https://shop.example.com", return_url="https://shop.example.com/done?x=1&y=2")
    address = browser.path.rpartition("/")[0]
    go(browser, "identity", IDENTITY)
    go(browser, "contact", CONTACT)
    go(browser, "means", MEANS)
    go(browser, "tax", {"crs.declaration": "RESIDENT_ONLY"})
    go(browser, "family", {})
    go(browser, "images", {})
    answer_risk(browser).type({"declared": "yes"}).press()
    assert browser.path == address
    (found,) = pages.messages()
    told = browser.document.find("body").attrib
    assert told["data-event"] == "done"
    assert (told["data-case"], told["data-messageid"]) == (pages.case_id, found["message_id"])
    assert browser.document.xpath("//a/@href")[-1] == "https://shop.example.com/done?x=1&y=2"


def test_the_enter_key_goes_on_and_turns_nothing(pages: Pages) -> None:
    document = pages.open().document
    first = document.xpath("(//button[@form='main' or ancestor::form[@id='main']])[1]")[0]
    assert (first.get("name"), first.get("value")) == ("do", "next")


def test_what_a_code_means_stands_beside_it(pages: Pages) -> None:
    browser = go(pages.open(), "identity", IDENTITY)
    go(browser, "contact", CONTACT).press("back")
    assert browser.value("applicant.addresses[0].region") == "110101"
    assert "北京市东城区" in browser.text
    assert "中国" in browser.press("back").text


def test_a_fault_is_a_page_without_its_details(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = pages.open()

    def fail(*_: object) -> None:
        raise ValueError("王小明")

    monkeypatch.setattr("xinqiao_gateway.fronts.h5.visiting.flow_of", fail)
    browser.open(browser.path)
    assert (browser.status, browser.document.get_element_by_id("reason").text_content()) == (500, "internal_error")
    assert "王小明" not in browser.shown.text
