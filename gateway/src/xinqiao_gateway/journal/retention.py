"""What time lets go: cases to erase, attempts to thin. Functions of a Connection, each bounded by a limit.

A case may be erased once nothing of it is under way: no delivery that somebody waits for, no open exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, literal, or_, select
from sqlalchemy import case as when

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.instants import written

__all__ = ["EndedCase", "case_arguments", "count_attempts", "ended_cases", "thin_attempts"]

_c, _m, _d, _t = tables.cases.c, tables.messages.c, tables.deliveries.c, tables.attempts.c
_e, _x, _p = tables.erasures.c, tables.exceptions.c, tables.proposals.c
_SETTLED = ("delivered", "skipped")


@dataclass(frozen=True, slots=True)
class EndedCase:
    """A case whose time is over. ``parties``: its two institutions, ``a|b``."""

    case_id: str
    test: bool
    parties: str
    process: str
    state: str
    changed_at: str

    @property
    def arguments(self) -> dict[str, Any]:
        """What an erasure of it is about, as a proposal keeps it."""
        return case_arguments(self.case_id, self.test, self.parties)


def case_arguments(case_id: str, test: bool, parties: str) -> dict[str, Any]:
    """Return the arguments of a proposal to erase a case."""
    return {"case_id": case_id, "test": test, "parties": parties}


def ended_cases(
    connection: Connection, process: str | None, states: Sequence[str], before: float, limit: int, maker: str
) -> list[EndedCase]:
    """Return cases that have stood in one of these states since before an instant (Unix seconds), oldest first.

    Not those that are erased, that somebody waits for, or that ``maker`` proposed to erase and was not approved.
    """
    scope = literal("case:") + when((_c.test, "test"), else_="production") + ":" + _c.parties + ":" + _c.case_id
    of_case = and_(
        _m.case_id == _c.case_id, _m.test == _c.test, _c.parties.contains(_m.sender), _c.parties.contains(_m.receiver)
    )
    awaited = exists().where(_d.position == _m.position, _d.state.not_in(_SETTLED))
    raised = exists().where(_x.position == _m.position, _x.state != "resolved")
    query = (
        select(_c.case_id, _c.test, _c.parties, _c.process, _c.state, _c.changed_at)
        .where(_c.changed_at < written(before), _c.state.in_(states), ~_c.case_id.contains("#"))
        .where(*(() if process is None else (_c.process == process,)))
        .where(~exists().where(_e.scope == scope))
        .where(exists().where(of_case), ~exists().where(of_case, or_(awaited, raised)))
        .order_by(_c.changed_at)
    )
    known = _proposed(connection, maker)
    found: list[EndedCase] = []
    for row in connection.execute(query):
        ended = EndedCase(*row)
        if _stored(ended.arguments) not in known:
            found.append(ended)
        if len(found) == limit:
            break
    return found


def _proposed(connection: Connection, maker: str) -> set[str]:
    """Return the arguments of what was proposed and neither approved nor undone since."""
    query = select(_p.arguments).where(_p.maker == maker, _p.action == "erase", _p.state != "approved")
    return set(connection.execute(query).scalars())


def _stored(arguments: dict[str, Any]) -> str:
    return orjson.dumps(arguments).decode()


def _thinned(before: float) -> ColumnElement[bool]:
    """Say which attempts tell nothing more: failed ones of a delivery that arrived before an instant."""
    arrived = exists().where(_d.delivery_id == _t.delivery_id, _d.state == "delivered", _d.changed_at < written(before))
    return and_(_t.at < written(before), _t.outcome != "delivered", arrived)


def count_attempts(connection: Connection, before: float) -> int:
    """Return how many attempts ``thin_attempts`` would delete in all."""
    return int(
        connection.execute(select(func.count()).select_from(tables.attempts).where(_thinned(before))).scalar_one()
    )


def thin_attempts(connection: Connection, before: float, limit: int) -> int:
    """Delete at most ``limit`` attempts that failed before their delivery arrived; return how many.

    The one that succeeded stays: it is the evidence of delivery.
    """
    oldest = select(_t.attempt_id).where(_thinned(before)).order_by(_t.attempt_id).limit(limit)
    return connection.execute(delete(tables.attempts).where(_t.attempt_id.in_(oldest.scalar_subquery()))).rowcount
