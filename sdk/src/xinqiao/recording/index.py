"""What a check remembers between exchanges: a table on disk, so that memory does not grow with a recording."""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import orjson

__all__ = ["Index"]


class Index:
    """Values by keys, in a private database that SQLite spills to a temporary file and removes when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
        # One transaction: nothing of it outlives the check.
        self._database.execute("BEGIN")

    def get(self, *key: object) -> Any:  # noqa: ANN401 -- what was put there
        """Return what a key leads to, or None."""
        row = self._database.execute("SELECT value FROM kept WHERE key = ?", (_key(key),)).fetchone()
        return orjson.loads(row[0]) if row else None

    def put(self, *key: object, value: object) -> None:
        """Keep a value (JSON) under a key, instead of what was there."""
        self._database.execute("REPLACE INTO kept VALUES (?, ?)", (_key(key), orjson.dumps(value)))

    def drop(self, *key: object) -> None:
        """Forget a key."""
        self._database.execute("DELETE FROM kept WHERE key = ?", (_key(key),))

    def values(self) -> Iterator[Any]:
        """Yield every value."""
        for (value,) in self._database.execute("SELECT value FROM kept"):
            yield orjson.loads(value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()


def _key(parts: tuple[object, ...]) -> str:
    return orjson.dumps(parts).decode()
