"""What is done in regular rounds: cases expire, nodes say that they live. Functions of the writer's transaction."""

from sqlalchemy import Connection, Engine, delete, insert, select, update

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.cases import load, save
from xinqiao_gateway.journal.figures import ALIVE
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.processes import expired

__all__ = ["beat", "expire_cases", "leads"]

_c, _n = tables.cases.c, tables.nodes.c
_AT_ONCE = 500
# A node that said nothing for a day is history.
_FORGOTTEN = 86_400.0


def expire_cases(connection: Connection, now: float) -> list[str]:
    """Let cases expire whose time is over, 500 at the most; return their ids."""
    due = select(_c.case_id, _c.test, _c.parties).where(_c.expires_at <= now).order_by(_c.expires_at).limit(_AT_ONCE)
    keys = [(row.case_id, row.test, row.parties) for row in connection.execute(due)]
    cases = load(connection, {key[0] for key in keys})
    # The row says when it ends: asked as of long ago, the case is over.
    ended = {key: after for key in keys if (after := expired(cases[key], 0.0, now)) is not None}
    save(connection, ended, ended.keys(), written(now), now)
    lasting = [key for key in keys if key not in ended]
    for key in lasting:
        same = (_c.case_id == key[0], _c.test == key[1], _c.parties == key[2])
        connection.execute(update(tables.cases).where(*same).values(expires_at=None))
    return [key[0] for key in ended]


def beat(connection: Connection, node: str, now: float) -> None:
    """Record that a node lives."""
    seen = connection.execute(update(tables.nodes).where(_n.node == node).values(seen_at=now))
    if not seen.rowcount:
        connection.execute(insert(tables.nodes).values(node=node, started_at=now, seen_at=now))
        connection.execute(delete(tables.nodes).where(_n.seen_at < now - _FORGOTTEN))


def leads(engine: Engine, node: str, now: float) -> bool:
    """Say whether a node has lived longest of those that live. Two may think so for a moment, when one comes back."""
    alive = select(_n.node).where(_n.seen_at > now - ALIVE).order_by(_n.started_at, _n.node).limit(1)
    with engine.begin() as connection:
        return connection.execute(alive).scalar() == node
