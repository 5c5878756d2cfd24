"""Batches of files as the journal keeps them: begun, taken piece by piece, finished or refused.

Every function works in the transaction of its caller, the writer's; each names the state that it starts from, so that
two nodes at one batch, or an act that is done twice, count nothing twice. What is read of them is in ``file_reading``.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xinqiao.errors import ContentGone, InProgress, InternalError
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Follow, Outcome
from xinqiao_gateway.journal.file_tables import file_pieces, file_settlements, files
from xinqiao_gateway.journal.governance import Governance
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.meetings import meet_batch, meet_file
from xinqiao_gateway.journal.raised import raise_once, resolve_raised
from xinqiao_gateway.journal.vault import DataKey, Vault

__all__ = [
    "DETAILS",
    "Ended",
    "NewBatch",
    "Piece",
    "accounted",
    "begin",
    "finish",
    "piece_purpose",
    "piece_type",
    "raise_stalled",
    "refuse",
    "settle_file",
]

_f, _p, _k, _s = files.c, file_pieces.c, tables.data_keys.c, file_settlements.c
_COUNTS = ("accepted", "ignored", "refused", "held")
# Seconds after which a batch is looked for, and how many are spoken of at once.
_LONG, _MOST_STALLED = 3600.0, 100
# What the two encrypted columns are bound to.
DETAILS = "file details"


def piece_type(scope: str) -> str:
    """Return the content type of what leads from a message to its file: it names the key that the file is under.

    So the evidence of each message covers that, too.
    """
    return f"application/vnd.xinqiao.file-piece+json; key={hashlib.sha256(scope.encode()).hexdigest()[:32]}"


def piece_purpose(file_id: int, first: int) -> str:
    """Return what the content of a piece is bound to."""
    return f"file piece {file_id} {first}"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch that came: its number, the keyed digest of its content, and what is kept of it (``details``).

    ``mode``: each (record by record), all (or nothing), none (all are refused, since one was).
    """

    channel: str
    batch_no: str
    digest: str
    details: Json
    business_date: str | None = None
    sequence: int | None = None
    records: int = 0
    mode: str = "each"

    @property
    def scope(self) -> str:
        """Whose key protects it."""
        return f"file:{self.channel}:{self.batch_no}:{self.digest[:16]}"


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of the records from ``first`` on; ``content`` says which were not simply accepted, and the totals."""

    first: int
    accepted: int
    ignored: int
    refused: int
    held: int
    content: Json

    @property
    def count(self) -> int:
        """How many records it accounts for."""
        return self.accepted + self.ignored + self.refused + self.held


@dataclass(frozen=True, slots=True)
class Ended:
    """A batch of which the last record is accounted for: the interfaces and the business day that it was about."""

    file_id: int
    channel: str
    interfaces: tuple[str, ...]
    day: date
    is_empty: bool


def begin(connection: Connection, vault: Vault, new: NewBatch, told: Sequence[str], now: float) -> int:
    """Write a batch down as open and return its id; a person is told what is odd about it.

    One that is open or taken stays as it is, one that was refused begins anew. Raises ``ContentGone`` for one whose key
    was destroyed.
    """
    file_id = _write(connection, vault, new, {"state": "open", "reason": "", "finished_at": None}, now)
    _raise(connection, new.channel, told, now)
    return file_id


def refuse(connection: Connection, vault: Vault, new: NewBatch, reason: str, now: float) -> None:
    """Write a batch down as refused whole, and tell a person; one that is open or taken stays as it is."""
    values = {"state": "refused", "reason": reason, "finished_at": written(now)}
    file_id = _write(connection, vault, new, values, now)
    if connection.execute(select(_f.state).where(_f.file_id == file_id)).scalar() == "refused":
        _raise(connection, new.channel, [_refused(new.batch_no, file_id, reason)], now)


def _write(connection: Connection, vault: Vault, new: NewBatch, values: dict[str, Any], now: float) -> int:
    same = (_f.channel == new.channel, _f.batch_no == new.batch_no, _f.digest == new.digest)
    found = connection.execute(select(_f.file_id, _f.state).where(*same)).one_or_none()
    if found is not None and found.state != "refused":
        return int(found.file_id)
    key = _key(connection, vault, new.scope)
    row = values | {
        "business_date": new.business_date,
        "sequence": new.sequence,
        "mode": new.mode,
        "details": key.encrypt(orjson.dumps(new.details), DETAILS),
        "records": new.records,
        "received_at": written(now),
    }
    if found is not None:
        connection.execute(delete(file_pieces).where(_p.file_id == found.file_id))
        anew = dict.fromkeys(("done", *_COUNTS), 0)
        connection.execute(update(files).where(_f.file_id == found.file_id).values(row | anew))
        return int(found.file_id)
    own = {"channel": new.channel, "batch_no": new.batch_no, "digest": new.digest, "scope": new.scope}
    return int(connection.execute(insert(files).values(row | own).returning(_f.file_id)).scalar_one())


def _key(connection: Connection, vault: Vault, scope: str) -> DataKey:
    wrapped = connection.execute(select(_k.wrapped).where(_k.scope == scope)).scalar()
    if wrapped:
        return vault.open_key(scope, wrapped)
    if wrapped is not None:
        raise ContentGone("what was kept of this very batch was destroyed; send it under another number")
    key = vault.new_key(scope)
    connection.execute(insert(tables.data_keys).values(scope=scope, wrapped=key.wrapped))
    return key


def accounted(key: DataKey, file_id: int, account: Callable[[Sequence[Outcome]], Piece]) -> Follow:
    """Return what is to follow in the commit that decides on records: they are accounted for, as ``account`` says.

    It raises ``InProgress`` where another node is at the batch: then nothing of the piece is stored here.
    """
    return lambda connection, outcomes: _record(connection, key, file_id, account(outcomes))


def _record(connection: Connection, key: DataKey, file_id: int, piece: Piece) -> None:
    values = {name: _f[name] + getattr(piece, name) for name in _COUNTS} | {"done": _f.done + piece.count}
    next_in_turn = (_f.file_id == file_id, _f.state == "open", _f.done == piece.first)
    if connection.execute(update(files).where(*next_in_turn).values(values)).rowcount != 1:
        raise InProgress(f"batch {file_id}: record {piece.first + 1} is accounted for already, by another node")
    content = key.encrypt(orjson.dumps(piece.content), piece_purpose(file_id, piece.first))
    row = {"file_id": file_id, "first": piece.first, "count": piece.count, "content": content}
    connection.execute(insert(file_pieces).values(row))


def finish(connection: Connection, governance: Governance, ended: Ended, now: float) -> None:
    """Close a batch of which every record is accounted for, with what a whole file meets. Bears being done again.

    One of which every record was refused is refused: nothing of it is here, and it may come again. Raises
    ``InternalError`` for one that has a record left over.
    """
    row = connection.execute(select(files).where(_f.file_id == ended.file_id)).mappings().one()
    if row["done"] != row["records"] or row["done"] != sum(row[name] for name in _COUNTS):
        said = f"{row['done']} of {row['records']} records are accounted for"
        raise InternalError(f"batch {row['batch_no']} of {row['channel']}: {said}")
    is_refused = row["records"] > 0 and row["refused"] == row["records"]
    state, reason = ("refused", "batch_refused") if is_refused else ("taken", "")
    closed = update(files).where(_f.file_id == ended.file_id, _f.state == "open")
    connection.execute(closed.values(state=state, reason=reason, finished_at=written(now)))
    over = [_stalled(row["batch_no"])] if is_refused else [_stalled(row["batch_no"]), _refused(row["batch_no"])]
    for about in over:
        resolve_raised(connection, channel=ended.channel, kind="batch", about=about, now=now)
    if is_refused:
        _raise(connection, ended.channel, [_refused(row["batch_no"], ended.file_id, reason)], now)
    for interface in () if is_refused else ended.interfaces:
        meet_file(connection, governance.book, ended.channel, interface, ended.day, now)
        # Messages meet their batch of the day themselves.
        batch = governance.batch_for(ended.channel, interface, {}, now) if ended.is_empty else None
        if batch is not None and not batch.late:
            meet_batch(connection, governance.book, batch, now)


def raise_stalled(connection: Connection, now: float) -> None:
    """Tell a person of batches that were begun over an hour ago and are not at their end."""
    old = (_f.state == "open", _f.received_at < written(now - _LONG))
    for row in connection.execute(select(_f.channel, _f.batch_no).where(*old).limit(_MOST_STALLED)).all():
        _raise(connection, row.channel, [_stalled(row.batch_no)], now)


def _stalled(batch_no: str) -> str:
    return f"batch {batch_no}: it was begun, and its file has not come again; batch fetch gives what is kept of it"


def _refused(batch_no: str, file_id: int | None = None, reason: str = "") -> str:
    """Return what a person is told of a batch that was refused whole; without a reason, how that begins."""
    begins = f"batch {batch_no}: it was refused whole"
    return begins if file_id is None else f"{begins}, for {reason}; batch show {file_id} says more"


def _raise(connection: Connection, channel: str, details: Sequence[str], now: float) -> None:
    """Tell a person of what is odd about batches; nothing twice while it is open."""
    for detail in details:
        raise_once(connection, channel=channel, kind="batch", detail=detail, now=now)


def settle_file(connection: Connection, channel: str, facts: str, settlement: str, now: float) -> None:
    """Record what became of a file where it lies; ``facts`` is a keyed digest of what it is known by there."""
    made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"channel": channel, "facts": facts, "settlement": settlement, "settled_at": written(now)}
    connection.execute(delete(file_settlements).where(_s.channel == channel, _s.facts == facts))
    connection.execute(made(file_settlements).values(row).on_conflict_do_nothing())
