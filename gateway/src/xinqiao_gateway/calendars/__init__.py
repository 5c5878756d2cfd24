"""Calendars: which days banks, exchanges and products are open, and dates counted on them.

Knows dates only; what has to happen on them is said by obligations and products.
"""

from xinqiao_gateway.calendars.calendar import Calendar, Calendars, Shift
from xinqiao_gateway.calendars.china import CHINA, china_day, instant
from xinqiao_gateway.calendars.period import DateTerm, PeriodDates, PeriodTerms
from xinqiao_gateway.calendars.reading import read_calendars
from xinqiao_gateway.calendars.years import Announced, ProductYear, Year

__all__ = [
    "CHINA",
    "Announced",
    "Calendar",
    "Calendars",
    "DateTerm",
    "PeriodDates",
    "PeriodTerms",
    "ProductYear",
    "Shift",
    "Year",
    "china_day",
    "instant",
    "read_calendars",
]
