"""Rules on money that comes, goes, is split and goes back."""

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, decimals, scaled
from xinqiao.rules.repeats import repeats
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


def _make_up(parts: list[Json], whole: Json) -> bool:
    """Return whether amounts add up to another; amounts of several currencies are for other rules."""
    if any(each["currency"] != whole["currency"] for each in parts):
        return True
    return sum(scaled(each["value"]) for each in parts) == scaled(whole["value"])


@rule("XQ-R-160")
def check_allocations(
    bank_reference: str, amount: Json, allocations: list[Json], suspense_amount: Json | None = None
) -> Breach | None:
    """What is allocated of the entry, and what of it is in suspense, make up the entry."""
    own = [each["amount"] for each in allocations if each["bankReference"] == bank_reference]
    rest = [] if suspense_amount is None else [suspense_amount]
    if _make_up([*own, *rest], amount):
        return None
    return Breach(("amount", "value"), expected="the sum of the entry's allocations and suspenseAmount")


@rule("XQ-R-161")
def check_allocation_currency(
    amount: Json, allocations: list[Json] | None = None, suspense_amount: Json | None = None
) -> list[Breach] | None:
    """What is allocated and what is in suspense are in the entry's currency."""
    places: list[tuple[tuple[str | int, ...], Json]] = [
        (("allocations", index, "amount"), each["amount"]) for index, each in enumerate(allocations or ())
    ]
    if suspense_amount is not None:
        places.append((("suspenseAmount",), suspense_amount))
    return [
        Breach((*at, "currency"), expected="the currency of the amount")
        for at, money in places
        if money["currency"] != amount["currency"]
    ] or None


@rule("XQ-R-162")
def check_instruction_allocated(instruction_no: str, allocations: list[Json]) -> Breach | None:
    """The instruction that the match names is among its allocations."""
    if any(each["instructionNo"] == instruction_no for each in allocations):
        return None
    return Breach(("instructionNo",), expected="the instruction of an allocation")


@rule("XQ-R-163")
def check_nothing_left(
    result: str, allocations: list[Json] | None = None, suspense_amount: Json | None = None
) -> Breach | None:
    """A match is whole: nothing of the entry in suspense, nothing of an instruction outstanding."""
    left = [each["outstanding"] for each in allocations or () if "outstanding" in each]
    if suspense_amount is not None:
        left.append(suspense_amount)
    if result == "MATCHED" and any(scaled(each["value"]) > 0 for each in left):
        return Breach(("result",), expected="PARTLY_MATCHED while money is in suspense or outstanding")
    return None


@rule("XQ-R-164")
def check_failure_reason(
    state: str, reasons: list[Json] | None = None, bank_reason: Json | None = None
) -> Breach | None:
    """A payment that failed, came back or is withheld says why."""
    unpaid = state in ("PAYMENT_FAILED", "PAYMENT_RETURNED", "PAYMENT_WITHHELD")
    if unpaid and reasons is None and bank_reason is None:
        return Breach(("reasons",), expected="reasons or bankReason")
    return None


@rule("XQ-R-165")
def check_returned_payment(
    state: str, original_bank_reference: str | None = None, returned_on: str | None = None
) -> list[Breach] | None:
    """A payment that came back names the entry by which it had gone out, and the day."""
    if state != "PAYMENT_RETURNED":
        return None
    given = {"originalBankReference": original_bank_reference, "returnedOn": returned_on}
    return [
        Breach((name,), expected="needed of a returned payment") for name, value in given.items() if value is None
    ] or None


@rule("XQ-R-166")
def check_returned_amount(amount: Json, original_amount: Json) -> Breach | None:
    """No more goes back than came; interest is apart."""
    if scaled(amount["value"]) <= scaled(original_amount["value"]):
        return None
    return Breach(("amount", "value"), expected="at most originalAmount")


@rule("XQ-R-167")
def check_returned_to_source(original_payer: Json, payee_account: Json, approval: Json | None = None) -> Breach | None:
    """Money goes back to the account that it came from; elsewhere only with an approval."""
    numbers = original_payer.get("number"), payee_account.get("number")
    if approval is not None or None in numbers or numbers[0] == numbers[1]:
        return None
    return Breach(("payeeAccount", "number"), expected="the number of originalPayer, or an approval")


