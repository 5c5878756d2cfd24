"""Marks in the journal: the past of policy rules, read and written inside the commit.

Each mark holds the running count and sum of its key, so a window costs two rows, however many marks it holds. Amounts
and sums are encrypted; keys are keyed digests. Taking a mark back corrects those after it and is linear in them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from xinqiao_gateway.journal.mark_tables import marks
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.policy import Judgement, Mark, Window
from xinqiao_gateway.policy.judgement import SUPERSEDED

__all__ = ["JournalPast", "marks_key", "prune_marks", "withdraw_marks"]

_m = marks.c
_OF_KEY = (_m.rule == bindparam("rule"), _m.key == bindparam("key"))
_LAST = select(_m.at, _m.ordinal, _m.total).where(*_OF_KEY).order_by(_m.at.desc(), _m.ordinal.desc()).limit(1)
_FIRST = (
    select(_m.ordinal, _m.amount, _m.total)
    .where(*_OF_KEY, _m.at > bindparam("since"))
    .order_by(_m.at, _m.ordinal)
    .limit(1)
)
_AFTER = select(_m.mark_id, _m.total).where(*_OF_KEY, _m.at >= bindparam("since"), _m.ordinal > bindparam("after"))
_SHIFT = (
    update(marks).where(_m.mark_id == bindparam("shifted")).values(ordinal=_m.ordinal - 1, total=bindparam("corrected"))
)
_Key = tuple[str, str]
_EMPTY = Window()


def marks_key(vault: Vault) -> DataKey:
    """Return the key that amounts of marks are encrypted with, derived from the vault's; it is stored nowhere."""
    return DataKey("marks", b"", AESGCM(bytes.fromhex(vault.keyed_digest("xinqiao policy marks"))))


@dataclass(frozen=True, slots=True)
class _Last:
    """The last mark of a key: when it was, and the running count and sum with it."""

    at: float = 0.0
    ordinal: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class JournalPast:
    """The ``Past`` of one commit: marks that are stored, and those that its earlier messages will leave.

    ``stage`` what is accepted, in order; ``checkpoint`` and ``back_to`` where an input is accepted whole or not at
    all; ``store`` once positions are known. What the commit itself takes back counts until it is stored. Uses the
    connection that holds the journal's lock: nobody else writes.
    """

    connection: Connection
    cipher: DataKey
    _staged: list[Mark] = field(default_factory=list)
    _sums: dict[_Key, Window] = field(default_factory=dict)
    _last: dict[_Key, _Last] = field(default_factory=dict)

    def window(self, rule: str, key: str, since: float) -> Window:
        """Return count and sum of the marks of a key later than ``since``: of stored and of staged ones."""
        last = self._last_of((rule, key))
        stored = self._stored(rule, key, since, last) if last.at > since else _EMPTY
        staged = self._sums.get((rule, key), _EMPTY)
        return Window(stored.count + staged.count, stored.total + staged.total)

    def stage(self, judgement: Judgement) -> None:
        """Let the messages that follow in this commit see what one leaves."""
        for mark in judgement.marks:
            self._staged.append(mark)
            self._add(mark, 1)

    def checkpoint(self) -> int:
        """Return where ``back_to`` may go back to."""
        return len(self._staged)

    def back_to(self, checkpoint: int) -> None:
        """Forget what was staged since: its input was refused."""
        for mark in self._staged[checkpoint:]:
            self._add(mark, -1)
        del self._staged[checkpoint:]

    def store(self, accepted: Iterable[tuple[int, Judgement]], at: float) -> None:
        """Write the marks of messages by their positions, and take back what they undo. ``at``: Unix seconds."""
        rows: list[dict[str, Any]] = []
        for position, judgement in accepted:
            if judgement.undone:
                self._insert(rows)
                rows = []
                self._undo(judgement.undone)
            rows += [self._row(position, mark, at) for mark in judgement.marks]
        self._insert(rows)
        self._staged.clear()
        self._sums.clear()

    def _add(self, mark: Mark, times: int) -> None:
        before = self._sums.get((mark.rule, mark.key), _EMPTY)
        total = before.total + times * (mark.amount or 0)
        self._sums[mark.rule, mark.key] = Window(before.count + times, total)

    def _last_of(self, key: _Key) -> _Last:
        if key not in self._last:
            row = self.connection.execute(_LAST, {"rule": key[0], "key": key[1]}).one_or_none()
            self._last[key] = _Last(row.at, row.ordinal, self._opened(row.total, key)) if row else _Last()
        return self._last[key]

    def _stored(self, rule: str, key: str, since: float, last: _Last) -> Window:
        first = self.connection.execute(_FIRST, {"rule": rule, "key": key, "since": since}).one()
        before = self._opened(first.total, (rule, key)) - self._opened(first.amount, (rule, key))
        return Window(last.ordinal - first.ordinal + 1, last.total - before)

    def _row(self, position: int, mark: Mark, at: float) -> dict[str, Any]:
        key = (mark.rule, mark.key)
        last = self._last_of(key)
        amount = mark.amount or Decimal(0)
        # A clock that was set back must not put a mark before one that it counts.
        new = _Last(max(at if mark.since is None else mark.since, last.at), last.ordinal + 1, last.total + amount)
        self._last[key] = new
        sums = mark.amount is not None
        return {
            "position": position,
            "rule": mark.rule,
            "key": mark.key,
            "reference": mark.reference,
            "at": new.at,
            "ordinal": new.ordinal,
            "amount": _closed(self.cipher, amount, key) if sums else None,
            "total": _closed(self.cipher, new.total, key) if sums else None,
        }

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(marks), rows)

    def _undo(self, references: Sequence[str]) -> None:
        found = select(_m.mark_id).where(_m.reference.in_(references)).order_by(_m.mark_id)
        _withdraw(self.connection, self.cipher, self.connection.execute(found).scalars().all())
        self._last.clear()

    def _opened(self, blob: bytes | None, key: _Key) -> Decimal:
        return _opened(self.cipher, blob, key)


