"""What a person does to deliveries: replay them, pass one over, or confirm that one has arrived.

Functions of the writer's transaction. Whether somebody may is their callers' to ask; ``by`` is who did it: it is kept
with the attempts, before the reason. Cases are not asked: for what is parked, ``holds`` does that first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, update

from xinqiao.errors import MalformedQuery, NotFound
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.deliveries import record, resolve_exceptions
from xinqiao_gateway.journal.entry import Settlement
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.lanes import advance

__all__ = ["Selected", "Selection", "confirm", "replay", "replay_selected", "selected", "skip"]

_d, _m = tables.deliveries.c, tables.messages.c
_SHOWN = (
    _d.delivery_id, _d.position, _d.channel, _d.lane, _d.state, _d.attempts, _m.message_id, _m.message_type, _m.case_id,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead deliveries: those that fit everything that is said, and something is.

    ``since`` and ``until`` bound when their messages were accepted (Unix seconds, the second not included).
    """

    delivery_id: int | None = None
    message_id: str | None = None
    case: str | None = None
    channel: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what rows must fit. Raises ``MalformedQuery`` where nothing is said."""
        wanted = [
            column == value
            for column, value in (
                (_d.delivery_id, self.delivery_id),
                (_m.message_id, self.message_id),
                (_m.case_id, self.case),
                (_d.channel, self.channel),
            )
            if value is not None
        ]
        if self.since is not None:
            wanted.append(_m.accepted_at >= written(self.since))
        if self.until is not None:
            wanted.append(_m.accepted_at < written(self.until))
        if not wanted:
            raise MalformedQuery("say which: a delivery, a message, a case, a channel, or a time")
        return [*wanted, _d.state == "dead"]


@dataclass(frozen=True, slots=True)
class Selected:
    """``count`` deliveries were selected; ``deliveries`` are the first of them, ids and state, in journal order."""

    count: int
    deliveries: tuple[dict[str, Any], ...]


def selected(connection: Connection, selection: Selection, limit: int = 1000) -> Selected:
    """Return what a selection finds, and change nothing. Raises ``MalformedQuery``."""
    conditions = selection.conditions()
    count = connection.execute(_joined(func.count()).where(*conditions)).scalar_one()
    rows = connection.execute(_joined(*_SHOWN).where(*conditions).order_by(_d.delivery_id).limit(limit)).mappings()
    return Selected(count, tuple(dict(row) for row in rows))


def replay_selected(
    connection: Connection,
    selection: Selection,
    pushed: Callable[[str], bool],
    *,
    now: float,
    reason: str,
    by: str,
    after: int = 0,
    limit: int = 1000,
) -> Selected:
    """Replay up to ``limit`` of a selection's deliveries, those with ids over ``after``; return which they were.

    ``count`` is that of this call. Raises ``MalformedQuery``.
    """
    query = _joined(*_SHOWN).where(*selection.conditions(), _d.delivery_id > after)
    rows = connection.execute(query.order_by(_d.delivery_id).limit(limit)).mappings().all()
    for row in rows:
        _replay(connection, row, pushed, now, reason, by)
    return Selected(len(rows), tuple(dict(row) for row in rows))


def replay(
    connection: Connection, delivery_id: int, pushed: Callable[[str], bool], *, now: float, reason: str, by: str
) -> str:
    """Make a dead, held or parked delivery due now, in its place in its lane; return its channel.

    Where the partner pulls, it comes after everything that was handed out. Raises ``NotFound`` for any other.
    """
    row = _found(connection, delivery_id, ("dead", "held", "parked"))
    _replay(connection, row, pushed, now, reason, by)
    channel: str = row["channel"]
    return channel


def skip(connection: Connection, delivery_id: int, reason: str, *, now: float, by: str) -> str:
    """Pass over a dead, held or parked delivery: it is not sent, and its lane goes on; return its channel.

    Raises ``NotFound`` for any other.
    """
    return _close(connection, _found(connection, delivery_id, ("dead", "held", "parked")), "skipped", reason, now, by)


def confirm(connection: Connection, delivery_id: int, reason: str, *, now: float, by: str) -> str:
    """Mark a held or dead delivery as delivered, on evidence from outside that ``reason`` names; return its channel.

    Raises ``NotFound`` for any other.
    """
    return _close(connection, _found(connection, delivery_id, ("dead", "held")), "delivered", reason, now, by)


def _joined(*columns: Any) -> Select[Any]:  # noqa: ANN401
    return select(*columns).select_from(tables.deliveries).join(tables.messages, _m.position == _d.position)


def _found(connection: Connection, delivery_id: int, states: tuple[str, ...]) -> Any:  # noqa: ANN401
    row = connection.execute(_joined(*_SHOWN).where(_d.delivery_id == delivery_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no delivery {delivery_id}")
    if row["state"] not in states:
        raise NotFound(f"delivery {delivery_id} is {row['state']}, none of {', '.join(states)}")
    return row


def _replay(
    connection: Connection,
    row: Any,  # noqa: ANN401
    pushed: Callable[[str], bool],
    now: float,
    reason: str,
    by: str,
) -> None:
    last = connection.execute(select(func.max(_d.sequence))).scalar_one()
    state = "pending" if pushed(row["channel"]) else "waiting"
    # Its age begins anew; a person has decided, so that nothing sent before is asked about any more.
    _change(connection, row, state, now, sequence=last + 1, created_at=now)
    _record(connection, row, state, "replayed", reason, by, now)
    resolve_exceptions(connection, row, "resend", by, now)
    if state == "waiting":
        advance(connection, row["channel"], row["lane"], now)


def _close(connection: Connection, row: Any, state: str, reason: str, now: float, by: str) -> str:  # noqa: ANN401
    outcome = "confirmed" if state == "delivered" else state
    _change(connection, row, state, now)
    _record(connection, row, state, outcome, reason, by, now)
    resolve_exceptions(connection, row, "confirm" if state == "delivered" else "skip", by, now)
    channel: str = row["channel"]
    advance(connection, channel, row["lane"], now)
    return channel


def _change(connection: Connection, row: Any, state: str, now: float, **more: float) -> None:  # noqa: ANN401
    changed = update(tables.deliveries).where(_d.delivery_id == row["delivery_id"])
    connection.execute(changed.values(state=state, due_at=now, changed_at=written(now), **more))


def _record(
    connection: Connection,
    row: Any,  # noqa: ANN401
    state: str,
    outcome: str,
    reason: str,
    by: str,
    now: float,
) -> None:
    said = f"{by}: {reason}" if reason else by
    record(connection, Settlement(row["delivery_id"], state, outcome, "operator", said), now)
