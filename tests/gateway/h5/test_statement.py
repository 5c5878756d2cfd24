"""Holdings and disclosures: what the journal has for this channel, this case and this environment, and nothing else."""

import hashlib

import pytest

from tests.gateway.conftest import BANK, TRUST, message
from tests.gateway.h5.conftest import Pages
from tests.gateway.h5.test_orders import send
from xinqiao.message import Json
from xinqiao.seal import access_token

TEXT = "示例信托王氏家族信托成立公告".encode()
DIGEST = hashlib.sha256(TEXT).hexdigest()


def report(pages: Pages, **changed: object) -> None:
    found = message("navReport", pages.case_id, sender=TRUST, receiver=BANK)
    found["navReport"] |= changed
    found["navReport"] = {name: value for name, value in found["navReport"].items() if value is not None}
    send(pages, "core", found)


def statement(pages: Pages, case_id: str = "", **changed: object) -> None:
    found = message("positionStatement", case_id or pages.case_id, sender=TRUST, receiver=BANK)
    found["positionStatement"] |= changed
    send(pages, "core", found)


@pytest.fixture
def traded(pages: Pages) -> Pages:
    """A case in which something was ordered."""
    send(pages, "partner", message("subscriptionOrder", pages.case_id))
    return pages


def test_the_latest_statement_of_each_account_is_a_table_with_its_total(traded: Pages) -> None:
    statement(traded, asOf="2026-01-29", statementNo="OLD")
    statement(traded)
    browser = traded.open("statement")
    (table,) = browser.document.xpath("//table")
    assert "2026-01-30" in table.xpath("string(caption)")
    assert [each.text_content() for each in table.xpath(".//tbody//th")] == [
        "示例货币市场基金 F000001",
        "Example Bond Fund LU0208853274",
    ]
    row = [each.text_content() for each in table.xpath(".//tbody/tr[2]/td")]
    assert row == ["5,000,000.00", "4,000,000.00", "1,000,000.00", "1.2000", "6,000,000.00 元", "6,000,000.00 元"]
    assert "10,021,000.00 元" in browser.text


def test_a_table_can_be_read_on_a_phone_and_by_a_screen_reader(traded: Pages) -> None:
    statement(traded)
    document = traded.open("statement").document
    assert document.xpath("//table/@role") == ["table"]
    assert {each.get("scope") for each in document.xpath("//thead//th")} == {"col"}
    titles = [each.get("data-title") for each in document.xpath("//tbody/tr[1]/td")]
    assert titles == [each.text_content() for each in document.xpath("//thead//th")[1:]]


def test_account_numbers_are_masked(traded: Pages) -> None:
    statement(traded, accountNo="861991000012")
    assert "861991000012" not in traded.open("statement").text


def test_the_nav_of_the_latest_day_counts_and_of_one_day_the_correction(traded: Pages) -> None:
    report(traded, unitNav="1.0100", navDate="2026-02-01", cumulativeNav=None)
    report(traded, unitNav="1.0200", navDate="2026-02-01", cumulativeNav=None)
    report(traded, unitNav="1.0001", navDate="2026-01-15")
    text = traded.open("statement", locale="en").text
    assert "1.0200" in text
    assert "1.0100" not in text
    assert "1.0001" not in text


def test_nothing_of_another_case_channel_or_environment_is_shown(traded: Pages) -> None:
    statement(traded, case_id=f"{traded.case_id}-OTHER")
    assert "暂无可显示的内容" in traded.open("statement").text
    statement(traded)
    assert "暂无可显示的内容" in traded.open("statement", channel="sandbox").text


def test_what_waits_for_a_person_is_not_shown(pages: Pages) -> None:
    """No process expects it: it is kept, and an operator decides."""
    statement(pages)
    assert "暂无可显示的内容" in pages.open("statement").text


def test_scripts_in_names_are_text(traded: Pages) -> None:
    found = message("positionStatement", traded.case_id, sender=TRUST, receiver=BANK)
    found["positionStatement"]["positions"][0]["instrument"]["name"] = "<script>alert(1)</script>"
    send(traded, "core", found)
    browser = traded.open("statement")
    assert "<script>alert" not in browser.shown.text
    assert "<script>alert(1)</script>" in browser.text


def test_a_statement_asks_nothing_and_looks_again_when_asked(traded: Pages) -> None:
    browser = traded.open("statement", return_url="https://shop.example.com/back")
    statement(traded)
    assert "示例货币市场基金" in browser.press("look").text
    assert browser.document.xpath("//a[@href='https://shop.example.com/back']")


@pytest.fixture
def noticed(pages: Pages) -> Json:
    """A notice that the core sent to the partner, with its document."""
    return notice(pages)


