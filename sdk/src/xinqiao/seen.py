"""What a receiver remembers of the messages that it handles and accepted: in memory, or in a SQLite file.

A message is claimed before it is handled and finished after, so that several workers on one file handle it once.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from xinqiao.errors import InProgress

__all__ = ["Acceptance", "MemorySeen", "Seen", "SqliteSeen"]

_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted message: the digest of its content, when it was accepted, and its position, from 1."""

    digest: str
    accepted_at: str
    position: int


class Seen(Protocol):
    """Remembers messages by a key, which is who sent one and its id. Called from any thread.

    ``token`` names one attempt to handle a message.
    """

    def claim(self, key: str, digest: str, token: str) -> Acceptance | None:
        """Return the acceptance of a message that was finished, or None: it is now the caller's to handle.

        Raises ``InProgress`` while another attempt holds it.
        """
        ...

    def finish(self, key: str, token: str, accepted_at: str) -> Acceptance:
        """Remember a claimed message for good and return its acceptance with the next position.

        Raises ``InProgress`` where the claim was lost to another attempt.
        """
        ...

    def release(self, key: str, token: str) -> None:
        """Give a claimed message back, to be handled when it comes again; nothing where the claim was lost."""
        ...


class MemorySeen:
    """Remembers as long as the process lives: for tests and trials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[str, tuple[str, str]] = {}
        self._accepted: dict[str, Acceptance] = {}

    def claim(self, key: str, digest: str, token: str) -> Acceptance | None:
        """Return the acceptance of a finished message, or None. Raises ``InProgress``."""
        with self._lock:
            if key in self._accepted:
                return self._accepted[key]
            if key in self._claims:
                raise InProgress(f"message {key}")
            self._claims[key] = (token, digest)
        return None

    def finish(self, key: str, token: str, accepted_at: str) -> Acceptance:
        """Remember a claimed message and return its acceptance. Raises ``InProgress``."""
        with self._lock:
            if not self._holds(key, token):
                raise _lost(key)
            _, digest = self._claims.pop(key)
            acceptance = Acceptance(digest, accepted_at, len(self._accepted) + 1)
            self._accepted[key] = acceptance
        return acceptance

    def release(self, key: str, token: str) -> None:
        """Give a claimed message back."""
        with self._lock:
            if self._holds(key, token):
                del self._claims[key]

    def _holds(self, key: str, token: str) -> bool:
        return self._claims.get(key, ("", ""))[0] == token


class SqliteSeen:
    """Remembers in a SQLite file, for any number of threads and processes of one machine. Close it, or use ``with``.

    What ``claim`` and ``finish`` say is on disk when they return. A claim ends after ``lease``, so that a message
    whose worker died is handled again; handling must not take longer. ``now`` gives seconds since 1970.
    """

    def __init__(self, path: Path | str, *, lease: timedelta = _LEASE, now: Callable[[], float] = time.time) -> None:
        self._lease = lease.total_seconds()
        self._now = now
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # No WAL: workers that start together and switch to it find the file locked. EXTRA is for power loss without it.
        self._database.execute("PRAGMA synchronous = EXTRA")
        # Without a position a message is claimed, with one it is accepted.
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, digest TEXT NOT NULL, token TEXT NOT NULL,"
            " claimed_until REAL NOT NULL, accepted_at TEXT, position INTEGER UNIQUE) WITHOUT ROWID"
        )

    def claim(self, key: str, digest: str, token: str) -> Acceptance | None:
        """Return the acceptance of a finished message, or None. Raises ``InProgress``."""
        now = self._now()
        with self._lock:
            claimed = self._database.execute(
                "INSERT INTO seen (key, digest, token, claimed_until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, token = excluded.token,"
                " claimed_until = excluded.claimed_until WHERE position IS NULL AND claimed_until <= ?",
                (key, digest, token, now + self._lease, now),
            ).rowcount
            accepted = None if claimed else self._accepted(key)
        if not claimed and accepted is None:
            raise InProgress(f"message {key}")
        return accepted

    def finish(self, key: str, token: str, accepted_at: str) -> Acceptance:
        """Remember a claimed message and return its acceptance. Raises ``InProgress``."""
        with self._lock:
            finished = self._database.execute(
                "UPDATE seen SET accepted_at = ?, position = (SELECT coalesce(max(position), 0) + 1 FROM seen)"
                " WHERE key = ? AND token = ? AND position IS NULL",
                (accepted_at, key, token),
            ).rowcount
            accepted = self._accepted(key) if finished else None
        if accepted is None:
            raise _lost(key)
        return accepted

    def release(self, key: str, token: str) -> None:
        """Give a claimed message back."""
        with self._lock:
            self._database.execute("DELETE FROM seen WHERE key = ? AND token = ? AND position IS NULL", (key, token))

    def _accepted(self, key: str) -> Acceptance | None:
        row = self._database.execute(
            "SELECT digest, accepted_at, position FROM seen WHERE key = ? AND position IS NOT NULL",
            (key,),
        ).fetchone()
        return Acceptance(*row) if row else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lost(key: str) -> InProgress:
    return InProgress(f"message {key}: handling it outlived its claim, and another attempt took it over")
