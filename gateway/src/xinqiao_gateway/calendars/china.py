"""China time: days and instants. China has kept UTC+8 without summer time since 1991."""

from datetime import date, datetime, time, timedelta, timezone

__all__ = ["CHINA", "china_day", "instant"]

# Fixed, not from tzdata, which slim systems lack.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def china_day(at: float) -> date:
    """Return the day in China at an instant (Unix seconds)."""
    return datetime.fromtimestamp(at, CHINA).date()


def instant(day: date, by: time | None) -> float:
    """Return a time of a day in China as Unix seconds; None is the end of the day, 24:00."""
    if by is None:
        return datetime.combine(day, time(), CHINA).timestamp() + 86_400
    return datetime.combine(day, by, CHINA).timestamp()
