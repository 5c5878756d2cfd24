"""A month of prepaid money held in trust: consumers pay and use, the platform reports, the trustee registers.

Each order has one registered interest. Use is registered at the weekly settlement, all else on its day. Nothing is
checked here.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.value.interest import Interest
from tests.value.making import PARTNER, TRUST, ZERO, Post, cny, fen
from xinqiao.message import Json
from xinqiao.testing import example

REGULATOR = "11320508000000001Q"
# Figures of a real platform: records of use, orders, consumers.
FULL = (351_264, 13_648, 2_071)
_FIRST, _DAYS = date(2025, 9, 15), 30
_FREEZE, _RETURN, _YIELD = 16, 22, 28
_UNITS = 40
ACCOUNT = {"number": "1100000000000000017", "name": "示例信托预付资金专户", "currency": "CNY"}
_DOCUMENT = {"algorithm": "SHA256", "value": "ab" * 32}


def _case(merchant: str) -> str:
    return f"YF-{merchant}"


class PrepaidMonth:
    """Play it with ``messages``; ``records`` of use, orders and consumers in the platform's proportion."""

    def __init__(self, records: int, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311 -- a simulation
        self._records = records
        self._orders = max(20, records * FULL[1] // FULL[0])
        self._consumers = max(5, records * FULL[2] // FULL[0])
        self._merchants = [f"M{number:03}" for number in range(5)]
        self._post = Post()
        self._interests: list[Interest] = []
        self._live: list[Interest] = []
        self._used = 0
        self._disputes: list[tuple[str, Interest]] = []
        self._week: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        self._moved: dict[str, Decimal] = defaultdict(Decimal)
        self._account = ZERO
        self._frozen: set[str] = set()
        self._number = 0

    def messages(self) -> list[Json]:
        self._file(_FIRST - timedelta(days=1))
        for index in range(_DAYS):
            day = _FIRST + timedelta(days=index)
            self._sell(index, day)
            self._use(index, day)
            self._events(index, day)
            if index % 7 == 6 or index == _DAYS - 1:
                self._settle(day)
            self._move_money(day)
        self._state_balances(_FIRST + timedelta(days=_DAYS - 1))
        return self._post.messages

    def _events(self, index: int, day: date) -> None:
        if index % 5 == 4:
            self._refund(day)
        if index == _FREEZE:
            self._freeze(day, self._merchants[0], "F1")
            self._freeze(day, self._merchants[1], "F2")
        if index == _RETURN:
            self._return_directly(day, self._merchants[0])
            self._release(day, self._merchants[1])
        if index == _YIELD:
            self._pay_yield(day)

    def _say(self, sender: str, day: date, body: str, content: Json, interest: Interest | None = None) -> None:
        self._post.add(sender, day, body, content, _case(interest.merchant) if interest else None)

    def _next(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number:08}"

    # --- the platform -----------------------------------------------------------------------------------------

    def _file(self, day: date) -> None:
        """Every merchant is filed, and the trustee says how much of its money is supervised."""
        for number, merchant in enumerate(self._merchants):
            filing = example("merchantFiling")["merchantFiling"] | {"filingNo": f"FL{number}", "merchantNo": merchant}
            self._post.add(PARTNER, day, "merchantFiling", filing, _case(merchant))
        for merchant in self._merchants:
            ratio = example("supervisedRatio")["supervisedRatio"] | {"merchantNo": merchant}
            self._post.add(TRUST, day, "supervisedRatio", ratio, _case(merchant))

    def _sell(self, index: int, day: date) -> None:
        # Half of the orders on the first day, or there would be little to use; the rest by the twentieth.
        half = self._orders // 2
        rest = self._orders - half
        share = half if index == 0 else rest * index // 20 - rest * (index - 1) // 20
        for _ in range(share if index <= 20 else 0):
            number = len(self._interests)
            price = Decimal(self._random.randrange(600, 2000)) / 10
            consumer = f"U{self._random.randrange(self._consumers):08}"
            merchants = [each for each in self._merchants if each not in self._frozen]
            merchant = merchants[number % len(merchants)]
            self._buy(day, Interest(number, merchant, consumer, price, sums=defaultdict(Decimal)))

    def _buy(self, day: date, interest: Interest) -> None:
        self._interests.append(interest)
        self._live.append(interest)
        payable = interest.price * _UNITS
        who = {"orderReference": interest.reference, "merchantNo": interest.merchant, "consumerNo": interest.consumer}
        line: Json = {"lineNo": 1, "itemNo": "C1", "name": "课程", "quantity": "1", "units": str(_UNITS)}
        line |= {"unitPrice": cny(payable), "amount": cny(payable)}
        at = f"{day.isoformat()}T09:00:00+08:00"
        self._say(
            PARTNER, day, "prepaidOrder", who | {"lines": [line], "payable": cny(payable), "orderedAt": at}, interest
        )
        supervised = fen(payable * Decimal("0.8"))
        payment = who | {
            "paymentNo": self._next("PP"),
            "channel": "WECHAT_PAY",
            "amount": cny(payable),
            "paidAt": at,
            "supervisedPercentage": "80",
            "supervisedAmount": cny(supervised),
            "releasedAmount": cny(payable - supervised),
        }
        self._say(PARTNER, day, "prepaidPayment", payment, interest)
        self._moved["CREDIT"] += supervised
        interest.topped_up += supervised
        self._register(day, interest, "PURCHASE", supervised, _UNITS)

    def _use(self, index: int, day: date) -> None:
        wanted = self._records * (index + 1) // _DAYS
        while self._used < wanted and self._live:
            place = self._random.randrange(len(self._live))
            interest = self._live[place]
            if interest.frozen or interest.closed or interest.units - interest.unregistered <= 0:
                self._live[place] = self._live[-1]
                self._live.pop()
                continue
            self._consume(day, interest)

    def _consume(self, day: date, interest: Interest) -> None:
        self._used += 1
        number = f"CS{self._used:08}"
        left = interest.units - interest.unregistered
        before = interest.balance - interest.supervised_price * interest.unregistered
        content = {
            "consumptionNo": number,
            "merchantNo": interest.merchant,
            "consumerNo": interest.consumer,
            "orderReference": interest.reference,
            "interestNo": interest.interest_no,
            "consumedAt": f"{day.isoformat()}T10:00:00+08:00",
            "units": "1",
            "amount": cny(interest.supervised_price),
            "unitsBefore": str(left),
            "unitsAfter": str(left - 1),
            "balanceBefore": cny(before),
            "balanceAfter": cny(before - interest.supervised_price),
            "evidence": "CONSUMER_CODE",
        }
        self._say(PARTNER, day, "consumption", content, interest)
        interest.unregistered += 1
        if self._random.random() < 0.01:
            self._dispute(day, number, interest, "DISPUTED")
            self._disputes.append((number, interest))

    def _dispute(self, day: date, number: str, interest: Interest, outcome: str) -> None:
        content: Json = {
            "consumptionNo": number,
            "merchantNo": interest.merchant,
            "consumerNo": interest.consumer,
            "outcome": outcome,
            "decidedAt": f"{day.isoformat()}T18:00:00+08:00",
            "units": "1",
            "amount": cny(interest.supervised_price),
        }
        if outcome == "DISPUTED":
            content["reasons"] = [{"code": "OTHER", "text": "未到店"}]
        self._say(PARTNER, day, "consumptionConfirmation", content, interest)

    def _decide_disputes(self, day: date) -> None:
        for number, interest in self._disputes:
            is_upheld = self._random.random() < 0.5 and not (interest.closed or interest.frozen)
            self._dispute(day, number, interest, "DISPUTE_UPHELD" if is_upheld else "DISPUTE_DISMISSED")
            interest.undone += is_upheld
        self._disputes = []

    def _refund(self, day: date) -> None:
        open_ones = [
            each for each in self._interests if each.units > each.unregistered and not (each.closed or each.frozen)
        ]
        disputed = {id(interest) for _, interest in self._disputes}
        for interest in open_ones[:: max(1, len(open_ones) * 100 // max(1, self._orders))][
            : max(1, self._orders // 150)
        ]:
            if id(interest) not in disputed:
                self._end_early(day, interest)

    def _end_early(self, day: date, interest: Interest) -> None:
        self._register_use(day, interest)
        paid, left = interest.price * _UNITS, interest.units
        amount = interest.price * left
        content = {
            "refundNo": self._next("RF"),
            "orderReference": interest.reference,
            "merchantNo": interest.merchant,
            "consumerNo": interest.consumer,
            "interestNo": interest.interest_no,
            "kind": "EARLY_END",
            "asker": "CONSUMER",
            "paidAmount": cny(paid),
            "consumedAmount": cny(paid - amount),
            "amount": cny(amount),
            "fromTrust": cny(interest.balance),
            "fromMerchant": cny(amount - interest.balance),
            "unitsReturned": str(left),
            "backToSource": True,
            "requestedAt": f"{day.isoformat()}T15:00:00+08:00",
        }
        self._say(PARTNER, day, "refund", content, interest)
        self._moved["DEBIT"] += interest.balance
        interest.closed = True
        self._register(day, interest, "REFUNDED", -interest.balance, -left)

    # --- the regulator ----------------------------------------------------------------------------------------

    def _direct(self, day: date, merchant: str, number: str, action: str, **said: str) -> None:
        content = {
            "directiveNo": number,
            "authorityName": "示例市教育体育局",
            "action": action,
            "scope": "WHOLE_ACCOUNT",
            "merchant": {"merchantNo": merchant, "name": "示例教育"},
            "document": {"name": f"{number}.pdf", "mediaType": "application/pdf", "digest": _DOCUMENT, "size": "1000"},
            "startsAt": f"{day.isoformat()}T16:00:00+08:00",
            **said,
        }
        self._post.add(REGULATOR, day, "regulatorDirective", content)

    def _freeze(self, day: date, merchant: str, number: str) -> None:
        for interest in self._of(merchant):
            self._register_use(day, interest)
        self._direct(day, merchant, number, "FREEZE")
        self._frozen.add(merchant)
        for interest in self._of(merchant):
            interest.frozen = True
            self._register(day, interest, "FROZEN_OR_RELEASED", ZERO, 0)

    def _release(self, day: date, merchant: str) -> None:
        self._direct(day, merchant, "R2", "RELEASE", revokes="F2")
        self._frozen.discard(merchant)
        for interest in self._of(merchant):
            interest.frozen = False
            self._live.append(interest)
            self._register(day, interest, "FROZEN_OR_RELEASED", ZERO, 0)

    def _of(self, merchant: str) -> Iterator[Interest]:
        return (each for each in self._interests if each.merchant == merchant and not each.closed)

    def _return_directly(self, day: date, merchant: str) -> None:
        held = [each for each in self._of(merchant) if each.balance]
        items = [
            {
                "lineNo": line,
                "name": "消费者",
                "consumerNo": each.consumer,
                "interestNo": each.interest_no,
                "orderReference": each.reference,
                "balance": cny(each.balance),
                "amount": cny(fen(each.balance * Decimal("0.9"))),
            }
            for line, each in enumerate(held, 1)
        ]
        total = sum((fen(each.balance * Decimal("0.9")) for each in held), ZERO)
        content = {
            "listNo": "DR1",
            "directiveNo": "F1",
            "authorityName": "示例市教育体育局",
            "merchantName": "示例教育",
            "merchantNo": merchant,
            "items": items,
            "itemCount": str(len(items)),
            "totalAmount": cny(total),
            "payDueOn": day.isoformat(),
        }
        self._post.add(REGULATOR, day, "directReturnList", content)
        self._moved["DEBIT"] += total
        for each in held:
            self._register(day, each, "RETURNED_DIRECTLY", -fen(each.balance * Decimal("0.9")), 0)

    # --- the trustee ------------------------------------------------------------------------------------------

    def _register(self, day: date, interest: Interest, event: str, change: Decimal, units: int) -> None:
        after = interest.balance + change
        content = {
            "interestNo": interest.interest_no,
            "merchantNo": interest.merchant,
            "consumerNo": interest.consumer,
            "orderReference": interest.reference,
            "event": event,
            "balanceBefore": cny(interest.balance),
            "change": cny(change),
            "balanceAfter": cny(after),
            "frozenAmount": cny(after if interest.frozen else ZERO),
            "unitsBefore": str(interest.units),
            "unitsChange": str(units),
            "unitsAfter": str(interest.units + units),
            "registeredAt": f"{day.isoformat()}T20:00:00+08:00",
        }
        self._say(TRUST, day, "interestRegistered", content, interest)
        interest.balance, interest.units = after, interest.units + units
        if interest.sums is not None:
            interest.sums[event] += change
        self._week[interest.merchant][event] += change

    def _register_use(self, day: date, interest: Interest) -> None:
        if interest.unregistered:
            number, interest.unregistered = interest.unregistered, 0
            self._register(day, interest, "CONSUMPTION_USE", -interest.supervised_price * number, -number)

    def _settle(self, day: date) -> None:
        self._decide_disputes(day)
        for interest in self._interests:
            self._register_use(day, interest)
            if interest.undone:
                number, interest.undone = interest.undone, 0
                self._register(day, interest, "ADJUSTMENT", interest.supervised_price * number, number)
                self._live.append(interest)
        for merchant in self._merchants:
            sums = self._week.pop(merchant, {})
            used, undone = -sums.get("CONSUMPTION_USE", ZERO), sums.get("ADJUSTMENT", ZERO)
            content = {
                "settlementNo": self._next("ST"),
                "merchantNo": merchant,
                "consumedAmount": cny(used),
                "adjustment": cny(-undone),
                "settledAmount": cny(used - undone),
                "account": ACCOUNT,
                "settledOn": day.isoformat(),
            }
            self._say(TRUST, day, "settlement", content)
            self._moved["DEBIT"] += used - undone

    def _pay_yield(self, day: date) -> None:
        for interest in self._interests:
            if earned := fen(interest.balance * Decimal("0.0005")):
                self._moved["CREDIT"] += earned
                self._register(day, interest, "YIELD", earned, 0)

    def _state_balances(self, day: date) -> None:
        for each in self._interests:
            sums = each.sums or {}
            content = {
                "merchantNo": each.merchant,
                "consumerNo": each.consumer,
                "interestNo": each.interest_no,
                "asOf": day.isoformat(),
                "toppedUpAmount": cny(each.topped_up),
                "yieldAmount": cny(sums.get("YIELD", ZERO)),
                "consumedAmount": cny(-sums.get("CONSUMPTION_USE", ZERO)),
                "refundedAmount": cny(-sums.get("REFUNDED", ZERO)),
                "returnedAmount": cny(-sums.get("RETURNED_DIRECTLY", ZERO)),
                "adjustment": cny(sums.get("ADJUSTMENT", ZERO)),
                "balance": cny(each.balance),
                "frozenAmount": cny(each.balance if each.frozen else ZERO),
                "units": str(each.units),
            }
            self._say(TRUST, day, "prepaidBalance", content, each)

    # --- the bank ---------------------------------------------------------------------------------------------

    def _move_money(self, day: date) -> None:
        for direction in ("CREDIT", "DEBIT"):
            amount = self._moved.pop(direction, ZERO)
            if amount:
                self._account += amount if direction == "CREDIT" else -amount
                entry = {
                    "bankReference": self._next("BR"),
                    "account": ACCOUNT,
                    "direction": direction,
                    "amount": cny(amount),
                    "balance": cny(self._account),
                    "valueDate": day.isoformat(),
                }
                self._say(PARTNER, day, "accountEntry", entry)
