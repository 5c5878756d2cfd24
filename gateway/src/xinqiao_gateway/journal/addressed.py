"""What reached a channel about a case: for pages that show a partner's people what their partner was sent.

Never what another channel got: a case's number alone is no right to read it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_, select

from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.reading import Reading

__all__ = ["Address", "addressed"]

_m, _d = tables.messages.c, tables.deliveries.c
# What reached the channel or is on its way there; not what waits for a person, was passed over or given up.
_ON_ITS_WAY = ("pending", "leased", "waiting", "held", "delivered")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Address:
    """Whose messages: a case of a channel, between its institution and that of the gateway, ``test`` or not."""

    channel: str
    case_id: str
    institution: str
    gateway_code: str
    test: bool


def addressed(reading: Reading, address: Address, kinds: Sequence[str], own: Sequence[str] = ()) -> list[Json]:
    """Return the messages of some types that the channel was sent about a case, and of ``own`` types that it sent.

    In the order of the journal, the 200 last. Raises ``ContentGone`` where one was erased or archived.
    """
    return list(_read(reading, address, kinds, own))


def _read(reading: Reading, address: Address, kinds: Sequence[str], own: Sequence[str]) -> Iterator[Json]:
    reaches = exists().where(
        _d.position == _m.position, _d.channel == address.channel, _d.state.in_(_ON_ITS_WAY)
    )  # fmt: skip
    came = reaches & (_m.receiver == address.institution) & (_m.sender == address.gateway_code)
    went = (_m.channel == address.channel) & (_m.sender == address.institution)
    query = (
        select(_m.position)
        .where(_m.case_id == address.case_id, _m.test == address.test)
        .where(or_(_m.message_type.in_(kinds) & came, _m.message_type.in_(own) & went))
        .order_by(_m.position.desc())
        .limit(_MOST)
    )
    with reading.engine.begin() as connection:
        for position in reversed(connection.execute(query).scalars().all()):
            yield reading.at(connection, position)
