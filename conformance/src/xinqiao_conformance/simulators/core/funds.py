"""Money that arrives, compared with what was instructed (来账匹配)."""

from dataclasses import dataclass
from decimal import Decimal

from xinqiao.message import Json

__all__ = ["Funds", "Instruction", "Verdict"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """A delivery instruction for cash; ``cash`` is the standard's ``CashDelivery``."""

    case_id: str
    number: str
    contract_no: str
    cash: Json


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an entry turned out to be. ``reason`` is None for a match."""

    instruction: Instruction | None
    reason: str | None = None

    @property
    def result(self) -> str:
        """Return the standard's ``MATCHED`` or ``SUSPENSE``."""
        return "SUSPENSE" if self.reason else "MATCHED"


class Funds:
    """Open instructions and the payments that met them."""

    def __init__(self, tolerance: Decimal = Decimal(0)) -> None:
        self._tolerance = tolerance
        self._instructions: dict[tuple[str, str], Instruction] = {}
        self._paid: set[tuple[str, str]] = set()
        self._references: set[tuple[str, str]] = set()

    def instruct(self, instruction: Instruction) -> None:
        """Take note of an instruction; the same number again takes the place of the earlier one."""
        self._instructions[instruction.case_id, instruction.number] = instruction

    def has_open(self, case_id: str) -> bool:
        """Say whether the case waits for money."""
        return any(key[0] == case_id and key not in self._paid for key in self._instructions)

    def match(self, case_id: str, entry: Json) -> Verdict:
        """Decide about an account entry and remember the decision."""
        reference = (entry["account"]["number"], entry["bankReference"])
        known = reference in self._references
        self._references.add(reference)
        verdict = self._verdict(case_id, entry, known)
        if verdict.instruction and not verdict.reason:
            self._paid.add((case_id, verdict.instruction.number))
        return verdict

    def _verdict(self, case_id: str, entry: Json, known: bool) -> Verdict:
        mine = [each for key, each in self._instructions.items() if key[0] == case_id]
        waiting = [each for each in mine if (case_id, each.number) not in self._paid]
        if known or (mine and not waiting):
            return Verdict(mine[-1] if mine else None, "DUPLICATE_PAYMENT")
        if not waiting:
            return Verdict(None, "NO_INSTRUCTION")
        verdicts = [Verdict(each, self._difference(each.cash, entry)) for each in waiting]
        return next((each for each in verdicts if not each.reason), verdicts[0])

    def _difference(self, cash: Json, entry: Json) -> str | None:
        instructed, arrived = cash["amount"], entry["amount"]
        if instructed["currency"] != arrived["currency"]:
            return "CURRENCY_DIFFERS"
        if abs(Decimal(instructed["value"]) - Decimal(arrived["value"])) > self._tolerance:
            return "AMOUNT_DIFFERS"
        payer = cash.get("payerAccount")
        if payer and payer.get("number") != entry.get("counterparty", {}).get("number"):
            return "PAYER_DIFFERS"
        return None
