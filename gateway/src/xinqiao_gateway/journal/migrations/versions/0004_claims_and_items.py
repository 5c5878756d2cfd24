"""Archives are signed for; PostgreSQL finds the items of a case by the bytes of their ids, in any collation."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("archives", sa.Column("signature", sa.Text(), nullable=False, server_default=sa.text("''")))
    if op.get_context().dialect.name == "postgresql":
        op.create_index("ix_cases_case_id", "cases", ["case_id"], postgresql_ops={"case_id": "text_pattern_ops"})
