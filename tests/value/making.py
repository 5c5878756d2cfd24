"""What the two simulations share: messages with ids of their own, money, rounding as the standard names it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import cache

from xinqiao.message import Json, derived_message_id
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.calendars import Calendars

# The trust company (registrar, trustee) and its partner (distributor and custodian, or prepaid platform).
TRUST, PARTNER = "913100001000100012", "91110000100000000R"
ZERO = Decimal(0)
FEN = Decimal("0.01")
MODES = {"HALF_UP": ROUND_HALF_UP, "TRUNCATE": ROUND_DOWN, "ROUND_UP": ROUND_UP, "HALF_EVEN": ROUND_HALF_EVEN}
_TRADING_DAYS = 22


def rounded(value: Decimal, digits: int, mode: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), MODES[mode])


def cny(value: Decimal) -> Json:
    return {"value": f"{value.quantize(FEN):f}", "currency": "CNY"}


def fen(value: Decimal) -> Decimal:
    """Cut to the fen."""
    return value.quantize(FEN, ROUND_DOWN)


def value(money: Json | None) -> Decimal:
    return Decimal(money["value"]) if money else ZERO


@cache
def trading_days() -> tuple[date, ...]:
    """Return the 22 trading days from 15 September 2025: with a holiday of eight days, and a Sunday and a Saturday
    on which banks are open and exchanges closed (调休)."""
    return tuple(_days(Calendars()["exchange"].is_open))


@cache
def bank_days() -> tuple[date, ...]:
    """Return the bank days in the same span."""
    opens = Calendars()["bank"].is_open
    first, last = trading_days()[0], trading_days()[-1]
    return tuple(day for day in _dates(first) if day <= last and opens(day))[:40]


def _dates(day: date) -> Iterator[date]:
    for each in range(60):
        yield date.fromordinal(day.toordinal() + each)


def _days(opens: Callable[[date], bool]) -> Iterator[date]:
    found = [day for day in _dates(date(2025, 9, 15)) if opens(day)]
    yield from found[:_TRADING_DAYS]


@dataclass
class Post:
    """Messages in the order in which they were made."""

    messages: list[Json] = field(default_factory=list)

    def add(self, sender: str, day: date, body: str, content: Json, case_id: str | None = None) -> None:
        number = len(self.messages)
        at = f"{day.isoformat()}T02:00:00.{number % 1_000_000:06}Z"
        header = {
            "messageId": derived_message_id(at, f"{body} {number}"),
            "standardVersion": STANDARD_VERSION,
            "sender": sender,
            "receiver": PARTNER if sender == TRUST else TRUST,
            "businessDate": day.isoformat(),
            "createdAt": at,
        }
        self.messages.append({"header": header | ({"caseId": case_id} if case_id else {}), body: content})
