"""Rules on pools of loans, what they collect, and what their tranches are paid."""

from collections.abc import Iterable, Iterator

from xinqiao.message import Json
from xinqiao.rules.amounts import balances, in_units, makes_up
from xinqiao.rules.codes import minor_digits
from xinqiao.rules.exact import decimals, scaled
from xinqiao.rules.pages import is_part
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-320")
def check_pool_totals(loans: list[Json], totals: Json, page: Json | None = None) -> list[Breach] | None:
    """The totals of a pool are the number of its loans and the sums of their amounts."""
    amounts = ("principal", "balance", "accruedInterest", "transferPrice")
    return [*_wrong_count(loans, totals, page), *_wrong_sums(loans, totals, amounts, page)] or None


def _wrong_count(loans: list[Json], totals: Json, page: Json | None) -> Iterator[Breach]:
    rest = int(totals["loans"]) - len(loans)
    if rest and (rest < 0 or page is None or page["of"] == 1):
        yield Breach(("totals", "loans"), expected="the number of loans")


def _wrong_sums(loans: list[Json], totals: Json, names: Iterable[str], page: Json | None) -> Iterator[Breach]:
    for name in names:
        amounts = [each[name] for each in loans if name in each]
        if name in totals and amounts and not makes_up(totals[name], amounts, page):
            yield Breach(("totals", name, "value"), expected=f"the sum of the loans' {name}")


@rule("XQ-R-321")
def check_weighted_rate(loans: list[Json], totals: Json, page: Json | None = None) -> Breach | None:
    """The weighted average rate is that of the loans by balance, within its last digit."""
    average = totals.get("weightedRate")
    if average is None or is_part(page) or not all("annualRate" in each for each in loans):
        return None
    balance = sum(in_units(each["balance"]) for each in loans)
    product = sum(in_units(each["balance"]) * scaled(each["annualRate"]) for each in loans)
    if abs(scaled(average) * balance - product) <= balance * 10 ** (8 - decimals(average)):
        return None
    return Breach(("totals", "weightedRate"), expected="the average of the loans' annualRate by balance")


@rule("XQ-R-322")
def check_loans_once(loans: list[Json] | None = None, plans: list[Json] | None = None) -> list[Breach] | None:
    """Each loan stands once in a list."""
    name, listed = ("loans", loans) if loans is not None else ("plans", plans or [])
    seen: set[str] = set()
    breaches = []
    for index, each in enumerate(listed):
        if each["loanNo"] in seen:
            breaches.append(Breach((name, index, "loanNo"), expected="each loan once"))
        seen.add(each["loanNo"])
    return breaches or None


@rule("XQ-R-323")
def check_plan_repays_balance(balance: Json, instalments: list[Json]) -> Breach | None:
    """The instalments of a loan repay its balance."""
    if makes_up(balance, (each["principal"] for each in instalments)):
        return None
    return Breach(("balance", "value"), expected="the sum of the instalments' principal")


@rule("XQ-R-324")
def check_collected_of_due(
    due_principal: Json,
    due_interest: Json,
    collected_principal: Json,
    collected_interest: Json,
    due_penalty: Json | None = None,
    due_fee: Json | None = None,
    collected_penalty: Json | None = None,
    collected_fee: Json | None = None,
) -> list[Breach] | None:
    """No more is collected than is due, where that is given: what comes early is prepaid."""
    pairs = {
        "Principal": (due_principal, collected_principal),
        "Interest": (due_interest, collected_interest),
        "Penalty": (due_penalty, collected_penalty),
        "Fee": (due_fee, collected_fee),
    }
    return [
        Breach((f"collected{name}", "value"), expected=f"at most due{name}")
        for name, (due, collected) in pairs.items()
        if due is not None and in_units(collected) > in_units(due)
    ] or None


@rule("XQ-R-325")
def check_balance_of_period(
    opening_balance: Json,
    collected_principal: Json,
    closing_balance: Json,
    purchased_balance: Json | None = None,
    prepaid_principal: Json | None = None,
    recovered_principal: Json | None = None,
    repurchased_principal: Json | None = None,
    written_off_principal: Json | None = None,
) -> Breach | None:
    """The closing balance is the opening balance and what was bought, less all that repaid or wrote off principal."""
    gone = (
        collected_principal,
        prepaid_principal,
        recovered_principal,
        repurchased_principal,
        written_off_principal,
    )
    expected = in_units(opening_balance) + in_units(purchased_balance) - sum(map(in_units, gone))
    if in_units(closing_balance) == expected:
        return None
    return Breach(("closingBalance", "value"), expected="openingBalance with the movements of the period")


