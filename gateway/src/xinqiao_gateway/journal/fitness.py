"""Whether a database is fit for this gateway: its schema, and its master key. Looks, and changes nothing."""

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from xinqiao.errors import JournalUnavailable, XinqiaoError
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.journal.revisions import head, refuse_newer, revision_of
from xinqiao_gateway.journal.vault import MasterKey, open_vault

__all__ = ["schema_fits", "unfit"]

_known_head = cache(head)


def schema_fits(engine: Engine) -> bool:
    """Say whether a database still has the schema of this version. Raises ``JournalUnavailable``."""
    known = _known_head()  # reads files: not with a connection in hand
    try:
        with engine.begin() as connection:
            return revision_of(connection) == known
    except SQLAlchemyError as error:
        raise JournalUnavailable(type(error).__name__) from error


def unfit(url: str, master: Path | MasterKey) -> list[str]:
    """Return what keeps a gateway from using a database; a journal that is not begun yet is fine.

    A schema of an older version is none of it: the start upgrades that.
    """
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
            return []
        engine = open_engine(url)
    except (ArgumentError, XinqiaoError) as error:
        return [f"journal_url: {error.detail if isinstance(error, XinqiaoError) else 'is no database URL'}"]
    try:
        return _unfit(engine, master)
    except SQLAlchemyError as error:
        shown = address.render_as_string(hide_password=True)
        return [f"the journal at {shown} cannot be read: {type(error).__name__}"]
    finally:
        engine.dispose()


def _unfit(engine: Engine, master: Path | MasterKey) -> list[str]:
    problems: list[str] = []
    with engine.begin() as connection:
        try:
            refuse_newer(connection)
        except XinqiaoError as error:
            problems.append(error.detail)
        k = tables.data_keys.c
        begun = inspect(connection).has_table(tables.data_keys.name)
        wrapped = connection.execute(select(k.wrapped).where(k.scope == "master")).scalar() if begun else None
    if wrapped is not None:
        try:
            open_vault(master, is_new=False).open_key("master", wrapped)
        except XinqiaoError as error:
            problems.append(f"the master key does not open the journal: {error.detail}")
    return problems
