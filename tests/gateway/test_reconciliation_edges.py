"""Reconciliation at its edges: days of China, what one side does not say, and very many lines under one key."""

from datetime import date
from typing import Any

import pytest

from tests.gateway.reconciling import AT, statement, terms, told
from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.reconciliation import pairing, reconcile, repairs
from xinqiao_gateway.reconciliation.causes import Terms, classified
from xinqiao_gateway.reconciliation.kinds import kind_of
from xinqiao_gateway.reconciliation.lines import Line, amount_of, lines_of
from xinqiao_gateway.reconciliation.pairing import Pair, pairs, standing
from xinqiao_gateway.reconciliation.window import Window

NIGHT = "2026-11-22T18:00:00Z"
HEADER = {"messageId": "m", "sender": "A", "receiver": "B", "createdAt": NIGHT}
DAY = date(2026, 11, 23)


def test_an_instant_is_the_day_that_it_is_in_china() -> None:
    amount = {"value": "5", "currency": "CNY"}
    body = {"instructionNo": "1", "amount": amount, "state": "PAID", "paidAt": NIGHT, "knownAt": NIGHT}
    (line,) = lines_of([{"header": HEADER, "paymentResult": body}], "PAYMENTS", kind_of("PAYMENTS"))
    assert line.item == {"key": "1", "amount": amount, "state": "PAID", "date": "2026-11-23"}
    assert Window("A", frozenset(), DAY, DAY).holds({"header": HEADER})


@pytest.mark.parametrize(
    ("kind", "here", "there"),
    [
        ("CASH", {"amount": {"value": "100", "currency": "CNY"}}, {}),
        ("ORDERS", {"units": "100"}, {}),
        ("ORDERS", {}, {"units": "100"}),
    ],
)
def test_how_much_is_missing_on_one_side_is_a_difference(kind: str, here: Any, there: Any) -> None:
    about = Terms(kind, kind_of(kind), DAY, DAY, "A", Calendars()["bank"])
    common = {"key": "1", "date": DAY.isoformat()}
    assert classified(Pair(Line(common | here, "A"), Line(common | there, "B")), about)[0] == "DIFFERENT"
    assert classified(Pair(Line(common, "A"), Line(common, "B")), about)[0] == "MATCHED"


def _money(of: dict[str, str], name: str) -> Json:
    return {name: {"value": of["amount"], "currency": "CNY"}} if "amount" in of else {}


def _item(code: str, of: dict[str, str]) -> Json:
    return {"key": "F1", "instrument": {"code": code}, "units": of["units"]} | _money(of, "amount")


def _holdings(of: dict[str, dict[str, str]]) -> Json:
    """Return what the journal holds: a position of each product."""
    message = example("positionStatement")
    positions = [
        {"instrument": {"code": code}, "quantity": each["units"]} | _money(each, "marketValue")
        for code, each in of.items()
    ]
    message["positionStatement"] |= {"accountNo": "F1", "positions": positions}
    return message


BOTH, UNITS = {"amount": "100.00", "units": "10"}, {"units": "10"}
UNSAID = ("F1", "DIFFERENT", "OTHER", "INVESTIGATE")
WRONG = ("F1", "DIFFERENT", "WRONG_UNITS", "CORRECT_THERE")