@rule("XQ-R-168")
def check_return_date(received_on: str, returned_on: str) -> Breach | None:
    """Money does not go back before it has come."""
    return Breach(("returnedOn",), expected="not before receivedOn") if returned_on < received_on else None


@rule("XQ-R-169")
def check_account_dates(
    opened_on: str, usable_from: str | None = None, end_date: str | None = None
) -> list[Breach] | None:
    """An account is neither used nor at its end before it is opened."""
    later = {"usableFrom": usable_from, "endDate": end_date}
    return [
        Breach((name,), expected="not before openedOn")
        for name, day in later.items()
        if day is not None and day < opened_on
    ] or None


@rule("XQ-R-170")
def check_split_total(total: Json, parts: list[Json]) -> Breach | None:
    """The parts of a split make up its total."""
    if _make_up([each["amount"] for each in parts], total):
        return None
    return Breach(("total", "value"), expected="the sum of the parts")


@rule("XQ-R-171")
def check_split_shares(parts: list[Json]) -> Breach | None:
    """Where every part has a share, the shares add up to 100, each rounded in its last digit."""
    shares = [each["percentage"] for each in parts if "percentage" in each]
    rounding = sum(10 ** (8 - decimals(each)) for each in shares) // 2
    if len(shares) < len(parts) or abs(sum(map(scaled, shares)) - HUNDRED) <= rounding:
        return None
    return Breach(("parts",), expected="100 as the sum of the percentages")


@rule("XQ-R-172")
def check_split_lines(parts: list[Json] | None = None, results: list[Json] | None = None) -> list[Breach] | None:
    """Each part of a split has its own number."""
    return [
        Breach((name, index, "lineNo"), expected="a lineNo of its own")
        for name, items in (("parts", parts), ("results", results))
        for index in repeats(each["lineNo"] for each in items or ())
    ] or None


@rule("XQ-R-173")
def check_split_settled(
    total: Json, settled_amount: Json, unsettled_amount: Json, results: list[Json]
) -> list[Breach] | None:
    """What is settled is what the parts that succeeded hold, the rest is not; together they are the total."""
    paid = [each["amount"] for each in results if each["state"] == "PAYMENT_SUCCEEDED"]
    unpaid = [each["amount"] for each in results if each["state"] != "PAYMENT_SUCCEEDED"]
    expected = (
        ("settledAmount", settled_amount, paid, "the sum of the parts that succeeded"),
        ("unsettledAmount", unsettled_amount, unpaid, "the sum of the parts that did not succeed"),
        ("total", total, [settled_amount, unsettled_amount], "settledAmount and unsettledAmount together"),
    )
    return [
        Breach((name, "value"), expected=text) for name, whole, parts, text in expected if not _make_up(parts, whole)
    ] or None


@rule("XQ-R-174")
def check_another_account(payer_account: Json, payee_account: Json) -> Breach | None:
    """An account does not pay itself; two banks may have the same number."""
    same = all(_agree(payer_account.get(name), payee_account.get(name)) for name in ("number", "cnaps", "bankName"))
    if same and payer_account.get("number") is not None and payee_account.get("number") is not None:
        return Breach(("payeeAccount", "number"), expected="another account than payerAccount")
    return None


def _agree(first: str | None, second: str | None) -> bool:
    return first is None or second is None or first == second


@rule("XQ-R-175")
def check_repeat_of_another(instruction_no: str, replaces_instruction_no: str) -> Breach | None:
    """A payment made again has a number of its own, else the bank takes it for the first."""
    if replaces_instruction_no != instruction_no:
        return None
    return Breach(("replacesInstructionNo",), expected="another instruction's number")


@rule("XQ-R-176")
def check_split_currency(
    total: Json, parts: list[Json] | None = None, results: list[Json] | None = None
) -> list[Breach] | None:
    """The parts of a split are in the currency of its total."""
    return [
        Breach((name, index, "amount", "currency"), expected="the currency of the total")
        for name, items in (("parts", parts), ("results", results))
        for index, each in enumerate(items or ())
        if each["amount"]["currency"] != total["currency"]
    ] or None
