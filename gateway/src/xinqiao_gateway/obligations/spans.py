"""Spans of time as terms write them: ``30m``, ``4h``, ``1d``, and days that are open (``2``) or natural (``30d``)."""

import re
from datetime import time
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

__all__ = ["By", "Duration", "Plus", "Span"]

_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NATURAL = re.compile(r"-?[0-9]{1,5}d")
_MOST_OPEN_DAYS = 400


class Span(NamedTuple):
    """A count of days, open or natural; negative: before."""

    days: int
    natural: bool


def _duration(value: Any) -> float:  # noqa: ANN401 -- any YAML, before it is checked
    found = _DURATION.fullmatch(str(value))
    if found is None:
        raise ValueError(f"{value!r} is no span of time; write 30m, 4h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def _span(value: Any) -> Span:  # noqa: ANN401 -- as above
    if isinstance(value, int) and abs(value) <= _MOST_OPEN_DAYS:
        return Span(value, natural=False)
    if isinstance(value, str) and _NATURAL.fullmatch(value):
        return Span(int(value[:-1]), natural=True)
    raise ValueError(f"{value!r} is no span of days; write 2 for two open days (up to 400) or 30d for natural days")


def _by(value: Any) -> time | None:  # noqa: ANN401 -- as above
    found = _CLOCK.fullmatch(str(value))
    if found is None and value != "24:00":
        raise ValueError(f'{value!r} is no time of day; write it in quotes, such as "18:00" (China time)')
    return time(int(found[1]), int(found[2])) if found else None


# Seconds.
Duration = Annotated[float, BeforeValidator(_duration)]
Plus = Annotated[Span, BeforeValidator(_span)]
# China time; None is 24:00.
By = Annotated[time | None, BeforeValidator(_by)]
