"""Rules on net asset values, positions and their disclosure."""

from datetime import datetime

from xinqiao.message import Json
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import decimals, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_CENT_SQUARED = 10**14  # 0.01 in units of 10⁻⁸, times 10⁸


@rule("XQ-R-070")
def check_net_assets(unit_nav: str, units: str, net_assets: Json) -> Breach | None:
    """Net assets are unit NAV times units, within the rounding of the unit NAV's last digit and of the cent."""
    product = scaled(unit_nav) * scaled(units)
    rounding = scaled(units) * 10 ** (8 - decimals(unit_nav)) // 2 + _CENT_SQUARED
    if abs(scaled(net_assets["value"]) * 10**8 - product) <= rounding:
        return None
    return Breach(("netAssets", "value"), expected="unitNav times units, within rounding")


@rule("XQ-R-080")
def check_available_and_frozen(quantity: str, available: str, frozen: str) -> Breach | None:
    """Available and frozen are no more than the holding; what is locked in may be neither."""
    if scaled(available) + scaled(frozen) <= scaled(quantity):
        return None
    return Breach(("quantity",), expected="at least the sum of available and frozen")


@rule("XQ-R-081")
def check_lots(quantity: str, lots: list[Json]) -> Breach | None:
    """The lots make up the holding."""
    if sum(scaled(lot["quantity"]) for lot in lots) == scaled(quantity):
        return None
    return Breach(("quantity",), expected="the sum of the lots' quantities")


@rule("XQ-R-082")
def check_total(total_market_value: Json, positions: list[Json] | None = None) -> Breach | None:
    """The market values in the total's currency add up to it, within one minor unit of that currency.

    Values in other currencies are not converted here: the total may hold them or leave them out, so with them it
    is that sum or more.
    """
    currency = total_market_value["currency"]
    values = [each["marketValue"] for each in positions or ()]
    own = [scaled(value["value"]) for value in values if value["currency"] == currency]
    difference = scaled(total_market_value["value"]) - sum(own)
    if abs(difference) <= 10 ** (8 - minor_digits(currency)) or (difference > 0 and len(own) < len(values)):
        return None
    return Breach(("totalMarketValue", "value"), expected="the sum of the market values in its currency")


@rule("XQ-R-083")
def check_currency_of_total(total_market_value: Json, positions: list[Json]) -> Breach | None:
    """The total is in the currency of a position."""
    if any(each["marketValue"]["currency"] == total_market_value["currency"] for each in positions):
        return None
    return Breach(("totalMarketValue", "currency"), expected="the currency of a position")


@rule("XQ-R-091")
def check_receipt_due(published_at: str, receipt_due_by: str) -> Breach | None:
    """A receipt is not due before the disclosure is published."""
    try:
        early = datetime.fromisoformat(receipt_due_by) < datetime.fromisoformat(published_at)
    except ValueError:  # a day that is in no calendar: XQ-R-002 says so
        return None
    return Breach(("receiptDueBy",), expected="not before publishedAt") if early else None


@rule("XQ-R-092")
def check_recipients(recipients: list[str]) -> list[Breach] | None:
    """Each recipient is named once."""
    return [
        Breach(("recipients", index), expected="each partyId once")
        for index, party_id in enumerate(recipients)
        if party_id in recipients[:index]
    ] or None
