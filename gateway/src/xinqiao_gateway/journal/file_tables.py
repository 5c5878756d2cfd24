"""The tables of batches of files: batches, the pieces that commits took, and files that are settled.

A batch's ``state`` is open, taken or refused; ``done`` counts its records that are accounted for and only grows. What
a piece says of its records is written in the commit that stores them, so that a crash loses and doubles nothing.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from xinqiao_gateway.journal.tables import Number, metadata

__all__ = ["file_pieces", "file_settlements", "files"]

_ZERO = text("0")

files = Table(
    "files",
    metadata,
    Column("file_id", Number, primary_key=True),
    Column("channel", String(60), nullable=False),
    Column("batch_no", String(64), nullable=False),
    # A keyed digest of the contents.
    Column("digest", String(64), nullable=False),
    Column("business_date", String(10)),
    Column("sequence", Integer),
    # Whose key protects what is kept of it: it goes with the first of its cases that is erased.
    Column("scope", String(160), nullable=False),
    Column("state", String(12), nullable=False),
    # What it is refused for: a reason of the error table.
    Column("reason", String(60), nullable=False, server_default=""),
    # How it is taken: each (record by record), all (or nothing), none (all are refused).
    Column("mode", String(8), nullable=False, server_default="each"),
    # Names, sizes, digests, manifest, findings: JSON, encrypted.
    Column("details", LargeBinary, nullable=False),
    Column("records", Integer, nullable=False, server_default=_ZERO),
    Column("done", Integer, nullable=False, server_default=_ZERO),
    Column("accepted", Integer, nullable=False, server_default=_ZERO),
    Column("ignored", Integer, nullable=False, server_default=_ZERO),
    Column("refused", Integer, nullable=False, server_default=_ZERO),
    Column("held", Integer, nullable=False, server_default=_ZERO),
    Column("received_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    UniqueConstraint("channel", "batch_no", "digest"),
    Index("ix_files_channel_digest", "channel", "digest"),
    Index("ix_files_state", "state"),
)

file_pieces = Table(
    "file_pieces",
    metadata,
    Column("file_id", Number, ForeignKey("files.file_id"), primary_key=True),
    # Of its first record, counted from 0 over the files of the batch.
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    # The outcomes that are not plain acceptance, and the totals: JSON, encrypted.
    Column("content", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

file_settlements = Table(
    "file_settlements",
    metadata,
    Column("channel", String(60), primary_key=True),
    # A keyed digest of what a file is known by where it lies: name, size, time of change.
    Column("facts", String(64), primary_key=True),
    Column("settlement", String(12), nullable=False),
    Column("settled_at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
