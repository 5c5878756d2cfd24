"""Values that may be lost, because the partner understands the same where nothing is said."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from xinqiao_adapters.mapping.converters import Scalar

__all__ = ["is_neutral"]


def is_neutral(known: Sequence[Scalar], value: object) -> bool:
    """Whether a value is one of those known; numbers count by value (``1`` is ``1.0000``)."""
    return any(type(each) is type(value) and (each == value or _same_number(each, value)) for each in known)


def _same_number(one: object, other: object) -> bool:
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
