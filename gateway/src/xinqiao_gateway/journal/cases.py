"""Cases and their items as rows: which ones a message is about, what they decide, how they are stored.

An item of a case (an order, a payment) is a row of its own under ``case#kind:number``, so that a message costs the
same whether its case holds ten items or 100,000.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields, replace

import orjson
from sqlalchemy import Connection, bindparam, select

from xinqiao.message import Header, Json
from xinqiao.standard import message_types
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.bulk import insert_rows
from xinqiao_gateway.processes import CaseState, Decision, decide, expectations, expires_after, item_ids

__all__ = ["CaseKey", "Reach", "awaited", "case_key", "decided", "ids_of", "load", "moved", "save", "with_flight"]

# Case id (empty where a message belongs to none), test, and the two institutions: each pair numbers its own cases.
CaseKey = tuple[str, bool, str]

_c = tables.cases.c
# Neither database takes more than 32,766 parameters in every build.
_MOST_IDS = 10_000
_BY_ID = select(tables.cases).where(_c.case_id.in_(bindparam("ids", expanding=True)))
_MOST_IN_FLIGHT = 50
_IN_FLIGHT = ("pending", "leased", "dead", "held", "parked", "waiting")
_UPDATE = (
    tables.cases.update()
    .where(_c.case_id == bindparam("at_id"), _c.test == bindparam("at_test"), _c.parties == bindparam("at_parties"))
    .values({name: bindparam(name) for name in ("process", "state", "memory", "changed_at", "expires_at")})
)


def case_key(header: Header) -> CaseKey:
    """Return which case a message belongs to; the id is empty where it belongs to none."""
    return header.case_id or "", header.test, "|".join(sorted((header.sender, header.receiver)))


def ids_of(header: Header, body: str, message: Json) -> tuple[str, ...]:
    """Return the ids of the case and the items that a message may be about."""
    return () if header.case_id is None else (header.case_id, *item_ids(header.case_id, body, message))


def load(connection: Connection, ids: Iterable[str]) -> dict[CaseKey, CaseState]:
    """Return the cases and items with these ids, of every pair of institutions."""
    wanted = list(ids)
    if not wanted:
        return {}
    return {
        (row.case_id, row.test, row.parties): CaseState(row.process, row.state, row.opener, orjson.loads(row.memory))
        for start in range(0, len(wanted), _MOST_IDS)
        for row in connection.execute(_BY_ID, {"ids": wanted[start : start + _MOST_IDS]})
    }


@dataclass(frozen=True, slots=True)
class Reach(Decision):
    """A decision on a directive that also acts on the cases of ``others``: they are between other institutions."""

    others: tuple[tuple[CaseKey, CaseState], ...] = ()


def decided(
    cases: Mapping[CaseKey, CaseState], header: Header, body: str, message: Json, *, is_request: bool
) -> Decision:
    """Decide what a message does to its case, as the case and its items stand in ``cases``.

    A directive is decided for every case of its id to which its receiver is a party: its sender, an authority, seldom
    is one.
    """
    key = case_key(header)
    decision = _decided(cases, key, header, body, message, is_request=is_request)
    if not _is_directive(body) or header.case_id is None:
        return decision
    same = (each for each in cases if each[:2] == key[:2] and header.receiver in each[2].split("|") and each != key)
    reached = {each: _decided(cases, each, header, body, message, is_request=False) for each in sorted(same)}
    return _with_others(decision, reached) if reached else decision


def _decided(
    cases: Mapping[CaseKey, CaseState], key: CaseKey, header: Header, body: str, message: Json, *, is_request: bool
) -> Decision:
    case_id, test, parties = key
    ids = item_ids(case_id, body, message) if case_id else ()
    items = {each: cases[each, test, parties] for each in ids if (each, test, parties) in cases}
    return decide(header.case_id, cases.get(key), body, message, is_request, items=items)


def _with_others(decision: Decision, reached: Mapping[CaseKey, Decision]) -> Reach:
    """Return the decision that reaches other cases; where it has no case itself, what those raise is raised."""
    others = tuple((key, each.case) for key, each in reached.items() if each.verdict == "advance" and each.case)
    found = Reach(**{each.name: getattr(decision, each.name) for each in fields(Decision)}, others=others)
    if decision.case is not None or not others:
        return found
    raising = next((each for each in reached.values() if each.exception), None)
    if raising is None:
        return replace(found, exception=None, about=None)
    return replace(found, exception=raising.exception, about=raising.about)


def _is_directive(body: str) -> bool:
    return message_types()[body].message_class == "DIRECTIVE"


def moved(decision: Decision, header: Header) -> dict[CaseKey, CaseState]:
    """Return the states that a decision gives its case and items, and for a directive other cases of the same id."""
    others = dict(decision.others) if isinstance(decision, Reach) else {}
    if decision.verdict != "advance" or decision.case is None:
        return others
    case_id, test, parties = case_key(header)
    return (
        others
        | {(case_id, test, parties): decision.case}
        | {(item_id, test, parties): state for item_id, state in decision.items.items()}
    )


def with_flight(connection: Connection, decision: Decision, header: Header) -> Decision:
    """Return the decision on a directive with what is in flight for the cases that it acts on: positions, 50 at most.

    A person has to look at it: what was sent before the directive came cannot be taken back by it.
    """
    if decision.exception is None or header.case_id is None:
        return decision
    m, d = tables.messages.c, tables.deliveries.c
    parties = {each for key in moved(decision, header) for each in key[2].split("|")}
    query = (
        select(m.position)
        .where(m.case_id == header.case_id, m.test == header.test, m.sender.in_(parties), m.receiver.in_(parties))
        .where(select(d.delivery_id).where(d.position == m.position, d.state.in_(_IN_FLIGHT)).exists())
        .order_by(m.position)
        .limit(_MOST_IN_FLIGHT)
    )
    positions = ", ".join(str(each) for each in connection.execute(query).scalars())
    about = "; ".join(filter(None, (decision.about, positions and f"in flight: {positions}")))
    return replace(decision, about=about or None)


def awaited(decision: Decision, header: Header) -> str:
    """Say what the case of a refused message waits for, and from whom."""
    if decision.case is None:
        return ", ".join(decision.expected) or "nothing more"
    opener, sides = decision.case.opener, {header.sender, header.receiver}
    whom = {"opener": opener, "counterparty": next((each for each in sides if each != opener), opener)}
    found = (f"{each.message} from {whom.get(each.by or '', 'either side')}" for each in expectations(decision.case))
    return ", ".join(dict.fromkeys(found)) or "nothing more"


def save(
    connection: Connection, states: Mapping[CaseKey, CaseState], stored: Set[CaseKey], at: str, now: float
) -> None:
    """Write states; ``stored`` are those that have a row. ``at`` is the time of the change, ``now`` in Unix seconds."""
    rows = {key: _row(key, state, at, now) for key, state in sorted(states.items())}
    new = [row | {"opened_at": at} for key, row in rows.items() if key not in stored]
    insert_rows(connection, tables.cases, new)
    old = [
        row | {"at_id": key[0], "at_test": key[1], "at_parties": key[2]} for key, row in rows.items() if key in stored
    ]
    if old:
        connection.execute(_UPDATE, old)


def _row(key: CaseKey, state: CaseState, at: str, now: float) -> dict[str, object]:
    span = expires_after(state)
    return {
        "case_id": key[0],
        "test": key[1],
        "parties": key[2],
        "opener": state.opener,
        "process": state.process,
        "state": state.state,
        "memory": orjson.dumps(state.memory).decode(),
        "changed_at": at,
        "expires_at": None if span is None else now + span,
    }
