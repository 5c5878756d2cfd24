"""The journal's tables. Rows of ``messages``, ``raws`` and ``batches`` are never updated.

Contents (``raws.content``, ``messages.canonical``) are ciphertext; columns to search by are header fields and
keyed digests.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "attempts",
    "batches",
    "cases",
    "data_keys",
    "deliveries",
    "exceptions",
    "messages",
    "metadata",
    "raws",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid only to INTEGER keys.
Number = BigInteger().with_variant(Integer, "sqlite")

data_keys = Table(
    "data_keys",
    metadata,
    Column("scope", String(160), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

raws = Table(
    "raws",
    metadata,
    Column("raw_id", Number, primary_key=True, autoincrement=False),
    Column("scope", String(160), nullable=False),
    Column("content_type", String(120), nullable=False),
    Column("signature", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),
    Column("batch", Number, nullable=False),
    # A leaf is the hash of both: what the receipt says, and what else is kept (see receipts.py).
    Column("commitment", LargeBinary, nullable=False),
    Column("witness", LargeBinary, nullable=False),
    Column("raw_id", Number, ForeignKey("raws.raw_id"), nullable=False),
    Column("channel", String(60), nullable=False),
    Column("interface", String(60), nullable=False),
    Column("partner_key", String(400), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("message_type", String(60), nullable=False),
    Column("sender", String(18), nullable=False),
    Column("receiver", String(18), nullable=False),
    Column("case_id", String(64)),
    Column("correlation_id", String(36)),
    Column("partner_serial", String(64)),
    Column("business_date", String(10)),
    Column("replaces", String(36)),
    Column("test", Boolean, nullable=False),
    # Where the case stood after this message; null where no process is about it.
    Column("case_state", String(60)),
    Column("accepted_at", String(32), nullable=False),
    Column("scope", String(160), nullable=False),
    # Null where the raw input is this message's canonical JSON already.
    Column("canonical", LargeBinary),
    UniqueConstraint("partner_key", "channel", "interface"),
    Index("ix_messages_message_id", "message_id"),
    Index("ix_messages_case_id_position", "case_id", "position"),
)

batches = Table(
    "batches",
    metadata,
    Column("batch", Number, primary_key=True, autoincrement=False),
    Column("first_position", Number, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("signature", Text, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", String(64), primary_key=True),
    Column("test", Boolean, primary_key=True),
    # The two institutions, sorted: each pair numbers its cases by itself.
    Column("parties", String(40), primary_key=True),
    Column("opener", String(18), nullable=False),
    Column("process", String(60), nullable=False),
    Column("state", String(60), nullable=False),
    Column("memory", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Number, primary_key=True),
    Column("position", Number, ForeignKey("messages.position"), nullable=False),
    Column("channel", String(60), nullable=False),
    Column("lane", String(64), nullable=False),
    # The order in which a pulling partner gets it; a released one comes after what was handed out.
    Column("sequence", Number, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("leased_until", Float),
    Column("changed_at", String(32), nullable=False),
    Index("ix_deliveries_channel_state_due_at", "channel", "state", "due_at"),
    Index("ix_deliveries_channel_lane_position", "channel", "lane", "position"),
    Index("ix_deliveries_position", "position"),
    Index("ix_deliveries_sequence", "sequence", unique=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Number, primary_key=True),
    Column("delivery_id", Number, ForeignKey("deliveries.delivery_id"), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("detail", Text, nullable=False),
)

exceptions = Table(
    "exceptions",
    metadata,
    Column("exception_id", Number, primary_key=True),
    Column("position", Number, ForeignKey("messages.position"), nullable=False),
    Column("case_id", String(64), index=True),
    Column("kind", String(40), nullable=False),
    Column("expected", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("raised_at", String(32), nullable=False),
)
