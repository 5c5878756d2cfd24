"""Files that go out, as the journal keeps them: written down with their bytes, taken by one node, and ended.

A delivery in a file is leased to the file, without an end: neither a crash nor a clock gives it to anybody else.
Functions of the writer's transaction; each names what it starts from, so that two nodes, or an act
that is done twice, change nothing twice. States: see ``outgoing_tables``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, update

from xinqiao.errors import InProgress
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.deliveries import settle
from xinqiao_gateway.journal.entry import Settlement
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.lanes import IS_KEPT_BACK, advance
from xinqiao_gateway.journal.outgoing_contents import sealed_manifest
from xinqiao_gateway.journal.outgoing_tables import outgoing_contents, outgoing_deliveries, outgoing_files
from xinqiao_gateway.journal.raised import raise_once
from xinqiao_gateway.journal.vault import DataKey

__all__ = [
    "INDEX",
    "OPEN",
    "UNDECIDED",
    "NewFile",
    "OutgoingFile",
    "end",
    "go_on",
    "holder_of",
    "last_cutoff",
    "next_file_at",
    "postpone",
    "record",
    "set_aside",
    "settle_some",
    "take",
]

UNDECIDED = ("recorded", "sending", "arrived", "told")
# What is not closed; a file that is ``ready`` waits for the index that lists it.
OPEN = (*UNDECIDED, "ready")
# The kind of an index: nobody's interface is called so.
INDEX = "*index"
# Deliveries that one commit settles, and ids in one statement.
_AT_ONCE = 500
# Seconds: the longest lease that the settings allow to any node. Twice that ahead comes from a clock that was set back.
_LONGEST_LEASE = 3600.0
_ASIDE = "aside"
_LONGEST_DETAIL = 400

_f, _c, _i = outgoing_files.c, outgoing_contents.c, outgoing_deliveries.c
_d, _k, _x = tables.deliveries.c, tables.data_keys.c, tables.exceptions.c

_RESERVE = (
    update(tables.deliveries)
    .where(_d.delivery_id.in_(bindparam("ids", expanding=True)), _d.state == "pending")
    .values(state="leased", lease=bindparam("holder"), leased_until=None)
)
_KEPT_BACK = select(func.count()).where(_d.delivery_id.in_(bindparam("ids", expanding=True)), IS_KEPT_BACK)
_SETTLED = (
    update(tables.deliveries)
    .where(_d.delivery_id.in_(bindparam("ids", expanding=True)))
    .values(
        state="delivered",
        due_at=bindparam("at"),
        changed_at=bindparam("changed"),
        attempts=_d.attempts + 1,
        lease=None,
        leased_until=None,
    )
)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written down.

    ``parts`` are its bytes, encrypted with ``key``; ``size`` and ``digest`` (SHA-256, hex) those of the bytes as they
    go out. ``deliveries`` are in it, of which ``heads`` are the first of their lanes. ``name`` makes its name of its
    sequence and number of the day, ``manifest`` what goes with it, of name and sequence.
    """

    channel: str
    interface: str
    kind: str
    digest: str
    size: int
    key: DataKey
    parts: Sequence[bytes]
    deliveries: Sequence[int]
    heads: Sequence[int]
    day: str
    cutoff: float
    name: Callable[[int, int], str]
    manifest: Callable[[str, int], bytes | None]


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file that one node is on. Times are Unix seconds."""

    file_id: int
    channel: str
    interface: str
    kind: str
    name: str
    digest: str
    size: int
    messages: int
    cutoff: float
    state: str
    attempts: int
    doubts: int
    created_at: float
    scope: str
    lease: str | None

    @property
    def has_content(self) -> bool:
        """Whether there is a file; what says that there was nothing is none."""
        return self.messages > 0 or self.kind == INDEX


def record(connection: Connection, new: NewFile, now: float) -> str | None:
    """Write a file down with what is in it, whose deliveries are its own from then on; return its name.

    None where they are not all due any more: somebody else has one, or something came before it. None, too, where the
    name was given already: then a person is told, who changed how files are named.
    """
    last = connection.execute(select(func.max(_f.file_id))).scalar() or 0
    if not _reserve(connection, new, holder_of(last + 1)):
        _give_back(connection, new.deliveries, holder_of(last + 1))
        return None
    number = 1 + _last(connection, _f.number, _f.channel == new.channel, _f.day == new.day, _f.kind == new.kind)
    # An index takes no number from the files that it lists.
    numbered = 1 + _last(connection, _f.sequence, _f.channel == new.channel, _f.day == new.day)
    sequence = -number if new.kind == INDEX else numbered
    name = new.name(sequence, number)
    if connection.execute(select(_f.file_id).where(_f.channel == new.channel, _f.name == name)).first():
        _give_back(connection, new.deliveries, holder_of(last + 1))
        said = f"file {name}: that name was given before; push.files.name is to give another, and then it goes out"
        raise_once(connection, channel=new.channel, kind="batch", detail=said, now=now)
        return None
    manifest = new.manifest(name, sequence)
    row = {"file_id": last + 1, "name": name, "sequence": sequence, "number": number, "messages": len(new.deliveries)}
    row |= {each: getattr(new, each) for each in ("channel", "interface", "kind", "digest", "size", "day", "cutoff")}
    row |= {"state": "recorded", "due_at": now, "created_at": now, "changed_at": written(now), "scope": new.key.scope}
    row |= {"manifest": None if manifest is None else sealed_manifest(new.key, manifest)}
    connection.execute(insert(tables.data_keys).values(scope=new.key.scope, wrapped=new.key.wrapped))
    connection.execute(insert(outgoing_files).values(row))
    parts = [{"file_id": last + 1, "part": number, "content": part} for number, part in enumerate(new.parts)]
    held = [{"file_id": last + 1, "delivery_id": each} for each in new.deliveries]
    for table, rows in ((outgoing_contents, parts), (outgoing_deliveries, held)):
        if rows:
            connection.execute(insert(table), rows)
    return name


def _reserve(connection: Connection, new: NewFile, holder: str) -> bool:
    """Take the deliveries, and say whether all of them were due and nothing comes before them."""
    kept_back = (connection.execute(_KEPT_BACK, {"ids": ids}).scalar_one() for ids in _chunks(new.heads))
    if any(kept_back):
        return False
    taken = (connection.execute(_RESERVE, {"ids": ids, "holder": holder}).rowcount for ids in _chunks(new.deliveries))
    return sum(taken) == len(new.deliveries)


def _give_back(connection: Connection, delivery_ids: Sequence[int], holder: str) -> None:
    for ids in _chunks(delivery_ids):
        own = update(tables.deliveries).where(_d.delivery_id.in_(ids), _d.lease == holder)
        connection.execute(own.values(state="pending", lease=None))


def _last(connection: Connection, column: Any, *wanted: ColumnElement[bool]) -> int:  # noqa: ANN401 -- a column
    return max(connection.execute(select(func.max(column)).where(*wanted)).scalar() or 0, 0)


def holder_of(file_id: int) -> str:
    """Return the lease of the deliveries in a file."""
    return f"file:{file_id}"


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def set_aside(connection: Connection, settlements: Sequence[Settlement], now: float) -> int:
    """Settle what cannot go out in a file, where it is due still; return how many."""
    count = 0
    for each in settlements:
        if connection.execute(_RESERVE, {"ids": [each.delivery_id], "holder": _ASIDE}).rowcount:
            values = (each.delivery_id, each.state, each.outcome, each.reason, each.detail)
            settle(connection, Settlement(*values, due_at=now, lease=_ASIDE), now)
            count += 1
    return count


def last_cutoff(connection: Connection, channel: str) -> float | None:
    """Return the latest time that a channel's files were gathered for."""
    found: float | None = connection.execute(select(func.max(_f.cutoff)).where(_f.channel == channel)).scalar()
    return found


