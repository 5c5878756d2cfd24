"""A month of trading conserves value: every fen and every unit, each day and at the month's end."""

from collections import Counter
from datetime import date
from itertools import pairwise

import pytest

from tests.value.effort import calls_of
from tests.value.faults import unfound
from tests.value.making import bank_days, trading_days
from tests.value.trading_ledgers import audit
from tests.value.trading_month import TradingMonth
from xinqiao.message import Json
from xinqiao.validation import check

# An amount of each type of message that a ledger depends on.
PLACES: dict[str, str | None] = {
    "subscriptionOrder": "grossAmount.value",
    "redemptionOrder": "units",
    "switchOrder": "units",
    "dividendConfirmation": "dividendAmount.value",
    "launchResult": "interest.value",
    "accountEntry": "amount.value",
    "navReport": "units",
    "positionStatement": "positions.0.quantity",
}
CONFIRMED = {
    "122": ("confirmedUnits", "confirmedAmount.value", "orderedAmount.value", "totalFee.value"),
    "124": ("confirmedUnits", "confirmedAmount.value", "orderedUnits", "amountAtNav.value"),
    "130": ("totalUnits", "refundAmount.value", "launchInterest.converted.value"),
    "136": ("confirmedUnits", "confirmedAmount.value", "switchResult.units"),
    "152": ("refundAmount.value",),
}


@pytest.fixture(scope="module")
def month() -> list[Json]:
    return TradingMonth(20).messages()


def test_the_month_has_a_long_holiday_and_days_on_which_only_banks_are_open() -> None:
    days = trading_days()
    assert len(days) == 22
    assert {date(2025, 9, 28), date(2025, 10, 11)} == set(bank_days()) - set(days)
    assert max((later - earlier).days for earlier, later in pairwise(days)) == 9


def test_the_month_has_every_kind_of_business(month: list[Json]) -> None:
    said = [each["orderConfirmation"] for each in month if "orderConfirmation" in each]
    assert {each["businessCode"] for each in said} == set(CONFIRMED)
    seen = Counter(name for each in said for name in each)
    wanted = ("refundAmount", "rejectedAmount", "pendingAmount", "earlierAmount", "deferredUnits", "earlierUnits")
    assert all(seen[name] for name in (*wanted, "performanceFee", "launchInterest", "switchResult"))
    assert {each["calculation"]["feeMethod"] for each in said if "calculation" in each} == {"FEE_WITHIN", "FEE_ON_TOP"}
    modes = {each["calculation"]["unitsRounding"] for each in said if "calculation" in each}
    assert modes == {"HALF_UP", "TRUNCATE", "HALF_EVEN", "ROUND_UP"}
    methods = {each["dividendConfirmation"]["method"] for each in month if "dividendConfirmation" in each}
    assert methods == {"CASH_DIVIDEND", "REINVEST_DIVIDEND"}


def test_every_message_of_the_month_is_valid(month: list[Json]) -> None:
    assert [found for each in month for found in check(each)] == []


@pytest.mark.parametrize("seed", range(5))
def test_value_is_conserved_and_the_sides_agree(seed: int) -> None:
    assert audit(TradingMonth(12, seed).messages()) == []


def test_a_message_lost_or_doubled_or_a_fen_off_is_found(month: list[Json]) -> None:
    assert unfound(month, PLACES, audit, most=1) == []


@pytest.mark.parametrize(("code", "path"), [(code, path) for code, paths in CONFIRMED.items() for path in paths])
def test_a_confirmation_lost_or_doubled_or_a_fen_off_is_found(month: list[Json], code: str, path: str) -> None:
    def concerned(each: Json) -> bool:
        said = each.get("orderConfirmation", {})
        return said.get("businessCode") == code and path.partition(".")[0] in said

    assert unfound(month, {"orderConfirmation": path}, audit, most=1, among=concerned) == []


def test_the_check_of_a_month_is_linear_in_its_messages() -> None:
    small, large = TradingMonth(5).messages(), TradingMonth(20).messages()
    calls = calls_of(lambda: audit(small)), calls_of(lambda: audit(large))
    assert calls[1] / calls[0] < 1.1 * len(large) / len(small)
    print(f"{len(small)} messages: {calls[0]} calls; {len(large)} messages: {calls[1]} calls")