def withdraw_marks(connection: Connection, cipher: DataKey, positions: Sequence[int]) -> None:
    """Forget the marks of messages: they were declined by a checker, or their data is erased."""
    found = select(_m.mark_id).where(_m.position.in_(positions)).order_by(_m.mark_id)
    _withdraw(connection, cipher, connection.execute(found).scalars().all())


def prune_marks(connection: Connection, before: float, limit: int = 10_000) -> int:
    """Delete at most ``limit`` marks older than ``before`` (Unix seconds) and return how many there were.

    The running sums of what stays are right as they are. A name that was replaced stays so: its marks do not age.
    """
    oldest = select(_m.mark_id).where(_m.at < before, _m.rule != SUPERSEDED).order_by(_m.at).limit(limit)
    return connection.execute(delete(marks).where(_m.mark_id.in_(oldest.scalar_subquery()))).rowcount


def _withdraw(connection: Connection, cipher: DataKey, mark_ids: Sequence[int]) -> None:
    for mark_id in mark_ids:
        row = connection.execute(select(marks).where(_m.mark_id == mark_id)).one()
        key = (row.rule, row.key)
        connection.execute(delete(marks).where(_m.mark_id == mark_id))
        where = {"rule": row.rule, "key": row.key, "since": row.at, "after": row.ordinal}
        after = connection.execute(_AFTER, where).all()
        amount = _opened(cipher, row.amount, key)
        shifted = [{"shifted": each.mark_id, "corrected": _less(cipher, each.total, amount, key)} for each in after]
        if shifted:
            connection.execute(_SHIFT, shifted)


def _less(cipher: DataKey, total: bytes | None, amount: Decimal, key: _Key) -> bytes | None:
    return None if total is None else _closed(cipher, _opened(cipher, total, key) - amount, key)


def _closed(cipher: DataKey, amount: Decimal, key: _Key) -> bytes:
    return cipher.encrypt(str(amount).encode(), "mark " + " ".join(key))


def _opened(cipher: DataKey, blob: bytes | None, key: _Key) -> Decimal:
    return Decimal(0) if blob is None else Decimal(cipher.decrypt(blob, "mark " + " ".join(key)).decode())
