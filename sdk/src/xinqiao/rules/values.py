"""Rules on every value of a kind or sign, wherever it stands: dates, times, texts, currencies, codes, amounts."""

from datetime import date
from functools import lru_cache

from xinqiao.expectation import unseen
from xinqiao.message import Json
from xinqiao.rules.check_digits import isin_check_digit, social_credit_check_character
from xinqiao.rules.codes import codes
from xinqiao.rules.exact import scaled
from xinqiao.rules.rule import Breach, code_rule, currency_rule, value_rule

__all__: list[str] = []


# Blanks that Python takes for printable.
_BLANKS = " \u115f\u1160\u2800\u3164\uffa0"


@value_rule("XQ-R-001")
def check_date(value: str) -> str | None:
    """The day is in the calendar: the schema lets 2026-02-30 pass."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return "a day of the calendar"
    return None


@value_rule("XQ-R-002")
def check_timestamp(value: str) -> str | None:
    """The day of the time is in the calendar, and its offset is one that a place may have."""
    if not value.endswith("Z") and value[-5:] > "14:00":
        return "an offset from -14:00 to +14:00"
    return check_date(value[:10])


@value_rule("XQ-R-003")
def check_currency(value: str) -> str | None:
    """The currency is in ISO 4217."""
    return None if value in codes("iso4217") else "a currency of ISO 4217"


@value_rule("XQ-R-004")
def check_country(value: str) -> str | None:
    """The country or region is in ISO 3166-1."""
    return None if value in codes("iso3166-1") else "a country or region of ISO 3166-1"


@value_rule("XQ-R-005")
@lru_cache(maxsize=4096)
def check_institution_code(value: str) -> str | None:
    """The check character of an institution's code is right; few institutions send many messages."""
    check = social_credit_check_character(value[:17])
    return None if value[17] == check else f"check character {check}"


@value_rule("XQ-R-006")
def check_isin(value: str) -> str | None:
    """The check digit of an ISIN is right."""
    check = isin_check_digit(value[:11])
    return None if value[11] == check else f"check digit {check}"


@value_rule("XQ-R-008")
def check_text(value: str) -> str | None:
    """Text says something, and nothing in it hides or turns the text around it."""
    # Most text is printable without a blank at its start: that costs one call in C.
    if value.isprintable() and value[0] not in _BLANKS:
        return None
    return unseen(value)


@code_rule("XQ-R-009")
def check_code(value: str, name: str) -> str | None:
    """A code is in its list. Lists grow in later versions, so one that is not is remarked on and not refused."""
    return None if value in codes(name) else f"a code of the list {name}"


@value_rule("XQ-R-050")
def check_positive(value: str) -> str | None:
    """What is agreed, delivered, ordered or paid is more than nothing."""
    return None if scaled(value) > 0 else "more than 0"


@value_rule("XQ-R-057")
def check_not_negative(value: str) -> str | None:
    """What is a balance, a value or a tolerance is nothing or more."""
    return None if scaled(value) >= 0 else "0 or more"


@currency_rule("XQ-R-053")
def check_one_currency(amounts: dict[str, Json]) -> list[Breach] | None:
    """The amounts of one part are in one currency."""
    first, *others = amounts
    return [
        Breach((name, "currency"), expected=f"the currency of {first}")
        for name in others
        if amounts[name]["currency"] != amounts[first]["currency"]
    ] or None
