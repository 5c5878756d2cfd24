"""Reconciliation: each outcome, each cause, each repair, and what the partner reads."""

from datetime import date, time
from typing import Any

import pytest

from tests.gateway.reconciling import AT, BANK, TRUST, confirmation, entry, item, mended, statement, terms, told
from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao.validation import check
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.reconciliation import Answering, Terms, reconcile, repairs, result_messages, terms_of

ANSWERING = Answering("DZJG1", BANK, AT)


def found(name: str, items: list[Json], ours: list[Json], **changes: Any) -> list[tuple[str, str, str, str | None]]:
    with reconcile(terms(name, **changes), [statement(name, items)], ours) as result:
        assert result.adds_up
        return told(result)


def test_two_sides_that_say_the_same_agree() -> None:
    with reconcile(
        terms("CASH"), [statement("CASH", [item("A"), item("B", "-3.5")])], [entry("B", "-3.50"), entry("A")]
    ) as result:
        assert result.agreed
        assert result.counts == {"MATCHED": 2}
        (message,) = result_messages(result, ANSWERING)
    assert check(message) == []
    assert message["reconciliationResult"] == {
        "reconciliationNo": "DZJG1",
        "kind": "CASH",
        "periodStart": "2026-01-23",
        "periodEnd": "2026-01-23",
        "statementThere": "DZ1",
        "agreed": True,
        "matchedCount": "2",
        "onlyHereCount": "0",
        "onlyThereCount": "0",
        "differentCount": "0",
        "reconciledAt": AT,
        "totalsHere": [{"currency": "CNY", "itemCount": "2", "amount": "96.50"}],
        "totalsThere": [{"currency": "CNY", "itemCount": "2", "amount": "96.50"}],
    }


NEXT_DAY, DAY_BEFORE = "2026-01-26", "2026-01-21"
ONLY_HERE = {
    "booked on the day itself": (entry("A", day="2026-01-23"), "TIMING", "WAIT"),
    "booked after the period": (entry("A", day=NEXT_DAY), "CUT_OFF", "WAIT"),
    "booked before the period": (entry("A", day=DAY_BEFORE), "CUT_OFF", "INVESTIGATE"),
    "booked on a day off": (entry("A", day="2026-01-18"), "CALENDAR", "WAIT"),
    "a reversal": (entry("A", day="2026-01-23", reversedReference="Z", reversal=True), "REVERSAL", "INVESTIGATE"),
}


@pytest.mark.parametrize(("ours", "cause", "repair"), ONLY_HERE.values(), ids=ONLY_HERE)
def test_what_only_the_journal_has_gets_its_cause(ours: Json, cause: str, repair: str) -> None:
    assert found("CASH", [], [ours]) == [("A", "ONLY_HERE", cause, repair)]


ONLY_THERE = {
    "not sent": (item("A", day="2026-01-23"), "NOT_SENT", "REQUEST_AGAIN"),
    "booked after the period": (item("A", day=NEXT_DAY), "CUT_OFF", "WAIT"),
    "booked before the period": (item("A", day=DAY_BEFORE), "CUT_OFF", "INVESTIGATE"),
}


@pytest.mark.parametrize(("theirs", "cause", "repair"), ONLY_THERE.values(), ids=ONLY_THERE)
def test_what_only_the_statement_has_gets_its_cause(theirs: Json, cause: str, repair: str) -> None:
    assert found("CASH", [theirs], []) == [("A", "ONLY_THERE", cause, repair)]


def test_an_order_after_the_cut_off_of_the_other_side_waits() -> None:
    order = example("subscriptionOrder")
    order["subscriptionOrder"] |= {"orderedAt": "2026-01-23T15:00:01+08:00"}
    reference = order["subscriptionOrder"]["orderReference"]
    late = found("ORDERS", [], [order], cut_off=time(15))
    assert late == [(reference, "ONLY_HERE", "CUT_OFF", "WAIT")]


def test_what_was_sent_from_here_and_is_not_there_is_sent_again() -> None:
    ours = confirmation("SO1", "TA1")
    with reconcile(terms("CONFIRMATIONS"), [statement("CONFIRMATIONS", [])], [_from_here(ours)]) as result:
        assert told(result) == [("SO1", "ONLY_HERE", "NOT_RECEIVED", "SEND_AGAIN")]
        (repair,) = repairs(result, AT)
    assert (repair.action, repair.message) == ("resend", ours)


