"""Index files in the journal: which files of a time of the day one lists. Functions of the writer's transaction."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, func, select

from xinqiao_gateway.journal.outgoing import INDEX, UNDECIDED, NewFile, OutgoingFile, record
from xinqiao_gateway.journal.outgoing_tables import outgoing_files

__all__ = ["has_index", "ready_files", "record_index"]

_f = outgoing_files.c


def has_index(connection: Connection, channel: str, cutoff: float) -> bool:
    """Say whether the files of a time of the day have their index, so that no further one may join them."""
    query = select(_f.file_id).where(_f.channel == channel, _f.cutoff == cutoff, _f.kind == INDEX)
    return connection.execute(query.limit(1)).first() is not None


def record_index(
    connection: Connection, channel: str, made: Callable[[float, Sequence[str]], NewFile], now: float
) -> str | None:
    """Write down the index of the first time of the day whose files are all there; return its name.

    None where there is none. A file that nobody knows of whether it arrived is not among those that it lists.
    """
    cutoff = connection.execute(select(func.min(_f.cutoff)).where(_f.channel == channel, _f.state == "ready")).scalar()
    if cutoff is None or has_index(connection, channel, cutoff):
        return None
    of_it = (_f.channel == channel, _f.cutoff == cutoff)
    if connection.execute(select(_f.file_id).where(*of_it, _f.state.in_(UNDECIDED)).limit(1)).first() is not None:
        return None
    names = connection.execute(select(_f.name).where(*of_it, _f.state == "ready").order_by(_f.sequence)).scalars()
    return record(connection, made(cutoff, list(names)), now)


def ready_files(connection: Connection, channel: str, cutoff: float) -> list[OutgoingFile]:
    """Return the files that the index of a time of the day lists and that are not settled yet."""
    query = select(outgoing_files).where(_f.channel == channel, _f.cutoff == cutoff, _f.state == "ready")
    rows = connection.execute(query.order_by(_f.file_id)).mappings()
    return [OutgoingFile(**{name: row[name] for name in OutgoingFile.__dataclass_fields__}) for row in rows]
