"""Release of a parked fact: a person lets it go on, and its case is asked again where it stands now."""

from collections.abc import Callable

import orjson
from sqlalchemy import Connection, select, update

from xinqiao.message import Header, timestamp
from xinqiao.standard import message_types
from xinqiao_gateway.journal import deliveries, tables
from xinqiao_gateway.journal.batch import case_key
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.processes import CaseState, decide

__all__ = ["replay"]

_c, _d = tables.cases.c, tables.deliveries.c


def replay(connection: Connection, reading: Reading, delivery_id: int, pushed: Callable[[str], bool]) -> str:
    """Make a dead or parked delivery due now; return its channel. Raises ``NotFound`` for any other.

    A parked fact moves its case if that expects it now; where it does not, the case stays and the fact still goes.
    """
    parked = select(_d.position).where(_d.delivery_id == delivery_id, _d.state == "parked")
    position = connection.execute(parked).scalar()
    channel = deliveries.replay(connection, delivery_id, pushed)
    if position is not None:
        _ask_case_again(connection, reading, position)
    return channel


def _ask_case_again(connection: Connection, reading: Reading, position: int) -> None:
    message = reading.at(connection, position)
    header = Header.of(message)
    case_id, test, parties = case_key(header)
    same = (_c.case_id == case_id, _c.test == test, _c.parties == parties)
    row = connection.execute(select(tables.cases).where(*same)).one_or_none()
    if row is None:
        return
    case = CaseState(row.process, row.state, row.opener, orjson.loads(row.memory))
    body = next(key for key in message if key in message_types())
    decision = decide(header.case_id, case, body, message, is_request=False)
    if decision.verdict == "advance" and decision.case is not None:
        moved = {"state": decision.case.state, "memory": orjson.dumps(decision.case.memory).decode()}
        connection.execute(update(tables.cases).where(*same).values(moved | {"changed_at": timestamp()}))
