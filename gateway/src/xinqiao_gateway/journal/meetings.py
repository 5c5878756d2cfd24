"""What messages and files do to obligations, in the commit that stores them: meet them, and open new ones."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from xinqiao_gateway.journal.obligation_tables import obligations
from xinqiao_gateway.journal.obligations import MOST_AT_ONCE, insert_new, row_of, settle_exceptions
from xinqiao_gateway.obligations import Arrival, Batch, Book, Meeting, Occurrence

__all__ = ["meet", "meet_batch", "meet_file"]

_o = obligations.c
_Key = tuple[str, str]
_Row = dict[str, Any]

# Built once: making a statement costs more than running it.
_OPEN = (
    select(_o.obligation_id, _o.rule, _o.subject, _o.day, _o.due_at, _o.step)
    .where(
        _o.rule.in_(bindparam("rules", expanding=True)),
        _o.subject.in_(bindparam("subjects", expanding=True)),
        _o.state == "open",
    )
    .order_by(_o.obligation_id)
)
_MEET = (
    update(obligations)
    .where(_o.obligation_id == bindparam("which"), _o.state == "open")
    .values(state=bindparam("now_is"), met_by=bindparam("by"), settled_at=bindparam("at"), next_at=None)
)


def meet(connection: Connection, book: Book, arrivals: Iterable[Arrival], now: float) -> None:
    """Settle what messages meet and write down what they open, in the order in which they came.

    Costs a look-up for a message whose type no rule is about, and no statement where that holds for all.
    """
    concerned = [each for each in arrivals if book.concerns(each.message_type)]
    if not concerned:
        return
    steps = [(each.position, book.meetings(each), book.openings(each)) for each in concerned]
    keys = {(meeting.rule, meeting.subject) for _, meetings, _ in steps for meeting in meetings}
    ledger = _Ledger(_open_rows(connection, keys), now)
    for position, meetings, openings in steps:
        for meeting in meetings:
            ledger.meet(meeting, position)
        for occurrence in openings:
            ledger.open(occurrence)
    ledger.write(connection)


def meet_file(
    connection: Connection, book: Book, channel: str, interface: str, day: date, now: float, position: int | None = None
) -> None:
    """Settle what a whole file about a business day meets; it may be empty, then it has no position."""
    _meet_all(connection, book.file_meetings(channel, interface, day), position, now)


def meet_batch(connection: Connection, book: Book, batch: Batch, now: float, position: int | None = None) -> None:
    """Settle that a file went into a batch: by itself, or late, released by an operator."""
    meeting = book.batch_meeting(batch)
    _meet_all(connection, [meeting] if meeting else [], position, now)


def _meet_all(connection: Connection, meetings: Sequence[Meeting], position: int | None, now: float) -> None:
    if not meetings:
        return
    ledger = _Ledger(_open_rows(connection, {(each.rule, each.subject) for each in meetings}), now)
    for meeting in meetings:
        ledger.meet(meeting, position)
    ledger.write(connection)


class _Ledger:
    """What the messages of one commit do to obligations: those stored, and those that the same commit opens."""

    def __init__(self, stored: dict[_Key, list[_Row]], now: float) -> None:
        self._stored = stored
        self._now = now
        self._met: list[_Row] = []
        # By key, then by day.
        self._fresh: dict[_Key, dict[str, _Row]] = {}

    def meet(self, meeting: Meeting, position: int | None) -> None:
        key = (meeting.rule, meeting.subject)
        rows = (*self._stored.get(key, ()), *self._fresh.get(key, {}).values())
        found = [row for row in rows if _is_met(row, meeting)]
        for row in found:
            self._settle(row, position)
        if not found and meeting.occurrence and meeting.occurrence.due_at > self._now:
            self._settle(self.open(meeting.occurrence), position)

    def open(self, occurrence: Occurrence) -> _Row:
        days = self._fresh.setdefault((occurrence.rule, occurrence.subject), {})
        return days.setdefault(occurrence.day, row_of(occurrence))

    def write(self, connection: Connection) -> None:
        insert_new(connection, [row for days in self._fresh.values() for row in days.values()])
        if self._met:
            connection.execute(_MEET, [_parameters(row) for row in self._met])
        late = [row["obligation_id"] for row in self._met if row["state"] == "met_late"]
        if late:
            settle_exceptions(connection, late, "met_late", self._now)

    def _settle(self, row: _Row, position: int | None) -> None:
        state = "met" if self._now <= row["due_at"] else "met_late"
        row |= {"state": state, "met_by": position, "settled_at": self._now, "next_at": None}
        if "obligation_id" in row:
            self._met.append(row)


def _is_met(row: _Row, meeting: Meeting) -> bool:
    return row.get("state", "open") == "open" and meeting.day in (None, row["day"])


def _parameters(row: _Row) -> _Row:
    return {"which": row["obligation_id"], "now_is": row["state"], "by": row["met_by"], "at": row["settled_at"]}


def _open_rows(connection: Connection, keys: set[_Key]) -> dict[_Key, list[_Row]]:
    found: dict[_Key, list[_Row]] = {}
    rules, subjects = list({rule for rule, _ in keys}), list({subject for _, subject in keys})
    for start in range(0, len(subjects), MOST_AT_ONCE):
        named = {"rules": rules, "subjects": subjects[start : start + MOST_AT_ONCE]}
        for row in connection.execute(_OPEN, named).mappings():
            found.setdefault((row["rule"], row["subject"]), []).append(dict(row))
    return found
