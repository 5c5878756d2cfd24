"""A case as people read it: what happened in the order of time, what it waits for, what is many in it.

Everything here is ids, states and times; contents stay closed. What a case holds is bounded: of more, the latest.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from xinqiao.errors import ContentGone, NotFound
from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.batch import case_scope
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.obligation_tables import obligations
from xinqiao_gateway.journal.proposals import proposals_in
from xinqiao_gateway.journal.reading import SHOWN, Reading
from xinqiao_gateway.journal.visits import visits_of
from xinqiao_gateway.processes import CaseState, expectations, processes

__all__ = ["case_contents", "messages_at", "timeline"]

# Messages of a case that are shown, or read at once; a day of trading has many more.
MOST = 500
# Items of one kind that are named; all are counted.
_MOST_ITEMS = 50

_m, _d, _a = tables.messages.c, tables.deliveries.c, tables.attempts.c
_x, _c, _o = tables.exceptions.c, tables.cases.c, obligations.c
_DIRECTIVES = tuple(name for name, each in message_types().items() if each.message_class == "DIRECTIVE")


def timeline(
    reading: Reading,
    case_id: str,
    test: bool = False,
    institution: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Json:
    """Return a case: where it stands, its ``timeline``, what is ``expected`` next and from whom, its ``items``.

    ``names`` are those of institutions by their codes; which case of several: see ``Reading.case_row``. Raises
    ``NotFound``.
    """
    names = names or {}
    with reading.engine.begin() as connection:
        case = reading.case_row(connection, case_id, test, institution)
        own = _own(case_id, test, case, institution)
        messages = _messages(connection, own)
        if not messages:
            _check_known(connection, case, case_id, institution)
        count: int = connection.execute(select(func.count()).where(own)).scalar_one()
        events = [*_events(connection, case_id, messages), *_visits(connection, case)]
        shown: Json = case or {"case_id": case_id, "test": test, "process": None, "state": None}
        return shown | {
            "title": _state_title(case),
            "institutions": [{"code": code, "name": names.get(code)} for code in shown.get("parties", ())],
            "message_count": count,
            "expected": _expected(case, names),
            "items": _items(connection, case),
            "messages": messages,
            "exceptions": _exceptions(connection, case_id, messages),
            "timeline": sorted(events, key=lambda each: each["at"]),
        }


def case_contents(
    reading: Reading, case_id: str, test: bool = False, institution: str | None = None
) -> Iterator[tuple[str, Json | ContentGone]]:
    """Yield every message of a case, oldest first: its id, and its content or why that cannot be read.

    Which case of several: see ``Reading.case_row``. Raises ``NotFound``.
    """
    with reading.engine.begin() as connection:
        case = reading.case_row(connection, case_id, test, institution)
        own, after = _own(case_id, test, case, institution), 0
    while True:
        with reading.engine.begin() as connection:
            query = select(_m.position, _m.message_id).where(own, _m.position > after).order_by(_m.position)
            rows = connection.execute(query.limit(MOST)).all()
            if not rows and not after:
                _check_known(connection, case, case_id, institution)
            for row in rows:
                yield row.message_id, _content(reading, connection, row.position)
        if len(rows) < MOST:
            return
        after = rows[-1].position


def _content(reading: Reading, connection: Connection, position: int) -> Json | ContentGone:
    try:
        return reading.at(connection, position)
    except ContentGone as error:
        return error


def _check_known(connection: Connection, case: Json | None, case_id: str, institution: str | None) -> None:
    """Refuse a case that has no messages, unless a process is about it. Raises ``NotFound``."""
    if case is None or institution is not None:
        whose = f" of {institution}" if institution else ""
        raise NotFound(f"no case {case_id}{whose}{_others(connection, case_id)}")


def messages_at(reading: Reading, positions: Iterable[int]) -> Iterator[tuple[int, Json]]:
    """Yield messages by their positions; one that was erased or archived is left out."""
    with reading.engine.begin() as connection:
        for position in positions:
            with suppress(ContentGone):
                yield position, reading.at(connection, position)


def _own(case_id: str, test: bool, case: Json | None, institution: str | None) -> ColumnElement[bool]:
    """Return which messages are the case's: between its two institutions, and directives to one of them.

    Where no process is about it, those of the id, of ``institution`` where one is asked for.
    """
    same = and_(_m.case_id == case_id, _m.test == test, _m.interface != "exception")
    if case is None:
        return same if institution is None else and_(same, or_(_m.sender == institution, _m.receiver == institution))
    sides = case["parties"]
    directive = and_(_m.message_type.in_(_DIRECTIVES), _m.receiver.in_(sides))
    return and_(same, or_(and_(_m.sender.in_(sides), _m.receiver.in_(sides)), directive))


def _messages(connection: Connection, own: ColumnElement[bool]) -> list[Json]:
    query = select(*SHOWN).where(own).order_by(_m.position.desc()).limit(MOST)
    return [dict(row) for row in connection.execute(query).mappings()][::-1]


def _others(connection: Connection, case_id: str) -> str:
    """Say what may have been meant: the same id in the other environment."""
    query = select(_c.test).where(_c.case_id == case_id).limit(1)
    found = connection.execute(query).scalar()
    return (
        "" if found is None else f"; there is one of {'test' if found else 'production'} traffic, or of other parties"
    )


def _events(connection: Connection, case_id: str, messages: list[Json]) -> Iterator[Json]:
    positions = [each["position"] for each in messages]
    for each in messages:
        kept = ("position", "message_id", "message_type", "channel", "sender", "receiver", "case_state")
        yield {"at": each["accepted_at"], "event": "message"} | {name: each[name] for name in kept}
    yield from _deliveries(connection, positions)
    raised = _exceptions(connection, case_id, messages)
    for each in raised:
        named = {name: each[name] for name in ("exception_id", "kind", "position", "state")}
        yield {"at": each["raised_at"], "event": "exception", "detail": each["detail"]} | named
        if each["resolved_at"]:
            by = {name: each[name] for name in ("resolution", "handled_by")}
            yield {"at": each["resolved_at"], "event": "resolved"} | named | by
    for each in proposals_in(connection, None, [x["exception_id"] for x in raised]):
        named = {name: each[name] for name in ("proposal_id", "exception_id", "action", "reason")}
        yield {"at": each["proposed_at"], "event": "proposed", "by": each["maker"]} | named
        if each["decided_at"]:
            yield {"at": each["decided_at"], "event": each["state"], "by": each["checker"]} | named
    yield from _obligations(connection, positions)


def _visits(connection: Connection, case: Json | None) -> Iterator[Json]:
    """Yield who did what at the gateway's pages: roles, keys and digests, nobody's name."""
    if case is None:
        return
    scope = case_scope(case["case_id"], case["test"], "|".join(sorted(case["parties"])))
    for visit in (each for each in visits_of(connection, case["case_id"]) if each["scope"] == scope):
        named = {name: visit[name] for name in ("visit_id", "channel", "flow", "state")}
        for each in visit["trail"]:
            yield {"at": each["at"], "event": "visit"} | named | {name: each[name] for name in ("act", "role", "kid")}


def _deliveries(connection: Connection, positions: list[int]) -> Iterator[Json]:
    """Yield each attempt, and where a delivery that nobody attempted stands."""
    about = (_d.delivery_id, _d.position, _d.channel)
    tried = select(_a.at, _a.outcome, _a.reason, _a.detail, *about).join(
        tables.deliveries, _d.delivery_id == _a.delivery_id
    )
    for row in connection.execute(tried.where(_d.position.in_(positions)).order_by(_a.attempt_id)).mappings():
        yield dict(row) | {"event": "delivery"}
    query = select(_d.changed_at.label("at"), _d.state.label("outcome"), *about).where(_d.position.in_(positions))
    untried = ~select(_a.attempt_id).where(_a.delivery_id == _d.delivery_id).exists()
    for row in connection.execute(query.where(untried)).mappings():
        yield dict(row) | {"event": "delivery", "reason": "", "detail": ""}


def _exceptions(connection: Connection, case_id: str, messages: list[Json]) -> list[Json]:
    """Return what was raised about the messages, and about one of this case that was refused."""
    positions = [each["position"] for each in messages]
    of_refused = and_(_x.position.is_(None), _x.case_id == case_id)
    query = select(tables.exceptions).where(or_(_x.position.in_(positions), of_refused)).order_by(_x.exception_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _obligations(connection: Connection, positions: list[int]) -> Iterator[Json]:
    """Yield what the case's messages opened, at the time that it is due, and what they met."""
    about = (_o.obligation_id, _o.rule, _o.day, _o.expects, _o.state, _o.opened_by, _o.met_by, _o.due_at, _o.settled_at)
    query = select(*about).where(or_(_o.opened_by.in_(positions), _o.met_by.in_(positions)))
    for row in connection.execute(query).mappings():
        named = {name: row[name] for name in ("obligation_id", "rule", "day", "expects", "state")}
        yield {"at": written(row["due_at"]), "event": "due"} | named
        if row["settled_at"] is not None:
            yield {"at": written(row["settled_at"]), "event": "settled", "position": row["met_by"]} | named


