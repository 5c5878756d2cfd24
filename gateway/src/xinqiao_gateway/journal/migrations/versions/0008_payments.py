"""Payments at the cashier, one for each order."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "payments",
        sa.Column("payment_no", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("order_reference", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("payment_no", name=op.f("pk_payments")),
        sa.UniqueConstraint("channel", "order_reference", name=op.f("uq_payments_channel_order_reference")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_payments_due_at"), "payments", ["due_at"], unique=False)