def take(
    connection: Connection,
    channel: str,
    lease: str,
    seconds: Callable[[int], float],
    states: Sequence[str],
    *,
    now: float,
    longest: float,
) -> OutgoingFile | None:
    """Lease the channel's next file in some states that is due, for a time by its size; its holder has no other.

    One that waits for longer than ``longest`` is due: a clock jumped.
    """
    ended = or_(_f.leased_until.is_(None), _f.leased_until < now, _f.leased_until > now + 2 * _LONGEST_LEASE)
    free = or_(ended, _f.lease == lease)
    due = or_(_f.due_at <= now, _f.due_at > now + longest)
    query = select(outgoing_files).where(_f.channel == channel, _f.state.in_(states), due, free)
    row = connection.execute(query.order_by(_f.due_at, _f.file_id).limit(1)).mappings().one_or_none()
    if row is None:
        return None
    own = update(outgoing_files).where(_f.file_id == row["file_id"])
    connection.execute(own.values(lease=lease, leased_until=now + seconds(row["size"])))
    values = {name: row[name] for name in OutgoingFile.__dataclass_fields__}
    return OutgoingFile(**(values | {"lease": lease}))


def next_file_at(connection: Connection, channel: str) -> float | None:
    """Return when the channel's next file becomes due (Unix seconds), None where there is none."""
    query = select(func.min(_f.due_at)).where(_f.channel == channel, _f.state.in_(UNDECIDED))
    found: float | None = connection.execute(query).scalar()
    return found


