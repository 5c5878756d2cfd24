"""Obligations as the journal keeps them: written down ahead, overdue, waived; what meets them is in ``meetings.py``.

Every function works in the transaction of its caller, the writer's. States move forward only, and each change names
the state it starts from, so that two nodes, or a clock that goes back, change nothing twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xinqiao.errors import NotFound
from xinqiao_gateway.calendars import china_day
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.alarms import Alarm, alarm_id, store_alarm
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.obligation_tables import obligations
from xinqiao_gateway.obligations import Book, Occurrence, Rule

__all__ = [
    "MOST_AT_ONCE",
    "Kept",
    "announce_unknown",
    "date_again",
    "forget",
    "forget_ahead",
    "insert_new",
    "listed",
    "materialise",
    "row_of",
    "settle_exceptions",
    "tick",
    "waive",
]

# How far ahead obligations are written down, at the least, and how far back after a long stop.
_AHEAD = timedelta(days=7)
_CATCH_UP = timedelta(days=31)
# How many alarms one transaction raises, and rows one statement reads or writes.
MOST_AT_ONCE = 500

_o = obligations.c
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """One obligation for people to read. Times are Unix seconds; ``level`` is where its schedule stands."""

    obligation_id: int
    rule: str
    subject: str
    day: str
    expects: str
    channel: str | None
    opened_by: int | None
    due_at: float
    state: str
    level: str
    met_by: int | None
    reason: str


def materialise(connection: Connection, book: Book, rule: Rule, now: float) -> None:
    """Write down a periodic rule's obligations of the coming days.

    A rule that is new begins with what is not yet due. After a stop its missed days are made up, 31 at the most.
    """
    today = china_day(now)
    reach = _CATCH_UP + timedelta(days=abs(rule.plus.days) * (1 if rule.plus.natural else 3))
    last = connection.execute(select(func.max(_o.day)).where(_o.rule == rule.id, _o.due_at <= now)).scalar()
    start = max(today - reach, date.fromisoformat(last) + timedelta(days=1)) if last else today - reach
    ahead = _AHEAD + timedelta(seconds=rule.warn or 0)
    end = today + ahead + (reach if rule.plus.days < 0 else timedelta())
    until = now + ahead.total_seconds()
    counts = _days_written(connection, rule, start)
    size = len(rule.subject.in_) if rule.subject else 1
    rows = [
        row_of(each)
        for each in book.upcoming(rule, start, end)
        if each.due_at <= until and (last or each.due_at > now) and counts.get(each.day, 0) < size
    ]
    insert_new(connection, rows)


def _days_written(connection: Connection, rule: Rule, start: date) -> dict[str, int]:
    query = select(_o.day, func.count()).where(_o.rule == rule.id, _o.day >= start.isoformat()).group_by(_o.day)
    return {row[0]: row[1] for row in connection.execute(query)}


def forget_ahead(connection: Connection, rules: Iterable[str], now: float) -> None:
    """Take back what was written down ahead and nobody was alarmed of, so that changed terms hold from now on.

    ``rules`` are the rules that there are; what was written for others, and no message opened, goes too.
    """
    untouched = (_o.state == "open", _o.step == 0, _o.due_at > now, _o.opened_by.is_(None))
    named = list(rules)
    connection.execute(delete(obligations).where(*untouched, _o.rule.in_(named)))
    connection.execute(delete(obligations).where(*untouched, _o.rule.not_in(named)))


def date_again(connection: Connection, book: Book) -> None:
    """Date obligations again whose year their calendar knows by now; the soonest first."""
    waiting = select(_o.obligation_id, _o.rule, _o.subject, _o.day, _o.opened_by).where(
        _o.state == "open", _o.step == 0, _o.provisional
    )
    for each in connection.execute(waiting.order_by(_o.due_at).limit(MOST_AT_ONCE)).all():
        found = book.dated_again(each.rule, each.subject, date.fromisoformat(each.day), each.opened_by)
        if found is not None:
            changed = {name: row_of(found)[name] for name in ("due_at", "provisional", "terms", "next_at")}
            same = (_o.obligation_id == each.obligation_id, _o.state == "open", _o.step == 0)
            connection.execute(update(obligations).where(*same).values(changed))


def row_of(occurrence: Occurrence) -> _Row:
    """Return the row that an obligation begins as."""
    return {
        "rule": occurrence.rule,
        "subject": occurrence.subject,
        "day": occurrence.day,
        "expects": occurrence.expects,
        "channel": occurrence.channel,
        "opened_by": occurrence.opened_by,
        "due_at": occurrence.due_at,
        "provisional": occurrence.provisional,
        "terms": orjson.dumps({"schedule": occurrence.schedule, "to": occurrence.to}).decode(),
        "state": "open",
        "step": 0,
        "next_at": occurrence.schedule[0][0],
        "met_by": None,
        "settled_at": None,
        "reason": "",
        "settled_by": None,
    }


def tick(connection: Connection, now: float, webhooks: Sequence[str]) -> list[Alarm]:
    """Move the obligations on whose next level has come; return the alarms that this raises.

    Where several levels passed at once, after a stop, the highest is raised. From overdue on there is an exception.
    """
    due = (
        select(obligations)
        .where(_o.state == "open", _o.next_at <= now)
        .order_by(_o.next_at, _o.obligation_id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    raised = [_advance(connection, dict(row), now) for row in connection.execute(due).mappings().all()]
    return [each for each in raised if each is not None and store_alarm(connection, each, webhooks)]


def _advance(connection: Connection, row: _Row, now: float) -> Alarm | None:
    terms = orjson.loads(row["terms"])
    schedule = terms["schedule"]
    step = sum(at <= now for at, _ in schedule)
    later = schedule[step][0] if step < len(schedule) else None
    same = (_o.obligation_id == row["obligation_id"], _o.state == "open", _o.step < step)
    moved = connection.execute(update(obligations).where(*same).values(step=step, next_at=later))
    if moved.rowcount != 1:
        return None
    if row["due_at"] <= now and not any(level == "overdue" for _, level in schedule[: row["step"]]):
        detail = f"obligation {row['rule']} about {row['day']}"
        _raise_exception(connection, "overdue", row["expects"], detail, now, row["obligation_id"], row["channel"])
    return _alarm(row, schedule[step - 1][1], tuple(terms["to"]), now)


def _alarm(row: _Row, level: str, to: tuple[str, ...], now: float) -> Alarm:
    return Alarm(
        # Not the row's number: SQLite may give that again once rows were deleted.
        id=alarm_id("overdue", row["rule"], row["subject"], row["day"], level),
        kind="overdue",
        level=level,
        raised_at=now,
        to=to,
        obligation=row["rule"],
        # A digest says nothing to a reader: there the opening message's position does.
        subject=row["subject"] if row["opened_by"] is None else "",
        day=row["day"],
        due_at=row["due_at"],
        expects=row["expects"],
        channel=row["channel"],
        opened_by=row["opened_by"],
    )


def announce_unknown(
    connection: Connection, unknown: Iterable[tuple[str, int]], now: float, webhooks: Sequence[str]
) -> list[Alarm]:
    """Raise an alarm and an exception, once each, for calendars that do not know a year; return the new alarms.

    Years after the next are not announced by anybody yet and raise nothing.
    """
    raised = []
    for calendar, year in unknown:
        alarm = Alarm(alarm_id("calendar_unknown", calendar, year), "calendar_unknown", "unknown", now, (), calendar)
        alarm = alarm.about(str(year))
        if year <= china_day(now).year + 1 and store_alarm(connection, alarm, webhooks):
            detail = f"calendar {calendar} does not know {year}; its weekdays count as open"
            _raise_exception(connection, "calendar_unknown", "", detail, now)
            raised.append(alarm)
    return raised


def waive(connection: Connection, obligation_id: int, reason: str, operator: str, now: float) -> None:
    """Waive 豁免 an open obligation. Raises ``NotFound`` for any other."""
    same = (_o.obligation_id == obligation_id, _o.state == "open")
    values = {"state": "waived", "reason": reason, "settled_by": operator, "settled_at": now, "next_at": None}
    if connection.execute(update(obligations).where(*same).values(values)).rowcount != 1:
        raise NotFound(f"no open obligation {obligation_id}")
    settle_exceptions(connection, [obligation_id], "waive", now, operator)


def listed(connection: Connection, state: str, after: int = 0, limit: int = 100) -> list[Kept]:
    """Return obligations in a state, in the order of their ids, after one."""
    query = select(obligations).where(_o.state == state, _o.obligation_id > after).order_by(_o.obligation_id)
    return [_kept(dict(row)) for row in connection.execute(query.limit(limit)).mappings()]


def _kept(row: _Row) -> Kept:
    schedule = orjson.loads(row["terms"])["schedule"]
    level = schedule[row["step"] - 1][1] if row["step"] else "awaited"
    return Kept(level=level, **{name: row[name] for name in Kept.__dataclass_fields__ if name != "level"})


def forget(connection: Connection, before: float) -> int:
    """Delete what was settled before an instant; return how many."""
    old = (_o.state != "open", _o.settled_at < before, _o.due_at < before)
    return connection.execute(delete(obligations).where(*old)).rowcount


def _raise_exception(
    connection: Connection,
    kind: str,
    expected: str,
    detail: str,
    now: float,
    obligation_id: int | None = None,
    channel: str | None = None,
) -> None:
    connection.execute(
        insert(tables.exceptions).values(
            kind=kind,
            expected=expected,
            detail=detail,
            state="open",
            raised_at=written(now),
            obligation_id=obligation_id,
            channel=channel,
        )
    )


def settle_exceptions(
    connection: Connection, obligation_ids: Sequence[int], resolution: str, now: float, operator: str | None = None
) -> None:
    """Resolve the open exceptions of obligations."""
    x = tables.exceptions.c
    settled = {"state": "resolved", "resolution": resolution, "resolved_at": written(now), "handled_by": operator}
    ours = update(tables.exceptions).where(x.obligation_id.in_(obligation_ids), x.kind == "overdue")
    connection.execute(ours.where(x.state == "open").values(settled))


def insert_new(connection: Connection, rows: Sequence[_Row]) -> None:
    """Insert the obligations that are not there yet."""
    made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = made(obligations).on_conflict_do_nothing()
    for start in range(0, len(rows), MOST_AT_ONCE):
        connection.execute(statement, rows[start : start + MOST_AT_ONCE])
