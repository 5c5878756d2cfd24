"""Messages that one channel may see on the gateway's pages: those delivered to it, and those that came from it.

Reads only, the latest first, a bounded number. What waits for a person, was passed over or given up is not shown.
"""

from contextlib import suppress

from sqlalchemy import ColumnElement, exists, select

from xinqiao.errors import ContentGone
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.addressed import Address
from xinqiao_gateway.journal.reading import Reading

__all__ = ["delivered_to", "item_state", "sent_by"]

_m, _d = tables.messages.c, tables.deliveries.c
_ON_ITS_WAY = ("pending", "leased", "waiting", "held", "delivered")


def delivered_to(reading: Reading, address: Address, message_type: str, limit: int, *, of_case: bool) -> list[Json]:
    """Return messages of a type for an institution that reached its channel or are on their way there.

    ``of_case``: those of the address's case, else those that belong to no case, such as what a product is.
    """
    reaches = exists().where(
        _d.position == _m.position, _d.channel == address.channel, _d.state.in_(_ON_ITS_WAY)
    )  # fmt: skip
    case = _m.case_id == address.case_id if of_case else _m.case_id.is_(None)
    return _messages(reading, message_type, address, limit, case, _m.receiver == address.institution, reaches)


def sent_by(reading: Reading, address: Address, message_type: str, limit: int) -> list[Json]:
    """Return messages of a type in a case that came from a channel."""
    conditions = (_m.case_id == address.case_id, _m.channel == address.channel)
    return _messages(reading, message_type, address, limit, *conditions)


def item_state(reading: Reading, address: Address, item: str) -> str | None:
    """Return where an item (``order:PO1``) of a case stands; None where no process is about it."""
    with reading.engine.begin() as connection:
        row = reading.case_row(connection, f"{address.case_id}#{item}", address.test, address.institution)
    return None if row is None else str(row["state"])


def _messages(
    reading: Reading, message_type: str, address: Address, limit: int, *conditions: ColumnElement[bool]
) -> list[Json]:
    wanted = (_m.message_type == message_type, _m.test == address.test, *conditions)
    query = select(_m.position).where(*wanted).order_by(_m.position.desc()).limit(limit)
    found = []
    with reading.engine.begin() as connection:
        for position in connection.execute(query).scalars().all():
            # What was erased, or is in an archive, cannot be shown.
            with suppress(ContentGone):
                found.append(reading.at(connection, position))
    return found
