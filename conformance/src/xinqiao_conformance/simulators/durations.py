"""ISO 8601 durations of days, hours, minutes and seconds: ``P1D``, ``PT90S``, ``P1DT12H``."""

import re
from datetime import timedelta

__all__ = ["duration"]

_FORM = re.compile(r"P(?:([0-9]{1,4})D)?(?:T(?=[0-9])(?:([0-9]{1,4})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,7})S)?)?")


def duration(text: str) -> timedelta:
    """Read a duration. Raises ``ValueError`` for what is none."""
    found = _FORM.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration; write PT90S, PT5M, PT2H, P1D or P1DT12H")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
