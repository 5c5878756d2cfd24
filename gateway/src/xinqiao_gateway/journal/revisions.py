"""Revisions of the journal's schema: which one a database has, which one this program knows, and no way back."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from xinqiao.errors import SettingsInvalid

__all__ = ["head", "refuse_newer", "revision_of"]


def head() -> str:
    """Return the revision that this program works with."""
    return str(_scripts().get_current_head())


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database, None where it holds no journal yet."""
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(connection: Connection) -> None:
    """Refuse a journal that a newer gateway has upgraded. Raises ``SettingsInvalid``."""
    found = revision_of(connection)
    if found is not None and found not in {each.revision for each in _scripts().walk_revisions()}:
        raise SettingsInvalid(
            f"the journal has revision {found[:40]}, this gateway knows up to {head()}: a newer gateway has "
            "upgraded it; run that version, or restore the backup made before the upgrade"
        )


@cache
def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)
