"""The three calendars: bank, exchange and product; what is open, and counting on open days.

On a make-up Saturday (调休) banks are open and exchanges closed. A year that nobody announced never stops a caller:
its weekdays count as open, and the pair of calendar and year is noted in ``Calendars.unknown``, for an alarm.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

from xinqiao_gateway.calendars.years import Announced, ProductCalendar

__all__ = ["Calendar", "Calendars", "Shift"]

Shift = Literal["none", "following", "modified_following", "preceding"]
_DAY = timedelta(days=1)


class Calendar:
    """One calendar. ``opens`` says whether a day is open, None where its year is not known."""

    def __init__(
        self, name: str, opens: Callable[[date], bool | None], fallback: Callable[[date], bool], unknown: set[int]
    ) -> None:
        self.name = name
        self.unknown = unknown
        self._opens = opens
        self._fallback = fallback

    def knows(self, year: int) -> bool:
        """Say whether the year's days are known."""
        return self._opens(date(year, 1, 1)) is not None

    def is_open(self, day: date) -> bool:
        """Say whether a day is open; in a year that is not known by the fallback, and the year is noted."""
        known = self._opens(day)
        if known is None:
            self.unknown.add(day.year)
            return self._fallback(day)
        return known

    def open_days(self, start: date, end: date) -> Iterator[date]:
        """Yield the open days from ``start`` to ``end``, both included."""
        for offset in range((end - start).days + 1):
            day = start + timedelta(days=offset)
            if self.is_open(day):
                yield day

    def next_open(self, day: date, n: int = 1) -> date:
        """Return the n-th open day after a day; before it where ``n`` is negative; the day itself for 0."""
        step = _DAY if n > 0 else -_DAY
        for _ in range(abs(n)):
            day += step
            while not self.is_open(day):
                day += step
        return day

    def add(self, day: date, n: int) -> date:
        """Return T+N: ``n`` open days after a day, which counts as the next open one where it is closed.

        For a negative ``n`` the days before it are counted as they are: a Sunday less one is the Friday.
        """
        return self.next_open(self.shifted(day, "following") if n >= 0 else day, n)

    def shifted(self, day: date, shift: Shift) -> date:
        """Return a day moved to an open one by a date-shift rule.

        ``modified_following`` goes forward unless that leaves the month, and then back.
        """
        if shift == "none" or self.is_open(day):
            return day
        if shift == "preceding":
            return self.next_open(day, -1)
        after = self.next_open(day, 1)
        return self.next_open(day, -1) if shift == "modified_following" and after.month != day.month else after


class Calendars:
    """All calendars of an installation: ``bank``, ``exchange`` and the products' by their names."""

    def __init__(
        self, announced: Announced | None = None, products: Mapping[str, ProductCalendar] | None = None
    ) -> None:
        self._announced = announced or Announced()
        self._calendars = {
            "bank": Calendar("bank", self._bank, _weekday, set()),
            "exchange": Calendar("exchange", self._exchange, _weekday, set()),
        }
        for name, product in (products or {}).items():
            base = self._calendars[product.base]
            self._calendars[name] = Calendar(name, _opens(product, base), _falls_back(product, base), set())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all calendars."""
        return tuple(self._calendars)

    def __getitem__(self, name: str) -> Calendar:
        return self._calendars[name]

    @property
    def unknown(self) -> list[tuple[str, int]]:
        """Which years were asked of calendars that do not know them."""
        return sorted((each.name, year) for each in self._calendars.values() for year in each.unknown.copy())

    def _bank(self, day: date) -> bool | None:
        kind = self._announced.kind(day)
        return None if kind is None else kind == "workday" or (kind == "plain" and _weekday(day))

    def _exchange(self, day: date) -> bool | None:
        kind = self._announced.kind(day)
        return None if kind is None else kind != "holiday" and _weekday(day)


def _weekday(day: date) -> bool:
    return day.weekday() < 5


def _opens(product: ProductCalendar, base: Calendar) -> Callable[[date], bool | None]:
    def opens(day: date) -> bool | None:
        year = product.years.get(day.year)
        if year is None:
            return None
        if year.open is not None:
            return day in year.open
        return base.is_open(day) and day not in year.closed if base.knows(day.year) else None

    return opens


def _falls_back(product: ProductCalendar, base: Calendar) -> Callable[[date], bool]:
    """Return what holds in a year that is not known: the base's own fallback, less the days that are closed."""

    def opens(day: date) -> bool:
        year = product.years.get(day.year)
        return base.is_open(day) and (year is None or day not in year.closed)

    return opens
