"""Rules on orders, their confirmation, the shelf and instructions: value is conserved to the last digit."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_ONE = 10**8  # in units of 10⁻⁸
_SUBSCRIPTIONS = frozenset(("120", "122", "130", "139"))
_REDEMPTIONS = frozenset(("124", "142", "163"))
_SWITCHES = frozenset(("136", "137", "138"))
_SUBSCRIPTION_FEES = frozenset(("SUBSCRIPTION", "LAUNCH_SUBSCRIPTION"))
_SUCCESS = "0000"


@rule("XQ-R-218")
def check_institution_named(
    institution_code: str | None = None, code: str | None = None, name: str | None = None
) -> Breach | None:
    """An institution of a product is named by a code or by its name."""
    if institution_code is None and code is None and name is None:
        return Breach(expected="institutionCode, code or name")
    return None


@rule("XQ-R-219")
def check_digits(nav_digits: int | None = None, units_digits: int | None = None) -> list[Breach] | None:
    """Without the digits of NAV and units nobody can check the arithmetic of the product's orders."""
    digits = {"navDigits": nav_digits, "unitsDigits": units_digits}
    return [Breach((name,), expected="the number of digits") for name, each in digits.items() if each is None] or None


@rule("XQ-R-220")
def check_account_named(number: str | None = None, transaction_account: str | None = None) -> Breach | None:
    """A fund account is named by the registrar's number or by the distributor's."""
    if number is None and transaction_account is None:
        return Breach(expected="number or transactionAccount")
    return None


@rule("XQ-R-221")
def check_subscription_fee(
    business_code: str, confirmed_amount: Json, fees: list[Json], calculation: Json
) -> list[Breach] | None:
    """The fee of a subscription follows from amount and rate by the product's fee method.

    Within (内扣): fee = amount × rate. On top (外扣): net = amount ÷ (1 + rate), fee = amount − net.
    """
    if business_code not in _SUBSCRIPTIONS or "feeMethod" not in calculation:
        return None
    amount = scaled(confirmed_amount["value"])
    breaches = []
    for index, fee in enumerate(fees):
        if fee["fee"] in _SUBSCRIPTION_FEES and "appliedRate" in fee:
            expected = max(_fee(amount, scaled(fee["appliedRate"]), calculation), in_units(fee.get("minimum")))
            if in_units(fee["amount"]) != expected:
                breaches.append(Breach(("fees", index, "amount", "value"), expected="the fee by rate and method"))
    return breaches or None


def _fee(amount: int, rate: int, calculation: Json) -> int:
    mode: str = calculation["amountRounding"]
    step = _step(calculation["amountDigits"])
    if calculation["feeMethod"] == "FEE_WITHIN":
        return _rounded(amount * rate, HUNDRED * step, mode) * step
    return amount - _rounded(amount * HUNDRED, (HUNDRED + rate) * step, mode) * step


def _step(digits: int) -> int:
    """Return the last of so many digits in units of 10⁻⁸."""
    return int(10 ** (8 - digits))


def _rounded(dividend: int, divisor: int, mode: str) -> int:
    """Divide whole numbers and round the quotient by a mode of ``RoundingMode``."""
    quotient, rest = divmod(dividend, divisor)
    if mode == "TRUNCATE":
        return quotient
    if mode == "ROUND_UP":
        return quotient + (rest > 0)
    if mode == "HALF_EVEN" and 2 * rest == divisor:
        return quotient + quotient % 2
    return quotient + (2 * rest >= divisor)


def _charged(fees: Sequence[Json] | None) -> int:
    return sum(in_units(each["amount"]) for each in fees or ())


