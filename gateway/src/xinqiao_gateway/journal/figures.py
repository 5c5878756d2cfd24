"""Figures of the journal for those who watch it: how many wait, since when, and what people have yet to resolve."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from xinqiao.errors import JournalUnavailable
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.obligation_tables import obligations

__all__ = ["ALIVE", "Figures", "ahead", "figures"]

# A node beats every five seconds.
ALIVE = 15.0
_WAITING = ("pending", "leased", "waiting")
_BACKLOG = (*_WAITING, "held", "dead", "parked")

_d, _x, _n = tables.deliveries.c, tables.exceptions.c, tables.nodes.c


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts at one moment (``at``, Unix seconds).

    ``deliveries`` by channel and state, ``oldest``: since when the oldest of a channel waits (Unix seconds),
    ``exceptions`` by kind, ``leases`` by node; ``ahead``: see the function.
    """

    at: float
    deliveries: Mapping[tuple[str, str], int]
    oldest: Mapping[str, float]
    exceptions: Mapping[str, int]
    overdue: int
    leases: Mapping[str, int]
    nodes: int
    ahead: float


def ahead(connection: Connection, now: float) -> float:
    """Return by how many seconds the journal's last message is dated after now, 0 where it is not.

    A clock went ahead and was set back. What comes meanwhile is dated as the last: the order never goes back.
    """
    b = tables.batches.c
    last = connection.execute(select(b.accepted_at).order_by(b.batch.desc()).limit(1)).scalar()
    return max(datetime.fromisoformat(last).timestamp() - now, 0.0) if last else 0.0


def figures(engine: Engine, now: float) -> Figures:
    """Count. Takes the time of an index's length; ask at most every few seconds. Raises ``JournalUnavailable``."""
    # Ids grow with time, so the least is the oldest, and the index holds it: no row is read to find it.
    counted = select(_d.channel, _d.state, func.count(), func.min(_d.delivery_id)).where(_d.state.in_(_BACKLOG))
    raised = select(_x.kind, func.count()).where(_x.state != "resolved").group_by(_x.kind)
    o = obligations.c
    overdue = select(func.count()).select_from(obligations).where(o.state == "open", o.due_at <= now)
    alive = select(func.count()).select_from(tables.nodes).where(_n.seen_at > now - ALIVE)
    try:
        with engine.begin() as connection:
            rows = connection.execute(counted.group_by(_d.channel, _d.state)).all()
            firsts: dict[str, int] = {}
            for channel, state, _, first in rows:
                if state in _WAITING:
                    firsts[channel] = min(first, firsts.get(channel, first))
            since = select(_d.channel, _d.created_at).where(_d.delivery_id.in_(firsts.values()))
            holders = select(_d.lease).where(_d.state == "leased", _d.leased_until.is_not(None))
            leases: dict[str, int] = {}
            for lease in connection.execute(holders).scalars():
                node = lease.partition(":")[0]
                leases[node] = leases.get(node, 0) + 1
            return Figures(
                at=now,
                deliveries={(channel, state): number for channel, state, number, _ in rows},
                oldest={row.channel: row.created_at for row in connection.execute(since)},
                exceptions={row[0]: row[1] for row in connection.execute(raised)},
                overdue=connection.execute(overdue).scalar_one(),
                leases=leases,
                nodes=connection.execute(alive).scalar_one(),
                ahead=ahead(connection, now),
            )
    except SQLAlchemyError as error:
        raise JournalUnavailable(type(error).__name__) from error
