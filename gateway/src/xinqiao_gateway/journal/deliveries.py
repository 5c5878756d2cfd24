"""Deliveries: what is due, who is on it, what each attempt came to.

States: ``pending`` (to be attempted at ``due_at``), ``leased`` (somebody is on it), ``delivered``, ``dead`` (given
up; blocks its lane until a person replays or skips it), ``skipped``, ``parked`` (its message waits for a person),
``waiting`` (the partner pulls). A lane is a case at a destination: within it, order is kept.
"""

import time

from sqlalchemy import Connection, and_, exists, insert, select, update

from xinqiao.errors import NotFound
from xinqiao.message import timestamp
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Settlement

__all__ = ["acknowledge", "lease_due", "next_due_at", "release_leases", "replay", "settle"]

_d = tables.deliveries.c
_BLOCKING = ("pending", "leased", "dead")


def lease_due(connection: Connection, channel: str, limit: int, seconds: float) -> list[int]:
    """Lease up to ``limit`` due deliveries of a channel, at most one of each lane, and return their ids."""
    now = time.time()
    earlier = tables.deliveries.alias("earlier")
    blocked = exists().where(
        earlier.c.channel == _d.channel,
        earlier.c.lane == _d.lane,
        earlier.c.position < _d.position,
        earlier.c.state.in_(_BLOCKING),
    )
    query = (
        select(_d.delivery_id)
        .where(_d.channel == channel, _d.state == "pending", _d.due_at <= now, ~blocked)
        .order_by(_d.position)
        .limit(limit)
    )
    due = list(connection.execute(query).scalars())
    if due:
        connection.execute(
            update(tables.deliveries).where(_d.delivery_id.in_(due)).values(state="leased", leased_until=now + seconds)
        )
    return due


def next_due_at(connection: Connection, channel: str) -> float | None:
    """Return when the channel's next delivery is due (Unix seconds), or None where nothing is pending."""
    query = select(_d.due_at).where(_d.channel == channel, _d.state == "pending").order_by(_d.due_at).limit(1)
    return connection.execute(query).scalar()


def settle(connection: Connection, settlement: Settlement) -> None:
    """Record an attempt and what it came to."""
    at = timestamp()
    connection.execute(
        update(tables.deliveries)
        .where(_d.delivery_id == settlement.delivery_id)
        .values(
            state=settlement.state,
            attempts=_d.attempts + 1,
            due_at=settlement.due_at,
            leased_until=None,
            changed_at=at,
        )
    )
    connection.execute(
        insert(tables.attempts).values(
            delivery_id=settlement.delivery_id,
            at=at,
            outcome=settlement.outcome,
            reason=settlement.reason,
            detail=settlement.detail,
        )
    )
    if settlement.state == "dead":
        _raise_dead_letter(connection, settlement, at)


def _raise_dead_letter(connection: Connection, settlement: Settlement, at: str) -> None:
    m = tables.messages.c
    query = (
        select(m.position, m.case_id)
        .join(tables.deliveries, m.position == _d.position)
        .where(_d.delivery_id == settlement.delivery_id)
    )
    position, case_id = connection.execute(query).one()
    connection.execute(
        insert(tables.exceptions).values(
            position=position, case_id=case_id, kind="dead_letter", expected="", state="open", raised_at=at
        )
    )


def release_leases(connection: Connection) -> int:
    """Give back every lease; for a journal that this process alone works on, at its start."""
    released = connection.execute(
        update(tables.deliveries).where(_d.state == "leased").values(state="pending", leased_until=None)
    )
    return released.rowcount


def release_overdue(connection: Connection) -> int:
    """Give back the leases whose time is over."""
    overdue = and_(_d.state == "leased", _d.leased_until < time.time())
    released = connection.execute(update(tables.deliveries).where(overdue).values(state="pending", leased_until=None))
    return released.rowcount


def replay(connection: Connection, delivery_id: int) -> str:
    """Make a dead or parked delivery due now; return its channel. Raises ``NotFound`` for any other."""
    query = select(_d.channel, _d.position).where(_d.delivery_id == delivery_id, _d.state.in_(("dead", "parked")))
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound(f"no dead or parked delivery {delivery_id}")
    connection.execute(
        update(tables.deliveries)
        .where(_d.delivery_id == delivery_id)
        .values(state="pending", due_at=time.time(), changed_at=timestamp())
    )
    x = tables.exceptions.c
    connection.execute(
        update(tables.exceptions)
        .where(x.position == found.position, x.kind.in_(("dead_letter", "unexpected_fact")), x.state == "open")
        .values(state="replayed")
    )
    channel: str = found.channel
    return channel


def acknowledge(connection: Connection, channel: str, position: int) -> int:
    """Mark as delivered what a pulling partner has read up to a position; return how many."""
    acknowledged = connection.execute(
        update(tables.deliveries)
        .where(_d.channel == channel, _d.state == "waiting", _d.position <= position)
        .values(state="delivered", changed_at=timestamp())
    )
    return acknowledged.rowcount