@rule("XQ-R-222")
def check_subscription_units(
    business_code: str,
    confirmed_amount: Json,
    confirmed_units: str,
    unit_nav: str,
    calculation: Json,
    fees: list[Json] | None = None,
    amount_at_nav: Json | None = None,
) -> list[Breach] | None:
    """The units of a subscription are its amount, less the fees, divided by the NAV, where it has one."""
    if business_code not in _SUBSCRIPTIONS or scaled(unit_nav) == 0:
        return None
    net = in_units(confirmed_amount) - _charged(fees)
    step = _step(calculation["unitsDigits"])
    expected = _rounded(net * _ONE, scaled(unit_nav) * step, calculation["unitsRounding"]) * step
    breaches = []
    if scaled(confirmed_units) != expected:
        breaches.append(Breach(("confirmedUnits",), expected="the amount less the fees, divided by unitNav"))
    if amount_at_nav is not None and in_units(amount_at_nav) != net:
        breaches.append(Breach(("amountAtNav", "value"), expected="confirmedAmount less the fees"))
    return breaches or None


@rule("XQ-R-223")
def check_redemption_proceeds(
    business_code: str,
    confirmed_amount: Json,
    confirmed_units: str,
    unit_nav: str,
    calculation: Json,
    fees: list[Json] | None = None,
    amount_at_nav: Json | None = None,
    performance_fee: Json | None = None,
    performance_compensation: Json | None = None,
    undistributed_income: Json | None = None,
    income_taken: bool | None = None,
) -> list[Breach] | None:
    """The proceeds of a redemption are units times NAV, less the fees and the performance fee.

    What the manager makes up for performance, and income that leaves with the units, are added.
    """
    if business_code not in _REDEMPTIONS:
        return None
    step = _step(calculation["amountDigits"])
    gross = _rounded(scaled(confirmed_units) * scaled(unit_nav), _ONE * step, calculation["amountRounding"]) * step
    added = in_units(performance_compensation) + (in_units(undistributed_income) if income_taken else 0)
    breaches = []
    if in_units(confirmed_amount) != gross - _charged(fees) - in_units(performance_fee) + added:
        breaches.append(
            Breach(("confirmedAmount", "value"), expected="units times unitNav, less fees and performanceFee")
        )
    if amount_at_nav is not None and in_units(amount_at_nav) != gross:
        breaches.append(Breach(("amountAtNav", "value"), expected="units times unitNav"))
    return breaches or None


@rule("XQ-R-224")
def check_conserved_amount(
    business_code: str,
    ordered_amount: Json,
    confirmed_amount: Json | None = None,
    refund_amount: Json | None = None,
    deferred_amount: Json | None = None,
    rejected_amount: Json | None = None,
    pending_amount: Json | None = None,
    earlier_amount: Json | None = None,
) -> Breach | None:
    """The amount ordered is what was confirmed, refunded, deferred, rejected or is pending.

    Partners that name no parts leave a remainder unsaid; never is there more than was ordered.
    """
    if business_code not in _SUBSCRIPTIONS:
        return None
    parts = (refund_amount, deferred_amount, rejected_amount, pending_amount, earlier_amount)
    if _is_conserved(in_units(ordered_amount), in_units(confirmed_amount), [in_units(each) for each in parts]):
        return None
    return Breach(("orderedAmount", "value"), expected="the sum of its confirmed, refunded and other parts")


@rule("XQ-R-225")
def check_conserved_units(
    business_code: str,
    ordered_units: str,
    confirmed_units: str | None = None,
    deferred_units: str | None = None,
    rejected_units: str | None = None,
    pending_units: str | None = None,
    earlier_units: str | None = None,
) -> Breach | None:
    """The units ordered are those confirmed, deferred, rejected or pending, as with amounts."""
    if business_code not in _SUBSCRIPTIONS | _REDEMPTIONS | _SWITCHES:
        return None
    parts = (deferred_units, rejected_units, pending_units, earlier_units)
    if _is_conserved(scaled(ordered_units), scaled(confirmed_units or "0"), [scaled(each or "0") for each in parts]):
        return None
    return Breach(("orderedUnits",), expected="the sum of its confirmed, deferred and other parts")


def _is_conserved(ordered: int, confirmed: int, parts: list[int]) -> bool:
    """Return whether the parts make up an order; a zero is how files say that nothing was ordered in this measure."""
    total = confirmed + sum(parts)
    return ordered in {0, total} or (total < ordered and not any(parts))


