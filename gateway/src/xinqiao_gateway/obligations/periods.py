"""The business days that a periodic obligation is about, and when each is due."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from xinqiao_gateway.calendars import Calendar, instant
from xinqiao_gateway.obligations.terms import Every, Named, Rule

__all__ = ["business_day", "business_days", "due_at", "due_day"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def business_days(rule: Rule, calendar: Calendar, start: date, end: date) -> Iterator[date]:
    """Yield the business days of the periods, from ``start`` to ``end``; a period without an open day has none."""
    if isinstance(rule.every, Named):
        days = {calendar.shifted(each, rule.shift) for each in rule.every.on if start <= each <= end}
        yield from sorted(days)
    elif rule.every == "day":
        yield from calendar.open_days(start, end)
    elif rule.every is not None:
        day = start
        while day <= end:
            first, last = _period(rule.every, day)
            found = _last_open(calendar, first, last)
            if found is not None and start <= found <= end:
                yield found
            day = last + timedelta(days=1)


def business_day(rule: Rule, calendar: Calendar, day: date) -> date | None:
    """Return the business day that a message about ``day`` meets the obligation of, or None.

    A period is met by what speaks of its last open day or of a day after that in the period: a quarter that ends on a
    Sunday is reported under the Friday or the Sunday.
    """
    if isinstance(rule.every, Named):
        moved = {each: calendar.shifted(each, rule.shift) for each in rule.every.on}
        return moved.get(day) or (day if day in moved.values() else None)
    if rule.every == "day":
        return day if calendar.is_open(day) else None
    if rule.every is None:
        return None
    found = _last_open(calendar, *_period(rule.every, day))
    return found if found is not None and found <= day else None


def due_day(rule: Rule, calendar: Calendar, day: date) -> date:
    """Return the day that is ``plus`` after a business day; natural days are shifted to an open one."""
    if rule.plus.natural:
        return calendar.shifted(day + timedelta(days=rule.plus.days), rule.shift)
    return calendar.add(day, rule.plus.days) if rule.plus.days else calendar.shifted(day, rule.shift)


def due_at(rule: Rule, calendar: Calendar, day: date) -> float:
    """Return when an obligation about a business day is due (Unix seconds)."""
    return instant(due_day(rule, calendar, day), rule.by)


def _period(every: Every, day: date) -> tuple[date, date]:
    if every == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    length = _MONTHS[str(every)]
    start = (day.month - 1) // length * length + 1
    last = start + length - 1
    return date(day.year, start, 1), date(day.year, last, monthrange(day.year, last)[1])


def _last_open(calendar: Calendar, first: date, last: date) -> date | None:
    for back in range((last - first).days + 1):
        if calendar.is_open(last - timedelta(days=back)):
            return last - timedelta(days=back)
    return None
