"""The named batch that a late file is released into: its own, or another one that an operator names."""

import re
from datetime import date, datetime

from xinqiao.errors import MalformedQuery
from xinqiao.message import Json
from xinqiao_gateway.obligations import Batch, Book

__all__ = ["late_batch"]

# As the journal says it of what came late: the batch, and the obligation that it is.
_DETAIL = re.compile(r"batch (?P<day>[0-9]{8})-(?P<name>\S+) of (?P<rule>\S+)")
_NAMED = re.compile(r"(?P<day>[0-9]{8})-(?P<name>[^\s-]\S{0,39})")


def late_batch(exception: Json, named: str | None, book: Book) -> Batch:
    """Return the batch that a late file goes into. Raises ``MalformedQuery`` where the name is none of its cut-offs."""
    own = _DETAIL.fullmatch(exception["detail"])
    if own is None:
        raise MalformedQuery(f"exception {exception['exception_id']} names no batch")
    found = own if named is None else _NAMED.fullmatch(named)
    day = found and _day(found["day"])
    rule = own["rule"].removesuffix(own["name"]) + (found["name"] if found else "")
    batch = Batch(f"{day:%Y%m%d}-{found['name']}", day, True, rule) if found and day else None
    if batch is None or not _is_known(book, batch):
        raise MalformedQuery(f"{str(named)[:60]!r} is no batch of {own['rule']}; its own is {own['day']}-{own['name']}")
    return batch


def _day(digits: str) -> date | None:
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


def _is_known(book: Book, batch: Batch) -> bool:
    try:
        return book.batch_meeting(batch) is not None
    except KeyError:
        return False
