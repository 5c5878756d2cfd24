"""The book of an installation's obligations: which message meets which, opens which, and when each is due.

Pure: the same message gives the same answer. What a message type that no rule is about costs is one look-up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from xinqiao.message import Json
from xinqiao_gateway.calendars import Calendar, Calendars, china_day
from xinqiao_gateway.obligations.cutoffs import Batch, Cutoffs
from xinqiao_gateway.obligations.periods import business_day, business_days, due_at, due_day
from xinqiao_gateway.obligations.terms import Opener, Rule, Terms

__all__ = ["Arrival", "Book", "Meeting", "Occurrence"]

_NEVER = timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that is being accepted: ``message`` is canonical JSON, ``message_type`` its key, times Unix seconds."""

    position: int
    channel: str
    message_type: str
    message: Json
    accepted_at: float


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One obligation as it falls due. ``schedule`` are the instants of its levels: warned, overdue, escalated-1 …

    ``subject`` is a code that the terms name, or a digest where a message opened it. ``expects`` is a message type or
    ``file:`` and an interface. ``provisional``: its calendar does not know the year yet.
    """

    rule: str
    subject: str
    day: str
    expects: str
    channel: str | None
    due_at: float
    schedule: tuple[tuple[float, str], ...]
    to: tuple[str, ...]
    opened_by: int | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """Which obligation an arrival meets: of a day, or every open one of the subject (``day`` None).

    ``occurrence`` is the obligation itself where it is periodic, for a message that comes before it was written down.
    """

    rule: str
    subject: str
    day: str | None = None
    occurrence: Occurrence | None = None


class Book:
    """The rules of an installation, by what they expect. ``digest`` makes a keyed digest of values that identify."""

    def __init__(self, terms: Terms, calendars: Calendars, digest: Callable[[str], str]) -> None:
        self.calendars = calendars
        self.cutoffs = Cutoffs(terms.cutoffs, calendars)
        self._digest = digest
        self._rules = {rule.id: rule for rule in terms.obligations}
        self._rules |= {rule.id: rule for each in terms.cutoffs for rule in each.rules()}
        self._expecting = _by(self._rules.values(), lambda rule: rule.message)
        self._opening = _by(self._rules.values(), lambda rule: rule.after.message if rule.after else None)
        # Those of cut-offs are met by batch, not by whatever file.
        self._files = _by(terms.obligations, lambda rule: rule.file)

    @property
    def periodic(self) -> list[Rule]:
        """The rules that fall due by the calendar."""
        return [rule for rule in self._rules.values() if rule.every is not None]

    def concerns(self, message_type: str) -> bool:
        """Say whether a message of this type (its key in JSON) may meet or open an obligation."""
        return message_type in self._expecting or message_type in self._opening

    def meetings(self, arrival: Arrival) -> list[Meeting]:
        """Return what a message meets."""
        rules = self._expecting.get(arrival.message_type, ())
        met = (self._meeting(rule, arrival) for rule in rules if _fits(rule, rule.from_, rule.when, arrival))
        return [each for each in met if each is not None]

    def openings(self, arrival: Arrival) -> list[Occurrence]:
        """Return the obligations that a message opens; none where it lacks a field that the terms count from."""
        opened = (
            self._opened(rule, rule.after, arrival)
            for rule in self._opening.get(arrival.message_type, ())
            if rule.after and _fits(rule, rule.after.from_, rule.after.when, arrival)
        )
        return [each for each in opened if each is not None]

    def file_meetings(self, channel: str, interface: str, day: date) -> list[Meeting]:
        """Return what a whole file about a business day meets, be it empty; for batches see ``batch_meeting``."""
        rules = [rule for rule in self._files.get(interface, ()) if rule.from_ in (None, channel)]
        return [each for rule in rules if (each := self._periodic(rule, "", day)) is not None]

    def batch_meeting(self, batch: Batch) -> Meeting | None:
        """Return what a file meets that went into a batch."""
        return self._periodic(self._rules[batch.rule], "", batch.trade_date)

    def upcoming(self, rule: Rule, start: date, end: date) -> Iterator[Occurrence]:
        """Yield a periodic rule's obligations about the business days from ``start`` to ``end``."""
        calendar = self.calendars[rule.calendar]
        for day in business_days(rule, calendar, start, end):
            for subject in rule.subject.in_ if rule.subject else ("",):
                yield _occurrence(rule, subject, day, due_at(rule, calendar, day))

    def dated_again(self, rule: str, subject: str, day: date, opened_by: int) -> Occurrence | None:
        """Return a provisional obligation with the date that the calendar gives now; None where it gives none yet."""
        terms = self._rules.get(rule)
        if terms is None:
            return None
        found = _opened_occurrence(terms, self.calendars[terms.calendar], subject, day, opened_by)
        return None if found.provisional else found

    def _meeting(self, rule: Rule, arrival: Arrival) -> Meeting | None:
        if rule.after is not None:
            subject = self._key(rule, rule.same.values(), arrival)
            return Meeting(rule.id, subject) if subject else None
        subject = str(_at(arrival, rule.subject.path)) if rule.subject else ""
        moment = _moment(arrival, rule.date)
        if moment is None or (rule.subject and subject not in rule.subject.in_):
            return None
        return self._periodic(rule, subject, moment[0])

    def _periodic(self, rule: Rule, subject: str, day: date) -> Meeting | None:
        calendar = self.calendars[rule.calendar]
        found = business_day(rule, calendar, day)
        if found is None:
            return None
        occurrence = _occurrence(rule, subject, found, due_at(rule, calendar, found))
        return Meeting(rule.id, subject, occurrence.day, occurrence)

    def _opened(self, rule: Rule, opener: Opener, arrival: Arrival) -> Occurrence | None:
        subject, moment = self._key(rule, rule.same, arrival), _moment(arrival, opener.date)
        if subject is None or moment is None:
            return None
        day, at = moment
        if at and rule.by is None and not rule.plus.days:
            return _occurrence(rule, subject, day, at, arrival.position)
        return _opened_occurrence(rule, self.calendars[rule.calendar], subject, day, arrival.position)

    def _key(self, rule: Rule, paths: Iterable[str], arrival: Arrival) -> str | None:
        """Return the digest of the values that hold two messages together, None where one is missing."""
        values = [_at(arrival, path) for path in paths]
        return None if None in values else self._digest("\n".join([rule.id, *map(str, values)]))


