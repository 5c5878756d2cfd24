"""Deliveries: what is due, who is on it, what each attempt came to.

States: ``pending`` (to be attempted at ``due_at``), ``leased`` (somebody is on it), ``delivered``, ``dead`` (given
up; blocks its lane until a person replays it), ``parked`` (its message waits for a person), ``waiting`` (the
partner pulls). A lane is a case at a destination: within it, order is kept.
"""

import time
from collections.abc import Callable, Iterable

from sqlalchemy import Connection, and_, exists, func, insert, select, update

from xinqiao.errors import MalformedQuery, NotFound
from xinqiao.message import timestamp
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Settlement

__all__ = ["acknowledge", "give_back", "lease_due", "next_due_at", "rearrange", "release_leases", "replay", "settle"]

_d = tables.deliveries.c
_earlier = tables.deliveries.alias("earlier")
_BLOCKED = exists().where(
    _earlier.c.channel == _d.channel,
    _earlier.c.lane == _d.lane,
    _earlier.c.position < _d.position,
    _earlier.c.state.in_(("pending", "leased", "dead")),
)


def lease_due(connection: Connection, channel: str, limit: int, seconds: float) -> list[int]:
    """Lease up to ``limit`` due deliveries of a channel, at most one of each lane, and return their ids.

    A lease whose time is over is given back first.
    """
    now = time.time()
    overdue = and_(_d.channel == channel, _d.state == "leased", _d.leased_until < now)
    connection.execute(update(tables.deliveries).where(overdue).values(state="pending", leased_until=None))
    query = (
        select(_d.delivery_id)
        .where(_d.channel == channel, _d.state == "pending", _d.due_at <= now, ~_BLOCKED)
        .order_by(_d.position)
        .limit(limit)
    )
    due = list(connection.execute(query).scalars())
    if due:
        leased = update(tables.deliveries).where(_d.delivery_id.in_(due))
        connection.execute(leased.values(state="leased", leased_until=now + seconds))
    return due


def next_due_at(connection: Connection, channel: str) -> float | None:
    """Return when the channel's next delivery becomes due (Unix seconds), or None where none will by itself.

    What is due already and was not leased waits for its lane, whose end is told by a settlement.
    """
    later = and_(_d.channel == channel, _d.state == "pending", _d.due_at > time.time())
    return connection.execute(select(func.min(_d.due_at)).where(later)).scalar()


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


def release_leases(connection: Connection) -> None:
    """Give back every lease; for a journal that this process alone works on, at its start."""
    everyone = update(tables.deliveries).where(_d.state == "leased")
    connection.execute(everyone.values(state="pending", leased_until=None))


def give_back(connection: Connection, delivery_ids: Iterable[int]) -> None:
    """Give back leases that nobody works on any more."""
    ours = update(tables.deliveries).where(_d.delivery_id.in_(list(delivery_ids)), _d.state == "leased")
    connection.execute(ours.values(state="pending", leased_until=None))


def rearrange(connection: Connection, channel: str, pushed: bool) -> None:
    """Fit what is under way to a channel that now is pushed to, or now pulls."""
    before, after = ("waiting", "pending") if pushed else ("pending", "waiting")
    moved = update(tables.deliveries).where(_d.channel == channel, _d.state == before)
    connection.execute(moved.values(state=after, due_at=time.time()))


def replay(connection: Connection, delivery_id: int, pushed: Callable[[str], bool]) -> str:
    """Make a dead or parked delivery due now; return its channel. Raises ``NotFound`` for any other.

    Where the partner pulls, it comes after everything that was handed out.
    """
    query = select(_d.channel, _d.position, _d.state).where(_d.delivery_id == delivery_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound(f"no delivery {delivery_id}")
    if found.state not in {"dead", "parked"}:
        raise NotFound(f"delivery {delivery_id} is {found.state}; only a dead or parked one is replayed")
    last = connection.execute(select(func.max(_d.sequence))).scalar_one()
    state = "pending" if pushed(found.channel) else "waiting"
    connection.execute(
        update(tables.deliveries)
        .where(_d.delivery_id == delivery_id)
        .values(state=state, sequence=last + 1, due_at=time.time(), changed_at=timestamp())
    )
    x = tables.exceptions.c
    connection.execute(
        update(tables.exceptions)
        .where(x.position == found.position, x.kind.in_(("dead_letter", "unexpected_fact")), x.state == "open")
        .values(state="replayed")
    )
    channel: str = found.channel
    return channel


def acknowledge(connection: Connection, channel: str, cursor: int) -> None:
    """Mark as delivered what a pulling partner has up to a cursor. Raises ``MalformedQuery`` for one not given."""
    known = connection.execute(select(func.max(_d.sequence)).where(_d.channel == channel)).scalar()
    if cursor > (known or 0):
        raise MalformedQuery("after is a cursor that an earlier page gave")
    handed = and_(_d.channel == channel, _d.state == "waiting", _d.sequence <= cursor)
    connection.execute(update(tables.deliveries).where(handed).values(state="delivered", changed_at=timestamp()))