def _from_here(message: Json) -> Json:
    assert message["header"]["sender"] == TRUST
    return message


def test_what_another_side_sent_and_does_not_list_is_inquired_into() -> None:
    ours = confirmation("SO1", "TA1")
    ours["header"] |= {"sender": BANK, "receiver": TRUST}
    assert found("CONFIRMATIONS", [], [ours]) == [("SO1", "ONLY_HERE", "UNKNOWN", "INVESTIGATE")]


def test_an_entry_booked_twice_here_is_undone_by_an_opposite_one() -> None:
    items, ours = [item("A")], [entry("A"), entry("A", copy=1)]
    with reconcile(terms("CASH"), [statement("CASH", items)], ours) as result:
        assert told(result) == [("A", "ONLY_HERE", "DUPLICATE", "REVERSE_HERE")]
        (repair,) = repairs(result, AT)
    assert repair.action == "reverse"
    assert check(repair.message) == []
    body = repair.message["accountEntry"]
    assert (body["direction"], body["reversal"], body["reversedReference"]) == ("DEBIT", True, "A")


def test_a_confirmation_recorded_twice_here_is_undone_by_a_revision_that_does_not_count() -> None:
    again = confirmation("SO1", "TA1")
    again["header"] |= {"messageId": "01a205ee-e0fb-7c85-9c7a-5c1441db4180"}
    ours, items = (
        [confirmation("SO1", "TA1"), again],
        [item("SO1", day="2026-01-23", secondKey="TA1", units="100.00", type="122")],
    )
    with reconcile(terms("CONFIRMATIONS"), [statement("CONFIRMATIONS", items)], ours) as result:
        (repair,) = repairs(result, AT)
    assert repair.findings == ()
    assert repair.message["orderConfirmation"]["returnCode"] == "9999"
    items, ours = mended("CONFIRMATIONS", items, ours)
    assert found("CONFIRMATIONS", items, ours) == []


def test_an_item_listed_twice_there_is_for_the_other_side_to_reverse() -> None:
    assert found("CASH", [item("A"), item("A")], [entry("A")]) == [("A", "ONLY_THERE", "DUPLICATE", "REVERSE_THERE")]


DIFFERENT = {
    "an amount of theirs": ("CASH", item("A", "100.01"), entry("A"), "WRONG_AMOUNT", "CORRECT_HERE"),
    "an account": ("CASH", item("A", accountNo="Z"), entry("A"), "WRONG_ACCOUNT", "CORRECT_HERE"),
    "a date": ("CASH", item("A", day="2026-01-21"), entry("A"), "TIMING", "CORRECT_HERE"),
    "a date over a weekend": ("CASH", item("A", day="2026-01-24"), entry("A", day="2026-01-25"), "CALENDAR", "NONE"),
    "an amount of ours": (
        "CONFIRMATIONS",
        item("SO1", "90.00", day="2026-01-23"),
        confirmation("SO1", "TA1"),
        "WRONG_AMOUNT",
        "CORRECT_THERE",
    ),
    "a fen within the tolerance": (
        "CONFIRMATIONS",
        item("SO1", "100.01", day="2026-01-23", units="99.99"),
        confirmation("SO1", "TA1"),
        "ROUNDING",
        "NONE",
    ),
    "the fee": (
        "CONFIRMATIONS",
        item("SO1", "98.80", day="2026-01-23"),
        confirmation("SO1", "TA1", totalFee={"value": "1.20", "currency": "CNY"}),
        "FEE",
        "CORRECT_THERE",
    ),
    "units": (
        "CONFIRMATIONS",
        item("SO1", day="2026-01-23", units="90.00"),
        confirmation("SO1", "TA1"),
        "WRONG_UNITS",
        "CORRECT_THERE",
    ),
    "a fen, and another type": (
        "CONFIRMATIONS",
        item("SO1", "100.01", day="2026-01-23", type="120"),
        confirmation("SO1", "TA1"),
        "OTHER",
        "CORRECT_THERE",
    ),
    "a currency": (
        "CONFIRMATIONS",
        {"key": "SO1", "amount": {"value": "100.00", "currency": "EUR"}},
        confirmation("SO1", "TA1"),
        "WRONG_AMOUNT",
        "CORRECT_THERE",
    ),
}


