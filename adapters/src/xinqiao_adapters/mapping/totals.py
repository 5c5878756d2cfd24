"""Totals that partners write of a message's own values: how many there are, and their sum."""

from collections.abc import Callable, Iterator
from decimal import Context, Decimal, InvalidOperation

from xinqiao.message import Json
from xinqiao_adapters.mapping.converters import Scalar
from xinqiao_adapters.mapping.plan import Total

__all__ = ["differs", "total_of"]

# More digits than the sum of any list of amounts has.
_EXACT = Context(prec=200)


def total_of(total: Total, message: Json) -> Scalar | None:
    """Return the number of values at the total's path or their sum (a decimal string), None where there are none."""
    values = list(_values(message, total.path))
    if total.kind == "count" or not values:
        return len(values) if total.kind == "count" else None
    added = Decimal(0)
    for value in values:
        added = _EXACT.add(added, _number(value))
    return format(added, "f")


def differs(total: Total) -> Callable[[Json, Scalar], bool]:
    """Return what tells whether the total that a partner wrote is another than the message's own."""

    def unequal(message: Json, said: Scalar) -> bool:
        own = total_of(total, message)
        return own is None or _number(own) != _number(said)

    return unequal


def _number(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")  # equals nothing: the value itself is refused elsewhere


def _values(node: object, path: tuple[str, ...]) -> Iterator[object]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, dict):
        yield from _values(node.get(path[0]), path[1:])
