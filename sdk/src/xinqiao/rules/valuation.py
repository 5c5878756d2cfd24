"""Rules on net asset values, positions, valuation tables, scale, performance and their disclosure."""

from collections.abc import Iterator, Sequence

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import HUNDRED, decimals, scaled
from xinqiao.rules.instants import is_before
from xinqiao.rules.pages import is_part
from xinqiao.rules.repeats import repeats
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
def check_total(
    total_market_value: Json, positions: list[Json] | None = None, page: Json | None = None
) -> Breach | None:
    """The market values in the total's currency add up to it, within one minor unit of that currency.

    Values in other currencies are not converted here: the total may hold them or leave them out, so with them, with
    positions whose value is not told or with other pages it is that sum or more.
    """
    currency = total_market_value["currency"]
    values = [each["marketValue"] for each in positions or () if "marketValue" in each]
    own = [scaled(value["value"]) for value in values if value["currency"] == currency]
    difference = scaled(total_market_value["value"]) - sum(own)
    more = len(own) < len(positions or ()) or is_part(page)
    if abs(difference) <= 10 ** (8 - minor_digits(currency)) or (difference > 0 and more):
        return None
    return Breach(("totalMarketValue", "value"), expected="the sum of the market values in its currency")


@rule("XQ-R-083")
def check_currency_of_total(total_market_value: Json, positions: list[Json]) -> Breach | None:
    """The total is in the currency of a position; nothing is said where no position has a value."""
    currencies = {each["marketValue"]["currency"] for each in positions if "marketValue" in each}
    if not currencies or total_market_value["currency"] in currencies:
        return None
    return Breach(("totalMarketValue", "currency"), expected="the currency of a position")


@rule("XQ-R-091")
def check_receipt_due(published_at: str, receipt_due_by: str) -> Breach | None:
    """A receipt is not due before the disclosure is published."""
    early = is_before(receipt_due_by, published_at)
    return Breach(("receiptDueBy",), expected="not before publishedAt") if early else None


@rule("XQ-R-092")
def check_recipients(recipients: list[str]) -> list[Breach] | None:
    """Each recipient is named once."""
    return [Breach(("recipients", index), expected="each partyId once") for index in repeats(recipients)] or None


def _minor_unit(currency: str) -> int:
    return int(10 ** (8 - minor_digits(currency)))


def _last_digit(value: str) -> int:
    return int(10 ** (8 - decimals(value)))


@rule("XQ-R-180")
def check_growth(
    unit_nav: str, previous_unit_nav: str, daily_growth: str, dividend: str | None = None
) -> Breach | None:
    """The growth is that of the NAV with its dividend, within the rounding of all of them."""
    previous = scaled(previous_unit_nav)
    gain = scaled(unit_nav) + scaled(dividend or "0") - previous
    rounding = _last_digit(unit_nav) + _last_digit(previous_unit_nav)
    difference = abs(scaled(daily_growth) * previous - gain * HUNDRED)
    if difference <= rounding * HUNDRED + _last_digit(daily_growth) * previous:
        return None
    return Breach(("dailyGrowth",), expected="the change from previousUnitNav, in per cent")


@rule("XQ-R-181")
def check_cumulative(unit_nav: str, cumulative_nav: str, total_dividend: str) -> Breach | None:
    """The cumulative NAV is the unit NAV and all dividends per unit."""
    rounding = max(map(_last_digit, (unit_nav, cumulative_nav, total_dividend)))
    if abs(scaled(unit_nav) + scaled(total_dividend) - scaled(cumulative_nav)) <= rounding:
        return None
    return Breach(("cumulativeNav",), expected="unitNav and totalDividend together")


@rule("XQ-R-182")
def check_nav_correction(corrected_unit_nav: str | None = None, correction: Json | None = None) -> Breach | None:
    """A corrected NAV names the value before and the reason."""
    if (corrected_unit_nav is None) == (correction is None):
        return None
    name = "correctedUnitNav" if corrected_unit_nav is None else "correction"
    return Breach((name,), expected="correctedUnitNav and correction together")


@rule("XQ-R-184")
def check_balance(net_assets: Json, total_assets: Json, total_liabilities: Json) -> Breach | None:
    """Assets less liabilities are the net assets, within one minor unit."""
    difference = scaled(total_assets["value"]) - scaled(total_liabilities["value"]) - scaled(net_assets["value"])
    if abs(difference) <= _minor_unit(net_assets["currency"]):
        return None
    return Breach(("netAssets", "value"), expected="totalAssets less totalLiabilities")


