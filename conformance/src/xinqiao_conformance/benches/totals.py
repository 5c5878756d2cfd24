"""Control totals 控制总数 of messages, as docs/batches.md says: an amount by its currency, and units."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from xinqiao.message import Json
from xinqiao.recording import body_of

__all__ = ["totals_of"]

_AMOUNTS = ("amount", "confirmedAmount", "grossAmount", "totalAmount", "price")
_UNITS = ("units", "confirmedUnits")
_HOME = "CNY"

Sums = dict[str, tuple[int, Decimal, Decimal]]


def totals_of(messages: Iterable[Json]) -> Sums:
    """Return records, amount and units by currency, of the messages that move any."""
    sums: Sums = {}
    for message in messages:
        name = body_of(message)
        moved = _moved(message[name]) if name else None
        if moved is not None:
            currency, amount, units = moved
            count, amounts, all_units = sums.get(currency, (0, Decimal(0), Decimal(0)))
            sums[currency] = (count + 1, amounts + amount, all_units + units)
    return sums


def _moved(body: Json) -> tuple[str, Decimal, Decimal] | None:
    amount = next((body[name] for name in _AMOUNTS if isinstance(body.get(name), dict)), None)
    units = next((body[name] for name in _UNITS if isinstance(body.get(name), str)), None)
    try:
        if amount is not None:
            return str(amount["currency"]), Decimal(amount["value"]), Decimal(units or 0)
        return None if units is None else (str(body.get("settlementCurrency", _HOME)), Decimal(0), Decimal(units))
    except (KeyError, InvalidOperation):
        # It breaks the standard, and a check of messages says so.
        return None
