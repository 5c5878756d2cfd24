"""What a receiver remembers of the messages that it accepted: in memory, or in a SQLite file."""

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

__all__ = ["Acceptance", "MemorySeen", "Seen", "SqliteSeen"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted message: its body's digest, when it was accepted, its receipt's id and its position, from 1."""

    digest: str
    accepted_at: str
    receipt_id: str
    position: int


class Seen(Protocol):
    """Remembers accepted messages by their id. Called from any thread, for one id by one thread at a time."""

    def find(self, message_id: str) -> Acceptance | None:
        """Return what is remembered of a message, or None."""
        ...

    def add(self, message_id: str, digest: str, accepted_at: str, receipt_id: str) -> Acceptance:
        """Remember a message for good and return its acceptance with the next position."""
        ...


class MemorySeen:
    """Remembers as long as the process lives: for tests and trials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: dict[str, Acceptance] = {}

    def find(self, message_id: str) -> Acceptance | None:
        """Return what is remembered of a message, or None."""
        return self._accepted.get(message_id)

    def add(self, message_id: str, digest: str, accepted_at: str, receipt_id: str) -> Acceptance:
        """Remember a message and return its acceptance."""
        with self._lock:
            acceptance = Acceptance(digest, accepted_at, receipt_id, len(self._accepted) + 1)
            self._accepted[message_id] = acceptance
        return acceptance


class SqliteSeen:
    """Remembers in a SQLite file; an entry is on disk when ``add`` returns. Close it, or use ``with``."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS accepted (position INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE,"
            " digest TEXT NOT NULL, accepted_at TEXT NOT NULL, receipt_id TEXT NOT NULL)"
        )

    def find(self, message_id: str) -> Acceptance | None:
        """Return what is remembered of a message, or None."""
        with self._lock:
            row = self._database.execute(
                "SELECT digest, accepted_at, receipt_id, position FROM accepted WHERE message_id = ?",
                (message_id,),
            ).fetchone()
        return Acceptance(*row) if row else None

    def add(self, message_id: str, digest: str, accepted_at: str, receipt_id: str) -> Acceptance:
        """Remember a message and return its acceptance."""
        with self._lock:
            position = self._database.execute(
                "INSERT INTO accepted (message_id, digest, accepted_at, receipt_id) VALUES (?, ?, ?, ?)",
                (message_id, digest, accepted_at, receipt_id),
            ).lastrowid
        assert position is not None  # noqa: S101 -- an INSERT has a row id
        return Acceptance(digest, accepted_at, receipt_id, position)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