@rule("XQ-R-185")
def check_first_level(net_assets: Json, lines: list[Json], page: Json | None = None) -> Breach | None:
    """The accounts of the first level make up the net assets.

    Classes 1 (assets) and 3 (common) count as they stand, class 2 (liabilities) is taken off: some tables print it
    with a minus. Nothing is said where a value of the first level is missing, in another currency or on another page.
    """
    first = [each for each in lines if each.get("level") == 1 and each["accountCode"][0] in "123"]
    values = [_base_market_value(each, net_assets["currency"]) for each in first]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values) or is_part(page):
        return None
    owed = sum(value for each, value in zip(first, known, strict=True) if each["accountCode"][0] == "2")
    owned = sum(known) - owed
    net, unit = scaled(net_assets["value"]), _minor_unit(net_assets["currency"])
    if min(abs(owned - owed - net), abs(owned + owed - net)) <= unit * len(known):
        return None
    return Breach(("netAssets", "value"), expected="the sum of the market values of the first level")


def _base_market_value(line: Json, currency: str) -> int | None:
    value = line.get("baseMarketValue", line.get("marketValue"))
    return scaled(value["value"]) if value is not None and value["currency"] == currency else None


@rule("XQ-R-186")
def check_share_of_net_assets(net_assets: Json, lines: list[Json]) -> Breach | None:
    """A line's share is its market value in per cent of the net assets; the first that is not is named."""
    net, currency = scaled(net_assets["value"]), net_assets["currency"]
    for index, line in enumerate(lines):
        share, value = line.get("marketValuePercentage"), _base_market_value(line, currency)
        if share is None or value is None:
            continue
        rounding = _last_digit(share) * abs(net) + _minor_unit(currency) * HUNDRED
        if abs(scaled(share) * net - value * HUNDRED) > rounding:
            return Breach(
                ("lines", index, "marketValuePercentage"), expected="the market value in per cent of netAssets"
            )
    return None


@rule("XQ-R-187")
def check_appreciation(cost: Json, market_value: Json, appreciation: Json) -> Breach | None:
    """The appreciation is the market value less the cost, within one minor unit."""
    difference = scaled(market_value["value"]) - scaled(cost["value"]) - scaled(appreciation["value"])
    if abs(difference) <= _minor_unit(appreciation["currency"]):
        return None
    return Breach(("appreciation", "value"), expected="marketValue less cost")


@rule("XQ-R-188")
def check_line_currency(
    currency: str, cost: Json | None = None, market_value: Json | None = None, appreciation: Json | None = None
) -> list[Breach] | None:
    """A line's amounts are in its currency; those of the base currency have their own fields."""
    amounts = {"cost": cost, "marketValue": market_value, "appreciation": appreciation}
    return [
        Breach((name, "currency"), expected="the line's currency")
        for name, money in amounts.items()
        if money is not None and money["currency"] != currency
    ] or None


@rule("XQ-R-189")
def check_account_difference(
    difference: Json, trustee: Json | None = None, custodian: Json | None = None
) -> list[Breach] | None:
    """A difference is what the trustee has less what the custodian has."""
    return [
        Breach(("difference", *at), expected="the trustee's less the custodian's")
        for at, value in _figures(difference)
        if scaled(value) != _figure(trustee, at) - _figure(custodian, at)
    ] or None


_FIGURES: tuple[tuple[str, ...], ...] = (("quantity",), ("cost", "value"), ("marketValue", "value"))


