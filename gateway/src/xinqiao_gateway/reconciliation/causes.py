"""Why an item did not match: the tests that ``causes.yaml`` names, and the first row that holds."""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.reconciliation.kinds import Compared, Kind, Outcome, Row, causes, tolerance
from xinqiao_gateway.reconciliation.lines import Line, amount_of, instrument_code, units_of
from xinqiao_gateway.reconciliation.pairing import Pair

__all__ = ["MEASURES", "BusinessDays", "Said", "Terms", "classified"]

# How much it is.
MEASURES: frozenset[Compared] = frozenset({"amount", "units"})
# Which measures the lines of a side say, by the message type that they stem from; "" of a statement.
Said = Set[tuple[str, Compared]]


class BusinessDays(Protocol):
    """A calendar: which days are business days."""

    def is_open(self, day: date) -> bool:
        """Say whether a day is open."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What is reconciled: a kind of statement, the period, whose journal, and the calendar of the kind.

    ``name`` is a code of ``statement-kinds``; ``institution`` the code of this side; ``cut_off`` the time of day (of
    China) after which the other side books on the next day, None where it is not known.
    """

    name: str
    kind: Kind
    period_start: date
    period_end: date
    institution: str
    calendar: BusinessDays
    cut_off: time | None = None


def classified(pair: Pair, terms: Terms, here: Said = frozenset(), there: Said = frozenset()) -> tuple[Outcome, Row]:
    """Return what became of a pair, and the row that says why and what mends it.

    ``here`` and ``there`` are what the sides say somewhere. The row of one that matched says nothing.
    """
    if pair.there is None:
        return "ONLY_HERE", _first(causes()["ONLY_HERE"], pair, terms)
    if pair.here is None:
        return "ONLY_THERE", _first(causes()["ONLY_THERE"], pair, terms)
    fields = {name for name in terms.kind.compare if _differs(name, pair.here, pair.there)}
    fields |= (unsaid := _unsaid(pair.here, pair.there, terms, here, there))
    if not fields:
        return "MATCHED", Row()
    # How much is not said on one side is no rounding: it is asked for.
    rows = (each for each in causes()["DIFFERENT"] if not (unsaid and each.repair == "NONE"))
    row = _first(tuple(each for each in rows if each.field in fields), pair, terms, fields)
    if row.repair is None:
        side = "sent_from_here" if _sent_from_here(pair, terms) else "sent_from_there"
        row = row.model_copy(update=causes()[side][0].model_dump(include={"repair", "action"}))
    return "DIFFERENT", row


def _first(rows: tuple[Row, ...], pair: Pair, terms: Terms, fields: set[Compared] | None = None) -> Row:
    return next(row for row in rows if _TESTS[row.when](pair, terms) and not _hides_others(row, fields))


def _hides_others(row: Row, fields: set[Compared] | None) -> bool:
    """Whether a row that asks for nothing would hide that another field differs, too."""
    return row.repair == "NONE" and fields is not None and not fields <= {"amount", "units"} | {row.field}


def _value(name: Compared, line: Line) -> object:
    match name:
        case "amount":
            return (amount_of(line.item), line.item["amount"]["currency"]) if "amount" in line.item else None
        case "units":
            return units_of(line.item) if "units" in line.item else None
        case "instrument":
            return instrument_code(line.item) or None
        case _:
            return line.item.get(name)


def _differs(name: Compared, here: Line, there: Line) -> bool:
    """Whether both sides say a field and not the same; a product has several codes, one in common is enough."""
    if name == "instrument" and {*here.item.get(name, {}).items()} & {*there.item.get(name, {}).items()}:
        return False
    values = _value(name, here), _value(name, there)
    return values[0] != values[1] and None not in values


def _unsaid(here: Line, there: Line, terms: Terms, said_here: Said, said_there: Said) -> set[Compared]:
    """Return the measures that one side says of a pair, and the other says of others of its lines only.

    A side that never says one has no such column, and what it has is compared; but where two share no measure, nothing
    agrees. Who says zero says no more than who says nothing.
    """
    measures = MEASURES & terms.kind.compare.keys()
    unmeasured = not measures & here.item.keys() & there.item.keys()
    sides = ((here, there, said_there), (there, here, said_here))
    return {
        name
        for saying, silent, said in sides
        for name in measures & saying.item.keys() - silent.item.keys()
        if (unmeasured or (silent.body, name) in said) and _size(name, saying)
    }


