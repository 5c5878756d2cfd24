"""Money that arrives, compared with what was instructed (来账匹配)."""

from dataclasses import dataclass
from decimal import Decimal

from xinqiao.message import Json
from xinqiao_conformance.simulators.newest import Newest

__all__ = ["Funds", "Instruction", "Verdict"]

# Cases that are remembered, the instructions of one, and references of entries.
_CASES, _INSTRUCTIONS, _REFERENCES = 10_000, 100, 100_000


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


class _Case:
    """The instructions of a case by their numbers: all of them, and those that are paid."""

    def __init__(self) -> None:
        self.instructions: Newest[str, Instruction] = Newest(_INSTRUCTIONS)
        self.paid: Newest[str, Instruction] = Newest(_INSTRUCTIONS)

    def waiting(self) -> list[Instruction]:
        return [each for each in self.instructions.values() if each.number not in self.paid]


class Funds:
    """Open instructions and the payments that met them."""

    def __init__(self, tolerance: Decimal = Decimal(0)) -> None:
        self._tolerance = tolerance
        self._cases: Newest[str, _Case] = Newest(_CASES)
        self._references: Newest[tuple[str, str], bool] = Newest(_REFERENCES)

    def instruct(self, instruction: Instruction) -> None:
        """Take note of an instruction; the same number again takes the place of the earlier one."""
        case = self._cases[instruction.case_id] = self._case(instruction.case_id)
        case.instructions[instruction.number] = instruction

    def has_open(self, case_id: str) -> bool:
        """Say whether the case waits for money."""
        return bool(self._case(case_id).waiting())

    def match(self, case_id: str, entry: Json) -> Verdict:
        """Decide about an account entry and remember the decision."""
        reference = (entry["account"]["number"], entry["bankReference"])
        known = reference in self._references
        self._references[reference] = True
        case = self._case(case_id)
        verdict = self._verdict(case, entry, known=known)
        if verdict.instruction and not verdict.reason:
            case.paid[verdict.instruction.number] = verdict.instruction
        return verdict

    def _case(self, case_id: str) -> _Case:
        return self._cases.get(case_id) or _Case()

    def _verdict(self, case: _Case, entry: Json, *, known: bool) -> Verdict:
        mine, waiting = list(case.instructions.values()), case.waiting()
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
