"""Reading of ``DATA/calendars/*.yaml``, with errors that name file and line and say what to write instead."""

from collections.abc import Iterator
from pathlib import Path

from xinqiao.errors import SettingsInvalid
from xinqiao_adapters.marked import read_marked, validated
from xinqiao_adapters.problems import Problems
from xinqiao_gateway.calendars.calendar import Calendars
from xinqiao_gateway.calendars.years import Announced, CalendarFile, ProductCalendar, Year

__all__ = ["read_calendars"]


def read_calendars(data: Path) -> Calendars:
    """Read the calendars of an installation folder; without files there are the bank's and the exchange's.

    Raises ``SettingsInvalid`` with file and line of every problem, also where two files name the same year or
    calendar.
    """
    years: dict[int, Year] = {}
    products: dict[str, ProductCalendar] = {}
    problems = Problems(SettingsInvalid)
    for path in sorted((data / "calendars").glob("*.yaml")):
        problems.attempt(_read, path, years, products, problems)
    problems.check()
    return Calendars(Announced(years), products)


def _read(path: Path, years: dict[int, Year], products: dict[str, ProductCalendar], problems: Problems) -> None:
    marked = read_marked(path)
    found = validated(marked, CalendarFile)
    for year, days in found.years.items():
        for said in _doubts(year, days, years):
            problems.note(f"{marked.mark(('years', str(year)))}: {said}")
    for name in found.products:
        if name in products or name in {"bank", "exchange"}:
            problems.note(f"{marked.mark(('products', name))}: {name} is there already; give it another name")
    years |= found.years
    products |= found.products


def _doubts(year: int, days: Year, known: dict[int, Year]) -> Iterator[str]:
    if year in known:
        yield f"{year} is in another file already; name each year once"
    other = sorted(day for day in days.holidays | days.workdays if day.year != year)
    if other:
        yield f"{other[0]} is not in {year}; put it under its own year"
    both = sorted(days.holidays & days.workdays)
    if both:
        yield f"{both[0]} is a holiday and a workday; leave it in one of them"
