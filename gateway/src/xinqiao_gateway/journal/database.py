"""The database behind the journal: SQLite in one file, or PostgreSQL for several nodes; migrated by Alembic.

Durable on every commit. The writer's transactions come one after the other: on SQLite by the file's lock, on
PostgreSQL by an advisory lock that all nodes take, so what one decides inside its commit holds for all.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, delete, event, insert, make_url, select
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from xinqiao.errors import JournalUnavailable, SettingsInvalid
from xinqiao_gateway.journal import (
    file_tables,
    obligation_tables,
    outgoing_tables,
    payment_tables,
    tables,
    visit_tables,
)
from xinqiao_gateway.journal.revisions import head, refuse_newer, revision_of
from xinqiao_gateway.journal.vault import Vault

# All tables are of the one metadata that a migration leads to, whoever else loads them.
_TABLES = (file_tables, obligation_tables, outgoing_tables, payment_tables, visit_tables)

__all__ = [
    "check_durability",
    "check_master_key",
    "is_empty",
    "is_outage",
    "is_shared",
    "migrate",
    "open_engine",
    "probe",
]

_PROBE_SIZE = 65_536
# A statement that takes too long, or asks for more than the server's limits: its own fault.
_OF_ONE_STATEMENT = frozenset({"57014", "54000", "54001", "54011", "54023"})
# The drivers' limits have no code of their own.
_OF_DRIVER = ("number of parameters", "too many SQL variables", "Expression tree is too large")
# One number for all gateways: they never share a database with another application.
_ADVISORY_LOCK = 0x58_49_4E_51
# Nothing waits for ever: seconds to connect and for a dead peer, milliseconds for a statement or a lock.
_POSTGRESQL = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "options": "-c synchronous_commit=on -c statement_timeout=60000 -c lock_timeout=30000 -c timezone=UTC",
}


def open_engine(url: str, *, writing: bool = False) -> Engine:
    """Return an engine for the writer or for readers. Raises ``SettingsInvalid`` for a database of another kind."""
    kind = make_url(url).get_backend_name()
    if kind in {"sqlite", "postgresql"}:
        engine = _sqlite(make_url(url), writing) if kind == "sqlite" else _postgresql(url, writing)
        if not writing:
            event.listen(engine, "handle_error", _say_outage)
        return engine
    raise SettingsInvalid(
        f"journal_url cannot be opened: {kind} is no database of a journal: sqlite or postgresql+psycopg"
    )


def is_shared(url: str) -> bool:
    """Say whether several nodes may work on a database."""
    return make_url(url).get_backend_name() == "postgresql"


def is_outage(error: Exception) -> bool:
    """Say whether the database as a whole failed (gone, full, locked, read-only), and not one statement."""
    if isinstance(error, OperationalError) and _is_of_one_statement(error.orig):
        return False
    if isinstance(error, JournalUnavailable | OperationalError | InterfaceError | InternalError | PoolTimeoutError):
        return True
    # "file is not a database" and "disk image is malformed" have no class of their own.
    corrupt = isinstance(error, DBAPIError) and type(error.orig) is sqlite3.DatabaseError
    return corrupt or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _is_of_one_statement(error: BaseException | None) -> bool:
    return getattr(error, "sqlstate", None) in _OF_ONE_STATEMENT or any(each in str(error) for each in _OF_DRIVER)


def _say_outage(context: ExceptionContext) -> None:
    """Let readers say that the journal is away, as the writer does, and not that something is wrong with it."""
    found = context.sqlalchemy_exception
    if found is not None and is_outage(found):
        context.chained_exception = JournalUnavailable(type(found).__name__)


def _sqlite(url: URL, writing: bool) -> Engine:
    path = Path(url.database) if url.database and not url.query else None
    made = {} if path is None else {"creator": _opener(path, creating=writing)}
    engine = create_engine(url, hide_parameters=True, **made)  # an error must not carry contents into a log
    event.listen(engine, "connect", _configure_sqlite)
    # The writer takes the lock at once; readers (WAL) are not kept out.
    event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN"))
    if path is not None:
        event.listen(engine, "begin", _same_file(path), insert=True)
    return engine


def _opener(path: Path, *, creating: bool) -> Callable[[], sqlite3.Connection]:
    """Open a file, and make it the first time only.

    To make an empty one where the file was taken away would delete the log beside it, with what was acknowledged.
    """
    modes = ["rwc"] if creating or not path.exists() else []

    def connect() -> sqlite3.Connection:
        mode = modes[0] if modes else "rw"
        name = f"file:{quote(str(path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(name, uri=True, check_same_thread=False)
        modes.clear()
        return connection

    return connect


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, not where sqlite3 guesses
    # 16 MB of pages: with the usual 2, a journal of a million messages read 40 KB of index for each new one.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", "cache_size=-16384")
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _same_file(path: Path) -> Callable[[Connection], None]:
    """Refuse to go on once the file was removed or replaced: SQLite would write to what nobody can read again."""
    first = [path.stat().st_ino] if path.exists() else []

    def check(_connection: Connection) -> None:
        try:
            found = path.stat().st_ino
        except OSError as error:
            raise JournalUnavailable(f"{path}: {error.strerror}") from error
        first[:] = first or [found]
        if found != first[0]:
            raise JournalUnavailable(f"{path} is another file than at the start; restart the gateway")

    return check


def _postgresql(url: str, writing: bool) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True, "connect_args": _POSTGRESQL, "pool_timeout": 10}
    if not writing:
        # What a reader sees of several tables belongs together.
        return create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ", **options)
    engine = create_engine(url, pool_size=1, max_overflow=0, **options)
    event.listen(engine, "begin", lambda c: c.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to this version's (``alembic upgrade head``).

    Raises ``SettingsInvalid`` where a newer version has been there.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        with connection.begin():
            if revision_of(connection) == head():
                return
        _check_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                refuse_newer(connection)
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                attributes: dict[str, Any] = config.attributes
                attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            _check_foreign_keys(connection, on=True)


def _check_foreign_keys(connection: Connection, *, on: bool) -> None:
    """SQLite changes a table by making it anew: its rows may not be missed meanwhile. Outside of a transaction only."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


_MASTER_CHECK = "master"
_PROBE = "probe"


def probe(connection: Connection) -> None:
    """Write as much as a message may need, and take it away again: there is room, and writing is allowed."""
    connection.execute(insert(tables.data_keys).values(scope=_PROBE, wrapped=b""))
    raw = {"raw_id": 0, "scope": _PROBE, "content_type": "", "signature": "", "content_digest": b""}
    connection.execute(insert(tables.raws).values(content=bytes(_PROBE_SIZE), **raw))
    connection.execute(delete(tables.raws).where(tables.raws.c.raw_id == 0))
    connection.execute(delete(tables.data_keys).where(tables.data_keys.c.scope == _PROBE))


def check_durability(connection: Connection) -> None:
    """Refuse a PostgreSQL that acknowledges what is not on its disk. Raises ``SettingsInvalid``."""
    if connection.dialect.name == "postgresql" and connection.exec_driver_sql("SHOW fsync").scalar() != "on":
        raise SettingsInvalid("the journal's PostgreSQL runs with fsync off and would lose what it acknowledged")


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
