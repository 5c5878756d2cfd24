"""Rules on property that is delivered, returned and registered."""

from itertools import pairwise

from xinqiao.message import Json
from xinqiao.rules.exact import decimals, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_CENT_SQUARED = 10**14  # 0.01 in units of 10⁻⁸, times 10⁸


@rule("XQ-R-140")
def check_encumbered(encumbered: bool, encumbrances: list[Json]) -> Breach | None:  # noqa: ARG001 -- their presence counts
    """Property with encumbrances is not said to be free of them."""
    return None if encumbered else Breach(("encumbered",), expected="true where encumbrances are given")


@rule("XQ-R-141")
def check_value_of_units(units: str, nav: str, value: Json) -> Breach | None:
    """The value of units is units times NAV, within the rounding of the NAV's last digit and of the cent."""
    return None if _is_product(units, nav, value) else Breach(("value", "value"), expected="units times nav")


@rule("XQ-R-142")
def check_value_of_stock(quantity: str, price: str, value: Json) -> Breach | None:
    """The value of stock is quantity times price, within the rounding of the price's last digit and of the cent."""
    return None if _is_product(quantity, price, value) else Breach(("value", "value"), expected="quantity times price")


def _is_product(number: str, price: str, value: Json) -> bool:
    product = scaled(number) * scaled(price)
    rounding: int = scaled(number) * 10 ** (8 - decimals(price)) // 2 + _CENT_SQUARED
    return abs(scaled(value["value"]) * 10**8 - product) <= rounding


@rule("XQ-R-143")
def check_total(
    total: Json, principal: Json, accrued_interest: Json | None = None, other_dues: Json | None = None
) -> Breach | None:
    """The total of claims is their principal, interest and other dues together."""
    parts = sum(scaled(each["value"]) for each in (principal, accrued_interest, other_dues) if each is not None)
    if scaled(total["value"]) == parts:
        return None
    return Breach(("total", "value"), expected="principal, interest and other dues together")


@rule("XQ-R-144")
def check_outstanding(outstanding: Json, partial: bool | None = None) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """Where something is still to be delivered, the delivery is a partial one."""
    return None if partial else Breach(("partial",), expected="true where something is outstanding")


@rule("XQ-R-145")
def check_scale_after(cash: Json, scale_before: Json, scale_after: Json) -> Breach | None:
    """Money that is added raises the scale by its amount, where all are in one currency."""
    amounts = (scale_before, cash["amount"], scale_after)
    if len({each["currency"] for each in amounts}) > 1:
        return None
    before, added, after = (scaled(each["value"]) for each in amounts)
    return None if before + added == after else Breach(("scaleAfter", "value"), expected="scaleBefore and the amount")


@rule("XQ-R-146")
def check_returned_after_receipt(received_on: str, returned_on: str) -> Breach | None:
    """What is returned had come before."""
    return Breach(("returnedOn",), expected="not before receivedOn") if returned_on < received_on else None


@rule("XQ-R-147")
def check_returned_to_source(cash: Json, source_account: Json) -> Breach | None:
    """Money goes back to the account that it came from."""
    numbers = source_account.get("number"), cash["payeeAccount"].get("number")
    if None in numbers or numbers[0] == numbers[1]:
        return None
    return Breach(("cash", "payeeAccount", "number"), expected="the number of sourceAccount")


@rule("XQ-R-148")
def check_paid_in(
    subscribed: Json | None = None,
    paid_in: Json | None = None,
    subscribed_capital: Json | None = None,
    paid_in_capital: Json | None = None,
) -> list[Breach] | None:
    """No more is paid in than was subscribed, where both are in one currency."""
    pairs = {"paidIn": (subscribed, paid_in), "paidInCapital": (subscribed_capital, paid_in_capital)}
    return [
        Breach((name, "value"), expected="at most what was subscribed")
        for name, (promised, paid) in pairs.items()
        if promised is not None and paid is not None and _exceeds(paid, promised)
    ] or None


def _exceeds(paid: Json, promised: Json) -> bool:
    return paid["currency"] == promised["currency"] and scaled(paid["value"]) > scaled(promised["value"])


@rule("XQ-R-149")
def check_order_of_days(
    filed_on: str | None = None, granted_on: str | None = None, end_date: str | None = None
) -> list[Breach] | None:
    """A right is filed, then granted, then expires."""
    days = {"filedOn": filed_on, "grantedOn": granted_on, "endDate": end_date}
    known = [(name, day) for name, day in days.items() if day is not None]
    return [
        Breach((name,), expected=f"not before {earlier}")
        for (earlier, first), (name, second) in pairwise(known)
        if second < first
    ] or None


@rule("XQ-R-150")
def check_previous_registration(kind: str, previous_registration_no: str | None = None) -> Breach | None:
    """What changes, corrects, cancels or releases a registration names it."""
    if kind in ("CHANGE", "CORRECTION", "CANCELLATION", "SECURITY_RELEASED") and previous_registration_no is None:
        return Breach(("previousRegistrationNo",), expected="the number of the registration before")
    return None


@rule("XQ-R-151")
def check_region_of_unit(address: Json, unit_no: str) -> Breach | None:
    """The number of a real estate unit begins with the code of its region."""
    if unit_no.startswith(address.get("region", "")):
        return None
    return Breach(("unitNo",), expected="the region as the first six digits")


@rule("XQ-R-152")
def check_security_registered(kind: str, security_no: str | None = None) -> Breach | None:
    """A registration of security says which security it is."""
    if kind.startswith("SECURITY_") and security_no is None:
        return Breach(("securityNo",), expected="the number of the security")
    return None
