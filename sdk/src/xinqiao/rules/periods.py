"""Rules on the order of days, wherever a definition has both."""

from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-090")
def check_period(period_start: str, period_end: str) -> Breach | None:
    """A period does not end before it starts."""
    return Breach(("periodEnd",), expected="not before periodStart") if period_end < period_start else None


@rule("XQ-R-093")
def check_validity(valid_from: str, valid_until: str) -> Breach | None:
    """A document, a power, a decision does not cease to be valid before it is."""
    return Breach(("validUntil",), expected="not before validFrom") if valid_until < valid_from else None


@rule("XQ-R-094")
def check_term(start_date: str, end_date: str) -> Breach | None:
    """What has a term does not end before it starts."""
    return Breach(("endDate",), expected="not before startDate") if end_date < start_date else None
