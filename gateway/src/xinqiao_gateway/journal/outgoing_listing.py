"""Files that went out or are to, for people to read. Never blocks the writer."""

from sqlalchemy import select

from xinqiao.message import Json
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.outgoing import INDEX
from xinqiao_gateway.journal.outgoing_tables import outgoing_files
from xinqiao_gateway.journal.reading import Reading

__all__ = ["outgoing_list"]

_f = outgoing_files.c
_SHOWN = (
    _f.file_id, _f.channel, _f.name, _f.kind, _f.interface, _f.day, _f.messages, _f.size, _f.digest, _f.state,
    _f.attempts, _f.due_at, _f.created_at, _f.changed_at, _f.reason, _f.detail,
)  # fmt: skip


def outgoing_list(reading: Reading, channel: str | None, state: str | None, before: int, limit: int) -> list[Json]:
    """Return files, the last one first; with ``before`` only those before that one."""
    query = select(*_SHOWN).order_by(_f.file_id.desc()).limit(limit)
    wanted = ((_f.channel, channel), (_f.state, state))
    query = query.where(*(column == value for column, value in wanted if value is not None))
    with reading.engine.begin() as connection:
        rows = connection.execute(query.where(_f.file_id < before) if before else query).mappings().all()
    return [_row(dict(row)) for row in rows]


def _row(row: Json) -> Json:
    kind = "index" if row["kind"] == INDEX else row["kind"]
    return row | {"kind": kind, "due_at": written(row["due_at"]), "created_at": written(row["created_at"])}
