"""Four ledgers of the month of trading, each kept as its institution keeps it, none from another's figures.

The distributor keeps orders and their money, the registrar units, the custodian cash; the auditor computes each
confirmation again. That they agree is what is to be shown.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

from tests.value.ledger import Ledger, disagreements, read_all
from xinqiao.message import Json

_ZERO = Decimal(0)
_MODES = {"HALF_UP": ROUND_HALF_UP, "TRUNCATE": ROUND_DOWN, "ROUND_UP": ROUND_UP, "HALF_EVEN": ROUND_HALF_EVEN}
# Codes that bring units in, and that take them out.
_IN, _OUT = {"122", "130"}, {"124", "136"}


def _of(content: Json, name: str) -> Decimal:
    found = content.get(name, "0")
    return Decimal(found["value"] if isinstance(found, dict) else found)


def _round(number: Decimal, digits: int, mode: str) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), _MODES[mode])


@dataclass
class _Order:
    ordered: Decimal
    is_money: bool
    confirmed: Decimal = _ZERO
    returned: Decimal = _ZERO
    rejected: Decimal = _ZERO
    open: Decimal = _ZERO
    finished: bool = False


class Distributor(Ledger):
    """Orders: ordered = confirmed + refunded + deferred + rejected + pending, at each confirmation and at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, _Order] = {}
        self.cancels: set[str] = set()
        self._serials: set[str] = set()

    def read_subscriptionOrder(self, order: Json, day: str) -> None:
        self._add(order, _Order(_of(order, "grossAmount"), is_money=True, open=_of(order, "grossAmount")))
        self.by_day[day, "CREDIT"] += _of(order, "grossAmount")

    def read_redemptionOrder(self, order: Json, day: str) -> None:
        self._add(order, _Order(_of(order, "units"), is_money=False, open=_of(order, "units")))

    read_switchOrder = read_redemptionOrder

    def read_cancelOrder(self, order: Json, day: str) -> None:
        self.once(self.cancels, order["original"]["orderReference"], "cancel of")

    def _add(self, order: Json, made: _Order) -> None:
        reference = order["orderReference"]
        self.expect(reference not in self.orders, f"order {reference} is there twice")
        self.orders[reference] = made

    def read_orderConfirmation(self, said: Json, day: str) -> None:
        self.once(self._serials, said["taSerial"], "confirmation")
        reference = said["orderReference"]
        if said["businessCode"] == "152":
            self.expect(reference in self.cancels, f"order {reference}: nobody asked to cancel it")
        order = self.orders.get(reference)
        if order is None:
            self.expect(False, f"order {reference} was never made")
            return
        self.expect(not order.finished, f"order {reference} was finished")
        self._take(order, said, reference)
        self.by_day[day, "DEBIT"] += _of(said, "refundAmount") + _of(said, "rejectedAmount")
        if said["businessCode"] == "124":
            self.by_day[day, "DEBIT"] += _of(said, "confirmedAmount")
        if "launchInterest" in said:
            self.by_day[day, "CREDIT"] += _of(said["launchInterest"], "converted")

    def _take(self, order: _Order, said: Json, reference: str) -> None:
        measure = "Amount" if order.is_money else "Units"
        parts = {
            name: _of(said, f"{name}{measure}") for name in ("confirmed", "deferred", "pending", "earlier", "rejected")
        }
        refunded = _of(said, "refundAmount") if order.is_money else _ZERO
        if said["businessCode"] != "152":
            self.expect(_of(said, f"ordered{measure}") == order.ordered, f"order {reference}: another amount")
            self.expect(parts["earlier"] == order.confirmed, f"order {reference}: another part was confirmed before")
        self.expect(sum(parts.values()) + refunded == order.ordered, f"order {reference}: its parts are not the whole")
        order.confirmed += parts["confirmed"]
        order.returned += refunded
        order.rejected += parts["rejected"]
        order.open = parts["deferred"] + parts["pending"]
        order.finished = said["finished"]
        self.expect(
            order.finished == (order.open == 0), f"order {reference}: finished with a part open, or not without"
        )

    def read_dividendConfirmation(self, said: Json, day: str) -> None:
        self.once(self._serials, said["taSerial"], "dividend")
        self.by_day[day, "DEBIT"] += _of(said, "confirmedAmount")

    def close(self) -> list[str]:
        for reference, order in self.orders.items():
            whole = order.confirmed + order.returned + order.rejected + order.open
            self.expect(whole == order.ordered, f"order {reference}: {order.ordered} ordered, {whole} accounted for")
        for kind in (True, False):
            found = [each for each in self.orders.values() if each.is_money == kind]
            whole = sum((each.confirmed + each.returned + each.rejected + each.open for each in found), _ZERO)
            self.expect(whole == sum((each.ordered for each in found), _ZERO), "the month's orders do not add up")
        return self.breaches


