"""Which days are open, and dates counted on them: business days, holidays, cut-offs, T+n. Days are those of China.

Holidays are data, ``calendar.yaml``: what the State Council announced for each year. On a make-up Saturday (调休) banks
are open and exchanges closed. In a year that is not there weekdays count as open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["CHINA", "TradingCalendar", "trading_calendar"]

# Fixed, not from tzdata, which slim systems lack.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """Holidays and make-up working days of the years that are known, and the time until which orders are of the day."""

    holidays: frozenset[date]
    workdays: frozenset[date]
    cut_off: time = time(15)

    def is_trading_day(self, day: date) -> bool:
        """Say whether exchanges are open."""
        return day.weekday() < 5 and day not in self.holidays

    def is_bank_day(self, day: date) -> bool:
        """Say whether banks are open: also on a make-up Saturday or Sunday."""
        return day in self.workdays or self.is_trading_day(day)

    def add(self, day: date, n: int) -> date:
        """Return T+n, ``n`` from 0: trading days after a day, which counts as the next one where it is none."""
        if n < 0:
            raise ValueError(f"T{n}: days are counted forward")
        while not self.is_trading_day(day):
            day += _DAY
        for _ in range(n):
            day += _DAY
            while not self.is_trading_day(day):
                day += _DAY
        return day

    def trade_day(self, at: datetime) -> date:
        """Return the day that an order at an instant is of: its own until the cut-off, then the next trading day."""
        here = at.astimezone(CHINA)
        late = here.time() >= self.cut_off
        return self.add(here.date() + (_DAY if late else timedelta()), 0)

    def cut_off_of(self, day: date) -> datetime:
        """Return the instant of a day's cut-off."""
        return datetime.combine(day, self.cut_off, CHINA)


@cache
def trading_calendar() -> TradingCalendar:
    """Return the calendar of ``calendar.yaml``."""
    about: dict[str, Any] = yaml.safe_load((files(__package__) / "calendar.yaml").read_text(encoding="utf-8"))
    years = about["years"].items()
    holidays = frozenset(day for year, days in years for day in _days(year, days["holidays"]))
    workdays = frozenset(day for year, days in years for day in _days(year, days["workdays"]))
    return TradingCalendar(holidays, workdays, time.fromisoformat(about["cut_off"]))


def _days(year: int, written: Iterable[str]) -> Iterable[date]:
    for each in written:
        first, _, last = each.partition("..")
        day, until = date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last or first}")
        while day <= until:
            yield day
            day += _DAY
