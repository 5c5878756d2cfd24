"""Gathering: which due deliveries of a channel may stand in one file, each lane's in their order.

It finds and takes nothing: whoever writes a file down says, in that commit, that they are due still (``outgoing``).
Functions of the writer's transaction; each visits a bounded number of rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select, tuple_, update

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.lanes import BEHIND, IS_KEPT_BACK
from xinqiao_gateway.journal.leases import last_outcomes

__all__ = ["Found", "Place", "followers", "heads"]

# Rows that one call visits.
_WINDOW = 1000
_UNFINISHED = ("pending", "leased", "dead", "held")

_d = tables.deliveries.c

_SEARCH = (
    select(_d.delivery_id, _d.lane, _d.position, _d.due_at, _d.attempts, IS_KEPT_BACK.label("kept_back"))
    .where(
        _d.channel == bindparam("of_channel"),
        _d.state == "pending",
        _d.rank == bindparam("of_rank"),
        _d.due_at <= bindparam("at"),
        tuple_(_d.due_at, _d.position) > tuple_(bindparam("last_at"), bindparam("last_position")),
    )
    .order_by(_d.due_at, _d.position)
    .limit(_WINDOW)
)
_STEP_OUT = update(tables.deliveries).where(_d.delivery_id.in_(bindparam("ids", expanding=True))).values(due_at=BEHIND)
_IN_LANES = (
    select(_d.delivery_id, _d.lane, _d.position, _d.state, _d.created_at, _d.attempts)
    .where(
        _d.channel == bindparam("of_channel"),
        _d.lane.in_(bindparam("lanes", expanding=True)),
        _d.state.in_(_UNFINISHED),
    )
    .order_by(_d.lane, _d.position)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery that may go out; ``unknown``: nobody knows whether what was sent before has arrived."""

    delivery_id: int
    lane: str
    position: int
    unknown: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search goes on: directives (rank 0) first, then by due time and position."""

    rank: int = 0
    due_at: float = -1.0
    position: int = 0


def heads(connection: Connection, channel: str, *, at: float, after: Place) -> tuple[list[Found], Place | None]:
    """Return the first of each lane that is due at a time, and where to go on; None where all were seen."""
    searched = {"of_channel": channel, "of_rank": after.rank, "at": at}
    begin = {"last_at": after.due_at, "last_position": after.position}
    rows = connection.execute(_SEARCH, searched | begin).all()
    kept_back = [row.delivery_id for row in rows if row.kept_back]
    if kept_back:
        connection.execute(_STEP_OUT, {"ids": kept_back})
    found = _known(connection, [row for row in rows if not row.kept_back])
    if len(rows) == _WINDOW:
        return found, Place(after.rank, rows[-1].due_at, rows[-1].position)
    return found, Place(rank=1) if after.rank == 0 else None


def followers(connection: Connection, channel: str, lanes: Sequence[str], *, at: float, limit: int) -> list[Found]:
    """Return what is pending at the beginning of each lane, its first included, as far as it came before a time."""
    searched = {"of_channel": channel, "lanes": list(lanes), "most": limit}
    rows = connection.execute(_IN_LANES, searched).all()
    runs = (_run(list(lane), at) for _, lane in groupby(rows, key=lambda row: row.lane))
    return _known(connection, [row for run in runs for row in run])


def _run(lane: Sequence[Any], at: float) -> Iterator[Any]:
    """Yield the rows of a lane until one is not pending, or came later; its first is due already."""
    for number, row in enumerate(lane):
        if row.state != "pending" or (number and row.created_at > at):
            return
        yield row


def _known(connection: Connection, rows: Sequence[Any]) -> list[Found]:
    last = last_outcomes(connection, [row.delivery_id for row in rows if row.attempts])
    return [Found(row.delivery_id, row.lane, row.position, last.get(row.delivery_id) == "unknown") for row in rows]
