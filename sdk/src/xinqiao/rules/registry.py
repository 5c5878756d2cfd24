"""Rules on the registration of trusts: their class, sections that need one another, beneficial rights, replies."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from xinqiao.message import Json
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import HUNDRED, decimals, scaled
from xinqiao.rules.pages import is_part
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_ONE = 10**8


@cache
def _varieties() -> Mapping[str, Any]:
    resource = files("xinqiao") / "schemas" / "codes" / "trust-classification.json"
    found: Mapping[str, Any] = orjson.loads(resource.read_bytes())["varieties"]
    return found


@rule("XQ-R-360")
def check_variety(trust_class: str, variety: str | None = None) -> Breach | None:
    """A trust has a variety, which is one of its class."""
    if trust_class == "TO_BE_RECTIFIED":
        return None
    if variety is not None and _varieties().get(variety, {}).get("class") == trust_class:
        return None
    return Breach(("variety",), expected=f"a variety of the class {trust_class}")


@rule("XQ-R-361")
def check_rectification(
    trust_class: str,
    rectification_reason: str | None = None,
    rectification_plan: str | None = None,
    rectify_due_on: str | None = None,
) -> list[Breach] | None:
    """Business that is to be rectified says why, how and by when."""
    if trust_class != "TO_BE_RECTIFIED":
        return None
    given = {
        "rectificationReason": rectification_reason,
        "rectificationPlan": rectification_plan,
        "rectifyDueOn": rectify_due_on,
    }
    return [Breach((name,), expected="given") for name, value in given.items() if value is None] or None


@rule("XQ-R-362")
def check_code_known(product: Json) -> Breach | None:
    """What is registered after pre-registration names the product by its code."""
    if "registrationCode" in product:
        return None
    return Breach(("product", "registrationCode"), expected="the code given at pre-registration")


@rule("XQ-R-363")
def check_leverage(product: Json, classification: Json) -> Breach | None:
    """Senior to junior is at most 3 in fixed income, 1 in equity, 2 in commodity and mixed products."""
    limit = _LEVERAGE.get(classification.get("variety", ""))
    ratio = product.get("seniorToJunior")
    if limit is None or ratio is None or scaled(ratio) <= limit * _ONE:
        return None
    return Breach(("product", "seniorToJunior"), expected=f"at most {limit}")


_LEVERAGE = {"FIXED_INCOME_TRUST": 3, "EQUITY_TRUST": 1, "COMMODITY_DERIVATIVE_TRUST": 2, "MIXED_TRUST": 2}


@rule("XQ-R-364")
def check_tiers_of_open_product(product: Json, classification: Json) -> Breach | None:
    """An open-ended asset-management product has no tiers."""
    if classification["trustClass"] != "1002" or not product.get("structured"):
        return None
    if product.get("operationMode") not in ("OPEN_NAV", "OPEN_NON_NAV"):
        return None
    return Breach(("product", "structured"), expected="false for an open-ended product")


@rule("XQ-R-365")
def check_asset_share(share_from: str, share_to: str) -> Breach | None:
    """The share of an asset runs from less to more, up to 100 per cent."""
    if scaled(share_from) <= scaled(share_to) <= HUNDRED:
        return None
    return Breach(("shareTo",), expected="no less than shareFrom, at most 100")


@rule("XQ-R-366")
def check_custodian(custodian_appointed: bool, custodian_name: str | None = None) -> Breach | None:
    """A custodian that is appointed is named; without one there is no name."""
    if custodian_appointed == (custodian_name is not None):
        return None
    return Breach(("custodianName",), expected="given where custodianAppointed is true, and only there")


@rule("XQ-R-367")
def check_board_approval(significance: str, board_approved: bool | None = None) -> Breach | None:
    """A major related transaction says whether the board has approved it."""
    if significance == "MAJOR" and board_approved is None:
        return Breach(("boardApproved",), expected="true or false for a major transaction")
    return None


@rule("XQ-R-368")
def check_permits(permits: list[Json]) -> list[Breach] | None:
    """Each kind of permit stands once; one that is obtained has a number, and no other has."""
    return list(_wrong_permits(permits)) or None


def _wrong_permits(permits: list[Json]) -> Iterator[Breach]:
    kinds: set[str] = set()
    for index, permit in enumerate(permits):
        if permit["kind"] in kinds:
            yield Breach(("permits", index, "kind"), expected="each kind once")
        kinds.add(permit["kind"])
        if permit["obtained"] != ("number" in permit):
            yield Breach(("permits", index, "number"), expected="given where obtained is true, and only there")


@rule("XQ-R-369")
def check_right_amount(units: str, unit_nav: str, amount: Json) -> Breach | None:
    """The amount of a right is its units times NAV, within the rounding of the NAV's last digit and the minor unit."""
    product = scaled(units) * scaled(unit_nav)
    rounding = scaled(units) * 10 ** (8 - decimals(unit_nav)) // 2 + 10 ** (8 - minor_digits(amount["currency"])) * _ONE
    if abs(scaled(amount["value"]) * _ONE - product) <= rounding:
        return None
    return Breach(("amount", "value"), expected="units times unitNav, within rounding")


