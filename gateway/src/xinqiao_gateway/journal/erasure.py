"""Erasure: the keys of a case are destroyed, and nobody can read what they protected; the evidence stays whole.

What partners answered to its deliveries goes, too: their texts may name anybody. What operators said of them stays.

The raw inputs that held messages of several cases lose their own key with the first case that is erased; the other
cases keep their messages.
"""

from sqlalchemy import Connection, insert, select, update

from xinqiao.errors import NotFound
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.batch import case_scope
from xinqiao_gateway.journal.visit_tables import visits

__all__ = ["erase_case"]

_d, _t = tables.deliveries.c, tables.attempts.c
_m, _r, _k, _e = tables.messages.c, tables.raws.c, tables.data_keys.c, tables.erasures.c


def erase_case(connection: Connection, case_id: str, test: bool, parties: str, reason: str, at: str) -> int:
    """Destroy the keys of a case's messages and visits; return how many there were.

    Raises ``NotFound`` where there are none.
    """
    sender, receiver = parties.split("|")
    both = (sender, receiver)
    # What the institution wrote to itself says who did what to the case, the erasure among it: that stays.
    own = (
        _m.case_id == case_id, _m.test == test, _m.sender.in_(both), _m.receiver.in_(both), _m.sender != _m.receiver
    )  # fmt: skip
    scopes = select(_m.scope, _r.scope.label("raw_scope")).join(tables.raws, _r.raw_id == _m.raw_id).where(*own)
    named = {scope for row in connection.execute(scopes) for scope in (row.scope, row.raw_scope)}
    # What was typed at a page, and never became a message, is under the case's key, too.
    entered = select(visits.c.scope).where(visits.c.scope == case_scope(case_id, test, parties))
    named |= set(connection.execute(entered).scalars())
    gone = set(connection.execute(select(_e.scope).where(_e.scope.in_(named))).scalars())
    if not named - gone:
        raise NotFound(f"case {case_id} holds nothing that could be erased")
    destroyed = sorted(named - gone)
    connection.execute(update(tables.data_keys).where(_k.scope.in_(destroyed)).values(wrapped=b""))
    answered = select(_d.delivery_id).join(tables.messages, _m.position == _d.position).where(*own)
    said = _t.delivery_id.in_(answered), _t.reason != "operator"
    connection.execute(update(tables.attempts).where(*said).values(detail=""))
    rows = [{"scope": scope, "erased_at": at, "reason": reason} for scope in destroyed]
    connection.execute(insert(tables.erasures), rows)
    return len(destroyed)
