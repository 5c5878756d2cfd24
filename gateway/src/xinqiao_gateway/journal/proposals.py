"""Proposals: what a maker asks for and a checker decides. Functions of the writer's transaction.

States of a proposal: ``open``, ``approved``, ``declined``. The exception that it is about is ``in_hand`` meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from xinqiao.errors import Conflict, ContentGone, FourEyes, NotFound
from xinqiao.message import Json, new_message_id
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.vault import Vault

__all__ = [
    "Proposed",
    "close_exception",
    "decide",
    "erase_messages",
    "exception_of",
    "kinds_at",
    "message_of",
    "open_again",
    "proposal_of",
    "proposals_in",
    "propose",
    "require_open",
]

_p, _x = tables.proposals.c, tables.exceptions.c
_SHOWN = select(*(column for column in tables.proposals.c if column.name not in {"content", "scope"}))


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a maker asks for. ``arguments`` hold ids, never personal data; ``message`` is that of a supplement."""

    action: str
    exception_id: int | None
    arguments: Json
    reason: str
    maker: str
    message: bytes | None = None


def propose(connection: Connection, vault: Vault, proposed: Proposed, at: str) -> int:
    """Store a proposal and return its id. Raises ``NotFound``, ``Conflict`` where its exception is not open."""
    if proposed.exception_id is not None:
        require_open(connection, exception_of(connection, proposed.exception_id))
        taken = update(tables.exceptions).where(_x.exception_id == proposed.exception_id)
        connection.execute(taken.values(state="in_hand", handled_by=proposed.maker))
    row = {
        "exception_id": proposed.exception_id,
        "action": proposed.action,
        "arguments": orjson.dumps(proposed.arguments).decode(),
        "reason": proposed.reason,
        "state": "open",
        "maker": proposed.maker,
        "proposed_at": at,
    }
    if proposed.message is not None:
        row |= _sealed(connection, vault, proposed.message)
    inserted = connection.execute(insert(tables.proposals).values(**row).returning(_p.proposal_id))
    proposal_id: int = inserted.scalar_one()
    return proposal_id


def require_open(connection: Connection, exception: Json) -> None:
    """Refuse an exception that somebody else has in hand, or that is resolved. Raises ``Conflict``."""
    if exception["state"] != "open":
        about = _by_whom(connection, exception)
        raise Conflict(f"exception {exception['exception_id']} is {exception['state']}{about}")


def _by_whom(connection: Connection, exception: Json) -> str:
    """Say what an operator does instead about an exception that is not open."""
    if exception["state"] == "resolved":
        return f" by {exception['handled_by']}: {exception['resolution']}"
    query = select(_p.proposal_id).where(_p.exception_id == exception["exception_id"], _p.state == "open")
    return f": {exception['handled_by']} made proposal {connection.execute(query).scalar()}; approve or decline that"


def _sealed(connection: Connection, vault: Vault, message: bytes) -> dict[str, Any]:
    key = vault.new_key(f"proposal:{new_message_id()}")
    connection.execute(insert(tables.data_keys).values(scope=key.scope, wrapped=key.wrapped))
    return {"scope": key.scope, "content": key.encrypt(message, key.scope)}


def proposal_of(connection: Connection, proposal_id: int) -> Json:
    """Return a proposal without its message. Raises ``NotFound``."""
    row = connection.execute(_SHOWN.where(_p.proposal_id == proposal_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no proposal {proposal_id}")
    return _read(row)


def proposals_in(
    connection: Connection, state: str | None, exception_ids: Sequence[int] | None = None, limit: int = 100
) -> list[Json]:
    """Return proposals in a state (None: any), oldest first, of all exceptions or of some."""
    query = _SHOWN.order_by(_p.proposal_id).limit(limit)
    if state is not None:
        query = query.where(_p.state == state)
    if exception_ids is not None:
        query = query.where(_p.exception_id.in_(exception_ids))
    return [_read(row) for row in connection.execute(query).mappings()]


def _read(row: Any) -> Json:  # noqa: ANN401
    return dict(row) | {"arguments": orjson.loads(row["arguments"])}


def message_of(connection: Connection, vault: Vault, proposal_id: int) -> bytes | None:
    """Return the message of a supplement or reversal; None for a proposal without one. Raises ``ContentGone``."""
    k = tables.data_keys.c
    query = select(_p.content, _p.scope, k.wrapped).join(tables.data_keys, k.scope == _p.scope)
    row = connection.execute(query.where(_p.proposal_id == proposal_id)).one_or_none()
    if row is not None and not row.wrapped:
        raise ContentGone(f"the message of proposal {proposal_id} was erased with its case")
    return None if row is None else vault.open_key(row.scope, row.wrapped).decrypt(row.content, row.scope)


def decide(connection: Connection, proposal_id: int, checker: str, *, approved: bool, at: str) -> Json:
    """Close an open proposal and return it.

    Where it is declined its exception is open again. Raises ``NotFound``; ``FourEyes`` where the maker would approve
    it (declining is withdrawing); ``Conflict`` where it is decided.
    """
    row = proposal_of(connection, proposal_id)
    if row["state"] != "open":
        raise Conflict(f"proposal {proposal_id} is {row['state']} by {row['checker']}")
    if approved and row["maker"] == checker:
        raise FourEyes(f"{checker} proposed {proposal_id}")
    state = "approved" if approved else "declined"
    decided = update(tables.proposals).where(_p.proposal_id == proposal_id)
    connection.execute(decided.values(state=state, checker=checker, decided_at=at))
    if not approved and row["exception_id"] is not None:
        open_again(connection, row["exception_id"])
    return row | {"state": state, "checker": checker, "decided_at": at}


def exception_of(connection: Connection, exception_id: int) -> Json:
    """Return an exception with what is known of its message. Raises ``NotFound``."""
    m = tables.messages.c
    known = (m.message_id, m.message_type, m.sender, m.receiver, m.test, m.correlation_id)
    query = select(tables.exceptions, *known).outerjoin(tables.messages, m.position == _x.position)
    row = connection.execute(query.where(_x.exception_id == exception_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no exception {exception_id}")
    return dict(row)


def open_again(connection: Connection, exception_id: int) -> None:
    """Put an exception back on the list: something of it is still to be done."""
    again = update(tables.exceptions).where(_x.exception_id == exception_id, _x.state == "in_hand")
    connection.execute(again.values(state="open", handled_by=None))


def erase_messages(connection: Connection, positions: Sequence[int]) -> None:
    """Destroy the keys of messages that were proposed about others: who erases a case means these too."""
    about = select(_x.exception_id).where(_x.position.in_(positions))
    scopes = select(_p.scope).where(_p.exception_id.in_(about), _p.scope.is_not(None))
    gone = update(tables.data_keys).where(tables.data_keys.c.scope.in_(scopes))
    connection.execute(gone.values(wrapped=b""))


def kinds_at(connection: Connection, position: int) -> set[str]:
    """Return the kinds of all exceptions of a message, resolved ones too."""
    return set(connection.execute(select(_x.kind).where(_x.position == position)).scalars())


def close_exception(connection: Connection, exception_id: int, resolution: str, by: str, at: str) -> None:
    """Record how an exception was resolved, and by whom (``maker+checker``)."""
    closed = update(tables.exceptions).where(_x.exception_id == exception_id)
    connection.execute(closed.values(state="resolved", resolution=resolution, resolved_at=at, handled_by=by))
