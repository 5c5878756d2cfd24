"""Control totals 控制总数: what records sum up to, currency by currency, and how two such sums differ.

A record counts with the amount that its type moves: the first of ``amount``, ``confirmedAmount``, ``grossAmount``,
``totalAmount`` and ``price`` that it has, and the first of ``units`` and ``confirmedUnits``. One that has units alone
counts in its ``settlementCurrency``, else in CNY, with an amount of nothing; one that has neither does not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from xinqiao.message import Json, message_type

__all__ = ["Totals"]

_AMOUNTS = ("amount", "confirmedAmount", "grossAmount", "totalAmount", "price")
_UNITS = ("units", "confirmedUnits")
_HOME = "CNY"


@dataclass(slots=True)
class _Sum:
    count: int = 0
    amount: Decimal = Decimal(0)
    units: Decimal = Decimal(0)

    def add(self, count: int, amount: str, units: str) -> None:
        self.count += count
        self.amount += Decimal(amount)
        self.units += Decimal(units)


@dataclass(slots=True)
class Totals:
    """Sums by currency."""

    _sums: dict[str, _Sum] = field(default_factory=dict)

    def add(self, message: Json) -> None:
        """Count a canonical message; it is valid, or at least of a known type."""
        body = message.get(message_type(message).body)
        found = _measured(body) if isinstance(body, dict) else None
        if found is not None:
            currency, amount, units = found
            self._sums.setdefault(currency, _Sum()).add(1, amount, units)

    def add_written(self, written: Mapping[str, Sequence[str]]) -> None:
        """Count what ``written`` returned of others."""
        for currency, (count, amount, units) in written.items():
            self._sums.setdefault(currency, _Sum()).add(int(count), amount, units)

    def written(self) -> dict[str, list[str]]:
        """Return the sums as JSON holds them."""
        return {
            currency: [str(each.count), _plain(each.amount), _plain(each.units)]
            for currency, each in self._sums.items()
        }

    def controls(self) -> list[Json]:
        """Return the standard's ``ControlTotal`` of each currency, in order."""
        return [
            {"currency": currency, "recordCount": str(each.count), "amount": _plain(each.amount)}
            | ({"units": _plain(each.units)} if each.units else {})
            for currency, each in sorted(self._sums.items())
        ]

    def differences(self, said: Iterable[Json]) -> list[tuple[str, str, str]]:
        """Return what ``ControlTotal``s say otherwise: currency and field, what they say, what there is."""
        found = []
        controls = {each["currency"]: each for each in said}
        for currency in sorted(controls.keys() | self._sums.keys()):
            own, other = self._sums.get(currency, _Sum()), controls.get(currency)
            if other is None:
                found.append((f"{currency}.recordCount", "0", str(own.count)))
                continue
            pairs = (("recordCount", Decimal(own.count)), ("amount", own.amount), ("units", own.units))
            found += [
                (f"{currency}.{name}", other[name], _plain(value))
                for name, value in pairs
                if name in other and Decimal(other[name]) != value
            ]
        return found


def _measured(body: Json) -> tuple[str, str, str] | None:
    """Return currency, amount and units of a record; None where it has neither."""
    amount = next((body[name] for name in _AMOUNTS if isinstance(body.get(name), dict)), None)
    units = next((body[name] for name in _UNITS if isinstance(body.get(name), str)), None)
    try:
        if amount is not None:
            return str(amount["currency"]), _number(amount["value"]), _number(units or "0")
        return None if units is None else (str(body.get("settlementCurrency", _HOME)), "0", _number(units))
    except (KeyError, ArithmeticError):  # not valid: its own finding says so
        return None


def _number(text: object) -> str:
    Decimal(str(text))
    return str(text)


def _plain(value: Decimal) -> str:
    return format(value, "f")
