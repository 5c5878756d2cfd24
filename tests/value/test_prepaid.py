"""A month of prepaid money conserves value: balance = top-ups + yield − use − refunds − direct returns."""

from collections import Counter

import pytest

from tests.value.effort import calls_of
from tests.value.faults import unfound
from tests.value.prepaid_ledgers import audit
from tests.value.prepaid_month import FULL, PrepaidMonth
from xinqiao.message import Json
from xinqiao.validation import check

# An amount of each type of message that a ledger depends on; a directive has none.
PLACES: dict[str, str | None] = {
    "prepaidOrder": "payable.value",
    "prepaidPayment": "supervisedAmount.value",
    "consumption": "amount.value",
    "consumptionConfirmation": "amount.value",
    "refund": "fromTrust.value",
    "regulatorDirective": None,
    "directReturnList": "items.0.amount.value",
    "settlement": "settledAmount.value",
    "interestRegistered": "change.value",
    "prepaidBalance": "balance.value",
    "accountEntry": "amount.value",
}
FILING = {"merchantFiling", "supervisedRatio"}
EVENTS = ("PURCHASE", "CONSUMPTION_USE", "ADJUSTMENT", "YIELD", "REFUNDED", "RETURNED_DIRECTLY", "FROZEN_OR_RELEASED")


@pytest.fixture(scope="module")
def month() -> list[Json]:
    return PrepaidMonth(400).messages()


def test_the_month_has_every_kind_of_business_in_the_platforms_proportion(month: list[Json]) -> None:
    assert {name for each in month for name in each if name != "header"} - FILING == set(PLACES)
    assert {each["interestRegistered"]["event"] for each in month if "interestRegistered" in each} == set(EVENTS)
    counts = Counter(name for each in PrepaidMonth(4_000).messages() for name in each)
    assert (counts["consumption"], counts["prepaidOrder"]) == (4_000, 4_000 * FULL[1] // FULL[0])


def test_every_message_of_the_month_is_valid(month: list[Json]) -> None:
    assert [found for each in month for found in check(each)] == []


@pytest.mark.parametrize("seed", range(5))
def test_value_is_conserved_and_the_sides_agree(seed: int) -> None:
    assert audit(PrepaidMonth(1500, seed).messages()) == []


def test_a_message_lost_or_doubled_or_a_fen_off_is_found(month: list[Json]) -> None:
    assert unfound(month, PLACES, audit, most=2) == []


@pytest.mark.parametrize("event", EVENTS)
def test_a_registration_lost_or_doubled_or_a_fen_off_is_found(month: list[Json], event: str) -> None:
    def concerned(each: Json) -> bool:
        return bool(each["interestRegistered"]["event"] == event)

    assert unfound(month, {"interestRegistered": "balanceAfter.value"}, audit, most=1, among=concerned) == []


def test_the_check_of_a_month_is_linear_in_its_messages() -> None:
    small, large = PrepaidMonth(1000).messages(), PrepaidMonth(4000).messages()
    calls = calls_of(lambda: audit(small)), calls_of(lambda: audit(large))
    assert calls[1] / calls[0] < 1.1 * len(large) / len(small)
    print(f"{len(small)} messages: {calls[0]} calls; {len(large)} messages: {calls[1]} calls")
