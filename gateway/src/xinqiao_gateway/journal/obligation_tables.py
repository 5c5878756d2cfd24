"""The tables of obligations and of their alarms.

An obligation's ``state`` is open, met, met_late or waived; ``step`` counts the levels of its schedule that have come
and only grows. An alarm is stored in the commit that raises it, with one row for each webhook that has to get it.
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from xinqiao_gateway.journal.tables import Number, metadata

__all__ = ["alarm_deliveries", "alarms", "obligations"]

obligations = Table(
    "obligations",
    metadata,
    Column("obligation_id", Number, primary_key=True),
    Column("rule", String(121), nullable=False),
    # A code that the terms name, or a keyed digest where a message opened it.
    Column("subject", String(200), nullable=False),
    Column("day", String(10), nullable=False),
    Column("expects", String(80), nullable=False),
    Column("channel", String(60)),
    Column("opened_by", Number),
    Column("due_at", Float, nullable=False),
    # Counted on a calendar that did not know the year yet; dated again once it does.
    Column("provisional", Boolean, nullable=False),
    # JSON: {"schedule": [[at, level], …], "to": [webhook, …]}, as the terms were when it was written down.
    Column("terms", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("step", Integer, nullable=False),
    Column("next_at", Float),
    Column("met_by", Number),
    Column("settled_at", Float),
    Column("reason", Text, nullable=False, default=""),
    Column("settled_by", String(60)),
    # The unique key is what keeps two nodes from writing the same obligation down twice.
    UniqueConstraint("rule", "subject", "day"),
    Index("ix_obligations_state_next_at", "state", "next_at"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", String(32), primary_key=True),
    Column("raised_at", Float, nullable=False),
    Column("content", Text, nullable=False),
    sqlite_with_rowid=False,
)

alarm_deliveries = Table(
    "alarm_deliveries",
    metadata,
    Column("alarm_id", String(32), ForeignKey("alarms.alarm_id"), primary_key=True),
    Column("webhook", String(60), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is to be posted next; a node that works on it moves this forward first, so that no other does.
    Column("due_at", Float, nullable=False),
    Index("ix_alarm_deliveries_webhook_state_due_at", "webhook", "state", "due_at"),
    sqlite_with_rowid=False,
)
