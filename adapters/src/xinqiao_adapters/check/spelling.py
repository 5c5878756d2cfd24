"""Messages compared: value by value, where asked without the spelling of decimals and instants."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from xinqiao.message import Json
from xinqiao_adapters.mapping.shapes import shape_at

__all__ = ["differences", "names_of", "same_value", "without_names"]

_INDEX = re.compile(r"\[[0-9]*\]")
Names = tuple[str, ...]


def names_of(path: str) -> Names:
    """Return the names of a canonical path, without indices."""
    return tuple(_INDEX.sub("", path).split("."))


def without_names(message: Json, gone: Iterable[Names]) -> Json:
    """Return a message without the fields of some names, and without what is empty then."""
    fields = frozenset(gone)
    return _without(message, (), lambda names: names in fields) if fields else message


def _without(value: Json, names: Names, gone: Callable[[Names], bool]) -> Json:
    kept: Json = {}
    for name, part in value.items():
        whole = (*names, name)
        if gone(whole):
            continue
        if isinstance(part, dict):
            below = _without(part, whole, gone)
            if not below and part and len(whole) > 1:
                continue
            kept[name] = below
        elif isinstance(part, list):
            kept[name] = [_without(each, whole, gone) if isinstance(each, dict) else each for each in part]
        else:
            kept[name] = part
    return kept


def same_value(body: str, names: Names, one: object, other: object) -> bool:
    """Whether two values of a field are one, however they are spelled."""
    if one == other and type(one) is type(other):
        return True
    shape = shape_at(body, names)
    if shape is None or not isinstance(one, str) or not isinstance(other, str):
        return False
    try:
        if shape.kind == "decimal":
            return Decimal(one) == Decimal(other)
        if shape.kind == "datetime":
            return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (ArithmeticError, ValueError, TypeError):
        return False
    return False


def differences(left: object, right: object, path: str = "") -> list[str]:
    """Return the paths where two messages, or lists of them, differ to the letter."""
    return [each.lstrip(".") for each in _differences(left, right, path)]


def _differences(left: object, right: object, path: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            yield from _differences(left.get(name), right.get(name), f"{path}.{name}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, pair in enumerate(zip(left, right, strict=True)):
            yield from _differences(*pair, f"{path}[{place}]")
    elif left != right or type(left) is not type(right):
        yield path
