"""Conditions that a message answers by itself, each compiled to a closure at load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from xinqiao_gateway.policy.comparison import normalised
from xinqiao_gateway.policy.paths import Getter, Place, place
from xinqiao_gateway.policy.rule import Condition, Listed
from xinqiao_gateway.policy.watch_list import WatchList

__all__ = ["NUMBERS", "Check", "Doubt", "Holds", "check_of"]

# Of a message, or an element of one of its lists, at a time (Unix seconds).
Holds = Callable[[Any, float], bool]
_Fits = Callable[[Any], bool]

CHINA = timezone(timedelta(hours=8))
# Kinds of fields that are decimals, written as text.
NUMBERS = frozenset({"DECIMAL", "QUANTITY", "PERCENTAGE", "COUNT", "RATE", "FACTOR"})


class Doubt(Exception):
    """Something in a rule that cannot be meant; ``where`` is the way to it from the rule."""

    def __init__(self, text: str, *where: str | int) -> None:
        self.text = text
        self.where = where
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition in use: how it is said to people, without any value of a message, and what it tests."""

    says: str
    holds: Holds


def check_of(condition: Condition, body: str, lists: Mapping[str, WatchList], inside: str | None = None) -> Check:
    """Compile a condition on messages of a type, or on elements of its list ``inside``. Raises ``Doubt``."""
    listed = condition.watch_list or condition.related
    if listed:
        return _listed(condition.test, listed, body, lists, inside)
    if condition.any is not None:
        return _any(condition, body, lists, inside)
    assert condition.path is not None  # noqa: S101 -- the model saw to it
    found = found_place(body, condition.path, inside, "path", whole_list=condition.exists is not None)
    return _of_a_value(condition, found, body, inside)


def found_place(body: str, path: str, inside: str | None, *where: str | int, whole_list: bool = False) -> Place:
    """Find a path as ``paths.place`` does. Raises ``Doubt``."""
    try:
        return place(body, path, inside, whole_list=whole_list)
    except ValueError as error:
        raise Doubt(str(error), *where) from error


def _of_a_value(condition: Condition, found: Place, body: str, inside: str | None) -> Check:
    says, get = str(condition.path), found.get
    if condition.exists is not None:
        wanted = condition.exists
        return Check(f"{says} {'is there' if wanted else 'is not there'}", lambda root, _: bool(get(root)) is wanted)
    if condition.differs_from is not None:
        return _differing(condition.differs_from, says, get, body, inside)
    if condition.before is not None or condition.after is not None:
        return _dated(condition, found)
    if condition.above is not None or condition.below is not None:
        fits, said = _measured(condition, found)
    else:
        fits, said = _valued(condition, found)
    return Check(f"{says} {said}", lambda root, _: any(fits(value) for value in get(root)))


def _valued(condition: Condition, found: Place) -> tuple[_Fits, str]:
    key = condition.test.rstrip("_")
    values = condition.in_ or condition.not_in or (condition.equals,)
    known = found.field.schema.get("enum")
    for value in values:
        if known and value not in known:
            raise Doubt(f"{value} is none of {', '.join(known)}", key)
    if "properties" in found.field.schema or ("$ref" in found.field.schema and known is None):
        raise Doubt(f"{condition.path} holds fields of its own: name one of them", "path")
    # True is not 1 here: a value is compared with its type.
    wanted = frozenset((type(value), value) for value in values)
    if condition.not_in is not None:
        return lambda value: (type(value), value) not in wanted, f"is none of {_listing(values)}"
    return lambda value: (type(value), value) in wanted, f"is {_listing(values)}"


def _listing(values: tuple[Any, ...]) -> str:
    return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _measured(condition: Condition, found: Place) -> tuple[_Fits, str]:
    """Compare an amount, a quantity or an integer; equal to the limit is neither above nor below."""
    is_above = condition.above is not None
    limit = Decimal(condition.above or condition.below or 0)
    number = number_at(found, condition.currency, "currency")
    said = f"is {'above' if is_above else 'below'} {limit} {condition.currency or ''}".rstrip()

    def fits(value: Any) -> bool:  # noqa: ANN401
        known = number(value)
        return known is not None and (known > limit if is_above else known < limit)

    return fits, said


