"""When messages are gathered into files: every so many seconds, or at times of the day on open days. Pure."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from xinqiao_adapters.docking.push import OutgoingFiles
from xinqiao_gateway.calendars import Calendars, china_day, instant

__all__ = ["GatheringTimes"]

# The longest holiday with its weekends is far shorter.
_MOST_DAYS = 60
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GatheringTimes:
    """The times of one channel (Unix seconds); a message goes at the first of them that is not before it came.

    ``calendars`` returns those that hold now.
    """

    files: OutgoingFiles
    calendars: Callable[[], Calendars]

    def last(self, now: float) -> float | None:
        """Return the last of them that is over; now where there are none; None where there was none for long."""
        if self.files.every is not None:
            return math.floor(now / self.files.every) * float(self.files.every)
        if self.files.at is None:
            return now
        return next((each for each in self._times(china_day(now), -1) if each <= now), None)

    def next(self, now: float) -> float | None:
        """Return the next of them; None where what comes goes at once, or none is in sight."""
        if self.files.every is not None:
            return (math.floor(now / self.files.every) + 1) * float(self.files.every)
        if self.files.at is None:
            return None
        return next((each for each in self._times(china_day(now), 1) if each > now), None)

    def _times(self, day: date, step: int) -> Iterator[float]:
        """Yield the times of a day and of those after it, or before it, in that direction."""
        for _ in range(_MOST_DAYS):
            if self.files.calendar is None or self.calendars()[self.files.calendar].is_open(day):
                yield from (instant(day, each) for each in self.files.times[::step])
            day += step * _DAY
