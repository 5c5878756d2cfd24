"""Kept files of batches whose time is over: their keys are destroyed, and nobody can read them any more.

What is left are the counts; messages have keys of their own, and the evidence stays whole. Functions of the writer's
transaction. The bytes on the disk are removed by whoever keeps them (``erased_scopes``).
"""

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.file_tables import files
from xinqiao_gateway.journal.instants import written

__all__ = ["count_kept_files", "forget_files"]

_f, _k = files.c, tables.data_keys.c


def count_kept_files(connection: Connection, before: float) -> int:
    """Return how many batches that ended before a time (Unix seconds) can still be read."""
    query = select(func.count()).select_from(files.join(tables.data_keys, _k.scope == _f.scope))
    return int(connection.execute(query.where(_over(before))).scalar_one())


def forget_files(connection: Connection, before: float, limit: int, now: float) -> int:
    """Destroy the keys of batches that ended before a time, at most so many; return how many."""
    query = select(_f.scope).join(tables.data_keys, _k.scope == _f.scope).where(_over(before)).limit(limit)
    scopes = list(connection.execute(query).scalars())
    if scopes:
        connection.execute(update(tables.data_keys).where(_k.scope.in_(scopes)).values(wrapped=b""))
        rows = [{"scope": each, "erased_at": written(now), "reason": "retention"} for each in scopes]
        connection.execute(insert(tables.erasures), rows)
    return len(scopes)


def _over(before: float) -> ColumnElement[bool]:
    return and_(_f.state != "open", _f.finished_at < written(before), _k.wrapped != b"")
