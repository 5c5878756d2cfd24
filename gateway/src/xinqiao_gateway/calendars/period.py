"""The four dates of a period: calculation 计算日, transfer 转付日, report 报告日, payment 兑付日.

Each is a term of the contract: counted from the end of the period or from another of the four, on its own calendar,
and shifted by its own rule. A bank moves money on a make-up Saturday, an exchange settles nothing on it.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from xinqiao_gateway.calendars.calendar import Calendars, Shift

__all__ = ["DateTerm", "PeriodDates", "PeriodTerms"]

Base = Literal["end", "calculation", "transfer", "report", "payment"]


class DateTerm(BaseModel, extra="forbid", frozen=True):
    """One date: ``day`` of the month ``months`` later, or ``plus`` open days, or ``days`` natural days, from ``of``."""

    of: Base = "end"
    months: int = Field(0, ge=0, le=120)
    day: int | None = Field(None, ge=1, le=31)
    plus: int = Field(0, ge=-60, le=60)
    days: int = Field(0, ge=-400, le=400)
    calendar: str = "bank"
    shift: Shift = "following"

    def date(self, of: date, calendars: Calendars) -> date:
        """Return the date; day 31 is the last one in a shorter month."""
        calendar = calendars[self.calendar]
        moved = _in_month(of, self.months, self.day) + timedelta(days=self.days)
        return calendar.add(moved, self.plus) if self.plus else calendar.shifted(moved, self.shift)


@dataclass(frozen=True, slots=True)
class PeriodDates:
    """The four dates."""

    calculation: date
    transfer: date
    report: date
    payment: date


class PeriodTerms(BaseModel, extra="forbid", frozen=True):
    """The terms of the four dates."""

    calculation: DateTerm = DateTerm(shift="none")
    transfer: DateTerm
    report: DateTerm
    payment: DateTerm

    @model_validator(mode="after")
    def _not_in_a_circle(self) -> Self:
        for name in ("calculation", "transfer", "report", "payment"):
            base: Base = name
            for _ in range(5):
                base = "end" if base == "end" else self._term(base).of
            if base != "end":
                raise ValueError(f"{name} is counted from itself; count one of the dates from end")
        return self

    def dates(self, end: date, calendars: Calendars) -> PeriodDates:
        """Return the four dates of the period that ends on a day."""
        return PeriodDates(
            self._date("calculation", end, calendars),
            self._date("transfer", end, calendars),
            self._date("report", end, calendars),
            self._date("payment", end, calendars),
        )

    def _date(self, name: Base, end: date, calendars: Calendars) -> date:
        if name == "end":
            return end
        term = self._term(name)
        return term.date(self._date(term.of, end, calendars), calendars)

    def _term(self, name: Base) -> DateTerm:
        term: DateTerm = getattr(self, name)
        return term


def _in_month(day: date, months: int, wanted: int | None) -> date:
    if not months and wanted is None:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(wanted or day.day, monthrange(year, month + 1)[1]))
