"""Reconciliation at its edges: days of China, what one side does not say, and very many lines under one key."""

from datetime import date
from typing import Any

import pytest

from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.reconciliation import pairing
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
    terms = Terms(kind, kind_of(kind), DAY, DAY, "A", Calendars()["bank"])
    common = {"key": "1", "date": DAY.isoformat()}
    assert classified(Pair(Line(common | here, "A"), Line(common | there, "B")), terms)[0] == "DIFFERENT"
    assert classified(Pair(Line(common, "A"), Line(common, "B")), terms)[0] == "MATCHED"


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
