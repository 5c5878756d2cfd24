"""Three ledgers of the month of prepaid money, each kept as its institution keeps it, none from another's figures.

The platform counts what was paid, used, disputed and refunded; the trustee what is registered; the bank the account.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from tests.value.ledger import Ledger, disagreements, read_all
from xinqiao.message import Json

_ZERO = Decimal(0)


def _of(content: Json, name: str) -> Decimal:
    found = content.get(name, "0")
    return Decimal(found["value"] if isinstance(found, dict) else found)


class Platform(Ledger):
    """What is left of each order: top-ups less use, refunds and direct returns, with what disputes gave back."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, Decimal] = defaultdict(Decimal)
        self._payable: dict[str, Decimal] = {}
        self._paid: set[str] = set()
        self._used: dict[str, Decimal] = {}
        self._disputed: set[str] = set()
        self._decided: set[str] = set()
        self._refunded: set[str] = set()
        self._directives: set[str] = set()
        self._week: dict[str, Decimal] = defaultdict(Decimal)

    def read_prepaidOrder(self, order: Json, day: str) -> None:
        self.expect(order["orderReference"] not in self._payable, f"order {order['orderReference']} is there twice")
        self._payable[order["orderReference"]] = _of(order, "payable")

    def read_prepaidPayment(self, paid: Json, day: str) -> None:
        reference = paid["orderReference"]
        self.once(self._paid, reference, "payment of")
        self.expect(self._payable.get(reference) == _of(paid, "amount"), f"order {reference}: another amount is paid")
        parts = _of(paid, "supervisedAmount") + _of(paid, "releasedAmount")
        self.expect(parts == _of(paid, "amount"), f"payment of {reference} is not its parts")
        self.left[reference] += _of(paid, "supervisedAmount")
        self.by_day[day, "PURCHASE"] += _of(paid, "supervisedAmount")

    def read_consumption(self, used: Json, day: str) -> None:
        number, reference, amount = used["consumptionNo"], used["orderReference"], _of(used, "amount")
        self.expect(number not in self._used, f"use {number} is there twice")
        self._used[number] = amount
        self.expect(_of(used, "balanceBefore") == self.left[reference], f"use {number}: {self.left[reference]} before")
        self.left[reference] -= amount
        self.expect(_of(used, "balanceAfter") == self.left[reference], f"use {number}: {self.left[reference]} after")
        self._week[used["merchantNo"]] += amount

    def read_consumptionConfirmation(self, said: Json, day: str) -> None:
        number = said["consumptionNo"]
        self.expect(self._used.get(number) == _of(said, "amount"), f"dispute of {number}: another amount")
        if said["outcome"] == "DISPUTED":
            self.once(self._disputed, number, "dispute of")
            return
        self.expect(number in self._disputed, f"use {number} was never disputed")
        self.once(self._decided, number, "decision on")
        if said["outcome"] == "DISPUTE_UPHELD":
            self.by_day[day, "ADJUSTMENT"] += _of(said, "amount")
            self._week[said["merchantNo"]] -= _of(said, "amount")

    def read_settlement(self, settled: Json, day: str) -> None:
        due = self._week.pop(settled["merchantNo"], _ZERO)
        amount = _of(settled, "settledAmount")
        self.expect(amount == due, f"settlement {settled['settlementNo']}: {due} is due")
        self.expect(
            amount == _of(settled, "consumedAmount") + _of(settled, "adjustment"),
            f"settlement {settled['settlementNo']} is not its parts",
        )

    def read_refund(self, refund: Json, day: str) -> None:
        reference = refund["orderReference"]
        self.once(self._refunded, reference, "refund of")
        left = _of(refund, "paidAmount") - _of(refund, "consumedAmount")
        parts = _of(refund, "fromTrust") + _of(refund, "fromMerchant")
        self.expect(_of(refund, "amount") == left == parts, f"refund of {reference} is not {left}")
        self.expect(
            self._payable.get(reference) == _of(refund, "paidAmount"), f"refund of {reference}: not what was paid"
        )
        self.left[reference] -= _of(refund, "fromTrust")
        self.expect(self.left[reference] == 0, f"refund of {reference} leaves {self.left[reference]}")
        self.by_day[day, "REFUNDED"] -= _of(refund, "fromTrust")

    def read_regulatorDirective(self, directive: Json, day: str) -> None:
        self.once(self._directives, directive["directiveNo"], "directive")
        revoked = directive.get("revokes")
        self.expect(revoked in {None, *self._directives}, f"directive {revoked} was never given")
        self.by_day[day, "DIRECTIVES"] += 1

    def read_directReturnList(self, returned: Json, day: str) -> None:
        self.expect(returned["directiveNo"] in self._directives, f"directive {returned['directiveNo']} was never given")
        total = sum((_of(each, "amount") for each in returned["items"]), _ZERO)
        self.expect(total == _of(returned, "totalAmount"), f"list {returned['listNo']} adds up to {total}")
        self.by_day[day, "RETURNED_DIRECTLY"] -= total
        for each in returned["items"]:
            self.expect(
                _of(each, "balance") == self.left[each["orderReference"]], f"{each['interestNo']}: another balance"
            )
            self.left[each["orderReference"]] -= _of(each, "amount")

    def read_interestRegistered(self, said: Json, day: str) -> None:
        # What the platform hears of from the trustee alone: yield, and what an upheld dispute gives back.
        if said["event"] in {"YIELD", "ADJUSTMENT"}:
            self.left[said["orderReference"]] += _of(said, "change")

    def close(self) -> list[str]:
        self.expect(self._paid == set(self._payable), "an order is not paid, or a payment has no order")
        self.expect(self._disputed == self._decided, "a dispute is not decided")
        self.expect(not any(self._week.values()), "use is not settled")
        return self.breaches