def number_at(found: Place, currency: str | None, *where: str | int) -> Callable[[Any], Decimal | None]:
    """Return what reads a number there: an amount in the currency (None in another), a quantity, an integer."""
    if found.is_money:
        if currency is None:
            raise Doubt(f"{found.written} is an amount of money: give its currency", *where[:-1])
        return lambda value: Decimal(value["value"]) if value["currency"] == currency else None
    if currency is not None:
        raise Doubt(f"{found.written} is no amount of money: give no currency", *where)
    if found.field.kind not in NUMBERS and found.field.schema.get("type") != "integer":
        raise Doubt(f"{found.written} is no number", *where[:-1])
    return Decimal


def _differing(other: str, says: str, get: Getter, body: str, inside: str | None) -> Check:
    known = found_place(body, other, inside, "differs_from").get

    def holds(root: Any, _: float) -> bool:  # noqa: ANN401
        ours, theirs = get(root), {normalised(str(value)) for value in known(root)}
        return bool(theirs) and any(normalised(str(value)) not in theirs for value in ours)

    return Check(f"{says} differs from {other}", holds)


def _dated(condition: Condition, found: Place) -> Check:
    written, key = condition.before or condition.after or "", "before" if condition.before else "after"
    if found.field.kind not in {"DATE", "TIMESTAMP"}:
        raise Doubt(f"{condition.path} is no date", "path")
    if written != "today" and not _is_date(written):
        raise Doubt("a date is written 2026-01-31, or today", key)
    is_time, get, is_before = found.field.kind == "TIMESTAMP", found.get, key == "before"

    def holds(root: Any, at: float) -> bool:  # noqa: ANN401
        limit = _day(at) if written == "today" else written
        days = (_china_day(value) if is_time else value for value in get(root))
        return any(day < limit if is_before else day > limit for day in days)

    return Check(f"{condition.path} is {key} {written}", holds)


def _is_date(written: str) -> bool:
    try:
        return date.fromisoformat(written).isoformat() == written
    except ValueError:
        return False


def _china_day(timestamp: str) -> str:
    return datetime.fromisoformat(timestamp).astimezone(CHINA).date().isoformat()


@lru_cache(maxsize=4)
def _day_of_hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(CHINA).date().isoformat()


def _day(at: float) -> str:
    """Return the day in China; midnight there is a full hour everywhere."""
    return _day_of_hour(int(at // 3600))


def _any(condition: Condition, body: str, lists: Mapping[str, WatchList], inside: str | None) -> Check:
    assert condition.any is not None and condition.where is not None  # noqa: S101, PT018 -- the model saw to it
    elements = found_place(body, condition.any, inside, "any")
    if not condition.any.endswith("[]"):
        raise Doubt(f"{condition.any} is no list of elements: write its last step with []", "any")
    tests = []
    for number, each in enumerate(condition.where):
        if each.total or each.count or each.similar or each.superseded or each.other_than_payer:
            raise Doubt("a condition on an element looks at the element only", "where", number)
        try:
            tests.append(check_of(each, body, lists, elements.written))
        except Doubt as doubt:
            raise Doubt(doubt.text, "where", number, *doubt.where) from doubt
    says = f"one of {condition.any}: {', '.join(each.says for each in tests)}"
    wanted, get = tuple(each.holds for each in tests), elements.get
    return Check(says, lambda root, at: any(all(holds(each, at) for holds in wanted) for each in get(root)))


def _listed(key: str, listed: Listed, body: str, lists: Mapping[str, WatchList], inside: str | None) -> Check:
    known = lists.get(listed.list)
    if known is None:
        raise Doubt(f"there is no list {listed.list}; import one: policy watch-list import", key, "list")
    getters = [found_place(body, path, inside, key, "paths", at).get for at, path in enumerate(listed.paths)]

    def holds(root: Any, _: float) -> bool:  # noqa: ANN401
        return any(value in known for get in getters for value in get(root))

    return Check(f"{' or '.join(listed.paths)} is on list {listed.list}", holds)