@rule("XQ-R-370")
def check_benchmark(
    contract_no: str,  # noqa: ARG001 -- the right as such
    benchmark_stated: bool | None = None,
    benchmark_from: str | None = None,
    benchmark_to: str | None = None,
    benchmark_note: str | None = None,
) -> Breach | None:
    """A benchmark that the contract states is given, and runs from less to more."""
    if benchmark_stated and benchmark_from is None and benchmark_to is None and benchmark_note is None:
        return Breach(("benchmarkFrom",), expected="the benchmark that the contract states, or a note on it")
    if benchmark_from is None or benchmark_to is None or scaled(benchmark_from) <= scaled(benchmark_to):
        return None
    return Breach(("benchmarkTo",), expected="no less than benchmarkFrom")


@rule("XQ-R-371")
def check_rights(rights: list[Json], settlors: list[Json] | None = None) -> list[Breach] | None:
    """Each right has its own interest number, and the contract of a settlor, where settlors are given."""
    return [*_repeated_interests(rights), *_unknown_contracts(rights, settlors)] or None


def _repeated_interests(rights: list[Json]) -> Iterator[Breach]:
    seen: set[str] = set()
    for index, right in enumerate(rights):
        if right["interestNo"] in seen:
            yield Breach(("rights", index, "interestNo"), expected="an interest number of its own")
        seen.add(right["interestNo"])


def _unknown_contracts(rights: list[Json], settlors: list[Json] | None) -> Iterator[Breach]:
    if settlors is None:
        return
    contracts = {each["contractNo"] for each in settlors}
    for index, right in enumerate(rights):
        if right["contractNo"] not in contracts:
            yield Breach(("rights", index, "contractNo"), expected="the contract of a settlor")


@rule("XQ-R-372")
def check_totals_of_rights(
    rights: list[Json],
    right_count: str,
    total_amount: Json,
    total_units: str | None = None,
    page: Json | None = None,
) -> list[Breach] | None:
    """The rights make up the totals, where they are not one page of several."""
    if foreign := list(_rights_in_other_currency(rights, total_amount["currency"])):
        return foreign
    if is_part(page):
        return None
    breaches = []
    if int(right_count) != len(rights):
        breaches.append(Breach(("rightCount",), expected="the number of rights"))
    if total_units is not None and sum(scaled(each.get("units", "0")) for each in rights) != scaled(total_units):
        breaches.append(Breach(("totalUnits",), expected="the sum of the units"))
    if sum(scaled(each["amount"]["value"]) for each in rights) != scaled(total_amount["value"]):
        breaches.append(Breach(("totalAmount", "value"), expected="the sum of the amounts"))
    return breaches or None


def _rights_in_other_currency(rights: list[Json], currency: str) -> Iterator[Breach]:
    for index, right in enumerate(rights):
        if right["amount"]["currency"] != currency:
            yield Breach(("rights", index, "amount", "currency"), expected="the currency of totalAmount")


