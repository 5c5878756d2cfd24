"""Batches of files: what became of each, and of each of its records."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = ("records", "done", "accepted", "ignored", "refused", "held")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "files",
        sa.Column("file_id", _NUMBER, nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("batch_no", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("business_date", sa.String(10)),
        sa.Column("sequence", sa.Integer()),
        sa.Column("scope", sa.String(160), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False, server_default=""),
        sa.Column("mode", sa.String(8), nullable=False, server_default="each"),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")) for name in _COUNTS),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("finished_at", sa.String(32)),
        sa.PrimaryKeyConstraint("file_id", name="pk_files"),
        sa.UniqueConstraint("channel", "batch_no", "digest", name="uq_files_channel_batch_no_digest"),
    )
    op.create_index("ix_files_channel_digest", "files", ["channel", "digest"])
    op.create_index("ix_files_state", "files", ["state"])
    op.create_table(
        "file_pieces",
        sa.Column("file_id", _NUMBER, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "first", name="pk_file_pieces"),
        sa.ForeignKeyConstraint(["file_id"], ["files.file_id"], name="fk_file_pieces_file_id_files"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_settlements",
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("facts", sa.String(64), nullable=False),
        sa.Column("settlement", sa.String(12), nullable=False),
        sa.Column("settled_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("channel", "facts", name="pk_file_settlements"),
        sqlite_with_rowid=False,
    )
