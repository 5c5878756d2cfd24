"""Rules on prepaid money: orders, what is supervised, uses, refunds, settlement and authorities' directives."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import HUNDRED, scaled
from xinqiao.rules.pages import is_part
from xinqiao.rules.repeats import repeats
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_ONE = 10**8


def _number(value: Json | str | None) -> int | None:
    if value is None:
        return None
    return scaled(value if isinstance(value, str) else value["value"])


def _adds_up(total: Json | str | None, *parts: Json | str | None) -> bool:
    """Say whether a total is the sum of its parts; where one of them is not told, nothing speaks against it."""
    numbers = [number for each in (total, *parts) if (number := _number(each)) is not None]
    return len(numbers) <= len(parts) or numbers[0] == sum(numbers[1:])


def _breaches(*checks: tuple[bool, tuple[str, ...], str]) -> list[Breach] | None:
    return [Breach(at, expected=expected) for kept, at, expected in checks if not kept] or None


def _minor_unit(money: Json) -> int:
    unit: int = 10 ** (8 - minor_digits(money["currency"]))
    return unit


def _in_other_currency(name: str, parts: list[Json], amount: str, total: Json) -> list[Breach]:
    return [
        Breach((name, index, amount, "currency"), expected="the currency of the total")
        for index, part in enumerate(parts)
        if part[amount]["currency"] != total["currency"]
    ]


@rule("XQ-R-300")
def check_line_amount(quantity: str, unit_price: Json, amount: Json, discount: Json | None = None) -> Breach | None:
    """A line is price times quantity less the discount; a fraction of a minor unit is rounded."""
    product = in_units(unit_price) * scaled(quantity)
    if abs(product - (in_units(amount) + in_units(discount)) * _ONE) < _minor_unit(amount) * _ONE:
        return None
    return Breach(("amount", "value"), expected="unitPrice times quantity, less discount")


@rule("XQ-R-301")
def check_payable(lines: list[Json], payable: Json, discount: Json | None = None) -> list[Breach] | None:
    """An order is the sum of its lines less the discount on the whole."""
    if foreign := _in_other_currency("lines", lines, "amount", payable):
        return foreign
    if sum(in_units(line["amount"]) for line in lines) - in_units(discount) == in_units(payable):
        return None
    return [Breach(("payable", "value"), expected="the sum of the lines, less discount")]


@rule("XQ-R-302")
def check_division(amount: Json, supervised_amount: Json, released_amount: Json) -> Breach | None:
    """What is supervised and what is released make up the payment."""
    if _adds_up(amount, supervised_amount, released_amount):
        return None
    return Breach(("supervisedAmount", "value"), expected="amount less releasedAmount")


@rule("XQ-R-303")
def check_supervised_share(supervised_percentage: str, amount: Json, supervised_amount: Json) -> Breach | None:
    """The supervised amount is its share of the payment, within one minor unit."""
    difference = in_units(amount) * scaled(supervised_percentage) - in_units(supervised_amount) * HUNDRED
    if abs(difference) <= _minor_unit(amount) * HUNDRED:
        return None
    return Breach(("supervisedAmount", "value"), expected="supervisedPercentage of amount")


@rule("XQ-R-304")
def check_supervised_percentage(supervised_percentage: str) -> Breach | None:
    """No more than all of the money is supervised."""
    return Breach(("supervisedPercentage",), expected="0 to 100") if scaled(supervised_percentage) > HUNDRED else None


@rule("XQ-R-305")
def check_release_steps(release: str, release_steps: list[Json] | None = None) -> list[Breach] | None:
    """A release by steps names them; they rise, up to all of the money."""
    if release_steps is None:
        return [Breach(("releaseSteps",), expected="the steps")] if release == "BY_STEPS" else None
    return list(_steps_that_fall(release_steps)) or None


def _steps_that_fall(steps: list[Json]) -> Iterator[Breach]:
    for name in ("consumedPercentage", "releasedPercentage"):
        before = 0
        for index, step in enumerate(steps):
            share = scaled(step[name])
            if not before <= share <= HUNDRED:
                yield Breach(("releaseSteps", index, name), expected="no less than in the step before, at most 100")
            before = max(before, share)


@rule("XQ-R-306")
def check_interest(
    change: Json,
    balance_after: Json,
    balance_before: Json | None = None,
    frozen_amount: Json | None = None,
    units_before: str | None = None,
    units_change: str | None = None,
    units_after: str | None = None,
) -> list[Breach] | None:
    """A balance moves by its change, in money and in units, and no more of it is frozen than there is."""
    return _breaches(
        (_adds_up(balance_after, balance_before, change), ("balanceAfter", "value"), "balanceBefore plus change"),
        (in_units(frozen_amount) <= in_units(balance_after), ("frozenAmount", "value"), "at most balanceAfter"),
        (_adds_up(units_after, units_before, units_change), ("unitsAfter",), "unitsBefore plus unitsChange"),
    )


@rule("XQ-R-307")
def check_left_after(
    amount: Json,
    units: str | None = None,
    units_before: str | None = None,
    units_after: str | None = None,
    balance_before: Json | None = None,
    balance_after: Json | None = None,
) -> list[Breach] | None:
    """A use lowers balance and units by exactly itself."""
    return _breaches(
        (_adds_up(balance_before, balance_after, amount), ("balanceAfter", "value"), "balanceBefore less amount"),
        (_adds_up(units_before, units_after, units), ("unitsAfter",), "unitsBefore less units"),
    )


@rule("XQ-R-308")
def check_enough_left(
    amount: Json,
    balance_before: Json | None = None,
    units: str | None = None,
    units_before: str | None = None,
) -> list[Breach] | None:
    """A use is no more than what is left."""
    breaches = []
    if balance_before is not None and in_units(amount) > in_units(balance_before):
        breaches.append(Breach(("amount", "value"), expected="at most balanceBefore"))
    if units is not None and units_before is not None and scaled(units) > scaled(units_before):
        breaches.append(Breach(("units",), expected="at most unitsBefore"))
    return breaches or None


@rule("XQ-R-309")
def check_automatic_confirmation(
    outcome: str, decided_at: str, notified_at: str | None = None, waiting_days: int | None = None
) -> list[Breach] | None:
    """A use counts as confirmed only when the consumer was told and the days have passed."""
    if outcome != "AUTOMATIC":
        return None
    if notified_at is None or waiting_days is None:
        given = {"notifiedAt": notified_at, "waitingDays": waiting_days}
        return _breaches(
            *((value is not None, (name,), "given for an automatic confirmation") for name, value in given.items())
        )
    return _too_early(decided_at, notified_at, waiting_days)


def _too_early(decided_at: str, notified_at: str, days: int) -> list[Breach] | None:
    try:
        waited = datetime.fromisoformat(decided_at) - datetime.fromisoformat(notified_at)
    except ValueError:  # a day that is in no calendar: XQ-R-002 says so
        return None
    if waited >= timedelta(days=days):
        return None
    return [Breach(("decidedAt",), expected="waitingDays after notifiedAt, or later")]


@rule("XQ-R-310")
def check_reason_of_dispute(outcome: str, reasons: list[Json] | None = None) -> Breach | None:
    """A dispute and a withdrawal say why."""
    if outcome in ("DISPUTED", "WITHDRAWN") and not reasons:
        return Breach(("reasons",), expected="a reason")
    return None


@rule("XQ-R-311")
def check_refund(
    paid_amount: Json,
    consumed_amount: Json,
    amount: Json,
    deduction: Json | None = None,
    from_trust: Json | None = None,
    from_merchant: Json | None = None,
) -> list[Breach] | None:
    """A refund is what was paid less what was used and deducted, and comes from trust and merchant together."""
    left = in_units(paid_amount) - in_units(consumed_amount) - in_units(deduction)
    return _breaches(
        (left == in_units(amount), ("amount", "value"), "paidAmount less consumedAmount less deduction"),
        (_adds_up(amount, from_trust, from_merchant), ("fromTrust", "value"), "amount less fromMerchant"),
    )


@rule("XQ-R-312")
def check_payee_named(back_to_source: bool, payee_account: Json | None = None) -> Breach | None:
    """Money that does not go back to its source names the account it goes to."""
    if back_to_source or payee_account is not None:
        return None
    return Breach(("payeeAccount",), expected="an account, where backToSource is false")


@rule("XQ-R-313")
def check_settled(
    consumed_amount: Json,
    settled_amount: Json,
    yield_amount: Json | None = None,
    fees: list[Json] | None = None,
    retained: Json | None = None,
    adjustment: Json | None = None,
) -> list[Breach] | None:
    """What is settled is what was used, with yield and adjustment, without fees and what is retained."""
    if foreign := _in_other_currency("fees", fees or [], "amount", settled_amount):
        return foreign
    added = in_units(consumed_amount) + in_units(yield_amount) + in_units(adjustment)
    taken = sum(in_units(fee["amount"]) for fee in fees or ()) + in_units(retained)
    if added - taken == in_units(settled_amount):
        return None
    expected = "consumedAmount plus yieldAmount plus adjustment, less fees, less retained"
    return [Breach(("settledAmount", "value"), expected=expected)]


@rule("XQ-R-314")
def check_settlement_items(
    items: list[Json], consumed_amount: Json, item_count: str | None = None, page: Json | None = None
) -> list[Breach] | None:
    """The items make up what was used, and there are as many as said; one page of several shows only its own."""
    if foreign := _in_other_currency("items", items, "amount", consumed_amount):
        return foreign
    if is_part(page):
        return None
    total = sum(in_units(item["amount"]) for item in items)
    return _breaches(
        (total == in_units(consumed_amount), ("consumedAmount", "value"), "the sum of the items"),
        (item_count is None or int(item_count) == len(items), ("itemCount",), "the number of items"),
    )


@rule("XQ-R-315")
def check_migration(
    balances: list[Json],
    total_balance: Json,
    funded_amount: Json | None = None,
    shortfall: Json | None = None,
    page: Json | None = None,
) -> list[Breach] | None:
    """The balances make up their total, where all are here; what came in and the shortfall make it up as well."""
    if foreign := _in_other_currency("balances", balances, "balance", total_balance):
        return foreign
    total = sum(in_units(each["balance"]) for each in balances)
    return _breaches(
        (
            is_part(page) or total == in_units(total_balance),
            ("totalBalance", "value"),
            "the sum of the balances",
        ),
        (_adds_up(total_balance, funded_amount, shortfall), ("shortfall", "value"), "totalBalance less fundedAmount"),
    )


@rule("XQ-R-316")
def check_scope(
    action: str,
    scope: str,
    amount: Json | None = None,
    merchant: Json | None = None,
    instrument: Json | None = None,
    contract_no: str | None = None,
    party: Json | None = None,
    holdings: list[Json] | None = None,
    payee_account: Json | None = None,
) -> list[Breach] | None:
    """A directive names what its scope is about, and a deduction the account that is paid."""
    about = merchant or {}
    needed: dict[str, tuple[tuple[str, ...], bool]] = {
        "AMOUNT": (("amount",), amount is not None),
        "STORES": (("merchant", "storeNos"), "storeNos" in about),
        "CONSUMERS": (("merchant", "consumerNos"), "consumerNos" in about),
        "PARTY": (("party",), party is not None),
        "CONTRACT": (("contractNo",), bool(contract_no or instrument or holdings)),
        "UNITS": (("holdings",), bool(holdings)),
    }
    at, given = needed.get(scope, ((), True))
    return _breaches(
        (given, at, f"given for scope {scope}"),
        (action != "DEDUCT" or payee_account is not None, ("payeeAccount",), "given for a deduction"),
    )


@rule("XQ-R-317")
def check_revokes(action: str, directive_no: str, revokes: str | None = None) -> Breach | None:
    """A release and a resumption name the directive that they end, which is another one."""
    if action in ("RELEASE", "RESUME") and revokes is None:
        return Breach(("revokes",), expected="the number of the directive that it ends")
    return Breach(("revokes",), expected="another directive's number") if revokes == directive_no else None


@rule("XQ-R-318")
def check_return_list(
    items: list[Json], item_count: str, total_amount: Json, page: Json | None = None
) -> list[Breach] | None:
    """The items of a list make up its total, are as many as said, and each has its own line number."""
    if foreign := _in_other_currency("items", items, "amount", total_amount):
        return foreign
    breaches = [
        Breach(("items", index, "lineNo"), expected="a line number of its own")
        for index in repeats(item["lineNo"] for item in items)
    ]
    if is_part(page):
        return breaches or None
    if int(item_count) != len(items):
        breaches.append(Breach(("itemCount",), expected="the number of items"))
    if sum(in_units(item["amount"]) for item in items) != in_units(total_amount):
        breaches.append(Breach(("totalAmount", "value"), expected="the sum of the items"))
    return breaches or None


@rule("XQ-R-319")
def check_return_within_balance(amount: Json, balance: Json) -> Breach | None:
    """Nobody is paid back more than the balance registered for him."""
    if amount["currency"] != balance["currency"]:
        return Breach(("amount", "currency"), expected="the currency of the balance")
    return Breach(("amount", "value"), expected="at most balance") if in_units(amount) > in_units(balance) else None


@rule("XQ-R-298")
def check_balance(
    topped_up_amount: Json,
    balance: Json,
    migrated_amount: Json | None = None,
    yield_amount: Json | None = None,
    adjustment: Json | None = None,
    consumed_amount: Json | None = None,
    refunded_amount: Json | None = None,
    returned_amount: Json | None = None,
    frozen_amount: Json | None = None,
) -> list[Breach] | None:
    """A balance is what came in less what went out, what is absent counting nothing; no more of it is frozen."""
    came_in = sum(in_units(each) for each in (topped_up_amount, migrated_amount, yield_amount, adjustment))
    went_out = sum(in_units(each) for each in (consumed_amount, refunded_amount, returned_amount))
    return _breaches(
        (came_in - went_out == in_units(balance), ("balance", "value"), "what came in less what went out"),
        (in_units(frozen_amount) <= in_units(balance), ("frozenAmount", "value"), "at most balance"),
    )
