"""Which days exchanges are open, and dates counted on them: the cut-off, T+n. Days are those of China.

Holidays are data, ``calendar.yaml``: what the State Council announced for each year. On a make-up Saturday (调休)
people work and exchanges stay closed. What nobody has announced nobody knows: a day of another year is refused.
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
    """Holidays of the years that are known, and the time until which orders are of the day.

    What asks about a day of another year raises ``ValueError``.
    """

    years: frozenset[int]
    holidays: frozenset[date]
    cut_off: time = time(15)

    def is_trading_day(self, day: date) -> bool:
        """Say whether exchanges are open."""
        if day.year not in self.years:
            known = f"{min(self.years)} to {max(self.years)}"
            raise ValueError(
                f"{day} may be a holiday: calendar.yaml has what was announced for {known}; add {day.year} to it"
            )
        return day.weekday() < 5 and day not in self.holidays

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


@cache
def trading_calendar() -> TradingCalendar:
    """Return the calendar of ``calendar.yaml``."""
    about: dict[str, Any] = yaml.safe_load((files(__package__) / "calendar.yaml").read_text(encoding="utf-8"))
    years: dict[int, list[str]] = about["holidays"]
    holidays = frozenset(day for year, written in years.items() for day in _days(year, written))
    return TradingCalendar(frozenset(years), holidays, time.fromisoformat(about["cut_off"]))


def _days(year: int, written: Iterable[str]) -> Iterable[date]:
    for each in written:
        first, _, last = each.partition("..")
        day, until = date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last or first}")
        while day <= until:
            yield day
            day += _DAY
