"""The table of payments that are made at the gateway's cashier, one for each order of a channel.

A payment's ``state`` is created (the provider may have it), started, failed, disputed (the provider says another
amount), paid (what is sent is fixed), settled or refused. Its content is ciphertext under the key of its case.
"""

from sqlalchemy import Column, Float, Integer, LargeBinary, String, Table, UniqueConstraint

from xinqiao_gateway.journal.tables import metadata

__all__ = ["payments"]

payments = Table(
    "payments",
    metadata,
    Column("payment_no", String(64), primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("channel", String(60), nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("order_reference", String(64), nullable=False),
    # The visit that it was begun on; it may have expired since.
    Column("visit_id", String(36), nullable=False),
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scope", String(160), nullable=False),
    # Of one that is settled the amount and the receipt: all else is in the message.
    Column("content", LargeBinary),
    # When the provider is asked next (Unix seconds), or the message handed in again; null where neither is.
    Column("due_at", Float, index=True),
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    UniqueConstraint("channel", "order_reference"),
    sqlite_with_rowid=False,
)
