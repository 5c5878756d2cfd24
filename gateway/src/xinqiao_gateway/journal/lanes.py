"""Lanes: the order in which a case's deliveries reach one destination.

A lane is a case at a channel, in journal order. Each pair of institutions numbers its cases by itself, so that a lane
is named ``case first-party second-party : case id``, the first three as 16 hexadecimal digits of a digest without
anything between. What is ``pending``, ``leased``, ``dead`` or ``held`` keeps back what comes after it.

The directives to an institution about a case id have a lane of their own, ``! case receiver : case id``: nothing keeps
them back, and they keep back every case of that id to which their receiver is a party. So a lane says itself which two
lanes of directives keep it back, and those of a case id lie side by side in the index.

So that a search for what is due never visits the length of a lane, what is kept back steps out of the schedule
(``due_at`` is ``BEHIND``) when a search meets it, and steps in again when what kept it back is through. Whoever
takes a delivery out of these four states therefore calls ``advance``, in the same transaction.
"""

import hashlib
from collections.abc import Iterator

from sqlalchemy import Connection, and_, bindparam, case, exists, func, or_, select, update

from xinqiao.message import Header
from xinqiao_gateway.journal import tables

__all__ = ["BEHIND", "IS_KEPT_BACK", "advance", "lane_of"]

# The end of the year 9999: no time of this schedule, and still a date.
BEHIND = 253_402_300_799.0
_DIRECTIVES = "!"
_DIGITS = 16

_d = tables.deliveries.c
_b = tables.deliveries.alias("before").c

_UNFINISHED = and_(_b.channel == _d.channel, _b.state.in_(("pending", "leased", "dead", "held")))
# Of a lane: that of the directives to its first party, and to its second.
_TO_PARTIES = (
    _DIRECTIVES + func.substr(_d.lane, 1, 2 * _DIGITS) + func.substr(_d.lane, 3 * _DIGITS + 1),
    _DIRECTIVES + func.substr(_d.lane, 1, _DIGITS) + func.substr(_d.lane, 2 * _DIGITS + 1),
)
IS_KEPT_BACK = or_(
    exists().where(_UNFINISHED, _b.lane == _d.lane, _b.position < _d.position),
    and_(_d.rank > 0, exists().where(_UNFINISHED, _b.lane.in_(_TO_PARTIES), _b.rank == 0)),
)

_FIRST_BEHIND = (
    select(_b.delivery_id)
    .where(
        _b.channel == bindparam("of_channel"),
        _b.lane == bindparam("of_lane"),
        _b.state == "pending",
        _b.due_at == BEHIND,
    )
    .order_by(_b.position)
    .limit(1)
    .scalar_subquery()
)

# Due since it came; a clock that was ahead then counts for nothing.
_ADVANCE = (
    update(tables.deliveries)
    .where(_d.delivery_id == _FIRST_BEHIND)
    .values(due_at=case((_d.created_at < bindparam("at"), _d.created_at), else_=bindparam("at")))
)
_NEXT_LANE = select(func.min(_d.lane)).where(
    _d.channel == bindparam("of_channel"), _d.lane > bindparam("last"), _d.lane < bindparam("end")
)


def lane_of(header: Header, *, is_directive: bool) -> str:
    """Return a message's lane; one that belongs to no case has its own."""
    if header.case_id is None:
        return (_DIRECTIVES if is_directive else "") + header.message_id
    of_case = _digest(f"{'test' if header.test else 'production'}|{header.case_id}")
    if is_directive:
        return f"{_DIRECTIVES}{of_case}{_digest(header.receiver)}:{header.case_id}"
    first, second = sorted((header.sender, header.receiver))
    return f"{of_case}{_digest(first)}{_digest(second)}:{header.case_id}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def advance(connection: Connection, channel: str, lane: str, now: float) -> None:
    """Let the next of a lane step in, where one was through; should another still keep it back, it steps out again.

    Where that was a directive, also the next of each lane that it may have kept back.
    """
    for each in (lane, *_kept_back_by(connection, channel, lane)):
        connection.execute(_ADVANCE, {"of_channel": channel, "of_lane": each, "at": now})


def _kept_back_by(connection: Connection, channel: str, lane: str) -> Iterator[str]:
    """Yield the lanes that a directive's lane keeps back; a step in the index for each of its case id, however long."""
    named, colon, case_id = lane.removeprefix(_DIRECTIVES).partition(":")
    if not (lane.startswith(_DIRECTIVES) and colon):
        return
    of_case, receiver = named[:_DIGITS], named[_DIGITS:]
    # All that begins so, whatever the database sorts by: the next character is a hexadecimal digit.
    searched = {"of_channel": channel, "last": of_case, "end": f"{of_case}g"}
    while (last := connection.execute(_NEXT_LANE, searched).scalar()) is not None:
        searched["last"] = last
        parties, _, found = last[_DIGITS:].partition(":")
        if found == case_id and receiver in (parties[:_DIGITS], parties[_DIGITS:]):
            yield last
