"""Rules on policies: who benefits, for how long, what changes, what happens, and what is paid."""

from collections.abc import Iterator

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-260")
def check_beneficiary_shares(beneficiaries: list[Json]) -> list[Breach] | None:
    """The shares of one benefit and order add up to 100 for each of the insured, where all of them are told."""
    ranks: dict[tuple[str, int, int | None], list[tuple[int, str | None]]] = {}
    for index, each in enumerate(beneficiaries):
        key = each["benefit"], each["order"], each.get("insuredNo")
        ranks.setdefault(key, []).append((index, each.get("percentage")))
    return [
        Breach(
            ("beneficiaries", lines[0][0], "percentage"),
            value=plain(total),
            expected=f"100 as the sum for {benefit}, order {order}",
        )
        for (benefit, order, _), lines in ranks.items()
        if (total := _sum_of_told(lines)) is not None and abs(total - HUNDRED) > len(lines) * _ROUNDING
    ] or None


def _sum_of_told(lines: list[tuple[int, str | None]]) -> int | None:
    shares = [scaled(share) for _, share in lines if share is not None]
    return sum(shares) if len(shares) == len(lines) else None


_ROUNDING = HUNDRED // 1000  # insurers hold a third as 33.33 or 33.3


@rule("XQ-R-261")
def check_beneficiary_orders(beneficiaries: list[Json]) -> list[Breach] | None:
    """The orders of a benefit begin with 1 and leave none out."""
    first: dict[tuple[str, int], int] = {}
    for index, each in enumerate(beneficiaries):
        first.setdefault((each["benefit"], each["order"]), index)
    return [
        Breach(("beneficiaries", index, "order"), expected=f"an order {order - 1} of {benefit} before it")
        for (benefit, order), index in first.items()
        if order > 1 and (benefit, order - 1) not in first
    ] or None


@rule("XQ-R-262")
def check_term(whole_life: bool | None = None, unit: str | None = None, number: int | None = None) -> Breach | None:
    """A term is for life, or has a unit and a number."""
    given = (unit is not None) + (number is not None)
    if given == (0 if whole_life else 2):
        return None
    return Breach(("number",), expected="unit and number, or wholeLife true alone")


@rule("XQ-R-263")
def check_no_end_for_life(term: Json, end_date: str) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """What is for life has no day on which it ends."""
    if term.get("wholeLife"):
        return Breach(("endDate",), expected="no endDate where the term is for life")
    return None


@rule("XQ-R-264")
def check_end_is_no_sentinel(end_date: str) -> Breach | None:
    """No cover ends in 2200 or later: partners write a year 3017 where they mean for life."""
    if end_date < "2200":
        return None
    return Breach(("endDate",), expected="term.wholeLife instead of a day that stands for it")


@rule("XQ-R-265")
def check_end(effective_on: str, end_date: str) -> Breach | None:
    """A cover does not end before it begins."""
    return Breach(("endDate",), expected="not before effectiveOn") if end_date < effective_on else None


@rule("XQ-R-266")
def check_change(type: str, after: Json | None = None) -> Breach | None:
    """A change of beneficiaries or policyholder names the new ones in fields; an endorsement on paper may not."""
    name = _CHANGED.get(type)
    if name is None or (after and after.get(name)):
        return None
    return Breach(("after", name), expected=f"the {name} after the change")


_CHANGED = {"BENEFICIARY": "beneficiaries", "POLICYHOLDER": "parties"}


@rule("XQ-R-267")
def check_outcome_explained(
    outcome: str, reasons: list[Json] | None = None, items_needed: list[str] | None = None
) -> Breach | None:
    """Who refuses, objects or asks for more says why, or what is needed."""
    if outcome not in _TO_EXPLAIN or reasons or (outcome == "MORE_NEEDED" and items_needed):
        return None
    return Breach(("reasons",), expected="at least one reason")


_TO_EXPLAIN = frozenset(("REJECTED", "REFUSED", "OBJECTED", "MORE_NEEDED"))


@rule("XQ-R-268")
def check_net_amount(gross_amount: Json, net_amount: Json, deductions: list[Json] | None = None) -> Breach | None:
    """What is paid is the gross amount less the deductions."""
    if scaled(gross_amount["value"]) - _total(deductions or ()) == scaled(net_amount["value"]):
        return None
    return Breach(("netAmount", "value"), expected="grossAmount less the deductions")


@rule("XQ-R-269")
def check_parts(
    gross_amount: Json | None = None,
    net_amount: Json | None = None,
    amount: Json | None = None,
    benefits: list[Json] | None = None,
    shares: list[Json] | None = None,
    items: list[Json] | None = None,
) -> list[Breach] | None:
    """Benefits make up the gross amount of a claim, shares its net amount, items a premium."""
    wholes = (
        ("grossAmount", gross_amount, "benefits", benefits),
        ("netAmount", net_amount, "shares", shares),
        ("amount", amount, "items", items),
    )
    return [
        Breach((name, "value"), expected=f"the sum of the {parts}")
        for name, whole, parts, each in wholes
        if whole is not None and each is not None and _total(each) != scaled(whole["value"])
    ] or None