def _figures(account: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    for at in _FIGURES:
        if at[0] in account:
            yield at, account[at[0]] if len(at) == 1 else account[at[0]]["value"]


def _figure(side: Json | None, at: tuple[str, ...]) -> int:
    return scaled(dict(_figures(side or {})).get(at, "0"))


@rule("XQ-R-190")
def check_reconciled(
    outcome: str,
    accounts: list[Json] | None = None,
    trustee_net_assets: Json | None = None,
    custodian_net_assets: Json | None = None,
    trustee_unit_nav: str | None = None,
    custodian_unit_nav: str | None = None,
    tolerance: Json | None = None,
) -> Breach | None:
    """The outcome is that of the figures: they agree where no amount differs by more than the tolerance."""
    allowed = scaled(tolerance["value"]) if tolerance else 0
    differences = [
        abs(_figure(each.get("trustee"), at) - _figure(each.get("custodian"), at))
        for each in accounts or ()
        for at in _FIGURES
    ]
    if trustee_net_assets is not None and custodian_net_assets is not None:
        differences.append(abs(scaled(trustee_net_assets["value"]) - scaled(custodian_net_assets["value"])))
    unit_navs = {scaled(each) for each in (trustee_unit_nav, custodian_unit_nav) if each is not None}
    found = "DIFFERENT" if len(unit_navs) > 1 or any(each > allowed for each in differences) else "AGREED"
    return None if outcome == found else Breach(("outcome",), expected=f"{found}, as the figures say")


@rule("XQ-R-191")
def check_net_assets_difference(
    net_assets_difference: Json, trustee_net_assets: Json, custodian_net_assets: Json
) -> Breach | None:
    """The difference of the net assets is the trustee's less the custodian's."""
    difference = scaled(trustee_net_assets["value"]) - scaled(custodian_net_assets["value"])
    if scaled(net_assets_difference["value"]) == difference:
        return None
    return Breach(("netAssetsDifference", "value"), expected="trusteeNetAssets less custodianNetAssets")


@rule("XQ-R-192")
def check_movement(total: Json, lines: list[Json], measure: str | None = None) -> list[Breach] | None:
    """Beginning and increase, less decrease, with the revaluation are the end.

    Nothing is said where the revaluation is not told, unless the scale is counted at cost and has none.
    """
    figures: list[tuple[tuple[str | int, ...], Json]] = [(("total",), total)]
    figures.extend((("lines", index, "figures"), each["figures"]) for index, each in enumerate(lines))
    return [
        Breach((*at, "end", "value"), expected="beginning + increase - decrease + revaluation")
        for at, each in figures
        if ("revaluation" in each or measure == "AT_COST") and not _moves_to_end(each)
    ] or None


def _moves_to_end(figures: Json) -> bool:
    beginning, increase, decrease, end = (
        scaled(figures[name]["value"]) for name in ("beginning", "increase", "decrease", "end")
    )
    return beginning + increase - decrease + in_units(figures.get("revaluation")) == end


@rule("XQ-R-193")
def check_scale_total(lines: list[Json], total: Json, page: Json | None = None) -> list[Breach] | None:
    """The total holds the sums of the lines; nothing is said where they are in several currencies or on other pages."""
    figures = [each["figures"] for each in lines]
    if is_part(page) or len({each["end"]["currency"] for each in (total, *figures)}) > 1:
        return None
    return [
        Breach(("total", name, "value"), expected="the sum of the lines")
        for name in ("beginning", "increase", "decrease", "revaluation", "end")
        if name in total
        and sum(scaled(each[name]["value"]) for each in figures if name in each) != scaled(total[name]["value"])
    ] or None


@rule("XQ-R-194")
def check_excess_return(rate_of_return: str, benchmark_return: str, excess_return: str) -> Breach | None:
    """The excess return is the return less that of the benchmark."""
    rounding = max(map(_last_digit, (rate_of_return, benchmark_return, excess_return)))
    if abs(scaled(rate_of_return) - scaled(benchmark_return) - scaled(excess_return)) <= rounding:
        return None
    return Breach(("excessReturn",), expected="rateOfReturn less benchmarkReturn")


@rule("XQ-R-195")
def check_allocation(allocation: list[Json]) -> Breach | None:
    """The classes of assets are all of the assets, each share rounded in its last digit."""
    shares: Sequence[str] = [each["percentage"] for each in allocation]
    if abs(sum(map(scaled, shares)) - HUNDRED) <= sum(map(_last_digit, shares)):
        return None
    return Breach(("allocation",), expected="100 as the sum of the percentages")


@rule("XQ-R-196")
def check_period_ends(as_of: str, returns: list[Json]) -> list[Breach] | None:
    """No period ends after the day that the report is of."""
    return [
        Breach(("returns", index, "periodEnd"), expected="not after asOf")
        for index, each in enumerate(returns)
        if each.get("periodEnd", "") > as_of
    ] or None


@rule("XQ-R-183")
def check_subject_named(instrument: Json | None = None, contract_no: str | None = None) -> Breach | None:
    """A report or disclosure says of which product or trust it is."""
    if instrument is None and contract_no is None:
        return Breach(("instrument",), expected="instrument or contractNo")
    return None


@rule("XQ-R-197")
def check_holding_account(account_no: str | None = None, fund_account: Json | None = None) -> Breach | None:
    """A statement of positions says of which account it is."""
    return Breach(expected="accountNo or fundAccount") if account_no is None and fund_account is None else None
