"""The journal's tables. What ``messages``, ``raws`` and ``batches`` say is never updated.

Contents (``raws.content``, ``messages.canonical``) are ciphertext, which may move to an archive or lose its key; their
digests stay. Columns to search by are header fields and keyed digests.
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
    text,
)

__all__ = [
    "archives",
    "attempts",
    "batches",
    "cases",
    "data_keys",
    "deliveries",
    "erasures",
    "exceptions",
    "messages",
    "metadata",
    "nodes",
    "proposals",
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
    # Empty once it was destroyed.
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Number, primary_key=True),
    Column("scope", String(160), nullable=False, unique=True),
    Column("erased_at", String(32), nullable=False),
    Column("reason", Text, nullable=False),
)

raws = Table(
    "raws",
    metadata,
    Column("raw_id", Number, primary_key=True, autoincrement=False),
    Column("scope", String(160), nullable=False),
    Column("content_type", String(120), nullable=False),
    Column("signature", Text, nullable=False),
    # Empty once it is in an archive.
    Column("content", LargeBinary, nullable=False),
    Column("content_digest", LargeBinary, nullable=False, server_default=text("''")),
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
    Column("canonical_digest", LargeBinary, nullable=False, server_default=text("''")),
    UniqueConstraint("partner_key", "channel", "interface"),
    Index("ix_messages_message_id", "message_id"),
    Index("ix_messages_case_id_position", "case_id", "position"),
    Index("ix_messages_message_type_position", "message_type", "position"),
    Index("ix_messages_channel_position", "channel", "position"),
    Index("ix_messages_partner_serial", "partner_serial"),
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
    # The same as of its messages; never earlier than that of the batch before.
    Column("accepted_at", String(32), nullable=False, server_default="", index=True),
)

cases = Table(
    "cases",
    metadata,
    # Of an item: its case's id, "#", its kind, ":" and its number. PostgreSQL has an index of its bytes besides.
    Column("case_id", String(160), primary_key=True),
    Column("test", Boolean, primary_key=True),
    # The two institutions, sorted: each pair numbers its cases by itself.
    Column("parties", String(40), primary_key=True),
    Column("opener", String(18), nullable=False),
    Column("process", String(60), nullable=False),
    Column("state", String(60), nullable=False),
    Column("memory", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False, index=True),
    # When its state ends by itself (Unix seconds); null where it does not.
    Column("expires_at", Float, index=True),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Number, primary_key=True),
    Column("position", Number, ForeignKey("messages.position"), nullable=False),
    Column("channel", String(60), nullable=False),
    # A case of a pair of institutions, or the directives to one; see lanes.py.
    Column("lane", String(120), nullable=False),
    # The order in which a pulling partner gets it; a released one comes after what was handed out.
    Column("sequence", Number, nullable=False),
    # 0 for a directive, which goes first; 1 for all others.
    Column("rank", Integer, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Float, nullable=False, server_default="0"),
    Column("due_at", Float, nullable=False),
    Column("leased_until", Float),
    Column("lease", String(80)),
    Column("changed_at", String(32), nullable=False),
    Index("ix_deliveries_channel_state_rank_due_at_position", "channel", "state", "rank", "due_at", "position"),
    Index("ix_deliveries_channel_lane_state_position", "channel", "lane", "state", "position"),
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
    # Null where it is about no message: one that did not come.
    Column("position", Number, ForeignKey("messages.position"), index=True),
    Column("case_id", String(64), index=True),
    Column("channel", String(60)),
    Column("obligation_id", Number),
    Column("kind", String(40), nullable=False),
    Column("expected", Text, nullable=False),
    # Ids and counts, never personal data.
    Column("detail", Text, nullable=False, server_default=""),
    Column("state", String(12), nullable=False, index=True),
    Column("raised_at", String(32), nullable=False),
    Column("resolved_at", String(32)),
    Column("resolution", String(20)),
    Column("handled_by", String(120)),
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", Number, primary_key=True),
    Column("exception_id", Number, ForeignKey("exceptions.exception_id"), index=True),
    Column("action", String(20), nullable=False),
    # What the action is about, as JSON: ids, a batch, a reason; never personal data.
    Column("arguments", Text, nullable=False),
    # The message that a supplement or a reversal sends, encrypted; null for the other actions.
    Column("scope", String(160)),
    Column("content", LargeBinary),
    Column("reason", Text, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("maker", String(60), nullable=False),
    Column("proposed_at", String(32), nullable=False),
    Column("checker", String(60)),
    Column("decided_at", String(32)),
)

archives = Table(
    "archives",
    metadata,
    Column("archive_id", Number, primary_key=True),
    Column("first_batch", Number, nullable=False),
    Column("last_batch", Number, nullable=False),
    Column("first_position", Number, nullable=False),
    Column("last_position", Number, nullable=False),
    Column("file", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("archived_at", String(32), nullable=False),
    # The gateway's, over the row and the chain value of its last batch; see archive.py.
    Column("signature", Text, nullable=False, server_default=text("''")),
)

nodes = Table(
    "nodes",
    metadata,
    Column("node", String(60), primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)
