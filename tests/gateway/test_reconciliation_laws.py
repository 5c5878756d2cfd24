"""Reconciliation: what holds for all books – nothing is lost, order does not matter, repairs mend."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.reconciling import AT, confirmation, entry, item, mended, statement, terms, told, total
from xinqiao.message import Json
from xinqiao.validation import check
from xinqiao_gateway.reconciliation import Result, reconcile, repairs
from xinqiao_gateway.reconciliation import comparison as comparison_module
from xinqiao_gateway.reconciliation.spool import Spool

Fate = Literal["same", "lost_here", "lost_there", "doubled_here", "doubled_there", "other_amount"]
FATES: tuple[Fate, ...] = ("same", "lost_here", "lost_there", "doubled_here", "doubled_there", "other_amount")
EXPECTED = {
    "same": None,
    "lost_here": ("ONLY_THERE", "NOT_SENT"),
    "lost_there": ("ONLY_HERE", "NOT_RECEIVED"),
    "doubled_here": ("ONLY_HERE", "DUPLICATE"),
    "doubled_there": ("ONLY_THERE", "DUPLICATE"),
    "other_amount": ("DIFFERENT", "WRONG_AMOUNT"),
}


@dataclass(frozen=True)
class Books:
    """Two sides' books of one kind, and what happened to each key."""

    kind: str
    items: list[Json]
    ours: list[Json]
    fates: dict[str, Fate]

    def compared(self) -> Result:
        return reconcile(terms(self.kind), [statement(self.kind, self.items)], self.ours)


def _of(kind: str, key: str, cents: int, copy: int) -> Json:
    value = f"{cents // 100}.{cents % 100:02}"
    if kind == "CONFIRMATIONS":
        made = confirmation(key, f"TA-{key}", value, value)
    else:
        made = entry(key, value, copy=copy, day="2026-01-23", account={"number": "1100000000000000001"})
        made["header"] |= {"sender": made["header"]["receiver"], "receiver": made["header"]["sender"]}
    if copy:
        made["header"]["messageId"] = f"01a205ee-e0fb-7c85-9c7a-{cents:012x}"
    return made


def _item(kind: str, key: str, cents: int) -> Json:
    value = f"{cents // 100}.{cents % 100:02}"
    fields = {"secondKey": f"TA-{key}", "type": "122", "units": value} if kind == "CONFIRMATIONS" else {}
    account = "8619910001" if kind == "CONFIRMATIONS" else "1100000000000000001"
    instrument: Json = confirmation("", "")["orderConfirmation"]["instrument"] if fields else {}
    return item(
        key, value, day="2026-01-23", accountNo=account, **fields, **({"instrument": instrument} if fields else {})
    )


@st.composite
def books(draw: Any) -> Books:
    kind = draw(st.sampled_from(["CONFIRMATIONS", "CASH"]))
    fates = draw(st.lists(st.sampled_from(FATES), max_size=12))
    named = {f"K{number}": fate for number, fate in enumerate(fates)}
    items: list[Json] = []
    ours: list[Json] = []
    for number, (key, fate) in enumerate(named.items()):
        cents = draw(st.integers(1, 10**9)) * 100 + number
        items += [_item(kind, key, cents)] * {"lost_there": 0, "doubled_there": 2}.get(fate, 1)
        held = cents + 500 if fate == "other_amount" else cents
        ours += [_of(kind, key, held, copy) for copy in range({"lost_here": 0, "doubled_here": 2}.get(fate, 1))]
    return Books(kind, items, ours, named)


@settings(max_examples=60, deadline=None)
@given(books())
def test_every_line_is_in_one_outcome_and_the_totals_add_up(found: Books) -> None:
    with found.compared() as result:
        counts = result.counts
        assert result.adds_up
        assert counts["MATCHED"] + counts["DIFFERENT"] + counts["ONLY_THERE"] == len(found.items)
        assert counts["MATCHED"] + counts["DIFFERENT"] + counts["ONLY_HERE"] == len(found.ours)
        assert result.there.came.as_json() == [
            {"currency": "CNY", "itemCount": str(len(found.items)), "amount": f"{total(found.items):f}"}
            | ({"units": f"{total(found.items):f}"} if found.kind == "CONFIRMATIONS" else {})
            for _ in found.items[:1]
        ]


@settings(max_examples=60, deadline=None)
@given(books())
def test_every_fault_gets_its_outcome_and_cause(found: Books) -> None:
    with found.compared() as result:
        assert {key: (outcome, cause) for key, outcome, cause, _ in told(result)} == {
            key: _expected(found.kind, fate) for key, fate in found.fates.items() if fate != "same"
        }


def _expected(kind: str, fate: Fate) -> tuple[str, str] | None:
    # Cash of the last day may still be on its way to the other side.
    return ("ONLY_HERE", "TIMING") if (kind, fate) == ("CASH", "lost_there") else EXPECTED[fate]


@settings(max_examples=40, deadline=None)
@given(books(), st.integers())
def test_the_order_of_the_input_does_not_matter(found: Books, seed: int) -> None:
    random = Random(seed)  # noqa: S311 -- an order
    shuffled = replace(
        found, items=random.sample(found.items, len(found.items)), ours=random.sample(found.ours, len(found.ours))
    )
    with found.compared() as first, shuffled.compared() as second:
        assert [each.pair.either.item for each in first.differences()] == [
            each.pair.either.item for each in second.differences()
        ]
        assert (told(first), first.here, first.there) == (told(second), second.here, second.there)
        assert list(repairs(first, AT)) == list(repairs(second, AT))


@settings(max_examples=60, deadline=None)
@given(books())
def test_books_that_were_repaired_agree_but_for_what_is_on_its_way(found: Books) -> None:
    with found.compared() as result:
        for each in repairs(result, AT):
            assert each.findings == ()
            assert check(each.message) == []
    items, ours = mended(found.kind, found.items, found.ours)
    with reconcile(terms(found.kind), [statement(found.kind, items)], ours) as again:
        assert [each for each in told(again) if each[3] != "WAIT"] == []
        assert again.adds_up


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(books())
def test_what_is_spilled_comes_to_the_same(monkeypatch: pytest.MonkeyPatch, found: Books) -> None:
    with found.compared() as result:
        in_memory = told(result)
    with monkeypatch.context() as patch:
        patch.setattr("xinqiao_gateway.reconciliation.spool._BLOCK", 1)
        patch.setattr(comparison_module, "_PARTITIONS", 3)
        with found.compared() as result:
            assert told(result) == in_memory


def test_a_spool_keeps_no_record_in_the_clear(tmp_path: Path) -> None:
    records = [{"account": "6222020000000000000", "number": number} for number in range(5000)]
    with Spool(1, tmp_path) as spool:
        for record in records:
            spool.add(0, record)
        assert list(tmp_path.iterdir()) == []
        spool._file.seek(0)
        assert b"6222020000000000000" not in spool._file.read()
        assert list(spool.records(0)) == records == list(spool.records(0))
