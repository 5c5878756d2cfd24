"""Amounts as people read them: with separators between the thousands, and their currency."""

from decimal import Decimal, InvalidOperation
from typing import Any

from xinqiao.finding import Text

__all__ = ["amount_text", "money_text", "same_money"]

_CURRENCIES = {"CNY": Text("元", "CNY")}


def amount_text(value: object) -> str:
    """Return a decimal string with separators, all its digits kept; what is no number as it is."""
    text = str(value)
    whole, point, fraction = text.partition(".")
    digits = whole.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal():
        return text
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(digits):,}{point}{fraction}"


def money_text(money: Any) -> Text:  # noqa: ANN401 -- as it came, perhaps no money at all
    """Return an amount of money with its currency."""
    if not isinstance(money, dict):
        return Text("", "")
    value, code = amount_text(money.get("value", "")), str(money.get("currency", ""))
    currency = _CURRENCIES.get(code, Text(code, code))
    return Text(f"{value} {currency.zh}".strip(), f"{value} {currency.en}".strip())


def same_money(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Say whether two amounts are equal, however many zeros they are written with."""
    try:
        values = [Decimal(each["value"]) for each in (one, other)]
        return values[0] == values[1] and one["currency"] == other["currency"]
    except (InvalidOperation, KeyError, TypeError, ValueError):
        return False
