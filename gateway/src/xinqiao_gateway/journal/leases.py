"""Leases: who is on a delivery, until when.

Everything here runs inside the writer's transaction, of which there is one at a time (SQLite: BEGIN IMMEDIATE;
PostgreSQL: an advisory lock), so that no row need be locked or skipped. Times are Unix seconds, ``now`` the caller's.
A search costs a bounded number of rows, however long the queue, and however long the lanes in it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update

from xinqiao.errors import ContentGone, InternalError, KeyUnusable
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Due, Settlement
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.lanes import BEHIND, IS_KEPT_BACK
from xinqiao_gateway.journal.outgoing_tables import outgoing_files
from xinqiao_gateway.journal.reading import Reading

__all__ = [
    "Leased",
    "give_back",
    "hasten",
    "last_outcomes",
    "lease_due",
    "next_due_at",
    "read",
    "release_leases",
    "return_lost",
    "take_back",
]

# Rows that one search visits for each rank. Those it passes over step out of the schedule; the next goes on there.
_MOST_VISITED = 512
_RANKS = (0, 1)
# Seconds: the longest lease that the settings allow to any node.
_LONGEST_LEASE = 3600.0

_d, _a = tables.deliveries.c, tables.attempts.c

_SEARCH = (
    select(_d.delivery_id, _d.created_at, _d.attempts, IS_KEPT_BACK.label("kept_back"))
    .where(
        _d.channel == bindparam("of_channel"),
        _d.state == "pending",
        _d.rank == bindparam("of_rank"),
        _d.due_at <= bindparam("at"),
    )
    .order_by(_d.due_at, _d.position)
    .limit(bindparam("window"))
)
_STEP_OUT = update(tables.deliveries).where(_d.delivery_id.in_(bindparam("ids", expanding=True))).values(due_at=BEHIND)
_LEASE = (
    update(tables.deliveries)
    .where(_d.delivery_id.in_(bindparam("ids", expanding=True)))
    .values(state="leased", lease=bindparam("holder"), leased_until=bindparam("end"))
)
_LAST_OUTCOMES = select(_a.delivery_id, _a.outcome).where(
    _a.attempt_id.in_(
        select(func.max(_a.attempt_id))
        .where(_a.delivery_id.in_(bindparam("ids", expanding=True)))
        .group_by(_a.delivery_id)
    )
)


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery just leased; ``since`` is when it came to be, ``unknown``: whether what was sent before arrived."""

    delivery_id: int
    since: float
    unknown: bool


def lease_due(
    connection: Connection,
    channel: str,
    limit: int,
    seconds: float,
    *,
    now: float,
    lease: str,
    busy: Collection[int] = (),
    longest: float = float("inf"),
) -> list[Leased]:
    """Lease up to ``limit`` due deliveries of a channel for some seconds, at most one of each lane, directives first.

    ``lease`` begins with its holder, up to a colon. A lease that has run out is taken back before. ``busy``: what the
    holder is on; a lease on these does not run out. A due time that is more than ``longest`` seconds ahead comes from a
    clock that jumped, and counts as due.
    """
    take_back(connection, channel, now, busy)
    if longest < BEHIND:
        hasten(connection, channel, now, beyond=longest)
    found: list[Any] = []
    for rank in _RANKS:
        found += _lease_rank(connection, channel, rank, limit - len(found), now, lease, now + seconds)
    last = last_outcomes(connection, [row.delivery_id for row in found if row.attempts])
    return [Leased(row.delivery_id, row.created_at, last.get(row.delivery_id) == "unknown") for row in found]


def last_outcomes(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, str]:
    """Return what the last attempt of each delivery came to; one that had none is not among them."""
    if not delivery_ids:
        return {}
    rows = connection.execute(_LAST_OUTCOMES, {"ids": list(delivery_ids)})
    return {row.delivery_id: row.outcome for row in rows}


def _lease_rank(
    connection: Connection, channel: str, rank: int, limit: int, now: float, lease: str, end: float
) -> Sequence[Any]:
    found: list[Any] = []
    visited, window = 0, 2 * limit
    while len(found) < limit and visited < _MOST_VISITED:
        searched = {"of_channel": channel, "of_rank": rank, "at": now, "window": window}
        rows = connection.execute(_SEARCH, searched).all()
        kept_back = [row.delivery_id for row in rows if row.kept_back]
        if kept_back:
            connection.execute(_STEP_OUT, {"ids": kept_back})
        free = [row for row in rows if not row.kept_back][: limit - len(found)]
        if free:
            leased = {"ids": [row.delivery_id for row in free], "holder": lease, "end": end}
            connection.execute(_LEASE, leased)
            found += free
        if len(rows) < window:
            break
        visited, window = visited + window, min(2 * window, _MOST_VISITED - visited - window)
    return found


