"""Policy and obligations: marks of windows, obligations, alarms and who has to get them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    _create_marks()
    _create_obligations()
    _create_alarms()


def _create_marks() -> None:
    op.create_table(
        "marks",
        sa.Column("mark_id", _NUMBER, nullable=False),
        sa.Column("position", _NUMBER, nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("ordinal", _NUMBER, nullable=False),
        sa.Column("amount", sa.LargeBinary(), nullable=True),
        sa.Column("total", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_marks")),
    )
    op.create_index("ix_marks_at", "marks", ["at"], unique=False)
    op.create_index("ix_marks_position", "marks", ["position"], unique=False)
    op.create_index("ix_marks_reference", "marks", ["reference"], unique=False)
    op.create_index("ix_marks_rule_key_at_ordinal", "marks", ["rule", "key", "at", "ordinal"], unique=False)


def _create_obligations() -> None:
    op.create_table(
        "obligations",
        sa.Column("obligation_id", _NUMBER, nullable=False),
        sa.Column("rule", sa.String(length=121), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("expects", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=True),
        sa.Column("opened_by", _NUMBER, nullable=True),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=True),
        sa.Column("met_by", _NUMBER, nullable=True),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_by", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("obligation_id", name=op.f("pk_obligations")),
        sa.UniqueConstraint("rule", "subject", "day", name=op.f("uq_obligations_rule_subject_day")),
    )
    op.create_index("ix_obligations_state_next_at", "obligations", ["state", "next_at"], unique=False)


def _create_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.String(length=32), nullable=False),
        sa.Column("raised_at", sa.Float(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_alarms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alarm_deliveries",
        sa.Column("alarm_id", sa.String(length=32), nullable=False),
        sa.Column("webhook", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.alarm_id"], name=op.f("fk_alarm_deliveries_alarm_id")),
        sa.PrimaryKeyConstraint("alarm_id", "webhook", name=op.f("pk_alarm_deliveries")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_alarm_deliveries_webhook_state_due_at", "alarm_deliveries", ["webhook", "state", "due_at"], unique=False
    )
