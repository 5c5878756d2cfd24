"""A payment provider that takes no money, for test channels: what becomes of a payment is chosen on its page.

It keeps what it was asked for in memory, the latest 10,000, and forgets it at the end of the process.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Literal

import orjson

from xinqiao.errors import MalformedJson, NotFound, SealInvalid
from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.payment.port import Order, Result, Started, Told

__all__ = ["SIGNATURE", "Act", "Simulated", "Simulator"]

SIGNATURE = "X-Simulator-Signature"
Act = Literal["pay", "fail", "lose", "close"]

_CHINA = timezone(timedelta(hours=8))
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Simulated:
    """A payment as the simulator has it."""

    order: Order
    state: Literal["pending", "paid", "failed"] = "pending"
    paid_at: str = ""
    serial: str = ""

    @property
    def result(self) -> Result:
        """What is said of it."""
        if self.state != "paid":
            return Result(self.state)
        details = {"paidAt": self.paid_at, "channel": "QUICK_PAYMENT", "channelSerial": self.serial}
        return Result("paid", self.order.amount, details)


class Simulator:
    """Takes no money; ``act`` is what its page does."""

    test_only = True

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._payments: OrderedDict[str, Simulated] = OrderedDict()

    async def start(self, order: Order) -> Started:
        """Take a payment, or one that failed anew."""
        known = self._payments.get(order.payment_no)
        if known is None or known.state == "failed":
            self._payments[order.payment_no] = Simulated(order)
        while len(self._payments) > _MOST:
            self._payments.popitem(last=False)
        return Started(f"/h5/payments/simulator/{order.payment_no}/{self._token(order.payment_no)}")

    async def query(self, payment_no: str) -> Result:
        """Return what was chosen on its page."""
        known = self._payments.get(payment_no)
        return known.result if known else Result("unknown")

    def verified(self, headers: Mapping[str, str], content: bytes) -> Told:
        """Read a callback that this simulator made."""
        said = headers.get(SIGNATURE, "")
        if not hmac.compare_digest(said.encode(), self._signed(content).encode()):
            raise SealInvalid(f"{SIGNATURE} does not fit the content")
        try:
            told = orjson.loads(content)
            return Told(told["paymentNo"], Result(told["state"], told.get("amount"), told.get("details", {})))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise MalformedJson("a callback is JSON with paymentNo and state") from error

    def opened(self, payment_no: str, token: str) -> Simulated:
        """Return a payment for the simulator's page. Raises ``NotFound`` for an address that nobody was given."""
        known = self._payments.get(payment_no)
        if known is None or not hmac.compare_digest(token.encode(), self._token(payment_no).encode()):
            raise NotFound("nothing is at this address")
        return known

    def act(self, payment_no: str, act: Act, now: float) -> Simulated:
        """Do what was chosen; money that was taken stays taken."""
        known = self._payments[payment_no]
        if known.state == "paid" or act == "close":
            return known
        if act == "fail":
            done = replace(known, state="failed")
        else:
            at = datetime.fromtimestamp(now, _CHINA).isoformat(timespec="seconds")
            done = replace(known, state="paid", paid_at=at, serial=f"SIM{secrets.randbelow(10**16):016d}")
        self._payments[payment_no] = done
        return done

    def callback(self, payment: Simulated, amount: Json | None = None) -> tuple[dict[str, str], bytes]:
        """Return the headers and the content by which a result is told; ``amount`` is another than was paid."""
        result = payment.result
        said = {
            "paymentNo": payment.order.payment_no,
            "state": result.state,
            "amount": amount or result.amount,
            "details": result.details,
        }
        content = orjson.dumps(said)
        return {SIGNATURE: self._signed(content)}, content

    def _signed(self, content: bytes) -> str:
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

    def _token(self, payment_no: str) -> str:
        return self._signed(f"page {payment_no}".encode())[:32]
