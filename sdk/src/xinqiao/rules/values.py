"""Rules on every value of a kind, wherever it stands: dates, times, currencies, countries, codes."""

from datetime import date
from functools import lru_cache

from xinqiao.rules.check_digits import isin_check_digit, social_credit_check_character
from xinqiao.rules.codes import codes
from xinqiao.rules.rule import value_rule

__all__: list[str] = []


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