class Registrar(Ledger):
    """Units: opening + in − out = closing, by product each day and by account at the month's end."""

    def __init__(self) -> None:
        super().__init__()
        self._units: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._closing: dict[str, Decimal] = defaultdict(Decimal)
        self._moved: dict[str, Decimal] = defaultdict(Decimal)
        self._struck: dict[str, set[str]] = defaultdict(set)
        self._stated: set[str] = set()
        self._launched: dict[str, Decimal] = defaultdict(Decimal)

    def _move(self, said: Json, code: str, units: Decimal) -> None:
        self._units[said["account"]["number"], code] += units
        self._moved[code] += units

    def read_orderConfirmation(self, said: Json, day: str) -> None:
        code, units = said["instrument"]["code"], _of(said, "totalUnits" if "totalUnits" in said else "confirmedUnits")
        if said["businessCode"] in _IN:
            self._move(said, code, units)
        if said["businessCode"] in _OUT:
            self._move(said, code, -units)
        if "switchResult" in said:
            self._move(said, said["switchResult"]["instrument"]["code"], _of(said["switchResult"], "units"))
        if said["businessCode"] == "130":
            self._launched["totalUnits"] += units
            self._launched["confirmedAmount"] += _of(said, "confirmedAmount")
            self._launched["appliedAmount"] += _of(said, "orderedAmount")
            self._launched["interest"] += _of(said["launchInterest"], "converted")

    def read_launchResult(self, said: Json, day: str) -> None:
        for name in ("totalUnits", "confirmedAmount", "appliedAmount", "interest"):
            expected = self._launched.pop(name, _ZERO)
            self.expect(_of(said, name) == expected, f"launch: {name} is {expected}")

    def read_dividendConfirmation(self, said: Json, day: str) -> None:
        held = self._units[said["account"]["number"], said["instrument"]["code"]]
        self.expect(_of(said, "baseUnits") == held, f"dividend {said['taSerial']}: another number of units")
        self._move(said, said["instrument"]["code"], _of(said, "reinvestedUnits"))

    def read_navReport(self, report: Json, day: str) -> None:
        code = report["instrument"]["code"]
        self.expect(code not in self._struck[day], f"{day}: NAV of {code} is there twice")
        closing = self._closing[code] + self._moved.pop(code, _ZERO)
        self.expect(_of(report, "units") == closing, f"{day}: {code} closes at {closing}")
        assets = _round(closing * _of(report, "unitNav"), 2, "HALF_EVEN")
        self.expect(_of(report, "netAssets") == assets, f"{day}: net assets of {code} are {assets}")
        self._closing[code] = closing
        self._struck[day].add(code)

    def read_positionStatement(self, stated: Json, day: str) -> None:
        self.once(self._stated, stated["accountNo"], "statement of account")
        for each in stated["positions"]:
            held = self._units.pop((stated["accountNo"], each["instrument"]["code"]), _ZERO)
            self.expect(_of(each, "quantity") == held, f"account {stated['accountNo']} holds {held}")

    def close(self) -> list[str]:
        self.expect(not any(self._units.values()), "an account with units has no statement")
        self.expect(not any(self._moved.values()), "units moved after the last NAV of a product")
        self.expect(not any(self._launched.values()), "a launch has no result")
        widest = max((len(each) for each in self._struck.values()), default=0)
        self.expect(all(len(each) == widest for each in self._struck.values()), "a day lacks the NAV of a product")
        return self.breaches


