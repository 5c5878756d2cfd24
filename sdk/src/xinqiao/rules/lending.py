"""Rules on loans: the decision, the contract, and the money that goes out and comes back."""

from collections.abc import Iterator
from itertools import pairwise

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units, is_percentage_of, makes_up
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

# One decimal place is the least that shares are given with.
_ROUNDING_OF_A_SHARE = scaled("0.1")


@rule("XQ-R-340")
def check_terms_of_approval(
    outcome: str, limit: Json | None = None, annual_rate: str | None = None
) -> list[Breach] | None:
    """An approval says how much and at what rate; a line may have no term but a day until which it is valid."""
    terms = {"limit": limit, "annualRate": annual_rate}
    return [
        Breach((name,), expected="given where the outcome is APPROVED")
        for name, value in terms.items()
        if outcome == "APPROVED" and value is None
    ] or None


@rule("XQ-R-341")
def check_reasons_of_decision(
    outcome: str, reasons: list[Json] | None = None, items_needed: list[str] | None = None
) -> Breach | None:
    """A refusal says why, and who needs more says what."""
    if outcome == "REJECTED" and reasons is None:
        return Breach(("reasons",), expected="a reason for the refusal")
    if outcome == "MORE_NEEDED" and items_needed is None and reasons is None:
        return Breach(("itemsNeeded",), expected="what is needed")
    return None


@rule("XQ-R-342")
def check_plan_repays_principal(principal: Json, plan: list[Json]) -> Breach | None:
    """The plan of a loan repays its principal."""
    if makes_up(principal, (each["principal"] for each in plan)):
        return None
    return Breach(("principal", "value"), expected="the sum of the instalments' principal")


@rule("XQ-R-343")
def check_instalments_in_order(
    plan: list[Json] | None = None, instalments: list[Json] | None = None
) -> list[Breach] | None:
    """Instalments are numbered one after the other, and none is due before the one that precedes it."""
    name, listed = ("plan", plan) if plan is not None else ("instalments", instalments or [])
    return [
        breach
        for index, (earlier, later) in enumerate(pairwise(listed), 1)
        for breach in _out_of_order((name, index), earlier, later)
    ] or None


def _out_of_order(at: tuple[str, int], earlier: Json, later: Json) -> Iterator[Breach]:
    if later["periodNo"] <= earlier["periodNo"]:
        yield Breach((*at, "periodNo"), expected="after that of the instalment before")
    if later["dueOn"] < earlier["dueOn"]:
        yield Breach((*at, "dueOn"), expected="not before that of the instalment before")


@rule("XQ-R-344")
def check_percentages_of_funders(funders: list[Json]) -> Breach | None:
    """The percentages of the funders, where all have one, add up to 100, within 0.1 for each funder."""
    if not all("percentage" in each for each in funders):
        return None
    total = sum(scaled(each["percentage"]) for each in funders)
    if abs(total - HUNDRED) <= len(funders) * _ROUNDING_OF_A_SHARE:
        return None
    return Breach(("funders", 0, "percentage"), value=plain(total), expected="100 as the sum of the percentages")


@rule("XQ-R-345")
def check_amounts_of_funders(
    funders: list[Json], amount: Json | None = None, principal: Json | None = None
) -> Breach | None:
    """The funders' amounts make up the amount, in a contract the principal."""
    total = principal if amount is None else amount
    if total is None or makes_up(total, (each["amount"] for each in funders)):
        return None
    return Breach(("funders", 0, "amount", "value"), expected="amounts that add up to the whole")


@rule("XQ-R-346")
def check_parts_of_repayment(
    amount: Json, principal: Json, interest: Json | None = None, penalty: Json | None = None, fee: Json | None = None
) -> Breach | None:
    """Principal, interest, penalty and fee make up the amount."""
    if makes_up(amount, (each for each in (principal, interest, penalty, fee) if each is not None)):
        return None
    return Breach(("amount", "value"), expected="principal, interest, penalty and fee")


@rule("XQ-R-347")
def check_reason_of_failure(state: str, reasons: list[Json] | None = None) -> Breach | None:
    """A payment that failed or came back says why."""
    if state in ("PAYMENT_FAILED", "PAYMENT_RETURNED") and reasons is None:
        return Breach(("reasons",), expected="a reason for the failure")
    return None


@rule("XQ-R-348")
def check_payer_named(kind: str, payer_name: str | None = None) -> Breach | None:
    """Who pays in the borrower's place is named."""
    if kind in ("COMPENSATION", "REPURCHASE") and payer_name is None:
        return Breach(("payerName",), expected="who pays in the borrower's place")
    return None


@rule("XQ-R-349")
def check_loan_to_value(value: Json, secured_balance: Json, loan_to_value: str) -> Breach | None:
    """Loan to value is the balance secured over the value."""
    if is_percentage_of(loan_to_value, secured_balance, value):
        return None
    return Breach(("loanToValue",), expected="securedBalance over value, per cent")


@rule("XQ-R-350")
def check_cost_disclosed(fees: list[Json], irr: str | None = None) -> Breach | None:  # noqa: ARG001 -- there are fees
    """A contract with fees discloses the all-in cost as an annualised rate."""
    return Breach(("irr",), expected="the annualised all-in cost, since there are fees") if irr is None else None


@rule("XQ-R-351")
def check_levels(warning_level: str, disposal_level: str) -> Breach | None:
    """Collateral is warned of before it is disposed of."""
    if scaled(warning_level) <= scaled(disposal_level):
        return None
    return Breach(("warningLevel",), expected="at most disposalLevel")


@rule("XQ-R-352")
def check_settled(loan_settled: bool, balance_after: Json) -> Breach | None:
    """A loan is settled where nothing remains."""
    if not loan_settled or in_units(balance_after) == 0:
        return None
    return Breach(("balanceAfter", "value"), expected="0 where the loan is settled")


@rule("XQ-R-353")
def check_own_decision(method: str, models: list[Json] | None = None, approval: Json | None = None) -> Breach | None:
    """A decision names the models or the person that made it."""
    if method in ("MODEL", "MODEL_AND_MANUAL") and models is None:
        return Breach(("models",), expected="the models that decided, with their versions")
    if method in ("MANUAL", "MODEL_AND_MANUAL") and approval is None:
        return Breach(("approval",), expected="who approved")
    return None


@rule("XQ-R-354")
def check_time_of_disbursement(state: str, completed_at: str | None = None) -> Breach | None:
    """What was paid out says when."""
    if state == "PAYMENT_SUCCEEDED" and completed_at is None:
        return Breach(("completedAt",), expected="when it was paid out")
    return None


@rule("XQ-R-355")
def check_day_of_repayment(state: str, repaid_on: str | None = None) -> Breach | None:
    """What was repaid says when."""
    if state == "PAYMENT_SUCCEEDED" and repaid_on is None:
        return Breach(("repaidOn",), expected="the day on which the repayment counts")
    return None


@rule("XQ-R-356")
def check_contract_shown(
    evidence_references: list[str] | None = None, documents: list[Json] | None = None
) -> Breach | None:
    """A contract is shown by its text or by the evidence of its signing."""
    if evidence_references is None and documents is None:
        return Breach(("documents",), expected="the contract's text, or evidenceReferences")
    return None
