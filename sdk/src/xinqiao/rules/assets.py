"""Rules on what is delivered, paid and ordered."""

from collections import Counter

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-052")
def check_account_currency(
    amount: Json, payer_account: Json | None = None, payee_account: Json | None = None
) -> list[Breach] | None:
    """Cash is in the currency of the accounts, where they name one."""
    accounts = {"payerAccount": payer_account, "payeeAccount": payee_account}
    return [
        Breach((name, "currency"), expected="the currency of the amount")
        for name, account in accounts.items()
        if account is not None and account.get("currency") not in (None, amount["currency"])
    ] or None


@rule("XQ-R-054")
def check_policy_rights(rights: list[Json]) -> list[Breach] | None:
    """The shares of one benefit in one order are at most 100 per cent together."""
    totals: Counter[tuple[str, int]] = Counter()
    last: dict[tuple[str, int], int] = {}
    for index, right in enumerate(rights):
        key = right["benefit"], right["order"]
        totals[key] += scaled(right["percentage"])
        last[key] = index
    return [
        Breach(
            ("rights", last[key], "percentage"),
            value=plain(total),
            expected=f"at most 100 as the sum for {key[0]}, order {key[1]}",
        )
        for key, total in totals.items()
        if total > HUNDRED
    ] or None


@rule("XQ-R-055")
def check_instrument_named(
    isin: str | None = None, code: str | None = None, registration_code: str | None = None
) -> Breach | None:
    """An instrument is named by its ISIN, by the registry's code or by another."""
    if isin is None and code is None and registration_code is None:
        return Breach(expected="isin, registrationCode or code")
    return None


@rule("XQ-R-104")
def check_account_named(number: str | None = None, name: str | None = None) -> Breach | None:
    """A bank account is named by its number or by its holder: of a counterparty a bank may tell one of them."""
    return Breach(expected="number or name") if number is None and name is None else None


@rule("XQ-R-056")
def check_account_number(
    payee_account: Json | None = None, trust_account: Json | None = None, account: Json | None = None
) -> list[Breach] | None:
    """An account that money is paid to or stands on has a number; of a counterparty often only the name is known."""
    accounts = {"payeeAccount": payee_account, "trustAccount": trust_account, "account": account}
    return [
        Breach((name, "number"), expected="the account's number")
        for name, each in accounts.items()
        if isinstance(each, dict) and "name" in each and "number" not in each  # XQ-R-220 reads fund accounts
    ] or None


@rule("XQ-R-060")
def check_suspense_reason(result: str, reason: str | None = None) -> Breach | None:
    """Money in suspense says why."""
    if result == "SUSPENSE" and reason is None:
        return Breach(("reason",), expected="a reason for the suspense")
    return None


@rule("XQ-R-061")
def check_match_instruction(result: str, instruction_no: str | None = None) -> Breach | None:
    """Matched money names the instruction that it fulfils."""
    if result == "MATCHED" and instruction_no is None:
        return Breach(("instructionNo",), expected="the number of the delivery instruction")
    return None


@rule("XQ-R-062")
def check_match_currency(
    amount: Json,
    reason: str | None = None,
    expected_amount: Json | None = None,
    tolerance: Json | None = None,
) -> list[Breach] | None:
    """What came, what was expected and the tolerance are in one currency, unless that is why it is in suspense."""
    if reason == "CURRENCY_DIFFERS":
        return None
    others = {"expectedAmount": expected_amount, "tolerance": tolerance}
    return [
        Breach((name, "currency"), expected="the currency of the amount")
        for name, money in others.items()
        if money is not None and money["currency"] != amount["currency"]
    ] or None


@rule("XQ-R-063")
def check_match_amount(
    result: str, amount: Json, expected_amount: Json, tolerance: Json | None = None
) -> Breach | None:
    """Matched money differs from what was expected by no more than the tolerance."""
    if result != "MATCHED":
        return None
    allowed = scaled(tolerance["value"]) if tolerance else 0
    if abs(scaled(amount["value"]) - scaled(expected_amount["value"])) <= allowed:
        return None
    return Breach(("amount", "value"), expected="expectedAmount within the tolerance")
