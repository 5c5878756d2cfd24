"""What is announced for a year: holidays and make-up working days (调休), and a product's own days.

The State Council announces a year in the autumn before it. The ``chinesecalendar`` package holds the years up to its
release; an installation names later ones, or corrects one, in ``DATA/calendars/*.yaml``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import chinese_calendar  # type: ignore[import-untyped]
from pydantic import BaseModel, BeforeValidator

__all__ = ["Announced", "CalendarFile", "ProductCalendar", "ProductYear", "Year"]

Kind = Literal["holiday", "workday", "plain"]
_SHIPPED = range(
    min(chinese_calendar.holidays).year,
    max(chinese_calendar.holidays).year + 1,
)
_LONGEST_RANGE = 366


def _spread(value: Any) -> Any:  # noqa: ANN401 -- any YAML, before it is checked
    """Spread ``2027-02-05..2027-02-11`` to its days."""
    if not isinstance(value, list):
        raise ValueError('write a list of days, such as ["2027-01-01", "2027-02-05..2027-02-11"]')  # noqa: TRY004 -- pydantic reads it
    return [day for each in value for day in _days(each)]


def _days(text: Any) -> list[date]:  # noqa: ANN401 -- as above
    first, _, last = str(text).partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(f"{text!r} is no day; write 2027-02-05 or 2027-02-05..2027-02-11") from None
    if not 0 <= (end - start).days < _LONGEST_RANGE:
        raise ValueError(f"{text!r} runs backwards or over a year; write the earlier day first")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


Days = Annotated[frozenset[date], BeforeValidator(_spread)]


class Year(BaseModel, extra="forbid", frozen=True):
    """A year as announced: ``holidays`` (weekends in them may be named or not) and ``workdays`` (调休)."""

    holidays: Days = frozenset()
    workdays: Days = frozenset()


class ProductYear(BaseModel, extra="forbid", frozen=True):
    """A product's year: the only days that it is open on, or days that its base calendar is open on and it is not."""

    open: Days | None = None
    closed: Days = frozenset()


class ProductCalendar(BaseModel, extra="forbid", frozen=True):
    """A named calendar of products: ``base`` is what its days are taken from, and holds in a year not named."""

    base: Literal["bank", "exchange"] = "exchange"
    years: dict[int, ProductYear]


class CalendarFile(BaseModel, extra="forbid", frozen=True):
    """One file of ``DATA/calendars``."""

    years: dict[int, Year] = {}
    products: dict[str, ProductCalendar] = {}


@dataclass(frozen=True)
class Announced:
    """The announced years: those given here before those of the package."""

    years: Mapping[int, Year] = field(default_factory=dict)

    def kind(self, day: date) -> Kind | None:
        """Return what is announced for a day, None where its year is not known."""
        own = self.years.get(day.year)
        if own is not None:
            return "workday" if day in own.workdays else "holiday" if day in own.holidays else "plain"
        if day.year not in _SHIPPED:
            return None
        if day in chinese_calendar.workdays:
            return "workday"
        return "holiday" if day in chinese_calendar.holidays else "plain"
