"""Bulk inserts: few statements with many rows each, compiled once for each table and number of rows.

A driver gives up the interpreter's lock at every step of a statement and has to win it back from the event loop; one
step a row was most of a commit under load. SQLAlchemy's work on each parameter was another third.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Table

__all__ = ["insert_rows"]

# 2 KB of ciphertext a row: a statement of 128 stays well under what either database takes, also in parameters.
_MOST_ROWS = 128


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; none is nothing to do. Values go to the driver as they are."""
    columns = tuple(rows[0]) if rows else ()
    start = 0
    while start < len(rows):
        # Powers of two: a handful of statements to compile and to keep, whatever the size of a batch.
        count = min(_MOST_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
        page = rows[start : start + count]
        values = tuple(chain.from_iterable([row[name] for name in columns] for row in page))
        connection.exec_driver_sql(_statement(table, connection.dialect, columns, count), values)
        start += count


@cache
def _statement(table: Table, dialect: Dialect, columns: tuple[str, ...], count: int) -> str:
    """Return the statement for so many rows, its parameters in the order of the columns, row after row."""
    mark = {"qmark": "?", "pyformat": "%s"}[dialect.paramstyle]
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {', '.join([row] * count)}"  # noqa: S608 -- our names
