"""What follows in the same commit from what it accepts: marks of the policy, obligations met and opened."""

from collections.abc import Sequence

from sqlalchemy import Connection

from xinqiao_gateway.journal.batch import Row
from xinqiao_gateway.journal.entry import Entry
from xinqiao_gateway.journal.governance import Governance
from xinqiao_gateway.journal.marks import JournalPast
from xinqiao_gateway.journal.meetings import meet, meet_batch
from xinqiao_gateway.obligations import Arrival, Batch
from xinqiao_gateway.policy import Judgement

__all__ = ["follow"]


def follow(
    connection: Connection,
    governance: Governance,
    past: JournalPast,
    accepted: Sequence[tuple[Row, Entry, Judgement]],
    now: float,
) -> None:
    """Write what accepted messages leave behind, in the order of their positions."""
    marked = [(row["position"], judgement) for row, _, judgement in accepted if judgement.marks or judgement.undone]
    if marked:
        past.store(marked, now)
    book = governance.book
    arrivals = [
        Arrival(row["position"], entry.channel, entry.message_type.body, entry.message, now)
        for row, entry, _ in accepted
        if book.concerns(entry.message_type.body)
    ]
    meet(connection, book, arrivals, now)
    for position, batch in _batches(governance, accepted, now).items():
        meet_batch(connection, book, batch, now, position)


def _batches(governance: Governance, accepted: Sequence[tuple[Row, Entry, Judgement]], now: float) -> dict[int, Batch]:
    """Return the named batches that messages went into in time, each once, by the position of its first."""
    found: dict[str, tuple[int, Batch]] = {}
    for row, entry, _ in accepted:
        body = entry.message[entry.message_type.body]
        batch = governance.batch_for(entry.channel, entry.interface, body, now)
        if batch is not None and not batch.late:
            found.setdefault(batch.rule + batch.name, (row["position"], batch))
    return dict(found.values())
