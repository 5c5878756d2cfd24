"""The cashier: whatever people, windows and callbacks do, an order is paid once and ends in one message."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.gateway.conftest import BANK, TRUST, message
from tests.gateway.h5.paying import Shop, cashier_site
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.payments import payment_at

_CASES = count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with cashier_site(tmp_path_factory.mktemp("cashier")) as found:
        yield found


@pytest.fixture
def shop(site: Shop) -> Shop:
    site.pages.case_id = f"PAY-{next(_CASES)}"
    return site


def test_a_paid_order_ends_in_one_message_with_what_launch_and_provider_say(shop: Shop) -> None:
    browser = shop.open()
    assert "5,000.00 元" in browser.text
    number = shop.number(browser.press("pay"))
    shop.choose(browser, "pay")
    assert "已受理" in browser.text
    (paid,) = shop.payments()
    assert paid.pop("channelSerial").startswith("SIM")
    assert paid == {
        "paymentNo": number,
        "orderReference": f"PO-{shop.pages.case_id}",
        "merchantNo": "M320505001",
        "consumerNo": "U10000001",
        "channel": "QUICK_PAYMENT",
        "amount": {"value": "5000.00", "currency": "CNY"},
        "paidAt": "2027-01-15T16:00:00+08:00",
        "supervisedPercentage": "80",
        "supervisedAmount": {"value": "4000.00", "currency": "CNY"},
        "releasedAmount": {"value": "1000.00", "currency": "CNY"},
    }


def test_a_double_click_two_windows_and_a_reload_begin_one_payment(shop: Shop) -> None:
    browser = shop.open()
    other = browser.copy()
    browser.press("pay")
    other.press("pay")
    assert shop.number(browser) == shop.number(other)
    again = browser.copy()
    again.open(browser.path)
    assert shop.number(again) == shop.number(browser)
    shop.choose(browser, "pay")
    assert shop.choose(other, "close").text == browser.text
    assert len(shop.payments()) == 1


def test_two_entries_for_one_order_share_its_payment(shop: Shop) -> None:
    shop.choose(shop.begin(entry="A"), "pay")
    other = shop.open(entry="B")
    assert shop.state(other) == "settled"
    assert other.document.xpath("//meta[@http-equiv='refresh']") == []
    assert not other.document.xpath("//button[@value='pay']")
    assert len(shop.payments()) == 1


def test_a_lost_callback_is_found_by_a_reload(shop: Shop) -> None:
    browser = shop.begin()
    back = browser.path
    shop.pages.clock.now += 3
    shop.choose(browser, "lose")
    assert browser.path.startswith(back.rsplit("/", 1)[0])
    browser.open(back)
    assert browser.document.xpath("//meta[@http-equiv='refresh']/@content") in ([], ["1"])
    browser.open(back)
    assert "已受理" in browser.text
    assert len(shop.payments()) == 1


def test_whoever_closes_the_page_after_paying_is_not_forgotten(shop: Shop) -> None:
    browser = shop.begin()
    (link,) = browser.document.xpath("//a[@id='provider']/@href")
    number = shop.number(browser)
    shop.simulator.act(number, "lose", shop.pages.clock.now)
    assert link.startswith(f"/h5/payments/simulator/{number}/")
    assert shop.payments() == []
    assert shop.round(10) >= 1
    assert [each["paymentNo"] for each in shop.payments()] == [number]
    assert "已受理" in browser.open(browser.path).text


@pytest.mark.parametrize("days", [0.5, 2])
def test_money_that_comes_after_the_page_has_expired_ends_in_a_message(shop: Shop, days: float) -> None:
    """Half a day: the page is closed; two days: what was entered on it is gone, too."""
    browser = shop.begin()
    number, back = shop.number(browser), browser.path
    shop.pages.clock.now += days * 86_400
    if days > 1:
        shop.open(case_id=f"{shop.pages.case_id}-other", facts=shop.facts(orderReference="OTHER"))
    assert browser.open(back).status in {404, 410}
    shop.simulator.act(number, "pay", shop.pages.clock.now)
    assert shop.told(number).status_code == 200
    assert [each["paymentNo"] for each in shop.payments()] == [number]


def test_a_failed_payment_is_said_and_can_be_paid_again_under_its_number(shop: Shop) -> None:
    browser = shop.begin()
    number = shop.number(browser)
    shop.choose(browser, "fail")
    assert shop.state(browser) == "failed"
    browser.press("pay")
    assert (shop.number(browser), shop.state(browser)) == (number, "started")
    shop.choose(browser, "pay")
    assert len(shop.payments()) == 1


def test_a_late_success_after_a_failure_was_shown_still_counts_once(shop: Shop) -> None:
    browser = shop.begin()
    number = shop.number(browser)
    shop.choose(browser, "fail")
    shop.simulator.act(number, "pay", shop.pages.clock.now)
    assert shop.told(number).status_code == 200
    assert shop.told(number).status_code == 200
    assert "已受理" in browser.open(browser.path).text
    assert len(shop.payments()) == 1


def test_a_replayed_callback_is_answered_and_changes_nothing(shop: Shop) -> None:
    browser = shop.begin()
    number = shop.number(browser)
    shop.choose(browser, "pay")
    for _ in range(3):
        assert shop.told(number).text == "success"
    assert len(shop.payments()) == 1


def test_a_callback_with_another_amount_is_refused(shop: Shop) -> None:
    browser = shop.begin()
    number = shop.number(browser)
    shop.simulator.act(number, "lose", shop.pages.clock.now)
    answer = shop.told(number, {"value": "0.01", "currency": "CNY"})
    assert (answer.status_code, answer.text) == (409, "conflict")
    assert shop.payments() == []
    shop.round(10)
    assert [each["amount"]["value"] for each in shop.payments()] == ["5000.00"]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b'{"paymentNo": "P1", "state": "paid"}', 401),
        ({"X-Simulator-Signature": "0" * 64}, b'{"paymentNo": "P1", "state": "paid"}', 401),
        ({"X-Simulator-Signature": "\u00e9"}, b"{}", 401),
    ],
)
def test_a_forged_callback_is_refused(shop: Shop, headers: dict[str, str], content: bytes, status: int) -> None:
    coded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert shop.callback(content, coded).status_code == status  # type: ignore[arg-type]  # bytes as a browser sends


def test_a_callback_of_no_payment_or_for_another_provider_is_refused(shop: Shop) -> None:
    number = shop.number(shop.begin())
    payment = shop.simulator.act(number, "lose", shop.pages.clock.now)
    headers, content = shop.simulator.callback(payment)
    assert shop.callback(content, headers, provider="other").status_code == 404
    unknown = content.replace(number.encode(), b"P" + b"0" * 32)
    signed = {"X-Simulator-Signature": shop.simulator._signed(unknown)}
    assert shop.callback(unknown, signed).status_code == 404
    assert shop.payments() == []


def test_what_is_posted_beside_the_button_is_not_read(shop: Shop) -> None:
    browser = shop.open()
    version = browser.document.xpath("//input[@name='version']/@value")[0]
    posted = [("version", version), ("do", "pay"), ("amount", "0.01"), ("prepaidPayment.amount.value", "0.01")]
    browser.post(browser.path, posted)
    shop.choose(browser, "pay")
    assert [each["amount"]["value"] for each in shop.payments()] == ["5000.00"]


@pytest.mark.parametrize("missing", ["amount_value", "orderReference"])
def test_a_launch_without_amount_or_order_ends_in_a_page_that_says_so(shop: Shop, missing: str) -> None:
    browser = shop.open(facts=shop.facts(**{missing: None}))
    assert "没有金额或订单编号" in browser.problems[0]
    assert not browser.document.xpath("//button[@value='pay']")


def test_a_launch_that_lacks_what_the_message_needs_cannot_be_paid(shop: Shop) -> None:
    browser = shop.open(facts=shop.facts(merchantNo=None))
    assert any("merchantNo" in each or "商户编号" in each for each in browser.problems), browser.problems
    assert not browser.document.xpath("//button[@value='pay']")


@pytest.mark.parametrize("stated", [{"paidAt": "2026-02-01T10:06:12+08:00"}, {"paymentNo": "P1"}, {"channel": "CASH"}])
def test_a_launch_must_not_say_what_only_a_payment_can_tell(shop: Shop, stated: dict[str, str]) -> None:
    browser = shop.open(facts=shop.facts(**stated))
    assert next(iter(stated)) in browser.problems[0]


def test_a_new_launch_with_another_amount_does_not_change_what_is_being_paid(shop: Shop) -> None:
    shop.choose(shop.begin(), "fail")
    browser = shop.open(facts=shop.facts(amount_value="1.00"))
    assert "5,000.00" in browser.text
    assert "另一金额" in browser.press("pay").problems[0]


def test_an_order_that_is_paid_in_another_case_cannot_be_paid_in_this_one(shop: Shop) -> None:
    facts = shop.facts()
    shop.choose(shop.begin(), "pay")
    shop.pages.case_id += "-B"
    browser = shop.open(facts=facts)
    assert "另一业务" in browser.problems[0]
    assert shop.payments() == []


def test_the_amount_must_be_that_of_the_order_in_the_journal(shop: Shop) -> None:
    shop.file()
    shop.order()
    browser = shop.open(facts=shop.facts(amount_value="4999.99"))
    assert "金额与订单不符" in browser.problems[0]
    least = shop.facts(merchantNo=None, consumerNo=None, supervisedPercentage=None)
    shop.choose(shop.begin(facts=least, entry="B"), "pay")
    (paid,) = shop.payments()
    assert (paid["merchantNo"], paid["consumerNo"]) == ("M320505001", "U10000001")
    assert paid["supervisedPercentage"] == "60"
    assert (paid["supervisedAmount"]["value"], paid["releasedAmount"]["value"]) == ("3000.00", "2000.00")


def test_an_order_that_was_paid_elsewhere_is_not_paid_again(shop: Shop) -> None:
    shop.file()
    shop.order()
    paid = message("prepaidPayment", shop.pages.case_id)
    paid["prepaidPayment"] |= {"orderReference": f"PO-{shop.pages.case_id}"}
    shop.send("sandbox", paid)
    browser = shop.open()
    assert "该订单已支付" in browser.problems[0]
    assert not browser.document.xpath("//button[@value='pay']")


def test_an_order_that_the_case_does_not_have_is_refused_where_it_has_others(shop: Shop) -> None:
    shop.file()
    shop.order()
    assert "没有这个订单" in shop.open(facts=shop.facts(orderReference="PO-none")).problems[0]


def test_an_order_is_not_paid_after_its_time_nor_for_another_merchant(shop: Shop) -> None:
    shop.file()
    shop.order(payDueAt="2026-02-01T10:35:00+08:00")
    assert "支付时限" in shop.open().problems[0]
    assert "商户或消费者" in shop.open(facts=shop.facts(merchantNo="M2")).problems[0]


def test_the_page_looks_by_itself_for_a_bounded_time(shop: Shop) -> None:
    browser = shop.begin()
    seconds = browser.document.xpath("//meta[@http-equiv='refresh']/@content")
    assert seconds == ["5"]
    shop.pages.clock.now += 601
    browser.open(browser.path)
    assert browser.document.xpath("//meta[@http-equiv='refresh']") == []
    assert shop.state(browser.press("check")) == "started"


def test_a_payment_without_a_result_is_asked_after_less_and_less_and_then_no_more(shop: Shop) -> None:
    number = shop.number(shop.begin())
    assert shop.round(6) >= 1
    assert shop.round(1) == 0
    for _ in range(3):
        shop.round(8 * 86_400)
    shop.simulator.act(number, "pay", shop.pages.clock.now)
    assert shop.told(number).status_code == 200
    assert len(shop.payments()) == 1


def test_scripts_in_what_is_stated_are_text(shop: Shop) -> None:
    script = "<script>alert(1)</script>"
    browser = shop.open(facts=shop.facts(merchantNo=script))
    assert script not in browser.shown.text
    assert browser.document.get_element_by_id("payee").text_content() == script
    browser.press("pay")
    (link,) = browser.document.xpath("//a[@id='provider']/@href")
    assert script not in browser.open(link).shown.text


def test_a_page_of_the_simulator_needs_its_own_address(shop: Shop) -> None:
    browser = shop.begin()
    (link,) = browser.document.xpath("//a[@id='provider']/@href")
    assert browser.open(link[:-1] + ("0" if link[-1] != "0" else "1")).status == 404


def test_the_cashier_speaks_english_in_large_text_and_leads_out_of_an_iframe(shop: Shop) -> None:
    browser = shop.begin(locale="en", origin="https://shop.example.com").press("size:large")
    assert browser.document.get("class") == "large"
    assert "5,000.00 CNY" in browser.text
    assert browser.document.xpath("//a[@id='provider']/@target") == ["_blank"]


def test_the_simulator_takes_nothing_on_a_channel_that_is_no_test_channel(shop: Shop) -> None:
    browser = shop.pages.open("cashier", facts=shop.facts())
    assert "暂不能在此支付" in browser.problems[0]
    assert not browser.document.xpath("//button[@value='pay']")


def test_a_payment_of_an_erased_case_is_refused_and_asked_after_no_more(shop: Shop) -> None:
    """Nobody can say any more what it was for; that there was one stays known, and the log says so."""
    number = shop.number(shop.begin())
    shop.simulator.act(number, "lose", shop.pages.clock.now)
    portal, journal = shop.pages.http.portal, shop.pages.gateway.journal
    assert portal is not None

    def erase(connection: Any) -> int:
        return erase_case(connection, shop.pages.case_id, True, f"{BANK}|{TRUST}", "asked for", "2027-01-15T08:00:00Z")

    portal.call(lambda: journal.run(erase))
    answer = shop.told(number)
    assert (answer.status_code, answer.text) == (410, "content_gone")
    assert shop.round(60) >= 1
    kept = payment_at(journal.reading, number)
    assert kept is not None
    assert (kept.due_at, kept.content) == (None, {})
    assert shop.payments() == []
