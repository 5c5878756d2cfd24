"""Disk space of a SQLite journal: it keeps what was emptied for what comes next, unless it is told to give it back."""

from sqlalchemy import Engine

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.installation import Installation, serving_alone
from xinqiao_gateway.journal.database import is_shared, open_engine

__all__ = ["compact"]


def compact(installation: Installation) -> tuple[int, int]:
    """Write the journal's file anew without its empty pages; return its size before and after (bytes).

    Nothing may be served meanwhile; it needs as much space again. From then on an archive gives the pages that it
    empties back by itself, a thousand in a commit; rows that were small leave theirs half empty. Raises
    ``SettingsInvalid`` where a gateway serves the installation, and on PostgreSQL, whose autovacuum does this.
    """
    if is_shared(installation.journal_url):
        raise SettingsInvalid("PostgreSQL reuses space by itself (autovacuum); nothing is to be done")
    with serving_alone(installation.data):
        engine = open_engine(installation.journal_url)
        try:
            before = _size(engine)
            with engine.connect() as connection:
                raw = connection.connection.cursor()
                for statement in ("PRAGMA auto_vacuum=INCREMENTAL", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    raw.execute(statement)
            return before, _size(engine)
        finally:
            engine.dispose()


def _size(engine: Engine) -> int:
    with engine.connect() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {each}").scalar_one() for each in ("page_count", "page_size")
        )
        return int(pages * size)