@rule("XQ-R-226")
def check_remainder_explained(
    business_code: str,
    return_code: str,
    ordered_amount: Json | None = None,
    confirmed_amount: Json | None = None,
    ordered_units: str | None = None,
    confirmed_units: str | None = None,
    reasons: list[Json] | None = None,
    refund_amount: Json | None = None,
    deferred_amount: Json | None = None,
    deferred_units: str | None = None,
    rejected_amount: Json | None = None,
    rejected_units: str | None = None,
    pending_amount: Json | None = None,
    pending_units: str | None = None,
    earlier_amount: Json | None = None,
    earlier_units: str | None = None,
) -> Breach | None:
    """What a successful confirmation does not confirm is said to be refunded, deferred, rejected or pending."""
    moneys = (refund_amount, deferred_amount, rejected_amount, pending_amount, earlier_amount)
    units = (deferred_units, rejected_units, pending_units, earlier_units)
    said = any(in_units(each) for each in moneys) or any(scaled(each or "0") for each in units)
    if return_code != _SUCCESS or said or reasons:
        return None
    if business_code in _SUBSCRIPTIONS and in_units(confirmed_amount) < in_units(ordered_amount):
        return Breach(("confirmedAmount", "value"), expected="what became of the rest of the order")
    if business_code in _REDEMPTIONS and scaled(confirmed_units or "0") < scaled(ordered_units or "0"):
        return Breach(("confirmedUnits",), expected="what became of the rest of the order")
    return None


@rule("XQ-R-227")
def check_total_fee(total_fee: Json, fees: list[Json]) -> list[Breach] | None:
    """The fees in all are the sum of the fees, in their currency."""
    foreign = [
        Breach(("fees", index, "amount", "currency"), expected="the currency of totalFee")
        for index, fee in enumerate(fees)
        if fee["amount"]["currency"] != total_fee["currency"]
    ]
    if foreign:
        return foreign
    if in_units(total_fee) != _charged(fees):
        return [Breach(("totalFee", "value"), expected="the sum of the fees")]
    return None


@rule("XQ-R-228")
def check_fee_tiers(tiers: list[Json]) -> list[Breach] | None:
    """Tiers follow each other without gap or overlap; only the last is open."""
    return list(_tier_breaches(tiers)) or None


def _tier_breaches(tiers: list[Json]) -> Iterator[Breach]:
    for index, tier in enumerate(tiers):
        if "upper" in tier and scaled(tier["upper"]) <= scaled(tier["lower"]):
            yield Breach(("tiers", index, "upper"), expected="above the lower bound")
    for index, (tier, following) in enumerate(pairwise(tiers)):
        if "upper" not in tier or scaled(tier["upper"]) != scaled(following["lower"]):
            yield Breach(("tiers", index + 1, "lower"), expected="the upper bound of the tier before")


@rule("XQ-R-229")
def check_dividend_amount(
    base_units: str, dividend_per_unit: str, dividend_amount: Json, rounding: str, per_units: int | None = None
) -> Breach | None:
    """The dividend is units times dividend per unit, rounded to the minor unit as the product says."""
    step = _step(minor_digits(dividend_amount["currency"]))
    product = scaled(base_units) * scaled(dividend_per_unit)
    expected = _rounded(product, _ONE * (per_units or 1) * step, rounding) * step
    if in_units(dividend_amount) == expected:
        return None
    return Breach(("dividendAmount", "value"), expected="baseUnits times dividendPerUnit")


@rule("XQ-R-230")
def check_dividend_paid(
    dividend_amount: Json,
    confirmed_amount: Json | None = None,
    reinvested_amount: Json | None = None,
    frozen_amount: Json | None = None,
    fees: list[Json] | None = None,
    performance_fee: Json | None = None,
    performance_compensation: Json | None = None,
) -> Breach | None:
    """A dividend is what was paid, reinvested, frozen and charged."""
    if confirmed_amount is None and reinvested_amount is None:
        return None
    parts = (confirmed_amount, reinvested_amount, frozen_amount, performance_fee)
    total = sum(in_units(each) for each in parts) + _charged(fees) - in_units(performance_compensation)
    if total == in_units(dividend_amount):
        return None
    return Breach(("dividendAmount", "value"), expected="the sum of what was paid, reinvested, frozen and charged")


