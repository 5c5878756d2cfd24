"""Rules on contributions to annuities and payments out of them."""

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units, makes_up
from xinqiao.rules.exact import HUNDRED, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-380")
def check_parts_of_contribution(amount: Json, employer_amount: Json, member_amount: Json) -> Breach | None:
    """A contribution is the employer's part and the members'."""
    if makes_up(amount, (employer_amount, member_amount)):
        return None
    return Breach(("amount", "value"), expected="employerAmount and memberAmount")


@rule("XQ-R-381")
def check_members(
    employer_amount: Json, member_amount: Json, member_count: str, members: list[Json], page: Json | None = None
) -> list[Breach] | None:
    """The totals of a contribution are those of its members."""
    totals = {"employerAmount": employer_amount, "memberAmount": member_amount}
    breaches = [
        Breach((name, "value"), expected=f"the sum of the members' {name}")
        for name, total in totals.items()
        if not makes_up(total, (each[name] for each in members), page)
    ]
    rest = int(member_count) - len(members)
    if rest and (rest < 0 or page is None or page["of"] == 1):
        breaches.append(Breach(("memberCount",), expected="the number of members"))
    return breaches or None


@rule("XQ-R-382")
def check_taxed_part(member_amount: Json, taxed_amount: Json) -> Breach | None:
    """The taxed part of a member's contribution is no more than the whole."""
    if in_units(taxed_amount) <= in_units(member_amount):
        return None
    return Breach(("taxedAmount", "value"), expected="at most memberAmount")


@rule("XQ-R-383")
def check_vested(vested_percentage: str) -> Breach | None:
    """No more than all is vested."""
    return Breach(("vestedPercentage",), expected="0 to 100") if scaled(vested_percentage) > HUNDRED else None


@rule("XQ-R-384")
def check_net_benefit(amount: Json, net_amount: Json, tax: Json | None = None) -> Breach | None:
    """A benefit is paid less the tax withheld."""
    if in_units(amount) - in_units(tax) == in_units(net_amount):
        return None
    return Breach(("netAmount", "value"), expected="amount less tax")


@rule("XQ-R-385")
def check_payee(payee_account: Json | None = None, heirs: list[Json] | None = None) -> Breach | None:
    """A benefit goes to an account, or to heirs."""
    if payee_account is None and heirs is None:
        return Breach(("payeeAccount",), expected="payeeAccount or heirs")
    return None


@rule("XQ-R-386")
def check_heirs(net_amount: Json, heirs: list[Json]) -> Breach | None:
    """What the heirs are paid is the net benefit; their percentages may be rounded, as thirds are."""
    if makes_up(net_amount, (each["amount"] for each in heirs)):
        return None
    return Breach(("heirs", 0, "amount", "value"), expected="amounts that add up to netAmount")


@rule("XQ-R-387")
def check_target_plan(
    event: str, target_plan_no: str | None = None, target_plan_name: str | None = None
) -> Breach | None:
    """A transfer names the plan that it goes to."""
    if event == "TRANSFER_OUT" and target_plan_no is None and target_plan_name is None:
        return Breach(("targetPlanNo",), expected="the plan transferred to, by number or name")
    return None


@rule("XQ-R-388")
def check_period(period_no: int, periods: int) -> Breach | None:
    """A period is one of those that there are."""
    return Breach(("periodNo",), expected="at most periods") if period_no > periods else None
