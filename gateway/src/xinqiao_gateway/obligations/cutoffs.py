"""Cut-offs 截止: which named batch of which trading day a file, or a row of it, goes into.

A row keeps the trade day of the time that it was accepted at, which it carries itself, however late its file comes. A
file after the last cut-off of that day is late: it waits for an operator, who releases it into a named batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from xinqiao_gateway.calendars import CHINA, Calendar, Calendars, instant
from xinqiao_gateway.obligations.terms import CutoffBatch, CutoffTerms

__all__ = ["Batch", "Cutoffs"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A named batch (``20261123-2``), its trade day, whether it was closed already, and the obligation that it is."""

    name: str
    trade_date: date
    late: bool
    rule: str


class Cutoffs:
    """The cut-offs of all interfaces."""

    def __init__(self, terms: Iterable[CutoffTerms], calendars: Calendars) -> None:
        self._terms = {(each.from_, each.interface): each for each in terms}
        self._calendars = calendars

    def batch_for(
        self, channel: str, interface: str, accepted_at: float, traded_at: float | None = None
    ) -> Batch | None:
        """Return the batch of a row, None where its interface has none.

        ``accepted_at`` is when the file was accepted here, ``traded_at`` the time that the row carries (Unix
        seconds); a row without one is taken to be traded when its file came. The batch is the first of the trade day
        that is still open; where none is, the last one, late.
        """
        terms = self._terms.get((channel, interface))
        if terms is None:
            return None
        calendar = self._calendars[terms.calendar]
        day = _trade_date(terms, calendar, accepted_at if traded_at is None else traded_at)
        still_open = (each for each in terms.batches if accepted_at <= _closes(each, day, calendar))
        found = next(still_open, None)
        batch = found or terms.batches[-1]
        return Batch(f"{day:%Y%m%d}-{batch.name}", day, found is None, f"{terms.id}-{batch.name}")


def _closes(batch: CutoffBatch, day: date, calendar: Calendar) -> float:
    return instant(calendar.add(day, batch.plus), batch.by)


def _trade_date(terms: CutoffTerms, calendar: Calendar, at: float) -> date:
    moment = datetime.fromtimestamp(at, CHINA)
    day = moment.date()
    if calendar.is_open(day) and moment.time() < _ends(terms):
        return day
    return calendar.next_open(day)


def _ends(terms: CutoffTerms) -> time:
    """Return when a trading day ends: what is accepted at that time belongs to the next."""
    same_day = [each.by for each in terms.batches if not each.plus]
    return terms.until or (same_day[-1] if same_day else None) or time.max
