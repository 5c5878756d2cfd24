"""What the trustee and the platform know of one prepaid order: the interest registered for its consumer."""

from dataclasses import dataclass
from decimal import Decimal

from tests.value.making import ZERO


@dataclass
class Interest:
    number: int
    merchant: str
    consumer: str
    price: Decimal
    units: int = 0
    balance: Decimal = ZERO
    unregistered: int = 0
    undone: int = 0
    frozen: bool = False
    closed: bool = False
    topped_up: Decimal = ZERO
    sums: dict[str, Decimal] | None = None

    @property
    def reference(self) -> str:
        return f"PO{self.number:08}"

    @property
    def interest_no(self) -> str:
        return f"BI{self.number:08}"

    @property
    def supervised_price(self) -> Decimal:
        return self.price * Decimal("0.8")