class Custodian(Ledger):
    """Cash: opening + in − out = closing, entry by entry."""

    def __init__(self) -> None:
        super().__init__()
        self._balance = _ZERO
        self._references: set[str] = set()

    def read_accountEntry(self, entry: Json, day: str) -> None:
        self.once(self._references, entry["bankReference"], "entry")
        amount = _of(entry, "amount")
        self._balance += amount if entry["direction"] == "CREDIT" else -amount
        self.expect(_of(entry, "balance") == self._balance, f"entry {entry['bankReference']}: balance {self._balance}")
        self.by_day[day, entry["direction"]] += amount


class Auditor(Ledger):
    """Each confirmation computed again, with decimal arithmetic of its own, in the product's method and rounding."""

    def read_orderConfirmation(self, said: Json, day: str) -> None:
        if "calculation" not in said:
            return
        check = {"122": self._subscribed, "130": self._subscribed, "124": self._redeemed, "136": self._switched}
        check[said["businessCode"]](said, said["calculation"])

    def _subscribed(self, said: Json, terms: Json) -> None:
        amount, rate = _of(said, "confirmedAmount"), Decimal(said["fees"][0]["appliedRate"]) / 100
        mode = terms["amountRounding"]
        within = terms["feeMethod"] == "FEE_WITHIN"
        fee = _round(amount * rate, 2, mode) if within else amount - _round(amount / (1 + rate), 2, mode)
        self.expect(_of(said, "totalFee") == fee == _of(said["fees"][0], "amount"), f"{said['taSerial']}: fee {fee}")
        units = _round((amount - fee) / _of(said, "unitNav"), terms["unitsDigits"], terms["unitsRounding"])
        self.expect(_of(said, "confirmedUnits") == units, f"{said['taSerial']}: units {units}")

    def _redeemed(self, said: Json, terms: Json) -> None:
        gross = _round(_of(said, "confirmedUnits") * _of(said, "unitNav"), 2, terms["amountRounding"])
        net = gross - _of(said, "totalFee") - _of(said, "performanceFee")
        self.expect(_of(said, "amountAtNav") == gross, f"{said['taSerial']}: {gross} at NAV")
        self.expect(_of(said, "confirmedAmount") == net, f"{said['taSerial']}: proceeds {net}")

    def _switched(self, said: Json, terms: Json) -> None:
        result = said["switchResult"]
        self.expect(
            _of(said, "confirmedAmount") == _of(result, "amount"), f"{said['taSerial']}: another amount goes in"
        )
        units = _round(_of(result, "amount") / _of(result, "unitNav"), terms["unitsDigits"], terms["unitsRounding"])
        self.expect(_of(result, "units") == units, f"{said['taSerial']}: units {units}")

    def read_dividendConfirmation(self, said: Json, day: str) -> None:
        amount = _round(_of(said, "baseUnits") * _of(said, "dividendPerUnit"), 2, said["rounding"])
        paid = _of(said, "confirmedAmount") + _of(said, "reinvestedAmount")
        self.expect(_of(said, "dividendAmount") == amount == paid, f"{said['taSerial']}: dividend {amount}")


def audit(messages: Iterable[Json]) -> list[str]:
    """Return everything that does not add up in a month of trading."""
    distributor, custodian = Distributor(), Custodian()
    breaches = read_all([distributor, Registrar(), custodian, Auditor()], messages)
    return breaches + disagreements(distributor, custodian, "CREDIT", "DEBIT")
