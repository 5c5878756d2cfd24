"""What operation needs: content digests, search, leases by holder, ranks, resolution of exceptions, archives, nodes."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PAGE = 1000


def upgrade() -> None:
    """Apply."""
    _extend_evidence()
    _extend_deliveries()
    _extend_exceptions()
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        # Ciphertext does not shrink: trying to compress it halves the throughput.
        for table, column in (("raws", "content"), ("messages", "canonical")):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def _extend_evidence() -> None:
    op.add_column("raws", sa.Column("content_digest", sa.LargeBinary(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "messages", sa.Column("canonical_digest", sa.LargeBinary(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("batches", sa.Column("accepted_at", sa.String(length=32), server_default="", nullable=False))
    _extend_cases()
    _digest_contents("raws", "raw_id", "content")
    _digest_contents("messages", "position", "canonical")
    op.execute(
        "UPDATE batches SET accepted_at = "
        "(SELECT accepted_at FROM messages WHERE messages.position = batches.first_position)"
    )
    op.create_index(op.f("ix_batches_accepted_at"), "batches", ["accepted_at"], unique=False)
    op.create_index(op.f("ix_cases_changed_at"), "cases", ["changed_at"], unique=False)
    op.create_index(op.f("ix_cases_expires_at"), "cases", ["expires_at"], unique=False)
    op.create_index("ix_messages_message_type_position", "messages", ["message_type", "position"], unique=False)
    op.create_index("ix_messages_channel_position", "messages", ["channel", "position"], unique=False)
    op.create_index("ix_messages_partner_serial", "messages", ["partner_serial"], unique=False)


def _extend_cases() -> None:
    with op.batch_alter_table("cases", table_kwargs={"sqlite_with_rowid": False}) as table:
        table.alter_column("case_id", existing_type=sa.String(length=64), type_=sa.String(length=160))
        table.add_column(sa.Column("expires_at", sa.Float(), nullable=True))


def _digest_contents(name: str, key: str, content: str) -> None:
    """Fill a column with the SHA-256 of what is kept beside it, a page of rows at a time."""
    connection = op.get_bind()
    table = sa.table(
        name,
        sa.column(key, _NUMBER),
        sa.column(content, sa.LargeBinary),
        sa.column(f"{content}_digest", sa.LargeBinary),
    )
    last = 0
    while True:
        page = sa.select(table.c[key], table.c[content]).where(table.c[key] > last).order_by(table.c[key]).limit(_PAGE)
        rows = connection.execute(page).all()
        if not rows:
            return
        last = rows[-1][0]
        digested = table.update().where(table.c[key] == sa.bindparam("at"))
        connection.execute(
            digested.values({f"{content}_digest": sa.bindparam("digest")}),
            [{"at": at, "digest": hashlib.sha256(kept or b"").digest()} for at, kept in rows],
        )


def _extend_deliveries() -> None:
    for name in ("ix_deliveries_channel_state_due_at", "ix_deliveries_channel_lane_position"):
        op.drop_index(name, table_name="deliveries")
    with op.batch_alter_table("deliveries") as table:
        table.alter_column("lane", existing_type=sa.String(length=64), type_=sa.String(length=120))
    op.add_column("deliveries", sa.Column("rank", sa.Integer(), server_default="1", nullable=False))
    op.add_column("deliveries", sa.Column("created_at", sa.Float(), server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("lease", sa.String(length=80), nullable=True))
    op.execute("UPDATE deliveries SET created_at = due_at")
    _rename_lanes()
    op.create_index(
        "ix_deliveries_channel_state_rank_due_at_position",
        "deliveries",
        ["channel", "state", "rank", "due_at", "position"],
        unique=False,
    )
    op.create_index(
        "ix_deliveries_channel_lane_state_position",
        "deliveries",
        ["channel", "lane", "state", "position"],
        unique=False,
    )


def _rename_lanes() -> None:
    """Put the two institutions into the lanes of what is not delivered, a page of rows at a time."""
    connection = op.get_bind()
    page = sa.text(
        "SELECT d.delivery_id, m.case_id, m.test, m.sender, m.receiver"
        " FROM deliveries d JOIN messages m ON m.position = d.position"
        " WHERE d.delivery_id > :last AND d.state <> 'delivered' AND m.case_id IS NOT NULL"
        " ORDER BY d.delivery_id LIMIT :page"
    )
    last = 0
    while True:
        rows = connection.execute(page, {"last": last, "page": _PAGE}).all()
        if not rows:
            return
        last = rows[-1].delivery_id
        connection.execute(
            sa.text("UPDATE deliveries SET lane = :lane WHERE delivery_id = :at"),
            [{"at": row.delivery_id, "lane": _lane(*row[1:])} for row in rows],
        )


def _lane(case_id: str, test: bool, *parties: str) -> str:
    parts = (f"{'test' if test else 'production'}|{case_id}", *sorted(parties))
    return "".join(hashlib.sha256(part.encode()).hexdigest()[:16] for part in parts) + f":{case_id}"


def _extend_exceptions() -> None:
    with op.batch_alter_table("exceptions") as table:
        table.alter_column("position", existing_type=_NUMBER, nullable=True)
        table.add_column(sa.Column("channel", sa.String(length=60), nullable=True))
        table.add_column(sa.Column("obligation_id", _NUMBER, nullable=True))
        table.add_column(sa.Column("detail", sa.Text(), server_default="", nullable=False))
        table.add_column(sa.Column("resolved_at", sa.String(length=32), nullable=True))
        table.add_column(sa.Column("resolution", sa.String(length=20), nullable=True))
        table.add_column(sa.Column("handled_by", sa.String(length=120), nullable=True))
    op.execute("UPDATE exceptions SET state = 'resolved', resolution = 'resend' WHERE state = 'replayed'")
    op.create_index(op.f("ix_exceptions_position"), "exceptions", ["position"], unique=False)
    op.create_index(op.f("ix_exceptions_state"), "exceptions", ["state"], unique=False)


def _create_tables() -> None:
    op.create_table(
        "erasures",
        sa.Column("erasure_id", _NUMBER, nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("erased_at", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("scope", name=op.f("uq_erasures_scope")),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", _NUMBER, nullable=False),
        sa.Column("exception_id", _NUMBER, nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("maker", sa.String(length=60), nullable=False),
        sa.Column("proposed_at", sa.String(length=32), nullable=False),
        sa.Column("checker", sa.String(length=60), nullable=True),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["exception_id"], ["exceptions.exception_id"], name=op.f("fk_proposals_exception_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
    )
    op.create_index(op.f("ix_proposals_exception_id"), "proposals", ["exception_id"], unique=False)
    op.create_index(op.f("ix_proposals_state"), "proposals", ["state"], unique=False)
    op.create_table(
        "archives",
        sa.Column("archive_id", _NUMBER, nullable=False),
        sa.Column("first_batch", _NUMBER, nullable=False),
        sa.Column("last_batch", _NUMBER, nullable=False),
        sa.Column("first_position", _NUMBER, nullable=False),
        sa.Column("last_position", _NUMBER, nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("archived_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("archive_id", name=op.f("pk_archives")),
    )
    op.create_table(
        "nodes",
        sa.Column("node", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_nodes")),
    )