def go_on(connection: Connection, file: OutgoingFile, state: str, seconds: float, now: float) -> None:
    """Write down how far a file is, and keep its lease. Raises ``InProgress`` where another node has it."""
    own = _own(file)
    changed: dict[str, Any] = {"state": state, "changed_at": written(now), "leased_until": now + seconds}
    if state == "ready":  # there is nothing to do for it
        changed |= {"lease": None, "leased_until": None}
    if connection.execute(update(outgoing_files).where(own).values(changed)).rowcount != 1:
        raise InProgress(f"file {file.name} of {file.channel} is with another node")


def postpone(
    connection: Connection, file: OutgoingFile, reason: str, detail: str, *, doubted: bool, due_at: float, now: float
) -> None:
    """Give a file back that has not come through, for a try at ``due_at``; ``doubted``: it may have arrived."""
    said: dict[str, Any] = {"reason": reason, "detail": detail[:_LONGEST_DETAIL], "changed_at": written(now)}
    said |= {"due_at": due_at, "attempts": file.attempts + 1, "doubts": file.doubts + doubted}
    said |= {"lease": None, "leased_until": None}
    connection.execute(update(outgoing_files).where(_own(file)).values(said))


def _own(file: OutgoingFile) -> ColumnElement[bool]:
    return and_(_f.file_id == file.file_id, _f.lease == file.lease, _f.state.in_(OPEN))


def settle_some(connection: Connection, file: OutgoingFile, state: str, reason: str, now: float) -> int:
    """Settle up to 500 deliveries of a file as ``delivered`` or ``held``; return how many: none is the end."""
    holder = holder_of(file.file_id)
    in_file = select(_i.delivery_id).where(_i.file_id == file.file_id)
    query = select(_d.delivery_id, _d.lane).where(_d.delivery_id.in_(in_file), _d.lease == holder).limit(_AT_ONCE)
    rows = connection.execute(query).all()
    detail = f"file {file.name}"
    if state == "held":
        for row in rows:
            held = Settlement(row.delivery_id, "held", "unknown", reason, detail, due_at=now, lease=holder)
            settle(connection, held, now)
    elif rows:
        at = written(now)
        ids = [row.delivery_id for row in rows]
        tried = {"at": at, "outcome": "delivered", "reason": "", "detail": detail}
        connection.execute(insert(tables.attempts), [tried | {"delivery_id": each} for each in ids])
        connection.execute(_SETTLED, {"ids": ids, "at": now, "changed": at})
        for lane in {row.lane for row in rows}:
            advance(connection, file.channel, lane, now)
    return len(rows)


def end(connection: Connection, file: OutgoingFile, state: str, now: float, reason: str = "", detail: str = "") -> None:
    """Close a file that is undecided, and whose deliveries are settled; its bytes and what it raised go."""
    closed: dict[str, Any] = {"state": state, "changed_at": written(now), "reason": reason}
    closed["detail"] = detail[:_LONGEST_DETAIL]
    closed |= dict.fromkeys(("lease", "leased_until", "manifest"))
    undecided = and_(_f.file_id == file.file_id, _f.state.in_(OPEN))
    connection.execute(update(outgoing_files).where(undecided).values(closed))
    connection.execute(delete(outgoing_contents).where(_c.file_id == file.file_id))
    connection.execute(delete(tables.data_keys).where(_k.scope == file.scope))
    told = (_x.channel == file.channel, _x.kind == "batch", _x.state == "open")
    ended = {"state": "resolved", "resolution": state, "resolved_at": written(now)}
    about = _x.detail.startswith(f"file {file.name}: ", autoescape=True)
    connection.execute(update(tables.exceptions).where(*told, about).values(ended))
