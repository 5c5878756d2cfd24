"""Messages that wait for a person: letting one go on, or turning it back. Functions of the writer's transaction."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from xinqiao.errors import NotFound, OutOfOrder
from xinqiao.message import Header, Json, message_type
from xinqiao_gateway.journal import release, tables
from xinqiao_gateway.journal.cases import awaited, decided, ids_of, load, moved, save
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.marks import marks_key, withdraw_marks
from xinqiao_gateway.journal.reading import Reading

__all__ = ["decline_held", "held_with", "release_held"]

_d, _m, _r, _x = tables.deliveries.c, tables.messages.c, tables.raws.c, tables.exceptions.c


def release_held(
    connection: Connection,
    reading: Reading,
    position: int,
    pushed: Callable[[str], bool],
    *,
    now: float,
    reason: str,
    by: str,
) -> set[str]:
    """Let a parked message go on; return the channels that it is due for.

    Its case is asked again, once. Raises ``OutOfOrder`` where that refuses it, ``NotFound`` where nothing is parked.
    """
    parked = _parked(connection, position)
    _ask_case_again(connection, reading.at(connection, position), now)
    return {release.replay(connection, each, pushed, now=now, reason=reason, by=by) for each in parked}


def decline_held(connection: Connection, reading: Reading, position: int, reason: str, *, now: float, by: str) -> None:
    """Turn a parked message back: it stays in the journal, goes nowhere, and policy forgets it.

    Raises ``NotFound`` where nothing is parked.
    """
    for delivery in _parked(connection, position):
        release.skip(connection, delivery, reason, now=now, by=by)
    withdraw_marks(connection, marks_key(reading.vault), [position])


def held_with(connection: Connection, exception: Json) -> list[int]:
    """Return the positions that an exception is about: of a late file all that wait for the same batch, else its own.

    A file is one input, also where it was taken in pieces, so that whoever decides decides on all of its rows.
    """
    if exception["kind"] != "late":
        return [exception["position"]]
    raw = select(_m.raw_id, _r.scope).join(tables.raws, _r.raw_id == _m.raw_id)
    raw_id, scope = connection.execute(raw.where(_m.position == exception["position"])).one()
    same_file = _r.scope == scope if scope.startswith("file:") else _m.raw_id == raw_id
    query = (
        select(_m.position)
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .join(tables.exceptions, _x.position == _m.position)
        .where(same_file, _x.kind == "late", _x.detail == exception["detail"], _x.state != "resolved")
        .order_by(_m.position)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


def _parked(connection: Connection, position: int) -> list[int]:
    query = select(_d.delivery_id).where(_d.position == position, _d.state == "parked")
    found = list(connection.execute(query).scalars())
    if not found:
        raise NotFound(f"nothing of position {position} is parked")
    return found


def _ask_case_again(connection: Connection, message: Json, now: float) -> None:
    """Move the case of a message that goes on, where it stands now and expects it.

    A refusal counts for a request: it is declined, or waits until the case expects it. A fact has happened: it goes on
    whatever its case says, and one that does not expect it stays as it is. Raises ``OutOfOrder``.
    """
    header, kind = Header.of(message), message_type(message)
    cases = load(connection, ids_of(header, kind.body, message))
    is_request = kind.message_class == "REQUEST"
    decision = decided(cases, header, kind.body, message, is_request=is_request)
    if decision.verdict == "refuse":
        said = f"case {header.case_id} expects {awaited(decision, header)} now, not {kind.body}"
        raise OutOfOrder(f"{said}; decline it, or release it once its turn has come", expected=decision.expected)
    save(connection, moved(decision, header), cases.keys(), written(now), now)
