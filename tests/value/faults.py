"""Faults that a check of value must find: a message lost, one doubled, one a fen (or a last digit of units) off."""

import copy
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from xinqiao.message import Json, new_message_id

__all__ = ["doubled", "fen_off", "indices_of", "lost", "unfound"]


Among = Callable[[Json], bool]


def indices_of(messages: Sequence[Json], body: str, *, most: int, among: Among = bool) -> list[int]:
    """Return the places of some messages of a type, spread over the month."""
    found = [index for index, each in enumerate(messages) if body in each and among(each)]
    return found[:: max(1, len(found) // most)][:most]


def lost(messages: Sequence[Json], index: int) -> list[Json]:
    return [*messages[:index], *messages[index + 1 :]]


def doubled(messages: Sequence[Json], index: int) -> list[Json]:
    """Repeat a message under an id of its own, so that no receiver can tell it by that."""
    again = copy.deepcopy(messages[index])
    again["header"]["messageId"] = new_message_id()
    return [*messages[: index + 1], again, *messages[index + 1 :]]


def fen_off(messages: Sequence[Json], index: int, path: str) -> list[Json]:
    changed = copy.deepcopy(messages[index])
    part: Any = changed
    *folders, last = path.split(".")
    for name in folders:
        part = part[int(name)] if isinstance(part, list) else part[name]
    number = Decimal(part[last])
    part[last] = f"{number + Decimal(1).scaleb(int(number.as_tuple().exponent)):f}"
    return [*messages[:index], changed, *messages[index + 1 :]]


def unfound(
    messages: Sequence[Json],
    places: dict[str, str | None],
    audit: Callable[[Iterable[Json]], list[str]],
    *,
    most: int = 5,
    among: Among = bool,
) -> list[str]:
    """Return the faults that an audit does not find.

    ``places`` gives the path of an amount for each type of message, None where it has none.
    """
    missed = []
    for body, path in places.items():
        for index in indices_of(messages, body, most=most, among=among):
            faults = {
                "lost": lost(messages, index),
                "doubled": doubled(messages, index),
            }
            if path:
                faults["a fen off"] = fen_off(messages, index, f"{body}.{path}")
            missed += [f"{body} {index} {name}" for name, faulty in faults.items() if not audit(faulty)]
    return missed