def next_due_at(connection: Connection, channel: str) -> float | None:
    """Return when the channel's next delivery becomes due, past or future, or None where none will by itself.

    What is kept back in its lane waits for a settlement, which tells.
    """
    first = [
        select(_d.due_at)
        .where(_d.channel == channel, _d.state == "pending", _d.rank == rank, _d.due_at < BEHIND)
        .order_by(_d.due_at)
        .limit(1)
        .scalar_subquery()
        for rank in _RANKS
    ]
    times = [at for at in connection.execute(select(*first)).one() if at is not None]
    return min(times, default=None)


def hasten(connection: Connection, channel: str, now: float, *, beyond: float = 0.0) -> None:
    """Make due what is to wait for more than ``beyond`` seconds, after a clock has been set back."""
    for rank in _RANKS:
        of_rank = and_(_d.channel == channel, _d.state == "pending", _d.rank == rank)
        later = and_(of_rank, _d.due_at > now + beyond, _d.due_at < BEHIND)
        connection.execute(update(tables.deliveries).where(later).values(due_at=now))


def take_back(connection: Connection, channel: str, now: float, busy: Collection[int] = ()) -> None:
    """Take back leases that have run out, of any node.

    Twice the longest length ahead, one ends by a clock that was set back since; nodes may have leases of other lengths.
    """
    over = or_(_d.leased_until < now, _d.leased_until > now + 2 * _LONGEST_LEASE)
    of_others = _d.delivery_id.not_in(list(busy))
    run_out = and_(_d.channel == channel, _d.state == "leased", over, of_others)
    _make_pending(connection, run_out, "its lease ran out", now)


def release_leases(connection: Connection, now: float) -> None:
    """Take back every lease; for a journal that this process alone works on, at its start.

    What stands in a file that was written down stays with it: that lease has no end, and the file is nobody's.
    """
    to_a_time = and_(_d.state == "leased", _d.leased_until.is_not(None))
    _make_pending(connection, to_a_time, "the gateway ended before there was an answer", now)
    connection.execute(update(outgoing_files).values(lease=None, leased_until=None))


def _make_pending(connection: Connection, condition: ColumnElement[bool], said: str, now: float) -> None:
    """Take back leases whose holder is gone: it may have sent, so that the outcome is unknown."""
    ids = connection.execute(select(_d.delivery_id).where(condition)).scalars().all()
    if not ids:
        return
    at = written(now)
    rows = [
        {"delivery_id": each, "at": at, "outcome": "unknown", "reason": InternalError.reason, "detail": said}
        for each in ids
    ]
    connection.execute(insert(tables.attempts), rows)
    returned = update(tables.deliveries).where(condition)
    connection.execute(
        returned.values(state="pending", lease=None, leased_until=None, attempts=_d.attempts + 1, changed_at=at)
    )


def give_back(connection: Connection, delivery_ids: Collection[int], lease: str) -> None:
    """Give back leases of a holder under which nothing was sent."""
    _return(connection, and_(_d.delivery_id.in_(list(delivery_ids)), _of_holder(lease)))


def return_lost(connection: Connection, channel: str, lease: str, handed: Collection[int]) -> set[int]:
    """Return leases that were committed and whose holder never heard of it: nothing was sent under them.

    ``handed`` is what the holder has heard of and not settled, which may have been sent. Those of it that are leased
    to it still are returned.
    """
    of_it = and_(_d.channel == channel, _d.state == "leased", _of_holder(lease))
    own = set(connection.execute(select(_d.delivery_id).where(of_it)).scalars())
    if lost := own.difference(handed):
        _return(connection, _d.delivery_id.in_(lost))
    return own.intersection(handed)


def _of_holder(lease: str) -> ColumnElement[bool]:
    return _d.lease.startswith(lease.partition(":")[0] + ":", autoescape=True)


def _return(connection: Connection, condition: ColumnElement[bool]) -> None:
    returned = update(tables.deliveries).where(condition, _d.state == "leased")
    connection.execute(returned.values(state="pending", lease=None, leased_until=None))


def read(reading: Reading, leased: Sequence[Leased], lease: str) -> tuple[list[Due], list[Settlement]]:
    """Return what was leased with its messages, and the settlements of what cannot be read any more."""
    by_id = {each.delivery_id: each for each in leased}
    unreadable: list[Settlement] = []
    try:
        found = reading.due(list(by_id))
    except (KeyUnusable, ContentGone):  # one of them; the others are none the worse
        found = [due for each in by_id for due in _readable(reading, each, lease, unreadable)]
    due = [
        replace(each, lease=lease, since=by_id[each.delivery_id].since, unknown=by_id[each.delivery_id].unknown)
        for each in found
    ]
    return due, unreadable


def _readable(reading: Reading, delivery_id: int, lease: str, unreadable: list[Settlement]) -> list[Due]:
    try:
        return reading.due([delivery_id])
    except (KeyUnusable, ContentGone) as error:
        unreadable.append(Settlement(delivery_id, "dead", "refused", error.reason, error.detail, lease=lease))
        return []
