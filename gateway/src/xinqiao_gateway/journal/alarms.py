"""Alarms as the journal keeps them: stored in the commit that raises them, until every webhook has them.

An alarm's id follows from what it is about, so that two nodes that see the same raise one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import orjson
from sqlalchemy import Connection, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.obligation_tables import alarm_deliveries, alarms

__all__ = ["Alarm", "DueAlarm", "alarm_id", "forget_alarms", "lease_alarms", "settle_alarm", "store_alarm"]

# A receiver that was down for as long does not need to hear what was late then.
_GIVE_UP = 7 * 86_400.0

_a, _d = alarms.c, alarm_deliveries.c


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. ``kind`` is that of its exception, times are Unix seconds, ``to`` the webhooks (none: all)."""

    id: str
    kind: str
    level: str
    raised_at: float
    to: tuple[str, ...]
    obligation: str
    subject: str = ""
    day: str = ""
    due_at: float | None = None
    expects: str = ""
    channel: str | None = None
    opened_by: int | None = None

    def about(self, subject: str) -> Self:
        """Return the same alarm about a subject."""
        return replace(self, subject=subject)

    def body(self) -> bytes:
        """Return what a webhook gets; it holds no personal data."""
        due = None if self.due_at is None else written(self.due_at)
        return orjson.dumps(
            {
                "id": self.id,
                "kind": self.kind,
                "level": self.level,
                "obligation": self.obligation,
                "subject": self.subject,
                "day": self.day,
                "dueAt": due,
                "messageType": self.expects,
                "channel": self.channel,
                "openedBy": self.opened_by,
                "raisedAt": written(self.raised_at),
            }
        )


@dataclass(frozen=True, slots=True)
class DueAlarm:
    """An alarm that a webhook is to get now: its id, exact bytes, and how often it was tried."""

    id: str
    content: bytes
    attempts: int


def alarm_id(*about: object) -> str:
    """Return the id of an alarm: 32 hex digits that follow from what it is about."""
    return hashlib.sha256("\n".join(map(str, about)).encode()).hexdigest()[:32]


def store_alarm(connection: Connection, alarm: Alarm, webhooks: Sequence[str]) -> bool:
    """Store an alarm for the webhooks that there are; say whether it is new."""
    made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"alarm_id": alarm.id, "raised_at": alarm.raised_at, "content": alarm.body().decode()}
    added = made(alarms).values(row).on_conflict_do_nothing().returning(_a.alarm_id)
    if connection.execute(added).first() is None:
        return False
    pending = {"alarm_id": alarm.id, "state": "pending", "attempts": 0, "due_at": alarm.raised_at}
    # Terms may name a webhook that was since renamed: then all get it.
    named = [name for name in webhooks if name in alarm.to] or webhooks
    rows = [pending | {"webhook": name} for name in named]
    if rows:
        connection.execute(insert(alarm_deliveries), rows)
    return True


def lease_alarms(connection: Connection, webhook: str, now: float, seconds: float, limit: int = 10) -> list[DueAlarm]:
    """Return what a webhook is to get now; for ``seconds`` no other node gets the same."""
    query = (
        select(_d.alarm_id, _d.attempts, _a.content)
        .join(alarms, _a.alarm_id == _d.alarm_id)
        .where(_d.webhook == webhook, _d.state == "pending", _d.due_at <= now)
        .order_by(_d.due_at, _d.alarm_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=alarm_deliveries)
    )
    due = connection.execute(query).all()
    ours = (_d.webhook == webhook, _d.alarm_id.in_([row.alarm_id for row in due]))
    connection.execute(update(alarm_deliveries).where(*ours).values(due_at=now + seconds))
    return [DueAlarm(row.alarm_id, row.content.encode(), row.attempts) for row in due]


def settle_alarm(connection: Connection, webhook: str, due: DueAlarm, now: float, retry_at: float | None) -> str:
    """Record an attempt: delivered, or to be tried again at an instant; return the state.

    What a webhook did not take for seven days is ``dead``: the exception and the log still say it.
    """
    raised_at = connection.execute(select(_a.raised_at).where(_a.alarm_id == due.id)).scalar_one()
    state = "delivered" if retry_at is None else "dead" if now - raised_at > _GIVE_UP else "pending"
    values = {"state": state, "attempts": due.attempts + 1, "due_at": now if retry_at is None else retry_at}
    same = (_d.alarm_id == due.id, _d.webhook == webhook, _d.state == "pending")
    connection.execute(update(alarm_deliveries).where(*same).values(values))
    return state


def forget_alarms(connection: Connection, before: float) -> int:
    """Delete alarms that were raised before an instant and that nobody waits for; return how many.

    One about a calendar is raised again where its year is still not known.
    """
    waiting = exists().where(_d.alarm_id == _a.alarm_id, _d.state == "pending")
    old = select(_a.alarm_id).where(_a.raised_at < before, ~waiting)
    connection.execute(delete(alarm_deliveries).where(_d.alarm_id.in_(old)))
    return connection.execute(delete(alarms).where(_a.alarm_id.in_(old))).rowcount
