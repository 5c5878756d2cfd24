"""Deliveries: what each attempt came to, and what becomes of the delivery then.

States: ``pending`` (to be attempted at ``due_at``), ``leased`` (somebody is on it), ``delivered``, ``dead`` (given
up), ``held`` (whether it arrived is unknown, and a person finds out), ``skipped`` (passed over by a person), ``parked``
(its message waits for a person), ``waiting`` (the partner pulls). How the four unfinished ones keep order: ``lanes``.
Runs inside the writer's transaction; see ``leases``.
"""

from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from xinqiao.errors import MalformedQuery
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Settlement
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.lanes import advance
from xinqiao_gateway.journal.leases import take_back

__all__ = ["acknowledge", "raise_exception", "rearrange", "record", "resolve_exceptions", "settle"]

_d, _x = tables.deliveries.c, tables.exceptions.c

# As long as what keeps them.
_LONGEST_REASON, _LONGEST_DETAIL = 60, 1000
_RAISED = {"dead": "dead_letter", "held": "unknown_outcome"}

_STANDING = select(_d.state, _d.lease, _d.channel, _d.lane, _d.position).where(_d.delivery_id == bindparam("wanted"))
_SETTLE = (
    update(tables.deliveries)
    .where(_d.delivery_id == bindparam("settled"))
    .values(
        state=bindparam("state"),
        due_at=bindparam("due_at"),
        changed_at=bindparam("changed_at"),
        attempts=_d.attempts + 1,
        lease=None,
        leased_until=None,
    )
)


def settle(connection: Connection, settlement: Settlement, now: float) -> str:
    """Record an attempt and what it came to; return the delivery's state after it.

    It counts by its lease, once: a repeat, or one of a holder whose lease was taken back, changes nothing. Evidence of
    delivery always counts, also of one that was given up meanwhile.
    """
    row = connection.execute(_STANDING, {"wanted": settlement.delivery_id}).mappings().one()
    is_evidence = settlement.state == "delivered" and row["state"] != "delivered"
    if not (is_evidence or _holds(row, settlement)):
        state: str = row["state"]
        return state
    changed = {"state": settlement.state, "due_at": settlement.due_at, "changed_at": written(now)}
    connection.execute(_SETTLE, {"settled": settlement.delivery_id, **changed})
    record(connection, settlement, now)
    if settlement.state in _RAISED:
        raise_exception(connection, row, _RAISED[settlement.state], _storable(settlement.reason), now)
    if settlement.state == "delivered":
        if row["state"] in _RAISED:
            resolve_exceptions(connection, row, "delivered", None, now)
        advance(connection, row["channel"], row["lane"], now)
    return settlement.state


def _holds(row: Any, settlement: Settlement) -> bool:  # noqa: ANN401
    if settlement.lease is None:
        return bool(row["state"] == "waiting")
    return bool(row["state"] == "leased" and row["lease"] == settlement.lease)


def record(connection: Connection, settlement: Settlement, now: float) -> None:
    """Write down an attempt, or what a person did instead of one; of what a partner said, what a database can hold."""
    connection.execute(
        insert(tables.attempts).values(
            delivery_id=settlement.delivery_id,
            at=written(now),
            outcome=settlement.outcome,
            reason=_storable(settlement.reason)[:_LONGEST_REASON],
            detail=_storable(settlement.detail)[:_LONGEST_DETAIL],
        )
    )


def _storable(said: str) -> str:
    return said.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def raise_exception(connection: Connection, row: Any, kind: str, detail: str, now: float) -> None:  # noqa: ANN401
    """Raise that a person is to resolve a delivery, ``row`` with its channel and position."""
    m = tables.messages.c
    case_id = select(m.case_id).where(m.position == row["position"]).scalar_subquery()
    connection.execute(
        insert(tables.exceptions).values(
            position=row["position"],
            case_id=case_id,
            channel=row["channel"],
            kind=kind,
            expected="",
            detail=detail,
            state="open",
            raised_at=written(now),
        )
    )


def resolve_exceptions(
    connection: Connection,
    row: Any,  # noqa: ANN401
    resolution: str,
    by: str | None,
    now: float,
) -> None:
    """Resolve what a delivery, ``row`` with its channel and position, has raised; ``by``: a person."""
    of_it = and_(_x.kind.in_(tuple(_RAISED.values())), or_(_x.channel == row["channel"], _x.channel.is_(None)))
    of_message = and_(_x.kind == "unexpected_fact", _x.position == row["position"])
    resolved = update(tables.exceptions).where(
        _x.position == row["position"], _x.state != "resolved", or_(of_it, of_message)
    )
    ended = {"state": "resolved", "resolution": resolution, "resolved_at": written(now), "handled_by": by}
    connection.execute(resolved.values(ended))


def rearrange(connection: Connection, channel: str, pushed: bool, now: float) -> None:
    """Fit what is under way to a channel that now is pushed to, or now pulls.

    What comes to wait for a partner that pulls comes after everything that was handed out: with its old sequence it
    would be before a cursor that the partner has already, who would never see it.
    """
    if pushed:
        moved = update(tables.deliveries).where(_d.channel == channel, _d.state == "waiting")
        connection.execute(moved.values(state="pending", due_at=now))
        return
    take_back(connection, channel, now)
    last = connection.execute(select(func.max(_d.sequence))).scalar() or 0
    number = func.row_number().over(order_by=_d.sequence)
    of_it = and_(_d.channel == channel, _d.state == "pending")
    found = select(_d.delivery_id, number.label("number")).where(of_it).subquery()
    moved = update(tables.deliveries).where(_d.delivery_id == found.c.delivery_id)
    connection.execute(moved.values(state="waiting", due_at=now, sequence=last + found.c.number))


def acknowledge(connection: Connection, channel: str, cursor: int, now: float) -> None:
    """Mark as delivered what a pulling partner has up to a cursor. Raises ``MalformedQuery`` for one not given."""
    known = connection.execute(select(func.max(_d.sequence)).where(_d.channel == channel)).scalar()
    if cursor > (known or 0):
        raise MalformedQuery("after is a cursor that an earlier page gave")
    handed = and_(_d.channel == channel, _d.state == "waiting", _d.sequence <= cursor)
    connection.execute(update(tables.deliveries).where(handed).values(state="delivered", changed_at=written(now)))