@rule("XQ-R-326")
def check_collection_totals(loans: list[Json], totals: Json, page: Json | None = None) -> list[Breach] | None:
    """The totals of a collection report are the sums of its loans."""
    return list(_wrong_sums(loans, totals, _COLLECTED, page)) or None


_COLLECTED = (
    "openingBalance",
    "purchasedBalance",
    "duePrincipal",
    "dueInterest",
    "duePenalty",
    "dueFee",
    "collectedPrincipal",
    "collectedInterest",
    "collectedPenalty",
    "collectedFee",
    "prepaidPrincipal",
    "recovered",
    "recoveredPrincipal",
    "repurchasedPrincipal",
    "repurchasePrice",
    "writtenOffPrincipal",
    "closingBalance",
)


@rule("XQ-R-327")
def check_remittance(amount: Json, items: list[Json], deductions: list[Json] | None = None) -> Breach | None:
    """What is remitted is what was collected, less what the servicer keeps."""
    kept = [each["amount"] for each in deductions or ()]
    if balances((each["amount"] for each in items), (amount, *kept)):
        return None
    return Breach(("amount", "value"), expected="the sum of the items less the deductions")


@rule("XQ-R-328")
def check_price_within_funds(price: Json, available_funds: Json) -> Breach | None:
    """A revolving purchase costs no more than there is for it."""
    return (
        Breach(("price", "value"), expected="at most availableFunds")
        if in_units(price) > in_units(available_funds)
        else None
    )


@rule("XQ-R-329")
def check_eligibility(criteria: list[Json], loans: list[Json]) -> list[Breach] | None:
    """A loan that is not eligible names a criterion of the message that it fails, an eligible one none."""
    known = {each["criterionNo"] for each in criteria}
    return [breach for index, loan in enumerate(loans) for breach in _wrong_decision(index, loan, known)] or None


def _wrong_decision(index: int, loan: Json, known: set[str]) -> Iterator[Breach]:
    failed = loan.get("failed", [])
    if loan["eligible"] == bool(failed):
        expected = "none for an eligible loan" if failed else "the criteria that the loan fails"
        yield Breach(("loans", index, "failed"), expected=expected)
    for place, criterion in enumerate(failed):
        if criterion not in known:
            yield Breach(("loans", index, "failed", place), expected="the criterionNo of a criterion of this message")


@rule("XQ-R-330")
def check_eligible_totals(
    eligible_loans: str,
    eligible_balance: Json,
    ineligible_loans: str,
    loans: list[Json],
    page: Json | None = None,
) -> list[Breach] | None:
    """The totals of a decision are those of its loans."""
    whole = page is None or page["of"] == 1
    eligible = [each for each in loans if each["eligible"]]
    counts = {
        "eligibleLoans": (eligible_loans, len(eligible)),
        "ineligibleLoans": (ineligible_loans, len(loans) - len(eligible)),
    }
    breaches = [
        Breach((name,), expected="the number of such loans")
        for name, (total, found) in counts.items()
        if found > int(total) or (whole and found != int(total))
    ]
    if all("balance" in each for each in eligible) and not makes_up(
        eligible_balance, (each["balance"] for each in eligible), page
    ):
        breaches.append(Breach(("eligibleBalance", "value"), expected="the sum of the eligible loans' balance"))
    return breaches or None


@rule("XQ-R-331")
def check_waterfall(sources: list[Json], steps: list[Json], remaining: Json) -> Breach | None:
    """What the sources hold is what the steps pay and what remains."""
    paid = [each["paid"] for each in steps]
    if balances((each["amount"] for each in sources), (*paid, remaining)):
        return None
    return Breach(("remaining", "value"), expected="the sources less what the steps paid")


@rule("XQ-R-332")
def check_step(due: Json, paid: Json, shortfall: Json | None = None) -> Breach | None:
    """What a step is due is what it is paid and what it is short of."""
    if in_units(paid) + in_units(shortfall) == in_units(due):
        return None
    return Breach(("due", "value"), expected="paid and shortfall")


