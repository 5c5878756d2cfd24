"""What every independent ledger is: it reads messages one at a time and lists what does not add up."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from xinqiao.message import Json

__all__ = ["Ledger", "disagreements", "read_all"]


class Ledger:
    """Reads each message with the method of its type's name; types it has no method for are not its business."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.by_day: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def read(self, message: Json) -> None:
        body = next(name for name in message if name != "header")
        if reader := getattr(self, f"read_{body}", None):
            reader(message[body], message["header"]["businessDate"])

    def close(self) -> list[str]:
        """Return what does not add up, now that everything was read."""
        return self.breaches

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.breaches.append(what)

    def once(self, seen: set[str], key: str, what: str) -> None:
        self.expect(key not in seen, f"{what} {key} is there twice")
        seen.add(key)


def read_all(ledgers: Iterable[Ledger], messages: Iterable[Json]) -> list[str]:
    """Let ledgers read messages; return all breaches."""
    held = tuple(ledgers)
    for message in messages:
        for each in held:
            each.read(message)
    return [f"{type(each).__name__}: {breach}" for each in held for breach in each.close()]


def disagreements(one: Ledger, other: Ledger, *kinds: str) -> list[str]:
    """Return each day's sum of these kinds that two ledgers do not agree on."""
    keys = sorted(key for key in {*one.by_day, *other.by_day} if key[1] in kinds)
    names = f"{type(one).__name__} and {type(other).__name__}"
    return [
        f"{names}: {day} {what}: {one.by_day[day, what]} and {other.by_day[day, what]}"
        for day, what in keys
        if one.by_day[day, what] != other.by_day[day, what]
    ]
