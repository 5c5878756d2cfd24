"""Search: which messages of the journal fit, by header fields and time, a page at a time.

Never by content: that is ciphertext. Times are found through the batches, whose times never go backwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from xinqiao.errors import MalformedQuery
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.reading import SHOWN, Reading

__all__ = ["Search", "contents", "found", "position_from"]

_m, _b = tables.messages.c, tables.batches.c
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; each field that is None is not asked.

    ``since`` (inclusive) and ``until`` (exclusive) are instants in ISO 8601, UTC with ``Z``, or dates. ``after`` is
    the position of the last message of the page before.
    """

    case_id: str | None = None
    message_id: str | None = None
    message_type: str | None = None
    channel: str | None = None
    partner_serial: str | None = None
    business_date: str | None = None
    replaces: str | None = None
    correlation_id: str | None = None
    test: bool | None = None
    since: str | None = None
    until: str | None = None
    after: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything would be found."""
        return self == Search(after=self.after)


def found(reading: Reading, search: Search, limit: int = 100) -> list[Json]:
    """Return the messages that fit, in the order of the journal, without their contents."""
    with reading.engine.begin() as connection:
        query = _query(connection, search, select(*SHOWN)).limit(limit)
        return [dict(row) for row in connection.execute(query).mappings()]


def contents(reading: Reading, search: Search) -> Iterator[tuple[Json, Json]]:
    """Yield what is known of each message that fits, and the message itself, reading a page at a time.

    Raises ``ContentGone`` at a message whose content was erased or archived.
    """
    while True:
        page = found(reading, search, _PAGE)
        with reading.engine.begin() as connection:
            for row in page:
                yield row, reading.at(connection, row["position"])
        if len(page) < _PAGE:
            return
        search = replace(search, after=page[-1]["position"])


def _query(connection: Connection, search: Search, query: Select[Any]) -> Select[Any]:
    wanted = (
        ("case_id", search.case_id),
        ("message_id", search.message_id),
        ("message_type", search.message_type),
        ("channel", search.channel),
        ("partner_serial", search.partner_serial),
        ("business_date", search.business_date),
        ("replaces", search.replaces),
        ("correlation_id", search.correlation_id),
        ("test", search.test),
    )
    conditions = [_m[name] == value for name, value in wanted if value is not None]
    first = max(search.after + 1, position_from(connection, search.since) if search.since else 0)
    conditions.append(_m.position >= first)
    if search.until:
        conditions.append(_m.position < position_from(connection, search.until))
    return query.where(*conditions).order_by(_m.position)


def position_from(connection: Connection, instant: str) -> int:
    """Return the first position that was accepted at or after an instant. Raises ``MalformedQuery``."""
    if not instant[:4].isdecimal():
        raise MalformedQuery(f"{instant[:40]!r} is no date and no instant such as 2026-11-23T08:00:00Z")
    later = select(func.min(_b.batch)).where(_b.accepted_at >= instant.removesuffix("Z")).scalar_subquery()
    position = connection.execute(select(_b.first_position).where(_b.batch == later)).scalar()
    end = connection.execute(select(func.max(_m.position))).scalar() or 0
    return end + 1 if position is None else int(position)
