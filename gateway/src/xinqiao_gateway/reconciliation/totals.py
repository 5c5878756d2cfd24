"""Control totals: number, amount and units of items, currency by currency, on each side."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from xinqiao.message import Json
from xinqiao_gateway.reconciliation.lines import Line, amount_of, units_of

__all__ = ["Totals"]


@dataclass(slots=True)
class _Sum:
    number: int = 0
    amount: Decimal = Decimal(0)
    units: Decimal = Decimal(0)


@dataclass
class Totals:
    """Sums by currency; items without an amount are summed under ``""``. Two are equal where all sums are."""

    _sums: dict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))

    def add(self, line: Line) -> None:
        """Count a line."""
        found = self._sums[line.item["amount"]["currency"] if "amount" in line.item else ""]
        found.number += 1
        found.amount += amount_of(line.item)
        found.units += units_of(line.item)

    def __add__(self, other: "Totals") -> "Totals":
        total = Totals()
        for each in (self._sums, other._sums):
            for currency, found in each.items():
                own = total._sums[currency]
                own.number += found.number
                own.amount += found.amount
                own.units += found.units
        return total

    @property
    def number(self) -> int:
        """How many lines there are in all."""
        return sum(each.number for each in self._sums.values())

    def as_json(self) -> list[Json]:
        """Return the totals as a ``statementTotal`` for each currency."""
        return [_total(currency, self._sums) for currency in sorted(self._sums) if currency]


def _total(currency: str, sums: Mapping[str, _Sum]) -> Json:
    found = sums[currency]
    total = {"currency": currency, "itemCount": str(found.number), "amount": f"{found.amount:f}"}
    return total | ({"units": f"{found.units:f}"} if found.units else {})
