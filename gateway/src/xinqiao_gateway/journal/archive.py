"""Moving contents out of the journal and back: which batches may go, their rows, and the steps in transactions.

A row never leaves: what goes is ciphertext (``raws.content``, ``messages.canonical``), whose digests stay. Functions of
a Connection; those that write belong into the writer's transaction and are bounded by the batches they are given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, insert, or_, select, update

from xinqiao.errors import Conflict
from xinqiao.message import write_json
from xinqiao.seal import SigningKey, seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.receipts import Row

__all__ = [
    "CLAIM_TYPE",
    "Eligible",
    "Span",
    "claim",
    "clear",
    "contents_left",
    "eligible",
    "forget_archive",
    "put_back",
    "register",
    "rows_of",
    "sign",
    "unfinished",
    "unsigned",
]

_m, _r, _b, _d = tables.messages.c, tables.raws.c, tables.batches.c, tables.deliveries.c
_a, _x = tables.archives.c, tables.exceptions.c

# The type of what is signed of an archive.
CLAIM_TYPE = "application/vnd.xinqiao.archive+json"
_CLAIMED = ("first_batch", "last_batch", "first_position", "last_position", "file", "digest", "archived_at")

# A declined message is skipped: nobody waits for it either.
_SETTLED = ("delivered", "skipped")


@dataclass(frozen=True, slots=True)
class Span:
    """Whole batches, first and last inclusive, with the positions that they hold."""

    first_batch: int
    last_batch: int
    first_position: int
    last_position: int


@dataclass(frozen=True, slots=True)
class Eligible:
    """What may be archived now, None where nothing may; ``blocked_by``: the position that keeps the next batch here."""

    span: Span | None
    blocked_by: int | None


def eligible(connection: Connection, before: str, most: int) -> Eligible:
    """Return the oldest batches not archived yet, accepted before an instant (ISO 8601), all of them settled.

    At most about ``most`` messages, but a whole batch at least.
    """
    first, end = _unarchived(connection)
    blocked = _blocked(connection)
    # Without Z, as 10:00:00.5Z sorts before 10:00:00Z.
    within = [_b.batch >= first, _b.accepted_at < before.removesuffix("Z")]
    within += [] if end is None else [_b.batch < end]
    start = connection.execute(select(_b.first_position).where(_b.batch == first)).scalar()
    if start is None:
        return Eligible(None, None)
    open_ = [] if blocked is None else [_b.first_position + _b.size <= blocked]
    enough = or_(_b.batch == first, _b.first_position + _b.size <= start + most)
    last = connection.execute(select(func.max(_b.batch)).where(*within, *open_, enough)).scalar()
    if last is not None:
        return Eligible(_span(connection, first, last), None)
    next_ = connection.execute(select(_b.first_position).where(*within).order_by(_b.batch).limit(1)).scalar()
    return Eligible(None, blocked if next_ is not None else None)


def _unarchived(connection: Connection) -> tuple[int, int | None]:
    """Return the oldest batch that no archive holds, and the next one that one does."""
    first = 1
    for row in connection.execute(select(_a.first_batch, _a.last_batch).order_by(_a.first_batch)):
        if row.first_batch > first:
            return first, row.first_batch
        first = row.last_batch + 1
    return first, None


def _blocked(connection: Connection, span: Span | None = None) -> int | None:
    """Return the first position that somebody still waits for."""
    queries = (
        select(func.min(_d.position)).where(_d.state.not_in(_SETTLED), *_inside(_d.position, span)),
        select(func.min(_x.position)).where(_x.state != "resolved", *_inside(_x.position, span)),
    )
    found = [connection.execute(query).scalar() for query in queries]
    return min((each for each in found if each is not None), default=None)


def _inside(column: Any, span: Span | None) -> list[Any]:  # noqa: ANN401
    return [] if span is None else [column.between(span.first_position, span.last_position)]


def _span(connection: Connection, first: int, last: int) -> Span:
    start = connection.execute(select(_b.first_position).where(_b.batch == first)).scalar_one()
    end = connection.execute(select(_b.first_position + _b.size - 1).where(_b.batch == last)).scalar_one()
    return Span(first, last, start, end)


def rows_of(connection: Connection, span: Span) -> Iterator[tuple[str, Row]]:
    """Yield ``batch``, ``raw`` and ``message`` rows in the order of batches; one batch is in memory at a time."""
    batches = select(tables.batches).where(_b.batch.between(span.first_batch, span.last_batch)).order_by(_b.batch)
    for batch in connection.execute(batches).mappings().all():
        yield "batch", batch
        raw_ids = select(_m.raw_id).where(_of(batch))
        for raw in connection.execute(select(tables.raws).where(_r.raw_id.in_(raw_ids)).order_by(_r.raw_id)).mappings():
            yield "raw", raw
        for row in connection.execute(select(tables.messages).where(_of(batch)).order_by(_m.position)).mappings():
            yield "message", row


def _of(batch: Row) -> Any:  # noqa: ANN401
    return _m.position.between(batch["first_position"], batch["first_position"] + batch["size"] - 1)


def claim(row: Row, chain: bytes) -> bytes:
    """Return what the gateway signs of an archive: its file with the digest, and the batches that it holds.

    ``chain`` is the value of the last of these: signed for one journal, it says nothing about another.
    """
    return write_json({name: row[name] for name in _CLAIMED} | {"chain": chain.hex()})


def register(connection: Connection, span: Span, file: str, digest: str, at: str, key: SigningKey) -> None:
    """Say, signed, that an archive holds these batches; from then on their contents may go.

    Raises ``Conflict`` where another archive holds some of them, or where one has come to be waited for again.
    """
    overlap = select(_a.archive_id).where(_a.first_batch <= span.last_batch, _a.last_batch >= span.first_batch)
    if connection.execute(overlap.limit(1)).first():
        raise Conflict(f"an archive holds some of batches {span.first_batch} to {span.last_batch} already")
    if (position := _blocked(connection, span)) is not None:
        raise Conflict(f"position {position} is waited for again")
    row = asdict(span) | {"file": file, "digest": digest, "archived_at": at}
    connection.execute(insert(tables.archives).values(**row, signature=_signature(connection, row, key)))


def _signature(connection: Connection, row: Row, key: SigningKey) -> str:
    chain = connection.execute(select(_b.chain).where(_b.batch == row["last_batch"])).scalar_one()
    return seal(claim(row, chain), CLAIM_TYPE, key).signature


def unsigned(connection: Connection) -> list[Row]:
    """Return the rows of archives from before the gateway signed what they hold."""
    query = select(tables.archives).where(_a.signature == "").order_by(_a.first_batch)
    return list(connection.execute(query).mappings())


def sign(connection: Connection, row: Row, key: SigningKey) -> None:
    """Sign such a row, whose file was checked."""
    still = (_a.archive_id == row["archive_id"], _a.signature == "")
    connection.execute(update(tables.archives).where(*still).values(signature=_signature(connection, row, key)))


def unfinished(connection: Connection) -> list[tuple[str, str, Span]]:
    """Return file, digest and span of the archives whose contents are still here, as after a crash."""
    found = []
    for row in connection.execute(select(tables.archives).order_by(_a.first_batch)).all():
        span = Span(row.first_batch, row.last_batch, row.first_position, row.last_position)
        if contents_left(connection, span) is not None:
            found.append((row.file, row.digest, span))
    return found


def contents_left(connection: Connection, span: Span) -> int | None:
    """Return the first batch of a span that has contents here, None where all have gone."""
    query = (
        select(_m.batch)
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .where(_m.position.between(span.first_position, span.last_position))
        .where(or_(func.length(_r.content) > 0, _m.canonical.is_not(None)))
        .order_by(_m.position)
        .limit(1)
    )
    return connection.execute(query).scalar()


def clear(connection: Connection, first: int, last: int) -> None:
    """Let the contents of batches go. They are in an archive: see ``register``."""
    within = _positions(connection, first, last)
    raw_ids = select(_m.raw_id).where(within)
    connection.execute(update(tables.raws).where(_r.raw_id.in_(raw_ids)).values(content=b""))
    connection.execute(update(tables.messages).where(within, _m.canonical.is_not(None)).values(canonical=None))


def _positions(connection: Connection, first: int, last: int) -> Any:  # noqa: ANN401
    span = _span(connection, first, last)
    return _m.position.between(span.first_position, span.last_position)


_RAW = update(tables.raws).where(_r.raw_id == bindparam("of")).values(content=bindparam("kept"))
_CANONICAL = update(tables.messages).where(_m.position == bindparam("of")).values(canonical=bindparam("kept"))


def put_back(connection: Connection, raws: Sequence[Row], messages: Sequence[Row]) -> None:
    """Put the contents of whole batches back; each must have the digest that the journal kept. Raises ``Conflict``."""
    _same(connection, select(_r.raw_id, _r.content_digest), _r.raw_id, raws, ("raw_id", "content_digest"))
    _same(connection, select(_m.position, _m.witness), _m.position, messages, ("position", "witness"))
    if raws:
        connection.execute(_RAW, [{"of": row["raw_id"], "kept": row["content"]} for row in raws])
    kept = [{"of": row["position"], "kept": row["canonical"]} for row in messages if row["canonical"] is not None]
    if kept:
        connection.execute(_CANONICAL, kept)


def _same(
    connection: Connection, query: Select[Any], key: ColumnElement[int], rows: Sequence[Row], names: tuple[str, str]
) -> None:
    if not rows:
        return
    number, digest = names
    known = connection.execute(query.where(key.between(rows[0][number], rows[-1][number]))).all()
    here = {row[0]: row[1] for row in known}
    for row in rows:
        if here.get(row[number]) != row[digest]:
            raise Conflict(f"{number} {row[number]} of the archive is not the one of this journal")


def forget_archive(connection: Connection, span: Span) -> None:
    """Say that the contents of these batches are here again."""
    gone = delete(tables.archives).where(_a.first_batch == span.first_batch, _a.last_batch == span.last_batch)
    connection.execute(gone)