def notice(pages: Pages, **about: str) -> Json:
    path = f"/v1/channels/core/documents/sha256:{DIGEST}"
    token = access_token(pages.key, path)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    answer = pages.http.put(path, content=TEXT, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    found = message("disclosureNotice", pages.case_id, sender=TRUST, receiver=BANK)
    found["disclosureNotice"]["documents"] = [
        {
            "name": "公告.txt",
            "mediaType": "text/plain",
            "digest": {"algorithm": "SHA256", "value": DIGEST},
            "size": str(len(TEXT)),
        }
    ]
    found["disclosureNotice"] |= about
    send(pages, "core", found)
    return found


def test_a_disclosure_is_opened_ticked_confirmed_and_becomes_a_receipt(pages: Pages, noticed: Json) -> None:
    browser = pages.open("disclosure")
    assert "示例信托王氏家族信托成立公告" in browser.text
    browser.type({"read": "yes"}).press()
    assert "公告.txt" in browser.problems[0]
    (link,) = browser.document.xpath("//a[contains(@href, '/papers/')]/@href")
    assert pages.http.get(link).content == TEXT
    browser.open(browser.path)
    browser.type({"read": "yes"}).press().type({"declared": "yes"}).press()
    assert "已受理" in browser.text, browser.problems
    found = pages.messages()[-1]["message"]
    assert found["header"]["correlationId"] == noticed["header"]["messageId"]
    assert found["disclosureReceipt"] == {
        "disclosureNo": "DN20260131001",
        "reach": "READ",
        "documentDigests": [{"algorithm": "SHA256", "value": DIGEST}],
        "receivedAt": "2027-01-15T16:00:00+08:00",
    }


def test_a_launch_that_names_another_notice_has_it_read_too(pages: Pages) -> None:
    notice(pages, disclosureNo="DN1")
    notice(pages, disclosureNo="DN2")
    named = [{"disclosureReceipt.disclosureNo": each} for each in ("DN1", "DN2")]
    browser = pages.open("disclosure", role="INSTITUTION_OPERATOR", facts=named[0]).type({"read": "yes"}).press()
    assert browser.step == "confirm"
    browser = pages.open("disclosure", role="INSTITUTION_OPERATOR", facts=named[1])
    assert (browser.step, "DN2" in browser.text) == ("read", True)
    browser.open(browser.path.replace("read", "confirm")).type({"declared": "yes"}).press()
    assert browser.status == 422
    assert not [each for each in pages.messages() if "disclosureReceipt" in each["message"]]


def test_a_disclosure_must_be_ticked_first(pages: Pages, noticed: Json) -> None:
    assert noticed
    browser = pages.open("disclosure").press()
    assert browser.problem_beside("read") == "请先阅读并勾选"


def test_a_document_that_is_not_here_is_named_by_its_digest(pages: Pages) -> None:
    found = message("disclosureNotice", pages.case_id, sender=TRUST, receiver=BANK)
    found["disclosureNotice"]["documents"][0]["digest"]["value"] = "0" * 64
    send(pages, "core", found)
    browser = pages.open("disclosure", role="INSTITUTION_OPERATOR")
    assert f"sha256:{'0' * 64}" in browser.text
    assert not browser.document.xpath("//a[contains(@href, '/papers/')]")
    browser.type({"read": "yes"}).press().type({"declared": "yes"}).press()
    assert pages.messages()[-1]["message"]["disclosureReceipt"]["reach"] == "RECEIVED"


def test_a_notice_that_came_meanwhile_is_not_receipted_unread(pages: Pages) -> None:
    for number in ("DN1", "DN2"):
        found = message("disclosureNotice", pages.case_id, sender=TRUST, receiver=BANK)
        found["disclosureNotice"] |= {"disclosureNo": number}
        found["disclosureNotice"]["documents"][0]["digest"]["value"] = "0" * 64
        send(pages, "core", found)
        if number == "DN1":
            browser = pages.open("disclosure")
    browser.type({"read": "yes"}).press()
    assert "DN2" in browser.text
    assert browser.step == "read"
    assert pages.open("disclosure", entry="B", facts={"disclosureReceipt.disclosureNo": "DN1"}).text.count("DN1") > 0


def test_without_a_notice_there_is_nothing_to_confirm(pages: Pages) -> None:
    browser = pages.open("disclosure")
    assert "没有待阅的披露" in browser.text
    assert not browser.document.xpath("//input[@name='read']")


def test_documents_of_another_visit_are_not_there(pages: Pages, noticed: Json) -> None:
    assert noticed
    mine = pages.open("disclosure").path
    pages.case_id += "-OTHER"
    other = pages.open("disclosure").path
    assert pages.http.get(f"{mine}/papers/{DIGEST}").status_code == 200
    assert pages.http.get(f"{other}/papers/{DIGEST}").status_code == 404
