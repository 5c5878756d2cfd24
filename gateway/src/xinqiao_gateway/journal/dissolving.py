"""The end of files whose channel is reached by another way now. Functions of the writer's transaction."""

from sqlalchemy import Connection, and_, insert, select, update

from xinqiao.errors import InternalError
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.outgoing import OPEN, OutgoingFile, end, holder_of, settle_some
from xinqiao_gateway.journal.outgoing_tables import outgoing_deliveries, outgoing_files

__all__ = ["dissolve"]

_f, _i, _d = outgoing_files.c, outgoing_deliveries.c, tables.deliveries.c


def dissolve(connection: Connection, channel: str, now: float) -> int:
    """End the files of a channel that is reached by another way now; return how many there were.

    What arrived is delivered. What cannot have arrived is due again, and so is what may have, as of unknown outcome.
    """
    query = select(outgoing_files).where(_f.channel == channel, _f.state.in_(OPEN))
    rows = connection.execute(query).mappings().all()
    for row in rows:
        file = OutgoingFile(**{name: row[name] for name in OutgoingFile.__dataclass_fields__})
        if row["state"] in {"arrived", "told"}:
            while settle_some(connection, file, "delivered", "", now):
                pass
            end(connection, file, "delivered", now)
        else:
            _release(connection, file, now)
            end(connection, file, "dissolved", now)
    return len(rows)


def _release(connection: Connection, file: OutgoingFile, now: float) -> None:
    in_file = select(_i.delivery_id).where(_i.file_id == file.file_id)
    of_it = and_(_d.delivery_id.in_(in_file), _d.lease == holder_of(file.file_id))
    again = {"state": "pending", "lease": None, "due_at": now}
    if file.state in {"sending", "ready"}:
        ids = connection.execute(select(_d.delivery_id).where(of_it)).scalars().all()
        said = {"reason": InternalError.reason, "detail": f"file {file.name} may have arrived"}
        tried = {"at": written(now), "outcome": "unknown"} | said
        connection.execute(insert(tables.attempts), [tried | {"delivery_id": each} for each in ids])
        connection.execute(update(tables.deliveries).where(of_it).values(again | {"attempts": _d.attempts + 1}))
    else:
        connection.execute(update(tables.deliveries).where(of_it).values(again))
