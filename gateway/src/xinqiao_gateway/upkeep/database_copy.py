"""One consistent copy of the journal's database while it is in use, and the way back.

SQLite: ``VACUUM INTO`` reads one snapshot (WAL), keeps no writer waiting and leaves emptied pages behind. PostgreSQL:
``pg_dump`` and ``pg_restore`` of its own version or a newer one; a password goes by the environment, never by argument.
"""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.journal.database import is_shared, open_engine

__all__ = ["SQLITE_COPY", "copy_database", "name_of_copy", "restore_database"]

SQLITE_COPY = "journal.db"
_POSTGRESQL_COPY = "journal.pgdump"


def name_of_copy(url: str) -> str:
    """Return what a backup calls the copy of a database."""
    return _POSTGRESQL_COPY if is_shared(url) else SQLITE_COPY


def copy_database(url: str, folder: Path) -> Path:
    """Copy a database into a folder, durably, and return the file. Raises ``SettingsInvalid``, with what was said."""
    file = folder / name_of_copy(url)
    if is_shared(url):
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")
    else:
        _copy_sqlite(url, file)
    file.chmod(0o600)
    with file.open("rb") as stored:
        os.fsync(stored.fileno())
    return file


def _copy_sqlite(url: str, file: Path) -> None:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            # Past SQLAlchemy, which would begin a transaction: VACUUM makes its own.
            connection.connection.cursor().execute("VACUUM INTO ?", (str(file),))
    finally:
        engine.dispose()


def restore_database(file: Path, url: str) -> None:
    """Fill an empty PostgreSQL database from a copy. Raises ``SettingsInvalid`` where it is not empty or cannot be."""
    engine = create_engine(url, hide_parameters=True)
    try:
        if inspect(engine).get_table_names():
            raise SettingsInvalid("the database of --journal-url is not empty; make a new one: createdb NAME")
    except SQLAlchemyError as error:
        raise SettingsInvalid(f"journal_url cannot be opened: {str(error).splitlines()[0][:300]}") from error
    finally:
        engine.dispose()
    _run("pg_restore", url, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(file))


def _run(program: str, url: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise SettingsInvalid(f"{program} is not installed; docs/operations.md says how to back up without it")
    target = make_url(url)
    address = target.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = os.environ | ({"PGPASSWORD": str(target.password)} if target.password else {})
    done = subprocess.run(  # noqa: S603 -- a program of PostgreSQL's, with arguments of this module's own
        [path, f"--dbname={address}", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:400]
        raise SettingsInvalid(f"{program} failed ({done.returncode}): {said}")