@rule("XQ-R-231")
def check_dividend_dates(
    payment_date: str, record_date: str | None = None, ex_date: str | None = None
) -> list[Breach] | None:
    """A dividend is paid on the day of record or of the ex-date at the earliest."""
    days = {"recordDate": record_date, "exDate": ex_date}
    return [
        Breach((name,), expected="not after paymentDate")
        for name, day in days.items()
        if day is not None and day > payment_date
    ] or None


@rule("XQ-R-232")
def check_launch_dates(
    launch_start: str, launch_end: str | None = None, set_up_on: str | None = None
) -> list[Breach] | None:
    """A launch does not end, and the product is not set up, before it starts."""
    days = {"launchEnd": launch_end, "setUpOn": set_up_on}
    return [
        Breach((name,), expected="not before launchStart")
        for name, day in days.items()
        if day is not None and day < launch_start
    ] or None


@rule("XQ-R-233")
def check_refusal_reason(
    state: str,
    reasons: list[Json] | None = None,
    return_code: str | None = None,
    return_text: str | None = None,
) -> Breach | None:
    """Who refuses, suspends or asks for more says why: in the standard's codes, or in the partner's own."""
    if state not in _NEED_REASON or reasons or return_text or return_code not in {None, _SUCCESS}:
        return None
    return Breach(("reasons",), expected="why")


_NEED_REASON = frozenset(("REFUSED", "SUSPENDED", "IN_REPAIR", "INSTRUCTION_REFUSED", "CLARIFICATION_NEEDED"))


@rule("XQ-R-234")
def check_instruction_replaced(kind: str, replaces_instruction_no: str | None = None) -> Breach | None:
    """A change or withdrawal names the instruction that it is about; a new one names none."""
    if (kind == "NEW") == (replaces_instruction_no is None):
        return None
    expected = "no number in a new instruction" if kind == "NEW" else "the number of the instruction"
    return Breach(("replacesInstructionNo",), expected=expected)


@rule("XQ-R-235")
def check_instruction_total(total_amount: Json, lines: list[Json]) -> Breach | None:
    """The total is that of the lines' amounts, where they are in its currency."""
    amounts = [line["amount"] for line in lines if "amount" in line]
    total = sum(in_units(each) for each in amounts)
    if any(each["currency"] != total_amount["currency"] for each in amounts) or total == in_units(total_amount):
        return None
    return Breach(("totalAmount", "value"), expected="the sum of the lines' amounts")


@rule("XQ-R-236")
def check_line_numbers(lines: list[Json]) -> list[Breach] | None:
    """Each line of an instruction has its own number: the feedback answers by it."""
    numbers = [line["lineNo"] for line in lines]
    return [
        Breach(("lines", index, "lineNo"), expected="a number of its own")
        for index, number in enumerate(numbers)
        if number in numbers[:index]
    ] or None


@rule("XQ-R-237")
def check_total_units(
    total_units: str,
    confirmed_units: str,
    interest_units: str | None = None,
    launch_interest: Json | None = None,
) -> Breach | None:
    """The units in all are those confirmed and those from the interest of the launch."""
    interest = interest_units or (launch_interest or {}).get("units", "0")
    if scaled(total_units) == scaled(confirmed_units) + scaled(interest):
        return None
    return Breach(("totalUnits",), expected="the units confirmed and those from interest")


@rule("XQ-R-238")
def check_quote_time(quoted_at: str, expires_at: str) -> Breach | None:
    """A quote is not over before it is given."""
    try:
        late = datetime.fromisoformat(expires_at) <= datetime.fromisoformat(quoted_at)
    except ValueError:  # a day that is in no calendar: XQ-R-002 says so
        return None
    return Breach(("expiresAt",), expected="after quotedAt") if late else None


@rule("XQ-R-239")
def check_launch_amounts(
    applied_amount: Json, confirmed_amount: Json, refund_amount: Json | None = None
) -> Breach | None:
    """What was applied for at a launch is what was confirmed or refunded."""
    total = in_units(confirmed_amount) + in_units(refund_amount)
    if total == in_units(applied_amount):
        return None
    return Breach(("appliedAmount", "value"), value=plain(total), expected="the sum of confirmed and refunded")
