"""Instants as the journal keeps them: text of one length, which sorts as the time does."""

from datetime import UTC, datetime

from xinqiao.message import timestamp

__all__ = ["written"]


def written(at: float) -> str:
    """Return an instant (Unix seconds, of the journal's own clock) as the standard writes it."""
    return timestamp(datetime.fromtimestamp(at, UTC))
