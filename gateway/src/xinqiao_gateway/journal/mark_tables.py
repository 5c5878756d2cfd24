"""The table of marks: what policy rules remember of accepted messages, for as long as their windows are."""

from sqlalchemy import Column, Float, Index, LargeBinary, String, Table

from xinqiao_gateway.journal.tables import Number, metadata

__all__ = ["marks"]

marks = Table(
    "marks",
    metadata,
    Column("mark_id", Number, primary_key=True),
    # No foreign key: a mark may outlive its message in the archive.
    Column("position", Number, nullable=False),
    Column("rule", String(80), nullable=False),
    # Keyed digests: of what the rule groups by, and of the partner's reference.
    Column("key", String(64), nullable=False),
    Column("reference", String(64)),
    Column("at", Float, nullable=False),
    # How many marks the key had with this one, and what they summed up to: a window is the difference of two marks.
    Column("ordinal", Number, nullable=False),
    Column("amount", LargeBinary),
    Column("total", LargeBinary),
    # Both ends of a window are its first row, whichever way it is read.
    Index("ix_marks_rule_key_at_ordinal", "rule", "key", "at", "ordinal"),
    Index("ix_marks_reference", "reference"),
    Index("ix_marks_position", "position"),
    Index("ix_marks_at", "at"),
)
