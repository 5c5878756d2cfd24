"""What each action does once it is approved: functions of the transaction that records the approval."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, insert, select, update

from xinqiao.errors import Conflict, ContentGone, NotFound
from xinqiao.message import Json
from xinqiao_gateway.documents import DocumentDigest, Documents
from xinqiao_gateway.journal import holds, proposals, release, tables
from xinqiao_gateway.journal.cases import load, save
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.marks import marks_key, withdraw_marks
from xinqiao_gateway.journal.meetings import meet_batch
from xinqiao_gateway.journal.obligations import waive
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.obligations import Book
from xinqiao_gateway.processes import abandoned
from xinqiao_gateway.resolution.actions import PARKING
from xinqiao_gateway.resolution.batches import late_batch

__all__ = ["EFFECTS", "Approved"]

_d, _x, _m = tables.deliveries.c, tables.exceptions.c, tables.messages.c
# Positions in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved proposal and what its effect needs. ``by``: ``maker+checker``; ``now``: Unix seconds."""

    proposal: Json
    exception: Json
    reading: Reading
    book: Book
    pushed: Callable[[str], bool]
    documents: Callable[[], Documents]
    now: float
    by: str

    @property
    def reason(self) -> str:
        """Why."""
        reason: str = self.proposal["reason"]
        return reason

    @property
    def at(self) -> str:
        """When, as the journal writes it."""
        return written(self.now)


def _release(connection: Connection, it: Approved) -> None:
    for position in _held(connection, it):
        if not _also_held(connection, it, position):
            holds.release_held(connection, it.reading, position, it.pushed, now=it.now, reason=it.reason, by=it.by)
        _close(connection, it, position, it.exception["kind"])
    if it.exception["kind"] == "late":
        batch = late_batch(it.exception, it.proposal["arguments"].get("batch"), it.book)
        meet_batch(connection, it.book, batch, it.now, it.exception["position"])


def _decline(connection: Connection, it: Approved) -> None:
    for position in _held(connection, it):
        holds.decline_held(connection, it.reading, position, it.reason, now=it.now, by=it.by)
        _close(connection, it, position)


def _held(connection: Connection, it: Approved) -> list[int]:
    found = holds.held_with(connection, it.exception)
    if not found:
        raise NotFound(f"nothing of exception {it.exception['exception_id']} waits any more")
    return found


def _also_held(connection: Connection, it: Approved, position: int) -> bool:
    """Say whether something else keeps the message back: it goes on when the last of its holds is released."""
    query = select(_x.exception_id).where(
        _x.position == position, _x.state != "resolved", _x.kind.in_(PARKING), _x.kind != it.exception["kind"]
    )
    return connection.execute(query.limit(1)).first() is not None


def _close(connection: Connection, it: Approved, position: int, kind: str | None = None) -> None:
    """Resolve what else was raised about a message: of one kind, or all that kept it back."""
    kinds = PARKING if kind is None else {kind}
    ended = {"state": "resolved", "resolution": it.proposal["action"], "resolved_at": it.at, "handled_by": it.by}
    of_it = update(tables.exceptions).where(_x.position == position, _x.kind.in_(kinds), _x.state != "resolved")
    connection.execute(of_it.values(ended))


def _resend(connection: Connection, it: Approved) -> None:
    for delivery in _stuck(connection, it.exception):
        release.replay(connection, delivery, it.pushed, now=it.now, reason=it.reason, by=it.by)


def _skip(connection: Connection, it: Approved) -> None:
    for delivery in _stuck(connection, it.exception):
        release.skip(connection, delivery, it.reason, now=it.now, by=it.by)


def _confirm(connection: Connection, it: Approved) -> None:
    for delivery in _stuck(connection, it.exception):
        release.confirm(connection, delivery, it.reason, now=it.now, by=it.by)


def _stuck(connection: Connection, exception: Json) -> list[int]:
    """Return the deliveries that an exception is about: those of its message to its channel."""
    position, channel = exception["position"], exception["channel"]
    query = select(_d.delivery_id).where(_d.position == position, _d.state.in_(("dead", "held")))
    found = list(connection.execute(query.where(_d.channel == channel) if channel else query).scalars())
    if not found:
        raise NotFound(f"no delivery of position {position} is dead or held any more")
    return found


def _suspend(connection: Connection, it: Approved) -> None:
    """Keep the matter on the list, as what it is now: funds in suspense."""
    raised = {name: it.exception[name] for name in ("position", "case_id", "channel")}
    row = raised | {"kind": "suspense", "expected": "", "state": "open", "raised_at": it.at}
    connection.execute(insert(tables.exceptions).values(**row))


def _waive(connection: Connection, it: Approved) -> None:
    waive(connection, it.exception["obligation_id"], it.reason, it.by, it.now)


def _nothing(_connection: Connection, _it: Approved) -> None:
    """The record is all there is to it; a supplement's message stands beside it."""


def _abandon(connection: Connection, it: Approved) -> None:
    case = it.proposal["arguments"]
    key = case["case_id"], case["test"], case["parties"]
    cases = load(connection, [key[0]])
    if key not in cases:
        raise NotFound(f"no case {key[0]}")
    after = abandoned(cases[key])
    if after is None:
        raise Conflict(f"case {key[0]} is at {cases[key].state!r}, which is not given up")
    save(connection, {key: after}, {key}, it.at, it.now)


def _erase(connection: Connection, it: Approved) -> None:
    case = it.proposal["arguments"]
    sides = case["parties"].split("|")
    erase_case(connection, case["case_id"], case["test"], case["parties"], it.reason, it.at)
    own = (_m.case_id == case["case_id"], _m.test == case["test"], _m.sender.in_(sides), _m.receiver.in_(sides))
    positions = list(connection.execute(select(_m.position).where(*own)).scalars())
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        proposals.erase_messages(connection, some)
        withdraw_marks(connection, marks_key(it.reading.vault), some)


def _remove(_connection: Connection, it: Approved) -> None:
    """Remove a document before the commit: what cannot be removed is not recorded as approved.

    Should the commit fail after it, the proposal is open still, and approving it again finds nothing left to do.
    """
    with suppress(ContentGone):
        digest = DocumentDigest.parse(it.proposal["arguments"]["document"])
        it.documents().remove(digest, by=it.by, reason=it.reason)


EFFECTS: Mapping[str, Callable[[Connection, Approved], None]] = MappingProxyType(
    {
        "release": _release,
        "decline": _decline,
        "resend": _resend,
        "skip": _skip,
        "confirm": _confirm,
        "supplement": _nothing,
        "reverse": _nothing,
        "suspense": _suspend,
        "waive": _waive,
        "close": _nothing,
        "abandon": _abandon,
        "erase": _erase,
        "remove": _remove,
    }
)
