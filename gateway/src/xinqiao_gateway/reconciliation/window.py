"""Where a reconciliation begins: the messages of a partner's file, and the terms that follow from the first of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import BinaryIO, Protocol

from xinqiao.adapter import FileAdapter, Undecoded
from xinqiao.errors import ContentRefused
from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.validation import check
from xinqiao_adapters.channel import Channel
from xinqiao_gateway.reconciliation.causes import BusinessDays, Terms
from xinqiao_gateway.reconciliation.kinds import kind_of
from xinqiao_gateway.reconciliation.lines import day_of

__all__ = ["BusinessCalendars", "Window", "messages_of", "terms_of", "window_of"]


class BusinessCalendars(Protocol):
    """The calendars of banks and exchanges by their names."""

    def __getitem__(self, name: str, /) -> BusinessDays: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Which messages of the journal are compared: those between this side and ``partner``, of these types.

    ``since`` and ``until`` are business dates, both included. The window is wider than the period: what either side
    booked early or late is found by its reference, and told by its date.
    """

    partner: str
    bodies: frozenset[str]
    since: date
    until: date
    test: bool = False

    def holds(self, message: Json) -> bool:
        """Say whether a message of one of the types belongs to the window."""
        header = message["header"]
        day = date.fromisoformat(header.get("businessDate") or day_of(header["createdAt"]))
        return self.partner in {header["sender"], header["receiver"]} and self.since <= day <= self.until


def window_of(terms: Terms, partner: str, *, test: bool = False) -> Window:
    """Return the window of a reconciliation: the period, and as many days around it as holidays last."""
    around = timedelta(days=_AROUND)
    return Window(partner, frozenset(terms.kind.sources), terms.period_start - around, terms.period_end + around, test)


# More than the longest holiday with what is in flight before and after it.
_AROUND = 20


def messages_of(channel: Channel, file: BinaryIO, content_type: str = "") -> Iterator[Json]:
    """Yield the messages of a partner's file as a stream, in the channel's format.

    Raises ``ContentRefused`` at the first record that cannot be read or is not valid: a statement counts as a whole,
    or every line that is missing would show as one that the partner lacks.
    """
    adapter = channel.adapter
    decode = (
        adapter.decode_file if isinstance(adapter, FileAdapter) else lambda raw, kind: adapter.decode(raw.read(), kind)
    )
    for decoded in decode(file, content_type):
        if isinstance(decoded, Undecoded):
            raise ContentRefused("a record of the statement cannot be read", findings=decoded.findings)
        message = channel.completed(decoded.message)
        if errors := errors_in(check(message)):
            raise ContentRefused("a message of the statement is not valid", findings=errors)
        yield message


def terms_of(
    first: Json,
    institution: str,
    calendars: BusinessCalendars,
    *,
    kind: str | None = None,
    period: tuple[date | None, date | None] = (None, None),
    cut_off: time | None = None,
) -> Terms:
    """Return the terms of a reconciliation from the first message of the partner's file.

    A ``statement`` says its kind and period; for a file of business messages they are given, or the business date of
    the first message is the period. Raises ``ContentRefused`` where they cannot be told.
    """
    statement = first.get("statement", {})
    name = kind or statement.get("kind")
    if name is None:
        raise ContentRefused("the file holds no statement: say its kind")
    day = first["header"].get("businessDate")
    start = period[0] or _day(statement.get("periodStart") or day)
    end = period[1] or _day(statement.get("periodEnd") or day)
    if start is None or end is None:
        raise ContentRefused("neither statement nor business date says the period: give it")
    found = kind_of(name)
    return Terms(name, found, start, end, institution, calendars[found.calendar], cut_off)


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