class Trustee(Ledger):
    """balance = top-ups + yield − use − refunds − direct returns, and what is frozen apart, interest by interest."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, Decimal] = {}
        self._balances: dict[str, Decimal] = defaultdict(Decimal)
        self._units: dict[str, Decimal] = defaultdict(Decimal)
        self._frozen: dict[str, Decimal] = defaultdict(Decimal)
        self._sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        self._week: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._frozen_merchants: set[str] = set()
        # Open interests of each merchant, and those that a directive is about and that are not registered yet.
        self._open: dict[str, set[str]] = defaultdict(set)
        self._awaited: set[str] = set()
        self._stated = _ZERO

    def read_regulatorDirective(self, directive: Json, day: str) -> None:
        merchant = directive["merchant"]["merchantNo"]
        if directive["action"] == "FREEZE":
            self._frozen_merchants.add(merchant)
        else:
            self._frozen_merchants.discard(merchant)
        self.expect(not self._awaited & self._open[merchant], f"{merchant}: a directive was not carried out before")
        self._awaited |= self._open[merchant]

    def read_interestRegistered(self, said: Json, day: str) -> None:
        number, event, change = said["interestNo"], said["event"], _of(said, "change")
        before, units = self._balances[number], self._units[number]
        self.expect(_of(said, "balanceBefore") == before, f"{number}: {before} before {event}")
        self.expect(_of(said, "balanceAfter") == before + change, f"{number}: {before + change} after {event}")
        self.expect(_of(said, "unitsBefore") == units, f"{number}: {units} units before {event}")
        self._units[number] += _of(said, "unitsChange")
        self.expect(
            _of(said, "unitsAfter") == self._units[number], f"{number}: {self._units[number]} units after {event}"
        )
        self._balances[number] = _of(said, "balanceAfter")
        frozen = self._balances[number] if said["merchantNo"] in self._frozen_merchants else _ZERO
        self.expect(_of(said, "frozenAmount") == frozen, f"{number}: {frozen} is frozen")
        if event == "FROZEN_OR_RELEASED":
            self.expect(number in self._awaited, f"{number}: nobody asked for it to be frozen or released")
            self._awaited.discard(number)
        self._frozen[number] = frozen
        self._sums[number][event] += change
        self._open[said["merchantNo"]].add(number)
        if event == "REFUNDED":
            self._open[said["merchantNo"]].discard(number)
        self._note(said, event, change, day)

    def _note(self, said: Json, event: str, change: Decimal, day: str) -> None:
        self.by_day[day, event] += change
        if event in {"CONSUMPTION_USE", "ADJUSTMENT"}:
            self._week[said["merchantNo"], event] += change
        elif change:
            self.by_day[day, "CREDIT" if change > 0 else "DEBIT"] += abs(change)

    def read_settlement(self, settled: Json, day: str) -> None:
        for name, event in (("consumedAmount", "CONSUMPTION_USE"), ("adjustment", "ADJUSTMENT")):
            due = -self._week.pop((settled["merchantNo"], event), _ZERO)
            self.expect(_of(settled, name) == due, f"settlement {settled['settlementNo']}: {name} is {due}")
        self.by_day[day, "DEBIT"] += _of(settled, "settledAmount")

    def read_prepaidBalance(self, stated: Json, day: str) -> None:
        number = stated["interestNo"]
        self.expect(number in self._balances, f"{number}: its balance is there twice, or was never registered")
        balance, sums = self._balances.pop(number, _ZERO), self._sums.pop(number, {})
        came_in = _of(stated, "toppedUpAmount") + _of(stated, "yieldAmount") + _of(stated, "adjustment")
        went_out = sum((_of(stated, f"{name}Amount") for name in ("consumed", "refunded", "returned")), _ZERO)
        self.expect(_of(stated, "balance") == came_in - went_out == balance, f"{number}: its balance is {balance}")
        self.expect(_of(stated, "toppedUpAmount") == sums.get("PURCHASE", _ZERO), f"{number}: top-ups")
        self.expect(_of(stated, "consumedAmount") == -sums.get("CONSUMPTION_USE", _ZERO), f"{number}: use")
        self.expect(_of(stated, "units") == self._units[number], f"{number}: units")
        self.expect(_of(stated, "frozenAmount") == self._frozen[number], f"{number}: frozen amount")
        self.left[number.replace("BI", "PO")] = balance
        self._stated += _of(stated, "balance")

    def close(self) -> list[str]:
        self.expect(not self._balances, "an interest has no balance stated")
        self.expect(not self._awaited, "a directive is not carried out for an interest")
        self.expect(not any(self._week.values()), "use is not settled")
        return self.breaches

    @property
    def held(self) -> Decimal:
        """What all stated balances come to."""
        return self._stated


class Bank(Ledger):
    """The account: opening + in − out = closing, entry by entry."""

    def __init__(self) -> None:
        super().__init__()
        self.balance = _ZERO
        self._references: set[str] = set()

    def read_accountEntry(self, entry: Json, day: str) -> None:
        self.once(self._references, entry["bankReference"], "entry")
        amount = _of(entry, "amount")
        self.balance += amount if entry["direction"] == "CREDIT" else -amount
        self.expect(_of(entry, "balance") == self.balance, f"entry {entry['bankReference']}: balance {self.balance}")
        self.by_day[day, entry["direction"]] += amount


def audit(messages: Iterable[Json]) -> list[str]:
    """Return everything that does not add up in a month of prepaid money."""
    platform, trustee, bank = Platform(), Trustee(), Bank()
    breaches = read_all([platform, trustee, bank], messages)
    breaches += disagreements(platform, trustee, "PURCHASE", "REFUNDED", "RETURNED_DIRECTLY", "ADJUSTMENT")
    breaches += disagreements(trustee, bank, "CREDIT", "DEBIT")
    if trustee.held != bank.balance:
        breaches.append(f"balances come to {trustee.held}, the account holds {bank.balance}")
    apart = {
        key for key in {*platform.left, *trustee.left} if platform.left.get(key, _ZERO) != trustee.left.get(key, _ZERO)
    }
    return breaches + [f"order {key}: platform and trustee have different balances" for key in sorted(apart)]
