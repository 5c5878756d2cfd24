"""Reading batches of files: how each stands, and what became of its records. Never blocks the writer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import orjson
from sqlalchemy import ColumnElement, RowMapping, func, select

from xinqiao.errors import ContentGone, NotFound
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.file_tables import file_pieces, file_settlements, files
from xinqiao_gateway.journal.files import DETAILS, piece_purpose
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.vault import DataKey

__all__ = [
    "FileBatch",
    "erased_scopes",
    "file_batch",
    "file_batches",
    "key_of",
    "last_sequence",
    "numbered",
    "same_content",
    "settled_file",
    "with_pieces",
]

_f, _p, _k, _e, _s = files.c, file_pieces.c, tables.data_keys.c, tables.erasures.c, file_settlements.c
# Of one number, or one content, that a partner sent again and again.
_MOST_ALIKE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileBatch:
    """A batch as it stands. ``details`` are None once a case of it was erased; instants are ISO 8601."""

    file_id: int
    channel: str
    batch_no: str
    digest: str
    business_date: str | None
    sequence: int | None
    scope: str
    state: str
    reason: str
    mode: str
    records: int
    done: int
    accepted: int
    ignored: int
    refused: int
    held: int
    received_at: str
    finished_at: str | None
    details: Json | None


def file_batch(reading: Reading, file_id: int) -> FileBatch:
    """Return a batch. Raises ``NotFound``."""
    found = _found(reading, _f.file_id == file_id)
    if not found:
        raise NotFound(f"no batch {file_id}; batch list shows them")
    return found[0]


def file_batches(
    reading: Reading, channel: str | None = None, state: str | None = None, before: int = 0, limit: int = 100
) -> list[FileBatch]:
    """Return batches, the last one first; with ``before`` only those before that one."""
    wanted = [_f.file_id < before] if before else []
    wanted += [] if channel is None else [_f.channel == channel]
    wanted += [] if state is None else [_f.state == state]
    return _found(reading, *wanted, order=_f.file_id.desc(), limit=limit)


def numbered(reading: Reading, channel: str, batch_no: str) -> list[FileBatch]:
    """Return the batches that a channel sent under a number and that were not refused, the first one first."""
    return _found(reading, _f.channel == channel, _f.batch_no == batch_no, _f.state != "refused")


def same_content(reading: Reading, channel: str, digest: str) -> list[FileBatch]:
    """Return the batches of a channel with a content that were not refused, the first one first."""
    return _found(reading, _f.channel == channel, _f.digest == digest, _f.state != "refused")


def last_sequence(reading: Reading, channel: str, day: str, other_than: str) -> int:
    """Return the highest number in its day of a channel's batches, but for the batch ``other_than``; 0 for none."""
    query = select(func.max(_f.sequence)).where(
        _f.channel == channel, _f.business_date == day, _f.state != "refused", _f.batch_no != other_than
    )
    with reading.engine.begin() as connection:
        return connection.execute(query).scalar() or 0


def erased_scopes(reading: Reading) -> list[str]:
    """Return the scopes of batches whose key was destroyed."""
    with reading.engine.begin() as connection:
        return list(connection.execute(select(_f.scope).join(tables.erasures, _e.scope == _f.scope)).scalars())


def settled_file(reading: Reading, channel: str, facts: str) -> str | None:
    """Return what became of a file that lies somewhere, None where nothing did yet; see ``files.settle_file``."""
    query = select(_s.settlement).where(_s.channel == channel, _s.facts == facts)
    with reading.engine.begin() as connection:
        return connection.execute(query).scalar()


def key_of(reading: Reading, batch: FileBatch) -> DataKey:
    """Return the key of a batch. Raises ``ContentGone`` where it was destroyed."""
    with reading.engine.begin() as connection:
        wrapped = connection.execute(select(_k.wrapped).where(_k.scope == batch.scope)).scalar()
    if not wrapped:
        raise ContentGone("a case of this batch was erased, and with it what was kept of the file")
    return reading.vault.open_key(batch.scope, wrapped)


def with_pieces(reading: Reading, batch: FileBatch, function: Callable[[Iterable[Json]], T]) -> T:
    """Return what a function makes of the pieces of a batch, in order; one that was erased has none."""
    if batch.details is None:
        return function(())
    key = key_of(reading, batch)
    query = select(_p.first, _p.content).where(_p.file_id == batch.file_id).order_by(_p.first)
    with reading.engine.begin() as connection:
        rows = connection.execution_options(yield_per=16).execute(query)
        opened = (key.decrypt(each.content, piece_purpose(batch.file_id, each.first)) for each in rows)
        return function(map(orjson.loads, opened))


def _found(
    reading: Reading,
    *wanted: ColumnElement[bool],
    order: ColumnElement[int] = _f.file_id,
    limit: int = _MOST_ALIKE,
) -> list[FileBatch]:
    query = select(files, _k.wrapped).outerjoin(tables.data_keys, _k.scope == _f.scope).where(*wanted)
    with reading.engine.begin() as connection:
        rows = connection.execute(query.order_by(order).limit(limit)).mappings()
        return [_batch(reading, row) for row in rows]


def _batch(reading: Reading, row: RowMapping) -> FileBatch:
    values = {name: row[name] for name in FileBatch.__dataclass_fields__ if name != "details"}
    key = reading.vault.open_key(row["scope"], row["wrapped"]) if row["wrapped"] else None
    details = None if key is None else orjson.loads(key.decrypt(row["details"], DETAILS))
    return FileBatch(**values, details=details)
