"""The tables of visits, what people enter on the gateway's pages, and of launches, by which they came.

A visit's ``state`` is open, awaiting_confirmation, submitting (what is sent is fixed), submitted, refused or expired.
Its content is ciphertext under the key of its case. A launch is one use of a partner's token; of the secret in its
address and of who came the row has keyed digests alone.
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from xinqiao_gateway.journal.tables import metadata

__all__ = ["launches", "visits"]

visits = Table(
    "visits",
    metadata,
    Column("visit_id", String(36), primary_key=True),
    Column("channel", String(60), nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("flow", String(60), nullable=False),
    # Tells several visits of one flow in one case apart; empty where the partner names none.
    Column("entry", String(64), nullable=False),
    Column("state", String(24), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scope", String(160), nullable=False),
    # Null once it has expired.
    Column("content", LargeBinary),
    # JSON: who did what, when, by which launch; digests and ids, never personal data.
    Column("trail", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    # When it is let go (Unix seconds); null once it was.
    Column("expires_at", Float, index=True),
    Index("ix_visits_case_id_channel", "case_id", "channel"),
    sqlite_with_rowid=False,
)

launches = Table(
    "launches",
    metadata,
    Column("jti", String(36), primary_key=True),
    Column("visit_id", String(36), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("secret", String(64), nullable=False, unique=True),
    Column("kid", String(64), nullable=False),
    Column("role", String(24), nullable=False),
    Column("actor", String(64), nullable=False),
    # JSON: the page that embeds it, and where to go afterwards.
    Column("host", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    # When it has been left alone for too long (Unix seconds).
    Column("expires_at", Float, nullable=False),
    sqlite_with_rowid=False,
)
