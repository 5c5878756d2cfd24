"""Exceptions that are about no message: of an input that came and could not become one.

What a message raises is raised in its own commit (``batch.py``), what does not come in ``obligations.py``.
"""

from sqlalchemy import Connection, case, func, insert, select, update

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.instants import written

__all__ = ["raise_once", "resolve_raised"]

_x = tables.exceptions.c

# Whoever may send what cannot be taken may do so without end; people read so many of a kind from a channel at the most.
_MOST_OPEN = 200


def raise_once(connection: Connection, *, channel: str, kind: str, detail: str, now: float) -> bool:
    """Raise an exception of a channel; say whether that was done.

    It is not done where the same one is not resolved yet, or 200 of the channel's of this kind are not. ``detail``
    holds ids, reasons and counts, never personal data.
    """
    alike = (_x.channel == channel, _x.kind == kind, _x.state != "resolved")
    same = func.coalesce(func.sum(case((_x.detail == detail, 1), else_=0)), 0)
    known, number = connection.execute(select(same, func.count()).where(*alike)).one()
    if known or number >= _MOST_OPEN:
        return False
    values = {"channel": channel, "kind": kind, "detail": detail, "expected": "", "state": "open"}
    connection.execute(insert(tables.exceptions).values(**values, raised_at=written(now)))
    return True


def resolve_raised(connection: Connection, *, channel: str, kind: str, about: str, now: float) -> None:
    """Resolve exceptions whose cause is over by itself: those whose detail begins with ``about``."""
    begins = _x.detail.startswith(about, autoescape=True)
    same = (_x.channel == channel, _x.kind == kind, begins, _x.state == "open")
    values = {"state": "resolved", "resolution": "ended", "resolved_at": written(now)}
    connection.execute(update(tables.exceptions).where(*same).values(values))
