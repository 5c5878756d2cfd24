"""The products of the month of trading: both fee methods, all ways of rounding, a performance fee, one at launch."""

from dataclasses import dataclass
from decimal import Decimal

from tests.value.making import ZERO, rounded
from xinqiao.message import Json


@dataclass(frozen=True)
class Product:
    """A product's terms: rates in per cent, ``method`` 内扣 within or 外扣 on top."""

    code: str
    method: str
    rate: Decimal
    amount_mode: str
    units_mode: str
    units_digits: int
    performance: Decimal = ZERO

    @property
    def calculation(self) -> Json:
        return {
            "feeMethod": self.method,
            "amountRounding": self.amount_mode,
            "amountDigits": 2,
            "unitsRounding": self.units_mode,
            "unitsDigits": self.units_digits,
        }

    def fee(self, amount: Decimal) -> Decimal:
        if self.method == "FEE_WITHIN":
            return rounded(amount * self.rate / 100, 2, self.amount_mode)
        return amount - rounded(amount * 100 / (100 + self.rate), 2, self.amount_mode)

    def units(self, net: Decimal, nav: Decimal) -> Decimal:
        return rounded(net / nav, self.units_digits, self.units_mode)


PRODUCTS = (
    Product("XT001", "FEE_WITHIN", Decimal("1.20"), "HALF_UP", "HALF_UP", 2),
    Product("XT002", "FEE_ON_TOP", Decimal("0.80"), "HALF_UP", "TRUNCATE", 2, Decimal("0.20")),
    Product("XT003", "FEE_WITHIN", Decimal("0.00"), "HALF_EVEN", "HALF_EVEN", 4),
)
LAUNCHED = Product("XT004", "FEE_WITHIN", Decimal("0.50"), "TRUNCATE", "ROUND_UP", 2)