def _by(rules: Iterable[Rule], key: Callable[[Rule], str | None]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        name = key(rule)
        if name is not None:
            found.setdefault(name, []).append(rule)
    return found


def _fits(rule: Rule, channel: str | None, when: Mapping[str, Any], arrival: Arrival) -> bool:
    if channel not in (None, arrival.channel) or rule.test != arrival.message["header"].get("test", False):
        return False
    return all(
        _at(arrival, path) in (wanted if isinstance(wanted, list) else [wanted]) for path, wanted in when.items()
    )


def _at(arrival: Arrival, path: str) -> Any:  # noqa: ANN401 -- any value of JSON
    """Return the value at a path of the body, or of the header (``header.caseId``); None where there is none."""
    value: Any = arrival.message if path.startswith("header.") else arrival.message[arrival.message_type]
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _moment(arrival: Arrival, path: str | None) -> tuple[date, float | None] | None:
    """Return the day (and the instant, where it is one) at a path, None where nothing stands there.

    Without a path: the business date of the header, else the day of acceptance. A date that is a hundred years off
    stands for never, as 9999-12-31 and the year 3017 do.
    """
    today = china_day(arrival.accepted_at)
    value = _at(arrival, path or "header.businessDate")
    if not isinstance(value, str):
        return None if path else (today, None)
    try:
        at = datetime.fromisoformat(value).timestamp() if "T" in value else None
        day = date.fromisoformat(value) if at is None else china_day(at)
    except (ValueError, OverflowError):  # a 30 February that a fact may hold
        return None
    return None if abs(day - today) > _NEVER else (day, at)


def _occurrence(rule: Rule, subject: str, day: date, due: float, opened_by: int | None = None) -> Occurrence:
    warned = [(due - rule.warn, "warned")] if rule.warn else []
    escalated = [(due + each, f"escalated-{number}") for number, each in enumerate(rule.escalate, 1)]
    expects = rule.message or f"file:{rule.file}"
    schedule = (*warned, (due, "overdue"), *escalated)
    return Occurrence(rule.id, subject, day.isoformat(), expects, rule.from_, due, schedule, rule.to, opened_by)


def _opened_occurrence(rule: Rule, calendar: Calendar, subject: str, day: date, opened_by: int) -> Occurrence:
    # 24:00 on 31 December is an instant of the next year, and a time of this one.
    due, known = due_at(rule, calendar, day), calendar.knows(due_day(rule, calendar, day).year)
    return replace(_occurrence(rule, subject, day, due, opened_by), provisional=not known)