def _date(line: Line) -> date | None:
    written = line.item.get("date")
    return date.fromisoformat(written) if written else None


def _doubled(pair: Pair, terms: Terms) -> bool:  # noqa: ARG001 -- the shape of a test
    return pair.doubled


def _reversal(pair: Pair, terms: Terms) -> bool:
    sides = [each for each in (pair.here, pair.there) if each]
    return any(each.reverses or each.item.get("state") in terms.kind.reversed_states for each in sides)


def _after_period(pair: Pair, terms: Terms) -> bool:
    day = _date(pair.either)
    return day is not None and day > terms.period_end


def _before_period(pair: Pair, terms: Terms) -> bool:
    day = _date(pair.either)
    return day is not None and day < terms.period_start


def _after_cut_off(pair: Pair, terms: Terms) -> bool:
    moment = pair.either.moment
    if terms.cut_off is None or moment is None:
        return False
    local = datetime.fromisoformat(moment).astimezone(CHINA)
    return local.date() >= terms.period_end and local.time() > terms.cut_off


def _in_flight(pair: Pair, terms: Terms) -> bool:
    """Whether fewer business days have passed by the end of the period than an item may take."""
    day = _date(pair.either)
    if day is None or day > terms.period_end or terms.kind.in_flight == 0:
        return False
    passed = 0
    for each in _days(day + timedelta(days=1), terms.period_end):
        passed += terms.calendar.is_open(each)
        if passed >= terms.kind.in_flight:
            return False
    return True


def _on_day_off(pair: Pair, terms: Terms) -> bool:
    day = _date(pair.either)
    return day is not None and not terms.calendar.is_open(day)


def _over_days_off(pair: Pair, terms: Terms) -> bool:
    """Whether the dates differ only by days off: no more than one business day is among them."""
    days = sorted(filter(None, (_date(each) for each in (pair.here, pair.there) if each)))
    if (days[-1] - days[0]).days > _LONGEST_HOLIDAY:
        return False
    return sum(terms.calendar.is_open(each) for each in _days(days[0], days[-1])) <= 1


# Days that exchanges were closed in a row, at most, with weekends at both ends; longer spans are not walked.
_LONGEST_HOLIDAY = 16


def _days(start: date, end: date) -> Iterator[date]:
    day = start
    while day <= end:
        yield day
        day += timedelta(days=1)


def _sent_from_here(pair: Pair, terms: Terms) -> bool:
    return pair.here is not None and pair.here.sender == terms.institution


def _within_tolerance(pair: Pair, terms: Terms) -> bool:
    here, there = _both(pair)
    said = [name for name in MEASURES if _both_say(name, pair)]
    if "amount" in said and here.item["amount"]["currency"] != there.item["amount"]["currency"]:
        return False
    return all(_fits(name, _size(name, here) - _size(name, there), terms) for name in said)


def _fits(name: Compared, difference: Decimal, terms: Terms) -> bool:
    return abs(difference) <= tolerance(terms.kind.compare.get(name, "exact")) or name not in terms.kind.compare


def _by_the_fee(pair: Pair, terms: Terms) -> bool:  # noqa: ARG001
    here, there = _both(pair)
    fee = here.fee or there.fee
    return (
        fee is not None
        and _both_say("amount", pair)
        and abs(amount_of(here.item) - amount_of(there.item)) == Decimal(fee) != 0
    )


def _size(name: Compared, line: Line) -> Decimal:
    return amount_of(line.item) if name == "amount" else units_of(line.item)


def _both_say(name: Compared, pair: Pair) -> bool:
    return all(name in line.item for line in _both(pair))


def _both(pair: Pair) -> tuple[Line, Line]:
    if pair.here is None or pair.there is None:
        raise ValueError("a difference has two sides")
    return pair.here, pair.there


_TESTS: dict[str, Callable[[Pair, Terms], bool]] = {
    "doubled": _doubled,
    "reversal": _reversal,
    "after_period": _after_period,
    "before_period": _before_period,
    "after_cut_off": _after_cut_off,
    "in_flight": _in_flight,
    "on_day_off": _on_day_off,
    "over_days_off": _over_days_off,
    "sent_from_here": _sent_from_here,
    "within_tolerance": _within_tolerance,
    "by_the_fee": _by_the_fee,
    "both_say_amount": lambda pair, _: _both_say("amount", pair),
    "both_say_units": lambda pair, _: _both_say("units", pair),
    "otherwise": lambda *_: True,
}
