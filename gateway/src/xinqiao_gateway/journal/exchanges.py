"""What a channel exchanged, for those who look at it afterwards: messages that came by it, attempts to deliver to it.

Reads only, the latest first, a bounded number. What was refused at intake is not in the journal, and not here.
"""

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from xinqiao.errors import ContentGone
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.search import position_from

__all__ = ["Exchange", "Opened", "Selected", "Span", "channels_of_case", "exchanges", "opened_exchanges"]

_m, _d, _r, _a = tables.messages.c, tables.deliveries.c, tables.raws.c, tables.attempts.c
_PAGE = 500
# Messages that are passed over at the most, while those that are chosen are looked for.
_MOST_PASSED = 200_000
# The last attempts at one delivery.
_MOST_ATTEMPTS = 20
_OUTCOMES = ("delivered", "refused", "failed", "unknown")
_SIZE = func.coalesce(func.length(_m.canonical), func.length(_r.content)).label("size")
_KNOWN = (_m.position, _m.message_id, _m.case_id, _m.correlation_id, _m.replaces, _SIZE)


@dataclass(frozen=True, slots=True)
class Span:
    """Which exchanges: those of a channel, of one case or of all.

    ``since`` (inclusive) and ``until`` (exclusive) are instants in ISO 8601, UTC with ``Z``, of acceptance.
    """

    channel: str
    case_id: str | None = None
    since: str | None = None
    until: str | None = None


class Exchange(NamedTuple):
    """A message that ``came`` by the channel, or an attempt to deliver one to it, with what that came to.

    ``size``: bytes of its content. ``in_file``: it came as a record of a file. ``outcome`` and ``detail`` are those of
    the attempt.
    """

    at: str
    position: int
    message_id: str
    size: int
    came: bool
    in_file: bool = False
    attempt: int = 1
    outcome: str = ""
    detail: str = ""


class Selected(NamedTuple):
    """Exchanges in the order of time; ``whole`` where none was left out but by choice."""

    exchanges: list[Exchange]
    whole: bool


class Opened(NamedTuple):
    """An exchange with its message; content type and signature of one that came as its own canonical bytes."""

    exchange: Exchange
    message: Json
    content_type: str = ""
    signature: str = ""


def exchanges(
    reading: Reading,
    span: Span,
    most: int,
    *,
    most_bytes: int = sys.maxsize,
    chosen: Callable[[str], bool] = lambda _: True,
) -> Selected:
    """Return the latest exchanges of a span, at most so many, of messages of so many bytes in all.

    ``chosen`` is asked by case; without one by the message that is answered or corrected, else by the message itself.
    Raises ``MalformedQuery`` where an instant is none.
    """
    kept: list[Row[Any]] = []
    number = 0
    with reading.engine.begin() as connection:
        for number, row in enumerate(_latest_first(connection, span), 1):
            if number - len(kept) > _MOST_PASSED or len(kept) > most:
                break
            if chosen(row.case_id or row.correlation_id or row.replaces or row.message_id):
                kept.append(row)
        deliveries = [row for row in kept[:most] if hasattr(row, "delivery_id")]
        found = [*map(_came, (row for row in kept[:most] if hasattr(row, "scope"))), *_tried(connection, deliveries)]
    fitting = _fitting(sorted(found), most, most_bytes)
    all_seen = number - len(kept) <= _MOST_PASSED and len(kept) <= most
    return Selected(fitting, whole=all_seen and len(fitting) == len(found))


def _came(row: Row[Any]) -> Exchange:
    return Exchange(row.accepted_at, row.position, row.message_id, row.size, True, row.scope.startswith("file:"))


def _fitting(found: Sequence[Exchange], most: int, most_bytes: int) -> list[Exchange]:
    """Return the last of exchanges, as many as may be."""
    count = bisect_right(list(accumulate(each.size for each in reversed(found))), most_bytes)
    return list(found[len(found) - min(count, most) :])