def _state_title(case: Json | None) -> Json | None:
    """Return the words of people for where a case stands."""
    process = processes().get(case["process"]) if case else None
    if case is None or process is None or case["state"] not in process.states:
        return None
    state = process.states[case["state"]]
    return {"zh": state["zh"], "en": state["en"]}


def _expected(case: Json | None, names: Mapping[str, str]) -> list[Json]:
    """Return what a case waits for; ``from`` is empty where either side may send it, ``to`` where that would lead."""
    if case is None:
        return []
    state = CaseState(case["process"], case["state"], case["opener"], case["memory"])
    other = next((each for each in case["parties"] if each != case["opener"]), case["opener"])
    found: dict[tuple[str, str | None], Json] = {}
    for each in expectations(state):
        code = {"opener": case["opener"], "counterparty": other}.get(each.by or "")
        whom = {"code": code, "name": names.get(code)} if code else None
        title = message_types()[each.message].title.as_json()
        new: Json = {"message_type": each.message, "title": title, "from": whom, "to": [], "due": False}
        row = found.setdefault((each.message, code), new)
        row["due"] = row["due"] or each.due
        if each.to not in row["to"]:
            row["to"].append(each.to)
    return list(found.values())


def _items(connection: Connection, case: Json | None) -> list[Json]:
    """Return what is many in a case: how many of each kind stand where, and the last of them."""
    if case is None:
        return []
    own = (
        *_items_of(case["case_id"], connection.dialect.name),
        _c.test == case["test"],
        _c.parties == "|".join(case["parties"]),
    )
    counted = select(_c.process, _c.state, func.count()).where(*own).group_by(_c.process, _c.state)
    kinds: dict[str, dict[str, int]] = {}
    for process, state, count in connection.execute(counted.order_by(_c.process, _c.state)):
        kinds.setdefault(process, {})[state] = count
    return [_kind(connection, process, states, own) for process, states in kinds.items()]


def _items_of(case_id: str, dialect: str) -> tuple[ColumnElement[bool], ...]:
    """Return which ids are those of a case's items, so that the index answers.

    They lie together by their bytes, in which "$" comes after "#": so SQLite compares, and PostgreSQL by operators of
    their own, whatever the collation of its database is.
    """
    from_, before = ("~>=~", "~<~") if dialect == "postgresql" else (">=", "<")
    return _c.case_id.bool_op(from_)(f"{case_id}#"), _c.case_id.bool_op(before)(f"{case_id}$")


def _kind(connection: Connection, process: str, states: dict[str, int], own: tuple[Any, ...]) -> Json:
    name, _, kind = process.rpartition("/")
    title = processes()[name].items[kind].title if name in processes() and kind in processes()[name].items else None
    last = select(_c.case_id, _c.state).where(*own, _c.process == process).order_by(_c.changed_at.desc(), _c.case_id)
    rows = connection.execute(last.limit(_MOST_ITEMS))
    shown = [{"number": row.case_id.partition("#")[2].partition(":")[2], "state": row.state} for row in rows]
    return {"kind": kind, "title": title, "states": states, "last": shown}
