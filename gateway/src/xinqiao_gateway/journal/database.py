"""The database behind the journal: SQLite by default, durable on every commit; migrated by Alembic."""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, insert, select

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.vault import Vault

__all__ = ["check_master_key", "is_empty", "migrate", "open_engine"]


def open_engine(url: str) -> Engine:
    """Return an engine; on SQLite each commit reaches the disk (WAL, synchronous=FULL)."""
    engine = create_engine(url, hide_parameters=True)  # an error must not carry contents into a log
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, not where sqlite3 guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # The writer takes the lock at once; readers (WAL) are not kept out.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def migrate(engine: Engine) -> None:
    """Bring the schema to this version's (``alembic upgrade head``)."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        attributes: dict[str, Any] = config.attributes
        attributes["connection"] = connection
        command.upgrade(config, "head")


_MASTER_CHECK = "master"


def is_empty(connection: Connection) -> bool:
    """Say whether the journal has never been used."""
    return connection.execute(select(tables.data_keys.c.scope).limit(1)).first() is None


def check_master_key(connection: Connection, vault: Vault) -> None:
    """Check that the master key is this journal's; a journal that is begun remembers it by a key of its own.

    Raises ``KeyUnusable``.
    """
    k = tables.data_keys.c
    wrapped = connection.execute(select(k.wrapped).where(k.scope == _MASTER_CHECK)).scalar()
    if wrapped is not None:
        vault.open_key(_MASTER_CHECK, wrapped)
    else:
        key = vault.new_key(_MASTER_CHECK)
        connection.execute(insert(tables.data_keys).values(scope=key.scope, wrapped=key.wrapped))