def _total(parts: list[Json] | tuple[()]) -> int:
    return sum(scaled(each["amount"]["value"]) for each in parts)


@rule("XQ-R-270")
def check_currency_of_parts(
    net_amount: Json | None = None,
    amount: Json | None = None,
    benefits: list[Json] | None = None,
    deductions: list[Json] | None = None,
    shares: list[Json] | None = None,
    items: list[Json] | None = None,
) -> list[Breach] | None:
    """The parts of an amount are in its currency."""
    whole = net_amount or amount
    if whole is None:
        return None
    lists = {"benefits": benefits, "deductions": deductions, "shares": shares, "items": items}
    return [
        Breach((name, index, "amount", "currency"), expected="the currency of the whole")
        for name, parts in lists.items()
        for index, part in enumerate(parts or ())
        if part["amount"]["currency"] != whole["currency"]
    ] or None


@rule("XQ-R-271")
def check_event_told_fully(
    kind: str,
    amount: Json | None = None,
    account_value: Json | None = None,
    grace_ends_on: str | None = None,
) -> Breach | None:
    """An event says what the trustee must know of it: how much, or until when."""
    said = {"amount": amount, "accountValue": account_value, "graceEndsOn": grace_ends_on}
    name = "amount" if kind in _WITH_AMOUNT else _ABOUT.get(kind)
    return Breach((name,), expected=f"{name} for this kind") if name and said[name] is None else None


_WITH_AMOUNT = frozenset(
    (
        "COOLING_OFF_CANCELLED",
        "PREMIUM_DUE",
        "PREMIUM_PAID",
        "LOAN",
        "AUTOMATIC_LOAN",
        "LOAN_REPAID",
        "PARTIAL_SURRENDER",
        "PARTIAL_WITHDRAWAL",
        "SURRENDERED",
        "DIVIDEND",
        "SURVIVAL_DUE",
    )
)
_ABOUT = {"ACCOUNT_VALUE": "accountValue", "GRACE_STARTED": "graceEndsOn"}


@rule("XQ-R-272")
def check_state_after_event(kind: str, state: str, coverage_code: str | None = None) -> Breach | None:
    """A policy that lapses, is reinstated or surrendered is in the state that this brings; a rider's end is its own."""
    expected = _STATES.get(kind)
    if expected is None or coverage_code is not None or state in expected:
        return None
    return Breach(("state",), expected=" or ".join(expected))


_STATES = {
    "GRACE_STARTED": ("POLICY_IN_GRACE", "POLICY_IN_FORCE"),
    "LAPSED": ("POLICY_LAPSED",),
    "REINSTATED": ("POLICY_IN_FORCE",),
    "REDUCED_PAID_UP": ("POLICY_PAID_UP", "POLICY_IN_FORCE"),
    "COOLING_OFF_CANCELLED": ("POLICY_TERMINATED",),
    "SURRENDERED": ("POLICY_TERMINATED",),
    "TERMINATED": ("POLICY_TERMINATED",),
}


@rule("XQ-R-273")
def check_grace(due_on: str, grace_ends_on: str) -> Breach | None:
    """A grace period does not end before the premium is due."""
    return Breach(("graceEndsOn",), expected="not before dueOn") if grace_ends_on < due_on else None


@rule("XQ-R-274")
def check_policy_parties(parties: list[Json]) -> list[Breach] | None:
    """A policy has a policyholder and an insured (Insurance Law, art. 10 and 12)."""
    held = {role for each in parties for role in each["roles"]}
    return [
        Breach(("parties",), expected=f"a party with the role {role}")
        for role in ("POLICYHOLDER", "INSURED")
        if role not in held
    ] or None


@rule("XQ-R-275")
def check_place_of_trust(
    mode: str, parties: list[Json], beneficiaries: list[Json] | None = None
) -> list[Breach] | None:
    """In each mode the trust is a beneficiary; in 2.0 and 3.0 it is the policyholder too."""
    return list(_places_missing(mode, parties, beneficiaries or [])) or None


def _places_missing(mode: str, parties: list[Json], beneficiaries: list[Json]) -> Iterator[Breach]:
    if not any("trust" in each for each in beneficiaries):
        yield Breach(("beneficiaries",), expected="the trust as a beneficiary")
    holders = [each for each in parties if "POLICYHOLDER" in each["roles"]]
    if mode != "BENEFICIARY_MODE" and not any("trust" in each for each in holders):
        yield Breach(("parties",), expected="the trust as policyholder")


@rule("XQ-R-276")
def check_decided(state: str, outcome: str | None = None) -> Breach | None:
    """A request that is decided says how."""
    if state == "DECIDED" and outcome is None:
        return Breach(("outcome",), expected="the outcome of what is decided")
    return None
