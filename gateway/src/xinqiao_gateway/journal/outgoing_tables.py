"""The tables of files that go out: one row for each, what is in it, and the bytes until they have arrived.

A file's ``state`` is ``recorded`` (nothing of it can be at the partner under its name), ``sending`` (it may be),
``arrived`` (it was read back there), ``told`` (so was what says that it is finished) or ``ready`` (the index that lists
it is to follow), and at its end ``delivered``,
``held`` (nobody knows whether it arrived) or ``dissolved`` (the channel is reached by another way now).
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from xinqiao_gateway.journal.tables import Number, metadata

__all__ = ["outgoing_contents", "outgoing_deliveries", "outgoing_files"]

outgoing_files = Table(
    "outgoing_files",
    metadata,
    Column("file_id", Number, primary_key=True),
    Column("channel", String(60), nullable=False),
    # Empty for what says that there was nothing.
    Column("interface", String(60), nullable=False),
    Column("name", String(255), nullable=False),
    # SHA-256 (hex) and size of the bytes as they go out.
    Column("digest", String(64), nullable=False),
    Column("size", Number, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("day", String(10), nullable=False),
    # Of the channel's files that day, and of those of its kind.
    Column("sequence", Integer, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("number", Integer, nullable=False),
    # The time that what is in it was gathered for.
    Column("cutoff", Float, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # How often nobody knew whether it arrived.
    Column("doubts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("lease", String(80)),
    Column("leased_until", Float),
    # What the last attempt came to, where that was no success.
    Column("reason", String(60), nullable=False, server_default=""),
    Column("detail", String(400), nullable=False, server_default=""),
    # Whose key protects the bytes; they are gone once the file has ended.
    Column("scope", String(160), nullable=False),
    Column("manifest", LargeBinary),
    UniqueConstraint("channel", "name"),
    UniqueConstraint("channel", "day", "sequence"),
    Index("ix_outgoing_files_channel_state_due_at", "channel", "state", "due_at"),
)

# Apart from the row, so that a change of its state does not write megabytes again.
outgoing_contents = Table(
    "outgoing_contents",
    metadata,
    Column("file_id", Number, ForeignKey("outgoing_files.file_id"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

outgoing_deliveries = Table(
    "outgoing_deliveries",
    metadata,
    Column("file_id", Number, ForeignKey("outgoing_files.file_id"), primary_key=True),
    Column("delivery_id", Number, ForeignKey("deliveries.delivery_id"), primary_key=True),
    Index("ix_outgoing_deliveries_delivery_id", "delivery_id"),
    sqlite_with_rowid=False,
)
