"""Visits to the gateway's pages, and the launches by which people come."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "visits",
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("flow", sa.String(length=60), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("trail", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visits")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_visits_expires_at"), "visits", ["expires_at"], unique=False)
    op.create_index("ix_visits_case_id_channel", "visits", ["case_id", "channel"], unique=False)
    _create_launches()


def _create_launches() -> None:
    op.create_table(
        "launches",
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_launches_visit_id")),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_launches")),
        sa.UniqueConstraint("secret", name=op.f("uq_launches_secret")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_launches_visit_id"), "launches", ["visit_id"], unique=False)