def _latest_first(connection: Connection, span: Span) -> Iterator[Row[Any]]:
    """Yield rows of messages that came, and of deliveries, the latest positions first."""
    first = position_from(connection, span.since) if span.since else 0
    end = position_from(connection, span.until) if span.until else None
    came = select(*_KNOWN, _m.accepted_at, _r.scope).join(tables.raws, _r.raw_id == _m.raw_id)
    went = (
        select(*_KNOWN, _d.delivery_id, _d.state, _d.changed_at)
        .join(tables.deliveries, _d.position == _m.position)
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .where(_beside_an_index(_d.channel) == span.channel)
    )
    if span.case_id is None:
        came = came.where(_m.channel == span.channel)
    else:
        came = came.where(_m.case_id == span.case_id, _beside_an_index(_m.channel) == span.channel)
        went = went.where(_m.case_id == span.case_id)
    streams = [_pages(connection, came, _m.position, first, end), _pages(connection, went, _d.position, first, end)]
    return merge(*streams, key=lambda row: -row.position)


def _beside_an_index(channel: ColumnElement[str]) -> ColumnElement[str]:
    """Return a column as no index has it.

    Those that begin with the channel are not in the order of positions: to use one is to read and sort all that a
    channel ever had, for each page. The index of positions, or of cases, reads what was asked for.
    """
    return channel + ""


def _pages(
    connection: Connection, query: Select[Any], position: ColumnElement[int], first: int, end: int | None
) -> Iterator[Row[Any]]:
    query = query.where(position >= first).order_by(position.desc()).limit(_PAGE)
    while True:
        page = connection.execute(query if end is None else query.where(position < end)).all()
        yield from page
        if len(page) < _PAGE:
            return
        end = page[-1].position


def _tried(connection: Connection, deliveries: Sequence[Row[Any]]) -> Iterator[Exchange]:
    """Yield the attempts at deliveries; of one that a partner pulled, that it was."""
    for start in range(0, len(deliveries), _PAGE):
        page = deliveries[start : start + _PAGE]
        ids = [each.delivery_id for each in page]
        query = select(_a.delivery_id, _a.at, _a.outcome, _a.detail).where(_a.delivery_id.in_(ids))
        attempts: dict[int, list[Any]] = {}
        for row in connection.execute(query.where(_a.outcome.in_(_OUTCOMES)).order_by(_a.attempt_id)):
            attempts.setdefault(row.delivery_id, []).append(row)
        for each in page:
            yield from _of_delivery(each, attempts.get(each.delivery_id, []))


def _of_delivery(row: Row[Any], tried: Sequence[Row[Any]]) -> Iterator[Exchange]:
    known = (row.position, row.message_id, row.size, False, False)
    if not tried and row.state == "delivered":
        yield Exchange(row.changed_at, *known, outcome="delivered")
    for number, each in list(enumerate(tried, 1))[-_MOST_ATTEMPTS:]:
        yield Exchange(each.at, *known, number, each.outcome, each.detail)


def opened_exchanges(reading: Reading, page: Iterable[Exchange]) -> Iterator[Opened]:
    """Yield exchanges with their messages; one whose content was erased or archived is left out."""
    raw = select(_r.content_type, _r.signature).join(tables.messages, _m.raw_id == _r.raw_id)
    with reading.engine.begin() as connection:
        for each in page:
            try:
                message = reading.at(connection, each.position)
            except ContentGone:
                continue
            own = raw.where(_m.position == each.position, _m.canonical.is_(None))
            sealed = connection.execute(own).one_or_none() if each.came else None
            yield Opened(each, message, *(sealed or ()))


def channels_of_case(reading: Reading, case_id: str) -> list[str]:
    """Return the channels that messages of a case came by or go to."""
    came = select(_m.channel).where(_m.case_id == case_id)
    went = select(_d.channel).join(tables.messages, _m.position == _d.position).where(_m.case_id == case_id)
    with reading.engine.begin() as connection:
        return sorted(set(connection.execute(came.union(went)).scalars()))