@rule("XQ-R-373")
def check_days_of_scale(
    term_kind: str,
    set_up_on: str,
    raising_from: str | None = None,
    raising_until: str | None = None,
    expected_end_on: str | None = None,
) -> list[Breach] | None:
    """Raising does not end before it starts, nor the trust before its set-up; a fixed term has an end.

    Raising may end after set-up: a product is raised in phases, or has openings.
    """
    breaches = []
    if raising_from is not None and raising_until is not None and raising_until < raising_from:
        breaches.append(Breach(("raisingUntil",), expected="not before raisingFrom"))
    if expected_end_on is not None and expected_end_on < set_up_on:
        breaches.append(Breach(("expectedEndOn",), expected="not before setUpOn"))
    if term_kind == "FIXED_TERM" and expected_end_on is None:
        breaches.append(Breach(("expectedEndOn",), expected="the end of a fixed term"))
    return breaches or None


@rule("XQ-R-374")
def check_paid_in(scale: Json, settlors: list[Json]) -> Breach | None:
    """What the settlors put in is what the scale says was paid in, where all is in one currency."""
    paid_in = [scale[name] for name in ("collectiveFunds", "singleFunds", "propertyRights") if name in scale]
    put_in = [each["amount"] for each in settlors]
    if not paid_in or len({money["currency"] for money in paid_in + put_in}) > 1:
        return None
    if sum(scaled(money["value"]) for money in paid_in) == sum(scaled(money["value"]) for money in put_in):
        return None
    return Breach(("scale",), expected="the sum of the settlors' amounts as what was paid in")


@rule("XQ-R-375")
def check_reply(
    outcome: str,
    registration_code: str | None = None,
    items: list[Json] | None = None,
    reasons: list[Json] | None = None,
) -> Breach | None:
    """A reply that gives a code has it; one that asks for more says what; a refusal says why."""
    needed = {
        "CODE_GIVEN": ("registrationCode", registration_code),
        "TO_BE_SUPPLEMENTED": ("items", items),
        "REFUSED": ("reasons", reasons),
    }
    name, value = needed.get(outcome, ("", ""))
    return Breach((name,), expected=f"given where outcome is {outcome}") if value is None else None


@rule("XQ-R-376")
def check_loss(outcome: str, finance: Json) -> Breach | None:
    """A trust that ends with a loss says how much: what was paid in less what was repaid."""
    loss = finance.get("loss")
    if (outcome == "LOSS") != (loss is not None):
        return Breach(("finance", "loss"), expected="given where outcome is LOSS, and only there")
    if loss is None:
        return None
    paid_in, repaid = scaled(finance["paidIn"]["value"]), scaled(finance["repaid"]["value"])
    if paid_in - repaid == scaled(loss["value"]):
        return None
    return Breach(("finance", "loss", "value"), expected="paidIn less repaid")


@rule("XQ-R-377")
def check_liquidation_day(ended_on: str, liquidation_report_on: str) -> Breach | None:
    """A trust is reported as liquidated after it has ended."""
    return Breach(("liquidationReportOn",), expected="not before endedOn") if liquidation_report_on < ended_on else None


@rule("XQ-R-378")
def check_elements(
    registration: str, pre_registration: Json | None = None, content: Json | None = None
) -> Breach | None:
    """A supplement gives the elements of the registration that it supplements."""
    if pre_registration is not None and registration != "PRE_REGISTERING":
        return Breach(("preRegistration",), expected="only for a pre-registration")
    if content is not None and registration not in (
        "INITIAL_REGISTERING",
        "CHANGE_REGISTERING",
        "CORRECTION_REGISTERING",
    ):
        return Breach(("content",), expected="only for an initial, change or correction registration")
    return None


@rule("XQ-R-379")
def check_fee(
    fee: str,  # noqa: ARG001 -- the fee as such
    annual_rate: str | None = None,
    fixed_amount: Json | None = None,
    one_off_amount: Json | None = None,
) -> Breach | None:
    """A fee has a rate or an amount."""
    if annual_rate is None and fixed_amount is None and one_off_amount is None:
        return Breach(("annualRate",), expected="annualRate, fixedAmount or oneOffAmount")
    return None
