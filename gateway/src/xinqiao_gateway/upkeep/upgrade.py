"""Upgrade of the journal's schema, by itself: a start does the same, and says nothing of it."""

from dataclasses import dataclass

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.journal.database import migrate, open_engine
from xinqiao_gateway.journal.revisions import head, refuse_newer, revision_of

__all__ = ["Upgrade", "planned", "upgrade"]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which revision (None: there was no journal) to which."""

    before: str | None
    after: str

    @property
    def is_needed(self) -> bool:
        """Whether they differ."""
        return self.before != self.after


def planned(url: str) -> Upgrade:
    """Return what an upgrade would do, and change nothing. Raises ``SettingsInvalid``, also for a newer schema."""
    return _run(url, apply=False)


def upgrade(url: str) -> Upgrade:
    """Upgrade a journal in one transaction: all of it or nothing. Raises ``SettingsInvalid`` as ``planned``.

    On PostgreSQL the nodes' writers wait for it; one that starts meanwhile finds it done.
    """
    return _run(url, apply=True)


def _run(url: str, *, apply: bool) -> Upgrade:
    engine = open_engine(url, writing=apply)
    try:
        with engine.begin() as connection:
            refuse_newer(connection)
            before = revision_of(connection)
        if apply:
            migrate(engine)
    except (SQLAlchemyError, CommandError) as error:
        raise SettingsInvalid(f"the journal cannot be upgraded: {str(error).splitlines()[0][:300]}") from error
    finally:
        engine.dispose()
    return Upgrade(before, head())
