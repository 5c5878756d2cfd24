"""Files that go out: each is written down with its bytes before any of it leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "outgoing_files",
        sa.Column("file_id", _NUMBER, nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("interface", sa.String(60), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cutoff", sa.Float(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("doubts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("lease", sa.String(80)),
        sa.Column("leased_until", sa.Float()),
        sa.Column("reason", sa.String(60), nullable=False, server_default=""),
        sa.Column("detail", sa.String(400), nullable=False, server_default=""),
        sa.Column("scope", sa.String(160), nullable=False),
        sa.Column("manifest", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("file_id", name="pk_outgoing_files"),
        sa.UniqueConstraint("channel", "name", name="uq_outgoing_files_channel_name"),
        sa.UniqueConstraint("channel", "day", "sequence", name="uq_outgoing_files_channel_day_sequence"),
    )
    columns = ["channel", "state", "due_at"]
    op.create_index("ix_outgoing_files_channel_state_due_at", "outgoing_files", columns)
    _create_contents()


def _create_contents() -> None:
    of_file, table = "fk_outgoing_contents_file_id_outgoing_files", "outgoing_files.file_id"
    op.create_table(
        "outgoing_contents",
        sa.Column("file_id", _NUMBER, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "part", name="pk_outgoing_contents"),
        sa.ForeignKeyConstraint(["file_id"], [table], name=of_file),
    )
    of_file = "fk_outgoing_deliveries_file_id_outgoing_files"
    of_delivery = "fk_outgoing_deliveries_delivery_id_deliveries"
    op.create_table(
        "outgoing_deliveries",
        sa.Column("file_id", _NUMBER, nullable=False),
        sa.Column("delivery_id", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "delivery_id", name="pk_outgoing_deliveries"),
        sa.ForeignKeyConstraint(["file_id"], [table], name=of_file),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.delivery_id"], name=of_delivery),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_outgoing_deliveries_delivery_id", "outgoing_deliveries", ["delivery_id"])
