"""A database with the journal's tables, SQLite or a real PostgreSQL, and a writer on it for tests of obligations."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, func, select

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.journal.obligation_tables import alarms

__all__ = ["Node", "database", "engine"]

T = TypeVar("T")


class Node:
    """One gateway's writer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def run(self, act: Callable[[Any], T]) -> T:
        return self.now(act)

    def now(self, act: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return act(connection)

    def exceptions(self) -> list[tuple[str, str, str | None]]:
        """Return kind, state and resolution of all exceptions."""
        x = tables.exceptions.c
        query = select(x.kind, x.state, x.resolution).order_by(x.exception_id)
        return [(row[0], row[1], row[2]) for row in self.now(lambda c: c.execute(query).all())]

    def alarms(self) -> int:
        return self.now(lambda c: c.execute(select(func.count()).select_from(alarms)).scalar_one())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new journal of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.sqlite'}"
    url: str = request.getfixturevalue("postgres").journal_url()
    return url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Return an engine as the writer has it, on fresh tables."""
    found = open_engine(database, writing=True)
    tables.metadata.drop_all(found)
    tables.metadata.create_all(found)
    yield found
    found.dispose()
