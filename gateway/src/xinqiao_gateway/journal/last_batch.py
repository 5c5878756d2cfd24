"""The last batch of a journal that nobody needs to have opened: where it stands, and who signed it."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import inspect, make_url, select

from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.database import open_engine

__all__ = ["LastBatch", "last_batch"]


class LastBatch(NamedTuple):
    """A batch: its number, the chain value after it, who signed that (a detached JWS), and when it was accepted."""

    batch: int
    chain: bytes
    signature: str
    accepted_at: str


def last_batch(url: str) -> LastBatch | None:
    """Return the last batch of a database; None where nothing was accepted yet."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return None
    b = tables.batches.c
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            if not inspect(connection).has_table(tables.batches.name):
                return None
            last = select(b.batch, b.chain, b.signature, b.accepted_at).order_by(b.batch.desc()).limit(1)
            row = connection.execute(last).one_or_none()
            return LastBatch(*row) if row else None
    finally:
        engine.dispose()
