"""Messages that one channel may see on the gateway's pages: those delivered to it, and those that came from it.

Reads only, the latest first, a bounded number. What waits for a person, was passed over or given up is not shown.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select

from xinqiao.errors import ContentGone
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.reading import Reading

__all__ = ["delivered_to", "item_state", "sent_by"]

_m, _d = tables.messages.c, tables.deliveries.c
_ON_ITS_WAY = ("pending", "leased", "waiting", "held", "delivered")


def delivered_to(
    reading: Reading, channel: str, institution: str, message_type: str, *, test: bool, case_id: str | None, limit: int
) -> list[Json]:
    """Return messages of a type for an institution that reached its channel or are on their way there.

    ``case_id``: those of one case; None: of any case, and of none.
    """
    reaches = exists().where(_d.position == _m.position, _d.channel == channel, _d.state.in_(_ON_ITS_WAY))
    return list(_messages(reading, message_type, test, case_id, limit, _m.receiver == institution, reaches))


def sent_by(reading: Reading, channel: str, message_type: str, *, test: bool, case_id: str, limit: int) -> list[Json]:
    """Return messages of a type in a case that came from a channel."""
    return list(_messages(reading, message_type, test, case_id, limit, _m.channel == channel))


def item_state(reading: Reading, case_id: str, item: str, *, test: bool, institution: str) -> str | None:
    """Return where an item (``order:PO1``) of a case stands; None where no process is about it."""
    with reading.engine.begin() as connection:
        row = reading.case_row(connection, f"{case_id}#{item}", test, institution)
    return None if row is None else str(row["state"])


def _messages(
    reading: Reading, message_type: str, test: bool, case_id: str | None, limit: int, *conditions: ColumnElement[bool]
) -> Iterator[Json]:
    query: Select[Any] = select(_m.position).where(_m.message_type == message_type, _m.test == test, *conditions)
    if case_id is not None:
        query = query.where(_m.case_id == case_id)
    with reading.engine.begin() as connection:
        for position in connection.execute(query.order_by(_m.position.desc()).limit(limit)).scalars().all():
            try:
                yield reading.at(connection, position)
            except ContentGone:  # erased, or in an archive: there is nothing that could be shown
                continue