@pytest.mark.parametrize(("kind", "theirs", "ours", "cause", "repair"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_difference_gets_its_cause_and_who_corrects_it(
    kind: str, theirs: Json, ours: Json, cause: str, repair: str
) -> None:
    assert found(kind, [theirs], [ours]) == [(theirs["key"], "DIFFERENT", cause, repair)]


def test_a_payment_that_came_back_differs_as_returned() -> None:
    result = example("paymentResult")
    number = result["paymentResult"]["instructionNo"]
    theirs = item(number, "300000.00", state="PAYMENT_SUCCEEDED")
    assert found("PAYMENTS", [theirs], [result]) == [(number, "DIFFERENT", "RETURNED_PAYMENT", "CORRECT_HERE")]


def test_a_payment_without_result_stands_by_its_instruction() -> None:
    instruction = example("paymentInstruction")
    number = instruction["paymentInstruction"]["instructionNo"]
    assert found("PAYMENTS", [item(number, "300000.00")], [instruction]) == []
    assert found("PAYMENTS", [item(number, "300000.00")], [instruction, example("paymentResult")]) == []


def test_several_confirmations_of_one_order_are_paired_by_the_registrars_number() -> None:
    items = [item("SO1", f"{each}.00", day="2026-01-23", secondKey=f"TA{each}") for each in (1, 2, 3)]
    ours = [confirmation("SO1", f"TA{each}", f"{each}.00") for each in (3, 1, 4)]
    assert found("CONFIRMATIONS", items, ours) == [
        ("SO1", "ONLY_HERE", "NOT_RECEIVED", "SEND_AGAIN"),
        ("SO1", "ONLY_THERE", "NOT_SENT", "REQUEST_AGAIN"),
    ]


def test_a_failed_confirmation_is_not_among_the_items() -> None:
    assert found("CONFIRMATIONS", [], [confirmation("SO1", "TA1", returnCode="9999")]) == []


def test_a_corrected_message_counts_as_its_last_revision() -> None:
    first, second = entry("A", "99.00"), entry("A", copy=1)
    second["header"] |= {"revision": 2, "replaces": first["header"]["messageId"]}
    with reconcile(terms("CASH"), [statement("CASH", [item("A")])], [second, first]) as result:
        assert result.agreed
        assert (result.here.came.number, result.here.left_out.number, result.adds_up) == (2, 1, True)


def test_holdings_are_paired_by_account_and_product_and_the_latest_counts() -> None:
    last = example("positionStatement")
    body = last["positionStatement"]
    earlier = {"header": {**last["header"], "messageId": "01a205ee-e0fb-7c85-9c7a-5c1441db4180"}}
    earlier["positionStatement"] = {
        **body,
        "asOf": "2026-01-29",
        "positions": [{**body["positions"][0], "quantity": "1"}],
    }
    amounts = {"amount": {"value": "4021000.00", "currency": "CNY"}}
    items = [
        {"key": "F0002", "instrument": {"code": "F000001"}, "units": "4021000.00", **amounts},
        {"key": "F0002", "instrument": {"isin": "LU0208853274"}, "units": "4999999.00"},
    ]
    assert found("HOLDINGS", items, [last, earlier], day=date(2026, 1, 30)) == [
        ("F0002", "DIFFERENT", "WRONG_UNITS", "CORRECT_THERE")
    ]


def test_prepaid_balances_orders_and_consumption_are_reconciled_by_their_numbers() -> None:
    for name, body, key, value in (
        ("PREPAID_ORDERS", "prepaidOrder", "orderReference", "5000.00"),
        ("PREPAID_CONSUMPTIONS", "consumption", "consumptionNo", "80.00"),
        ("PREPAID_REFUNDS", "refund", "refundNo", "3600.00"),
    ):
        ours = example(body)
        assert found(name, [item(ours[body][key], value)], [ours]) == []
    balance = example("prepaidBalance")
    body = balance["prepaidBalance"]
    key = body.get("interestNo") or body["consumerNo"]
    assert found("CASH_BALANCES", [item(key, body["balance"]["value"])], [balance]) == []


def test_what_is_missing_is_proposed_as_the_message_that_would_have_come() -> None:
    theirs = item("A", "-12.30", day="2026-01-23", accountNo="1100000000000000001")
    statements = [statement("CASH", [theirs])]
    with reconcile(terms("CASH"), statements, []) as result:
        (repair,) = repairs(result, AT)
    assert (repair.action, repair.findings, check(repair.message)) == ("supplement", (), [])
    assert repair.message["accountEntry"] == {
        "direction": "DEBIT",
        "bankReference": "A",
        "account": {"number": "1100000000000000001"},
        "amount": {"value": "12.30", "currency": "CNY"},
        "valueDate": "2026-01-23",
    }
    assert repair.message["header"]["correlationId"] == statements[0]["header"]["messageId"]


def test_a_proposal_names_what_a_person_has_to_fill_in() -> None:
    with reconcile(terms("CASH"), [statement("CASH", [item("A", day="2026-01-23")])], []) as result:
        (repair,) = repairs(result, AT)
    assert repair.findings == ("accountEntry.account",)
    assert repair.as_json()["action"] == "supplement"


def test_a_file_of_business_messages_is_compared_as_a_statement_is() -> None:
    with reconcile(terms("CASH"), [entry("A"), entry("B", day="2026-01-23")], [entry("A", copy=1)]) as result:
        assert told(result) == [("B", "ONLY_THERE", "NOT_SENT", "REQUEST_AGAIN")]
        (repair,) = repairs(result, AT)
        (message,) = result_messages(result, ANSWERING)
    assert repair.message == entry("B", day="2026-01-23")
    assert check(message) == []


def test_many_differences_are_told_in_several_results_that_add_up() -> None:
    items = [item(f"K{each}", day="2026-01-23") for each in range(25)]
    with reconcile(terms("CASH"), [statement("CASH", [*items, item("A")])], [entry("A")]) as result:
        messages = list(result_messages(result, ANSWERING, items=10))
    assert [check(each) for each in messages] == [[], [], []]
    bodies = [each["reconciliationResult"] for each in messages]
    assert [each["reconciliationNo"] for each in bodies] == ["DZJG1-1", "DZJG1-2", "DZJG1-3"]
    assert [each["onlyThereCount"] for each in bodies] == ["10", "10", "5"]
    assert [each["matchedCount"] for each in bodies] == ["0", "0", "1"]
    assert [each.get("totalsThere") for each in bodies[:2]] == [None, None]
    assert len({each["header"]["messageId"] for each in messages}) == 3


def test_a_statement_whose_page_is_missing_is_refused() -> None:
    with pytest.raises(ContentRefused, match="pages miss"):
        reconcile(terms("CASH"), [statement("CASH", [item("A")], page=1, of=2, count=2)], [])


def test_pages_of_a_statement_are_one_statement() -> None:
    pages = [statement("CASH", [item(key)], page=page, of=2, count=2) for page, key in enumerate("AB", 1)]
    with reconcile(terms("CASH"), pages, [entry("A"), entry("B")]) as result:
        assert result.agreed


def test_a_statement_of_another_kind_is_refused() -> None:
    with pytest.raises(ContentRefused, match="is of kind ORDERS, not CASH"):
        reconcile(terms("CASH"), [statement("ORDERS", [])], [])


def test_terms_follow_from_the_statement_or_are_given() -> None:
    from_statement = terms_of(statement("CASH", []), TRUST, Calendars())
    assert (from_statement.name, from_statement.period_start, from_statement.period_end) == (
        "CASH",
        date(2026, 1, 23),
        date(2026, 1, 23),
    )
    given = terms_of(entry("A"), TRUST, Calendars(), kind="CASH", period=(date(2026, 1, 1), None))
    assert isinstance(given, Terms)
    assert (given.period_start, given.period_end) == (date(2026, 1, 1), date(2026, 1, 21))
    with pytest.raises(ContentRefused, match="say its kind"):
        terms_of(entry("A"), TRUST, Calendars())
    with pytest.raises(ContentRefused, match="POLICIES are not reconciled"):
        terms_of(statement("POLICIES", []), TRUST, Calendars())
    bare = entry("A")
    del bare["header"]["businessDate"]
    with pytest.raises(ContentRefused, match="give it"):
        terms_of(bare, TRUST, Calendars(), kind="CASH")
