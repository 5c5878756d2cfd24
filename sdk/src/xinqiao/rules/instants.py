"""The order of two times that each have their own offset."""

from datetime import datetime

__all__ = ["is_before"]


def is_before(first: str, second: str) -> bool:
    """Return whether a time is before another; no where a day is in no calendar, which XQ-R-002 says."""
    try:
        return datetime.fromisoformat(first) < datetime.fromisoformat(second)
    except ValueError:
        return False
