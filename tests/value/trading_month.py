"""A month of trading: a distributor's customers order, the registrar confirms, the custodian moves the money.

Honest and small: every figure that a party says is computed by that party from what it knows. Nothing is checked here.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from tests.value.making import PARTNER, TRUST, ZERO, Post, cny, fen, rounded, trading_days, value
from tests.value.products import LAUNCHED, PRODUCTS, Product
from xinqiao.message import Json

_ONE = Decimal(1)
ACCOUNT = {"number": "1100000000000000009", "name": "示例信托募集户", "currency": "CNY"}


_LAUNCH_ENDS, _LARGE_REDEMPTION, _DIVIDEND = 4, 9, 14


@dataclass
class _Order:
    reference: str
    account: str
    product: Product
    kind: str
    ordered: Decimal
    target: Product | None = None
    done: Decimal = ZERO
    rounds: int = 0


class TradingMonth:
    """Play it with ``messages``: all of them, in order. ``orders`` are made on each day, by as many customers."""

    def __init__(self, orders: int, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311 -- a simulation
        self._orders = orders
        self._post = Post()
        self._holdings: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._reserved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._open: list[_Order] = []
        self._launch: list[_Order] = []
        self._navs = {each.code: Decimal("1.0000") for each in (*PRODUCTS, LAUNCHED)}
        self._number = 0
        self._moved: dict[str, Decimal] = defaultdict(Decimal)
        self._balance = ZERO

    def messages(self) -> list[Json]:
        days = trading_days()
        for index, day in enumerate(days):
            waiting, self._open = self._open, []
            navs = dict(self._navs)
            for order in waiting:
                self._confirm(order, day, navs, large=index == _LARGE_REDEMPTION)
            self._events(index, day)
            self._take_orders(index, day)
            self._move_money(day)
            self._strike(day)
        self._state_positions(days[-1])
        return self._post.messages

    def _events(self, index: int, day: date) -> None:
        if index == _LAUNCH_ENDS + 1:
            self._set_up(day)
        if index == _DIVIDEND:
            self._pay_dividend(day)

    def _reference(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number:08}"

    def _say(self, sender: str, day: date, body: str, content: Json, case_id: str | None = None) -> None:
        self._post.add(sender, day, body, content, case_id)

    # --- the distributor --------------------------------------------------------------------------------------

    def _take_orders(self, index: int, day: date) -> None:
        for _ in range(self._orders):
            account = f"86{self._random.randrange(self._orders):08}"
            product = self._random.choice(PRODUCTS)
            free = self._holdings[account, product.code] - self._reserved[account, product.code]
            kind = self._random.choice(["subscribe", "subscribe", "redeem", "switch", "cancel"])
            if kind in {"redeem", "switch"} and free > 100:
                self._sell(day, account, product, kind, free)
            else:
                self._buy(day, account, product, is_cancelled=kind == "cancel")
        if index <= _LAUNCH_ENDS:
            self._buy(day, f"86{index:08}", LAUNCHED)

    def _buy(self, day: date, account: str, product: Product, *, is_cancelled: bool = False) -> None:
        amount = Decimal(self._random.randrange(100_000, 100_000_000)) / 100
        order = _Order(self._reference("SO"), account, product, "subscribe", amount)
        content = _order(order, day) | {"launch": product is LAUNCHED, "grossAmount": cny(amount)}
        self._say(PARTNER, day, "subscriptionOrder", content, order.reference)
        self._moved["CREDIT"] += amount
        if is_cancelled:
            self._cancel(day, order)
        elif product is LAUNCHED:
            self._launch.append(order)
        else:
            self._open.append(order)

    def _sell(self, day: date, account: str, product: Product, kind: str, free: Decimal) -> None:
        units = rounded(
            free * self._random.choice([Decimal("0.3"), Decimal("0.5"), _ONE]), product.units_digits, "TRUNCATE"
        )
        self._reserved[account, product.code] += units
        order = _Order(self._reference("RO"), account, product, kind, units)
        content = _order(order, day) | {"units": f"{units:f}", "largeRedemption": "DEFER_REMAINDER"}
        if kind == "switch":
            order.target = next(each for each in PRODUCTS if each is not product)
            content["targetInstrument"] = {"code": order.target.code}
        body = "switchOrder" if kind == "switch" else "redemptionOrder"
        self._say(PARTNER, day, body, content, order.reference)
        self._open.append(order)

    def _cancel(self, day: date, order: _Order) -> None:
        reference = self._reference("CX")
        content = _order(order, day) | {
            "orderReference": reference,
            "amount": cny(order.ordered),
            "businessCode": "022",
        }
        content["original"] = {"orderReference": order.reference}
        self._say(PARTNER, day, "cancelOrder", content, order.reference)
        confirmed = self._confirmation(order, day, "152") | {"clientReference": reference}
        confirmed |= {"original": {"orderReference": order.reference}, "refundAmount": cny(order.ordered)}
        self._say(TRUST, day, "orderConfirmation", confirmed, order.reference)
        self._moved["DEBIT"] += order.ordered

    # --- the registrar ----------------------------------------------------------------------------------------

    def _confirmation(self, order: _Order, day: date, code: str) -> Json:
        return {
            "orderReference": order.reference,
            "taSerial": self._reference("TA"),
            "businessCode": code,
            "returnCode": "0000",
            "finished": True,
            "account": {"number": order.account},
            "instrument": {"code": order.product.code},
            "confirmedOn": day.isoformat(),
        }

    def _confirm(self, order: _Order, day: date, navs: dict[str, Decimal], *, large: bool) -> None:
        order.rounds += 1
        if order.kind == "subscribe":
            self._confirm_subscription(order, day, navs[order.product.code])
        elif order.kind == "redeem":
            self._confirm_redemption(order, day, navs[order.product.code], large=large)
        else:
            self._confirm_switch(order, day, navs)

    def _confirm_subscription(self, order: _Order, day: date, nav: Decimal) -> None:
        left = order.ordered - order.done
        fate = self._random.choice(["whole", "whole", "whole", "allotted", "rejected", "later"])
        said = self._confirmation(order, day, "122") | {"orderedAmount": cny(order.ordered)}
        if order.done:
            said["earlierAmount"] = cny(order.done)
        if fate == "rejected" and order.rounds == 1:
            said |= {"returnCode": "9999", "returnText": "不符合条件", "rejectedAmount": cny(left)}
            self._moved["DEBIT"] += left
            self._say(TRUST, day, "orderConfirmation", said, order.reference)
            return
        part = fen(left * Decimal("0.6")) if fate in {"allotted", "later"} else left
        if fate == "allotted":
            said |= {"refundAmount": cny(left - part), "allotmentRatio": "60.00000"}
            self._moved["DEBIT"] += left - part
        elif fate == "later":
            said |= {"pendingAmount": cny(left - part), "finished": False}
            self._open.append(order)
        self._book_subscription(order, said, part, nav)
        self._say(TRUST, day, "orderConfirmation", said, order.reference)

    def _book_subscription(self, order: _Order, said: Json, part: Decimal, nav: Decimal) -> None:
        fee = order.product.fee(part)
        units = order.product.units(part - fee, nav)
        order.done += part
        self._holdings[order.account, order.product.code] += units
        name = "LAUNCH_SUBSCRIPTION" if order.product is LAUNCHED else "SUBSCRIPTION"
        said |= {
            "confirmedAmount": cny(part),
            "amountAtNav": cny(part - fee),
            "confirmedUnits": f"{units:f}",
            "unitNav": f"{nav}",
            "fees": [{"fee": name, "amount": cny(fee), "appliedRate": f"{order.product.rate}"}],
            "totalFee": cny(fee),
            "calculation": order.product.calculation,
        }

    def _confirm_redemption(self, order: _Order, day: date, nav: Decimal, *, large: bool) -> None:
        product, left = order.product, order.ordered - order.done
        part = rounded(left * Decimal("0.4"), product.units_digits, "TRUNCATE") if large else left
        said = self._confirmation(order, day, "124") | {"orderedUnits": f"{order.ordered:f}"}
        if order.done:
            said["earlierUnits"] = f"{order.done:f}"
        if part < left:
            said |= {"deferredUnits": f"{left - part:f}", "finished": False, "largeRedemption": "DEFER_REMAINDER"}
            self._open.append(order)
        order.done += part
        said |= self._proceeds(product, part, nav)
        self._take(order.account, product, part)
        self._moved["DEBIT"] += value(said["confirmedAmount"])
        self._say(TRUST, day, "orderConfirmation", said, order.reference)

    def _proceeds(self, product: Product, units: Decimal, nav: Decimal) -> Json:
        gross = rounded(units * nav, 2, product.amount_mode)
        fee = rounded(gross * Decimal("0.005"), 2, product.amount_mode)
        gain = max(nav - _ONE, ZERO) * units
        performance = rounded(gain * product.performance, 2, "TRUNCATE")
        said: Json = {
            "confirmedUnits": f"{units:f}",
            "unitNav": f"{nav}",
            "amountAtNav": cny(gross),
            "confirmedAmount": cny(gross - fee - performance),
            "fees": [{"fee": "REDEMPTION", "amount": cny(fee)}],
            "totalFee": cny(fee),
            "calculation": product.calculation,
        }
        return said | ({"performanceFee": cny(performance)} if performance else {})

    def _take(self, account: str, product: Product, units: Decimal) -> None:
        self._holdings[account, product.code] -= units
        self._reserved[account, product.code] -= units

    def _confirm_switch(self, order: _Order, day: date, navs: dict[str, Decimal]) -> None:
        if order.target is None:
            raise ValueError("a switch has a target")
        nav, other = navs[order.product.code], navs[order.target.code]
        amount = rounded(order.ordered * nav, 2, order.product.amount_mode)
        units = order.target.units(amount, other)
        said = self._confirmation(order, day, "136") | {
            "orderedUnits": f"{order.ordered:f}",
            "confirmedUnits": f"{order.ordered:f}",
            "unitNav": f"{nav}",
            "confirmedAmount": cny(amount),
            "calculation": order.target.calculation,
            "switchResult": {
                "instrument": {"code": order.target.code},
                "unitNav": f"{other}",
                "amount": cny(amount),
                "units": f"{units:f}",
            },
        }
        self._take(order.account, order.product, order.ordered)
        self._holdings[order.account, order.target.code] += units
        self._say(TRUST, day, "orderConfirmation", said, order.reference)

    def _set_up(self, day: date) -> None:
        """The launch ends: every order is confirmed at 1.0000, interest of the days between becomes units."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for order in self._launch:
            part, interest = fen(order.ordered * Decimal("0.8")), fen(order.ordered * Decimal("0.0003"))
            said = self._confirmation(order, day, "130") | {"orderedAmount": cny(order.ordered)}
            said["refundAmount"] = cny(order.ordered - part)
            self._book_subscription(order, said, part, _ONE.quantize(Decimal("0.0001")))
            said["launchInterest"] = {"accrued": cny(interest), "converted": cny(interest), "units": f"{interest:f}"}
            said["totalUnits"] = f"{Decimal(said['confirmedUnits']) + interest:f}"
            self._holdings[order.account, LAUNCHED.code] += interest
            self._moved["DEBIT"] += order.ordered - part
            for name, number in (("applied", order.ordered), ("confirmed", part), ("interest", interest)):
                sums[name] += number
            sums["units"] += Decimal(said["confirmedUnits"])
            self._say(TRUST, day, "orderConfirmation", said, order.reference)
        self._moved["CREDIT"] += sums["interest"]
        self._say(TRUST, day, "launchResult", _launch_result(sums, day))

    def _pay_dividend(self, day: date) -> None:
        product, nav = PRODUCTS[0], self._navs[PRODUCTS[0].code]
        for (account, code), units in sorted(self._holdings.items()):
            if code != product.code or not units:
                continue
            amount = rounded(units * Decimal("0.0100"), 2, "HALF_UP")
            said: Json = {
                "taSerial": self._reference("TA"),
                "businessCode": "143",
                "returnCode": "0000",
                "account": {"number": account},
                "instrument": {"code": code},
                "confirmedOn": day.isoformat(),
                "paymentDate": day.isoformat(),
                "baseUnits": f"{units:f}",
                "dividendPerUnit": "0.0100",
                "rounding": "HALF_UP",
                "dividendAmount": cny(amount),
            }
            if self._random.random() < 0.5:
                said |= {"method": "CASH_DIVIDEND", "confirmedAmount": cny(amount)}
                self._moved["DEBIT"] += amount
            else:
                more = product.units(amount, nav)
                said |= {"method": "REINVEST_DIVIDEND", "reinvestedAmount": cny(amount), "reinvestedUnits": f"{more:f}"}
                said |= {"unitNav": f"{nav}", "unitsRounding": product.units_mode, "unitsDigits": product.units_digits}
                self._holdings[account, code] += more
            self._say(TRUST, day, "dividendConfirmation", said)

    def _strike(self, day: date) -> None:
        for code, nav in self._navs.items():
            units = sum((held for (_, each), held in self._holdings.items() if each == code), ZERO)
            report = {
                "instrument": {"code": code},
                "navDate": day.isoformat(),
                "unitNav": f"{nav}",
                "units": f"{units:f}",
                "netAssets": cny(units * nav),
                "state": "CUSTODIAN_CHECKED",
            }
            self._say(TRUST, day, "navReport", report)
            drift = Decimal(self._random.randrange(-40, 60)) / 10_000
            self._navs[code] = (nav + drift).quantize(Decimal("0.0001"))

    def _state_positions(self, day: date) -> None:
        accounts = sorted({account for account, _ in self._holdings})
        for account in accounts:
            held = [(code, units) for (each, code), units in sorted(self._holdings.items()) if each == account]
            positions = [{"instrument": {"code": code}, "quantity": f"{units:f}"} for code, units in held]
            statement = {"accountNo": account, "asOf": day.isoformat(), "positions": positions}
            self._say(TRUST, day, "positionStatement", statement)

    # --- the custodian ----------------------------------------------------------------------------------------

    def _move_money(self, day: date) -> None:
        for direction in ("CREDIT", "DEBIT"):
            amount = self._moved.pop(direction, ZERO)
            if not amount:
                continue
            self._balance += amount if direction == "CREDIT" else -amount
            entry = {
                "bankReference": self._reference("BR"),
                "account": ACCOUNT,
                "direction": direction,
                "amount": cny(amount),
                "balance": cny(self._balance),
                "valueDate": day.isoformat(),
            }
            self._say(PARTNER, day, "accountEntry", entry)


def _order(order: _Order, day: date) -> Json:
    return {
        "orderReference": order.reference,
        "account": {"number": order.account},
        "instrument": {"code": order.product.code},
        "orderedAt": f"{day.isoformat()}T10:00:00+08:00",
        "tradeDate": day.isoformat(),
    }


def _launch_result(sums: dict[str, Decimal], day: date) -> Json:
    return {
        "instrument": {"code": LAUNCHED.code},
        "outcome": "SUCCEEDED",
        "launchEnd": trading_days()[_LAUNCH_ENDS].isoformat(),
        "setUpOn": day.isoformat(),
        "appliedAmount": cny(sums["applied"]),
        "confirmedAmount": cny(sums["confirmed"]),
        "refundAmount": cny(sums["applied"] - sums["confirmed"]),
        "interest": cny(sums["interest"]),
        "confirmedUnits": f"{sums['units']:f}",
        "interestUnits": f"{sums['interest']:f}",
        "totalUnits": f"{sums['units'] + sums['interest']:f}",
    }
