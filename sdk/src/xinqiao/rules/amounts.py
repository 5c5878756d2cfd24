"""Arithmetic on amounts that the rules of several families share."""

from collections.abc import Iterable

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, decimals, scaled
from xinqiao.rules.pages import is_part

__all__ = ["balances", "in_units", "is_percentage_of", "makes_up"]


def in_units(amount: Json | None) -> int:
    """Return an amount in units of 10⁻⁸; one that is absent is nothing."""
    return 0 if amount is None else scaled(amount["value"])


def balances(left: Iterable[Json], right: Iterable[Json]) -> bool:
    """Return whether the amounts on two sides are in one currency and come to the same."""
    one, other = list(left), list(right)
    currencies = {each["currency"] for each in (*one, *other)}
    return len(currencies) <= 1 and sum(map(in_units, one)) == sum(map(in_units, other))


def makes_up(total: Json, amounts: Iterable[Json], page: Json | None = None) -> bool:
    """Return whether amounts are in the currency of a total and add up to it; those of one page may be less."""
    found = list(amounts)
    if any(each["currency"] != total["currency"] for each in found):
        return False
    rest = scaled(total["value"]) - sum(scaled(each["value"]) for each in found)
    return rest == 0 or (rest > 0 and is_part(page))


def is_percentage_of(percentage: str, part: Json, whole: Json) -> bool:
    """Return whether a part is that percentage of a whole, within its last digit; other currencies are not compared."""
    if part["currency"] != whole["currency"]:
        return True
    of = scaled(whole["value"])
    difference: int = abs(scaled(percentage) * of - HUNDRED * scaled(part["value"]))
    rounding: int = of * 10 ** (8 - decimals(percentage))
    return difference <= rounding