@rule("XQ-R-333")
def check_tranche_balance(balance_before: Json, principal_paid: Json, balance_after: Json) -> Breach | None:
    """A tranche's balance falls by the principal that it is paid."""
    if in_units(balance_before) - in_units(principal_paid) == in_units(balance_after):
        return None
    return Breach(("balanceAfter", "value"), expected="balanceBefore less principalPaid")


@rule("XQ-R-334")
def check_tranche_interest(
    interest_due: Json, interest_paid: Json, interest_deferred: Json | None = None
) -> Breach | None:
    """Interest due on a tranche is paid or deferred."""
    if in_units(interest_paid) + in_units(interest_deferred) == in_units(interest_due):
        return None
    return Breach(("interestDue", "value"), expected="interestPaid and interestDeferred")


@rule("XQ-R-335")
def check_tranches_of_steps(steps: list[Json], tranches: list[Json]) -> list[Breach] | None:
    """Steps pay tranches of the message only."""
    known = {each["trancheNo"] for each in tranches}
    return [
        Breach(("steps", index, "trancheNo"), expected="the trancheNo of a tranche of this message")
        for index, step in enumerate(steps)
        if step.get("trancheNo") not in (None, *known)
    ] or None


@rule("XQ-R-336")
def check_tranches_paid(steps: list[Json], tranches: list[Json]) -> list[Breach] | None:
    """A tranche is paid what its steps say; a step that pays several tranches names none, and nothing is compared."""
    fields = {"TRANCHE_INTEREST": "interestPaid", "TRANCHE_PRINCIPAL": "principalPaid"}
    return [breach for kind, field in fields.items() for breach in _wrongly_paid(kind, field, steps, tranches)] or None


def _wrongly_paid(kind: str, field: str, steps: list[Json], tranches: list[Json]) -> Iterator[Breach]:
    of_kind = [each for each in steps if each["kind"] == kind]
    if not all("trancheNo" in each for each in of_kind):
        return
    for index, tranche in enumerate(tranches):
        paid = [each["paid"] for each in of_kind if each["trancheNo"] == tranche["trancheNo"]]
        if paid and not makes_up(tranche[field], paid):
            yield Breach(("tranches", index, field, "value"), expected="what the steps pay to the tranche")


@rule("XQ-R-337")
def check_dates_of_distribution(
    calculation_date: str,
    transfer_date: str,
    report_date: str,
    payment_date: str,
    accrual_start: str | None = None,
    accrual_end: str | None = None,
) -> list[Breach] | None:
    """It is calculated, then reported and paid; collections are transferred in between, whether reported or not."""
    pairs = (
        ("transferDate", transfer_date, "calculationDate", calculation_date),
        ("reportDate", report_date, "calculationDate", calculation_date),
        ("paymentDate", payment_date, "transferDate", transfer_date),
        ("paymentDate", payment_date, "reportDate", report_date),
        ("accrualEnd", accrual_end, "accrualStart", accrual_start),
    )
    return [
        Breach((later,), expected=f"not before {earlier}")
        for later, end, earlier, start in pairs
        if end is not None and start is not None and end < start
    ] or None


@rule("XQ-R-338")
def check_paid_per_unit(
    units: str,
    principal_paid: Json,
    interest_paid: Json,
    principal_per_unit: str | None = None,
    interest_per_unit: str | None = None,
) -> list[Breach] | None:
    """What a tranche is paid is its units times what each is paid, within the last digit of that and of the money."""
    pairs = {"principal": (principal_per_unit, principal_paid), "interest": (interest_per_unit, interest_paid)}
    return [
        Breach((f"{name}PerUnit",), expected=f"{name}Paid over units, within rounding")
        for name, (per_unit, paid) in pairs.items()
        if per_unit is not None and not _is_per_unit(per_unit, units, paid)
    ] or None


def _is_per_unit(per_unit: str, units: str, paid: Json) -> bool:
    minor = 10 ** (16 - minor_digits(paid["currency"]))
    rounding: int = scaled(units) * 10 ** (8 - decimals(per_unit)) + minor
    return abs(scaled(per_unit) * scaled(units) - in_units(paid) * 10**8) <= rounding


@rule("XQ-R-339")
def check_ledger(opening: Json, received: Json, paid: Json, closing: Json) -> Breach | None:
    """A ledger closes with what it opened with and received, less what it paid."""
    if in_units(opening) + in_units(received) - in_units(paid) == in_units(closing):
        return None
    return Breach(("closing", "value"), expected="opening and received less paid")
