"""Rules on creditors' claims and what is distributed on them."""

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units, makes_up
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import decimals, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-420")
def check_parts_of_claim(
    total: Json,
    principal: Json,
    interest: Json | None = None,
    penalty: Json | None = None,
    costs: Json | None = None,
) -> Breach | None:
    """The parts of a claim, where they are given, make it up."""
    if makes_up(total, (each for each in (principal, interest, penalty, costs) if each is not None)):
        return None
    return Breach(("total", "value"), expected="principal, interest, penalty and costs")


@rule("XQ-R-421")
def check_confirmed_of_declared(declared: Json, confirmed: Json, reasons: list[Json] | None = None) -> Breach | None:
    """No more is confirmed than was declared, unless it says why."""
    if reasons is not None or in_units(confirmed["total"]) <= in_units(declared["total"]):
        return None
    return Breach(("reasons",), expected="why more is confirmed than was declared")


@rule("XQ-R-422")
def check_confirmation(
    state: str, confirmed: Json | None = None, confirmed_on: str | None = None
) -> list[Breach] | None:
    """A confirmed claim has its amount and its day."""
    fields = {"confirmed": confirmed, "confirmedOn": confirmed_on}
    return [
        Breach((name,), expected="given where the claim is confirmed")
        for name, value in fields.items()
        if state == "CONFIRMED" and value is None
    ] or None


@rule("XQ-R-423")
def check_units_of_claim(claim: Json, unit_price: Json, units: str) -> Breach | None:
    """The units are the claim converted over the claim for each unit, within the last digit of both."""
    price = in_units(unit_price)
    minor = 10 ** (16 - minor_digits(claim["currency"]))
    rounding = price * 10 ** (8 - decimals(units)) + minor
    if abs(scaled(units) * price - in_units(claim) * 10**8) <= rounding:
        return None
    return Breach(("units",), expected="claim over unitPrice, within rounding")


@rule("XQ-R-424")
def check_claim_converted(confirmed: Json, conversion: Json) -> Breach | None:
    """No more is converted than is confirmed."""
    if in_units(conversion["claim"]) <= in_units(confirmed["total"]):
        return None
    return Breach(("conversion", "claim", "value"), expected="at most the claim confirmed")


@rule("XQ-R-425")
def check_total_distributed(total: Json, payments: list[Json], page: Json | None = None) -> Breach | None:
    """What is distributed is what the creditors are paid."""
    if makes_up(total, (each["amount"] for each in payments), page):
        return None
    return Breach(("total", "value"), expected="the sum of the payments' amount")


@rule("XQ-R-426")
def check_net_payment(amount: Json, net_amount: Json, tax: Json | None = None) -> Breach | None:
    """A creditor is paid less the tax withheld."""
    if in_units(amount) - in_units(tax) == in_units(net_amount):
        return None
    return Breach(("netAmount", "value"), expected="amount less tax")


@rule("XQ-R-427")
def check_cumulative(amount: Json, cumulative: Json, confirmed: Json | None = None) -> Breach | None:
    """What a creditor has had so far is at least this payment and at most the claim."""
    if in_units(cumulative) < in_units(amount):
        return Breach(("cumulative", "value"), expected="at least amount")
    if confirmed is not None and in_units(cumulative) > in_units(confirmed):
        return Breach(("cumulative", "value"), expected="at most confirmed")
    return None


@rule("XQ-R-428")
def check_reasons_unpaid(state: str, reasons: list[Json] | None = None) -> Breach | None:
    """What is not paid says why; of what is not known there is nothing to say."""
    if state not in ("PAYMENT_SUCCEEDED", "PAYMENT_UNKNOWN") and reasons is None:
        return Breach(("reasons",), expected="why it was not paid")
    return None


@rule("XQ-R-429")
def check_claims_once(payments: list[Json]) -> list[Breach] | None:
    """Each claim is paid once in a distribution."""
    seen: set[str] = set()
    breaches = []
    for index, each in enumerate(payments):
        if each["claimNo"] in seen:
            breaches.append(Breach(("payments", index, "claimNo"), expected="each claim once"))
        seen.add(each["claimNo"])
    return breaches or None


@rule("XQ-R-430")
def check_money_available(total: Json, gross: Json, expenses: list[Json] | None = None) -> Breach | None:
    """No more is distributed than there is after expenses."""
    if in_units(total) <= in_units(gross) - sum(in_units(each["amount"]) for each in expenses or ()):
        return None
    return Breach(("total", "value"), expected="at most gross less expenses")
