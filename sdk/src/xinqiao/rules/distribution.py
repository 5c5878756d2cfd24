"""Rules on distributions: amounts that add up, and who may be paid for whom."""

from collections.abc import Iterator

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units
from xinqiao.rules.exact import scaled
from xinqiao.rules.pages import is_part
from xinqiao.rules.person import of_age_on
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-280")
def check_net_of_line(
    gross_amount: Json, net_amount: Json, tax: Json | None = None, fees: list[Json] | None = None
) -> Breach | None:
    """What a beneficiary is paid is the gross amount less tax and fees."""
    charges = sum(scaled(fee["amount"]["value"]) for fee in fees or ())
    if scaled(gross_amount["value"]) - in_units(tax) - charges == scaled(net_amount["value"]):
        return None
    return Breach(("netAmount", "value"), expected="grossAmount less tax and fees")


@rule("XQ-R-281")
def check_totals(
    gross_amount: Json,
    payees: list[Json] | None = None,
    outcomes: list[Json] | None = None,
    tax: Json | None = None,
    net_amount: Json | None = None,
    page: Json | None = None,
) -> list[Breach] | None:
    """The totals are the sums of the lines; those of several pages cannot be seen in one of them."""
    if is_part(page):
        return None
    lines = payees or outcomes or []
    totals = {"grossAmount": gross_amount, "tax": tax, "netAmount": net_amount}
    return [
        Breach((name, "value"), expected=f"the sum of {name} of the lines")
        for name, total in totals.items()
        if total is not None
        and (name != "netAmount" or all(name in line for line in lines))
        and sum(in_units(line.get(name)) for line in lines) != scaled(total["value"])
    ] or None


@rule("XQ-R-282")
def check_currency_of_lines(
    gross_amount: Json,
    payees: list[Json] | None = None,
    outcomes: list[Json] | None = None,
    fees: list[Json] | None = None,
) -> list[Breach] | None:
    """Lines are in the currency of the total, and fees in that of their line."""
    parts = (("payees", payees, "grossAmount"), ("outcomes", outcomes, "grossAmount"), ("fees", fees, "amount"))
    return [
        Breach((name, index, amount, "currency"), expected="the currency of grossAmount")
        for name, lines, amount in parts
        for index, line in enumerate(lines or ())
        if line[amount]["currency"] != gross_amount["currency"]
    ] or None


@rule("XQ-R-283")
def check_lines_can_be_paid(payees: list[Json]) -> list[Breach] | None:
    """Each line of a payment says how much is paid, and to which account."""
    return [
        Breach(("payees", index, name), expected=f"{name} in a payment")
        for index, line in enumerate(payees)
        for name in ("netAmount", "payeeAccount")
        if name not in line
    ] or None


@rule("XQ-R-284")
def check_guardian(capacity: str, guardian: Json | None = None) -> Breach | None:
    """Who lacks full capacity has a guardian (Civil Code, art. 23)."""
    if capacity == "FULL_CAPACITY" or guardian is not None:
        return None
    return Breach(("guardian",), expected="the guardian of a beneficiary without full capacity")


@rule("XQ-R-285")
def check_guardian_of_minor(
    payees: list[Json], applied_on: str | None = None, pay_on: str | None = None
) -> list[Breach] | None:
    """Who is under 18 has a guardian, unless of full capacity by own work (Civil Code, art. 17, 18 and 23)."""
    day = pay_on or applied_on
    if day is None:
        return None
    return [
        Breach(("payees", index, "guardian"), expected="the guardian of a beneficiary under 18")
        for index, line in enumerate(payees)
        if "birthDate" in line and not {"guardian", "capacity"} & line.keys() and not of_age_on(line["birthDate"], day)
    ] or None


@rule("XQ-R-286")
def check_account_holder(
    payee_restriction: str, payee_account: Json, beneficiary_name: str | None = None, guardian: Json | None = None
) -> Breach | None:
    """Where only the beneficiary's or the guardian's account may be paid, it bears that name."""
    names = {"OWN_ACCOUNT_ONLY": beneficiary_name, "GUARDIAN_ACCOUNT": guardian and guardian.get("name")}
    name = names.get(payee_restriction)
    if name is None or payee_account.get("name", name) == name:
        return None
    return Breach(("payeeAccount", "name"), expected="the name of whom the restriction lets be paid")


@rule("XQ-R-287")
def check_outcome_of_line(state: str, paid_on: str | None = None, reasons: list[Json] | None = None) -> Breach | None:
    """A line that is paid says when, one that is not says why, if that is known."""
    if state == "PAYMENT_SUCCEEDED":
        return Breach(("paidOn",), expected="the day of payment") if paid_on is None else None
    return None if reasons or state == "PAYMENT_UNKNOWN" else Breach(("reasons",), expected="why the line is not paid")


@rule("XQ-R-288")
def check_line_numbers(payees: list[Json] | None = None, outcomes: list[Json] | None = None) -> list[Breach] | None:
    """Each line has its own number."""
    return list(_repeated("payees", payees or [])) + list(_repeated("outcomes", outcomes or [])) or None


def _repeated(name: str, lines: list[Json]) -> Iterator[Breach]:
    seen: set[int] = set()
    for index, line in enumerate(lines):
        number = line.get("lineNo")
        if number in seen:
            yield Breach((name, index, "lineNo"), expected="a number of its own")
        if number is not None:
            seen.add(number)


@rule("XQ-R-289")
def check_line_count(line_count: int, payees: list[Json], page: Json | None = None) -> Breach | None:
    """The number of lines is that of the lines there are, where one message holds them all."""
    if is_part(page) or line_count == len(payees):
        return None
    return Breach(("lineCount",), expected="the number of payees")


@rule("XQ-R-290")
def check_partial_consent(outcome: str, amounts: list[Json] | None = None) -> Breach | None:
    """Who consents to part of a distribution says to how much."""
    if outcome == "CONSENTED_IN_PART" and amounts is None:
        return Breach(("amounts",), expected="the amounts consented to")
    return None
