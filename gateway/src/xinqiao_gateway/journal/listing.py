"""What operators look at: exceptions with what they are about, proposals. Reads only; contents stay closed."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, and_, select

from xinqiao.message import Json
from xinqiao_gateway.journal import proposals, tables
from xinqiao_gateway.journal.obligations import Kept, listed
from xinqiao_gateway.journal.reading import Reading, deliveries_of

__all__ = [
    "cases_of",
    "exception_in_full",
    "exceptions",
    "exceptions_at",
    "obligations_in",
    "overdue_exception",
    "proposal",
    "proposals_in",
    "suspended_as",
    "waiting_for",
    "waiting_of",
]

_m, _d, _x = tables.messages.c, tables.deliveries.c, tables.exceptions.c


def exceptions(reading: Reading, state: str | None = None, after: int = 0, limit: int = 100) -> list[Json]:
    """Return exceptions in a state (None: all that are not resolved), oldest first, after one."""
    wanted = _x.state != "resolved" if state is None else _x.state == state
    query = (
        select(tables.exceptions, _m.message_type, _m.message_id, _m.test)
        .outerjoin(tables.messages, _m.position == _x.position)
        .where(wanted, _x.exception_id > after)
        .order_by(_x.exception_id)
        .limit(limit)
    )
    with reading.engine.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def exception_in_full(reading: Reading, exception_id: int) -> Json:
    """Return an exception with the deliveries of its message, its proposals, and what of it waits.

    ``waits`` holds the states ``parked``, ``dead`` and ``held`` in which something of it is. Raises ``NotFound``.
    """
    with reading.engine.begin() as connection:
        found = proposals.exception_of(connection, exception_id)
        position = found["position"]
        return found | {
            "deliveries": [] if position is None else deliveries_of(connection, position),
            "proposals": proposals.proposals_in(connection, None, [exception_id]),
            "waits": waiting_of(connection, found),
        }


def waiting_of(connection: Connection, exception: Json) -> list[str]:
    """Return in which states something of an exception's message waits for a person."""
    is_stuck = exception["kind"] in {"dead_letter", "unknown_outcome"}
    fits = (
        and_(_d.state.in_(("dead", "held")), _d.channel == exception["channel"]) if is_stuck else _d.state == "parked"
    )
    query = select(_d.state).where(_d.position == exception["position"], fits).distinct().order_by(_d.state)
    return list(connection.execute(query).scalars())


def waiting_for(reading: Reading, delivery_id: int | None, message_id: str | None) -> dict[str, int]:
    """Return in which states the deliveries of that id and message are that wait for a person, each with a position."""
    named: list[ColumnElement[bool]] = [_d.state.in_(("parked", "held"))]
    named += [] if delivery_id is None else [_d.delivery_id == delivery_id]
    named += [] if message_id is None else [_m.message_id == message_id]
    query = select(_d.state, _d.position).join(tables.messages, _m.position == _d.position).where(*named)
    with reading.engine.begin() as connection:
        return {row.state: row.position for row in connection.execute(query.order_by(_d.position.desc()))}


def proposals_in(reading: Reading, state: str | None = "open", limit: int = 100) -> list[Json]:
    """Return proposals in a state (None: any), oldest first."""
    with reading.engine.begin() as connection:
        return proposals.proposals_in(connection, state, limit=limit)


def proposal(reading: Reading, proposal_id: int) -> tuple[Json, bytes | None]:
    """Return a proposal and the message that it would send. Raises ``NotFound``, ``ContentGone``."""
    with reading.engine.begin() as connection:
        found = proposals.proposal_of(connection, proposal_id)
        return found, proposals.message_of(connection, reading.vault, proposal_id)


def obligations_in(reading: Reading, state: str = "open", after: int = 0, limit: int = 100) -> list[Kept]:
    """Return obligations in a state, in the order of their ids, after one."""
    with reading.engine.begin() as connection:
        return listed(connection, state, after, limit)


def overdue_exception(reading: Reading, obligation_id: int) -> int | None:
    """Return the unresolved exception of an overdue obligation; None where there is none."""
    about = (_x.obligation_id == obligation_id, _x.kind == "overdue", _x.state != "resolved")
    with reading.engine.begin() as connection:
        found: int | None = connection.execute(select(_x.exception_id).where(*about).limit(1)).scalar()
        return found


def cases_of(reading: Reading, exception_ids: Iterable[int]) -> dict[int, str]:
    """Return the cases of exceptions by the numbers of these; one without a case is left out."""
    query = select(_x.exception_id, _x.case_id).where(_x.exception_id.in_(list(exception_ids)), _x.case_id.is_not(None))
    with reading.engine.begin() as connection:
        return {row.exception_id: row.case_id for row in connection.execute(query)}


def suspended_as(reading: Reading, exception_id: int) -> int | None:
    """Return the open exception under which money is in suspense since another one was resolved that way."""
    position = select(_x.position).where(_x.exception_id == exception_id).scalar_subquery()
    query = select(_x.exception_id).where(
        _x.position == position, _x.kind == "suspense", _x.state == "open", _x.exception_id > exception_id
    )
    with reading.engine.begin() as connection:
        found: int | None = connection.execute(query.order_by(_x.exception_id).limit(1)).scalar()
        return found


def exceptions_at(reading: Reading, position: int) -> list[int]:
    """Return the unresolved exceptions of a message."""
    query = select(_x.exception_id).where(_x.position == position, _x.state != "resolved").order_by(_x.exception_id)
    with reading.engine.begin() as connection:
        return list(connection.execute(query).scalars())