@pytest.mark.parametrize(
    ("here", "there", "differences"),
    [
        ({"A": BOTH, "B": BOTH}, {"A": BOTH, "B": BOTH}, []),
        ({"A": BOTH, "B": BOTH}, {"A": UNITS, "B": UNITS}, []),
        ({"A": UNITS, "B": UNITS}, {"A": BOTH, "B": BOTH}, []),
        ({"A": UNITS, "B": BOTH}, {"A": UNITS, "B": BOTH}, []),
        ({"A": BOTH, "B": BOTH}, {"A": UNITS, "B": BOTH}, [UNSAID]),
        ({"A": UNITS, "B": BOTH}, {"A": BOTH, "B": BOTH}, [UNSAID]),
        ({"A": UNITS, "B": BOTH}, {"A": UNITS | {"amount": "0.00"}, "B": BOTH}, []),
        ({"A": BOTH, "B": BOTH}, {"A": {"units": "9"}, "B": BOTH}, [WRONG]),
    ],
    ids=[
        "both say all", "no such column there", "no such column here", "neither says it of A",
        "there not of A", "here not of A", "zero is as good as nothing",
        "what is wrong goes before what is not said",
    ],
)  # fmt: skip
def test_an_amount_that_a_side_says_of_other_lines_and_not_of_this_one_is_a_difference(
    here: dict[str, Any], there: dict[str, Any], differences: list[Any]
) -> None:
    items = [_item(code, of) for code, of in there.items()]
    for theirs in (items, items[::-1]):
        with reconcile(terms("HOLDINGS"), [statement("HOLDINGS", theirs)], [_holdings(here)]) as result:
            assert told(result) == differences
            assert [each for each in repairs(result, AT) if each.cause == "OTHER"] == []


CNY, USD = {"amount": {"value": "5.00", "currency": "CNY"}}, {"amount": {"value": "5.00", "currency": "USD"}}
UNITS_HERE, UNITS_THERE = {"units": "100.00"}, {"units": "100.01"}


@pytest.mark.parametrize(
    ("here", "there", "said_there", "cause"),
    [
        (UNITS_HERE | CNY, UNITS_THERE, set(), "ROUNDING"),
        (UNITS_HERE, UNITS_THERE | CNY, set(), "ROUNDING"),
        (UNITS_HERE | CNY, UNITS_THERE | CNY, set(), "ROUNDING"),
        (UNITS_HERE | CNY, UNITS_THERE | USD, set(), "WRONG_AMOUNT"),
        (UNITS_HERE | CNY, UNITS_THERE, {("", "amount")}, "WRONG_UNITS"),
        (UNITS_HERE | CNY, UNITS_HERE, {("", "amount")}, "OTHER"),
        (CNY, UNITS_THERE, set(), "OTHER"),
    ],
    ids=[
        "no amounts there", "no amounts here", "the same amount", "another currency",
        "an amount of other lines only", "the same units and an amount of other lines only", "nothing in common",
    ],
)  # fmt: skip
def test_a_rounding_is_one_where_both_sides_say_how_much(here: Json, there: Json, said_there: Any, cause: str) -> None:
    about = Terms("CONFIRMATIONS", kind_of("CONFIRMATIONS"), DAY, DAY, "A", Calendars()["exchange"])
    common = {"key": "1", "date": DAY.isoformat()}
    outcome, row = classified(Pair(Line(common | here, "A"), Line(common | there, "B")), about, set(), said_there)
    assert (outcome, row.cause) == ("DIFFERENT", cause)


def _entry(number: int, amount: int, reverses: str | None = None) -> Line:
    item = {"key": "1", "amount": {"value": str(amount), "currency": "CNY"}}
    message = {"header": {"messageId": f"{number:05}"}}
    return Line(item, "A", "accountEntry", message, reverses=reverses)


def test_many_lines_under_one_key_are_each_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = [0]

    def counted(item: Any) -> Any:
        looked[0] += 1
        return amount_of(item)

    monkeypatch.setattr(pairing, "amount_of", counted)
    number = 500
    entries = [_entry(each, each + 1) for each in range(number)]
    reversals = [_entry(number + each, -each - 1, "1") for each in range(number)]
    alone = _entry(9999, -7_777_777, "1")
    assert standing([*reversals, alone, *entries], kind_of("CASH")) == [alone]
    assert looked[0] <= 4 * len([*entries, *reversals, alone])


def test_lines_without_second_keys_are_paired_in_their_order() -> None:
    here = [Line({"key": "1", "secondKey": str(each)}, "A") for each in range(3)]
    there = [Line({"key": "1", "remark": str(each)}, "B") for each in range(3)]
    assert [(each.here, each.there) for each in pairs(here, there)] == list(zip(here, there, strict=True))
