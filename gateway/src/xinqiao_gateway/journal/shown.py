"""Messages that one channel may see on the gateway's pages: those that reached it, and those that came from it.

Reads only, a bounded number. Never what another channel got: a case's number alone is no right to read it. What waits
for a person, was passed over or given up is not shown.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from xinqiao.errors import ContentGone
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.reading import Reading

__all__ = ["Address", "delivered_to", "exchanged", "item_state", "sent_by"]

_m, _d = tables.messages.c, tables.deliveries.c
# What reached the channel or is on its way there.
_ON_ITS_WAY = ("pending", "leased", "waiting", "held", "delivered")
_MOST_EXCHANGED = 200


@dataclass(frozen=True, slots=True)
class Address:
    """Whose messages: a case of a channel, between its institution and that of the gateway, ``test`` or not."""

    channel: str
    case_id: str
    institution: str
    gateway_code: str
    test: bool


def delivered_to(reading: Reading, address: Address, message_type: str, limit: int, *, of_case: bool) -> list[Json]:
    """Return messages of a type for an institution that reached its channel, the latest first.

    ``of_case``: those of the address's case, else those that belong to no case, such as what a product is. What was
    erased, or is in an archive, is not among them.
    """
    case = _m.case_id == address.case_id if of_case else _m.case_id.is_(None)
    return _readable(reading, address, case & _came(address, (message_type,)), limit)


def sent_by(reading: Reading, address: Address, message_type: str, limit: int) -> list[Json]:
    """Return messages of a type in a case that came from a channel, the latest first; none that was erased."""
    return _readable(reading, address, (_m.case_id == address.case_id) & _went(address, (message_type,)), limit)


def exchanged(reading: Reading, address: Address, came: Sequence[str], went: Sequence[str] = ()) -> list[Json]:
    """Return what the gateway's institution sent to a channel about a case, and what the channel sent, by types.

    In the order of the journal, the 200 last: all of them or none, since each may change what another says. Raises
    ``ContentGone`` where one was erased or archived.
    """
    told = _came(address, came) & (_m.sender == address.gateway_code)
    own = _went(address, went) & (_m.sender == address.institution)
    condition = (_m.case_id == address.case_id) & or_(told, own)
    with reading.engine.begin() as connection:
        positions = _positions(connection, address, condition, _MOST_EXCHANGED)
        return [reading.at(connection, position) for position in reversed(positions)]


def item_state(reading: Reading, address: Address, item: str) -> str | None:
    """Return where an item (``order:PO1``) of a case stands; None where no process is about it."""
    with reading.engine.begin() as connection:
        row = reading.case_row(connection, f"{address.case_id}#{item}", address.test, address.institution)
    return None if row is None else str(row["state"])


def _came(address: Address, types: Sequence[str]) -> ColumnElement[bool]:
    reaches = exists().where(
        _d.position == _m.position, _d.channel == address.channel, _d.state.in_(_ON_ITS_WAY)
    )  # fmt: skip
    return _m.message_type.in_(types) & (_m.receiver == address.institution) & reaches


def _went(address: Address, types: Sequence[str]) -> ColumnElement[bool]:
    return _m.message_type.in_(types) & (_m.channel == address.channel)


def _readable(reading: Reading, address: Address, condition: ColumnElement[bool], limit: int) -> list[Json]:
    found = []
    with reading.engine.begin() as connection:
        for position in _positions(connection, address, condition, limit):
            with suppress(ContentGone):
                found.append(reading.at(connection, position))
    return found


def _positions(connection: Connection, address: Address, condition: ColumnElement[bool], limit: int) -> Sequence[int]:
    """Return where the messages are in the journal, the latest first."""
    query = select(_m.position).where(_m.test == address.test, condition).order_by(_m.position.desc()).limit(limit)
    return connection.execute(query).scalars().all()
