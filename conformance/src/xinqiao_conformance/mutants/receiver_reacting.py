"""Receivers of a trust company that break one requirement each by what they do about a message, made by hand."""

from xinqiao.errors import PolicyForbids
from xinqiao.message import Json, new_message_id
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners import mutant_receiver
from xinqiao_conformance.references.receiver import Answered, ReactingReceiver

__all__ = ["MUTANTS"]


class _MatchesAnyMoney(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        found = super().reactions(message)
        for each in found:
            if "fundsMatch" in each:
                each["fundsMatch"] = {**each["fundsMatch"], "result": "MATCHED"}
                each["fundsMatch"].pop("reason", None)
        return found


class _SuspendsAllMoney(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        found = super().reactions(message)
        for each in found:
            if "fundsMatch" in each:
                each["fundsMatch"] = {**each["fundsMatch"], "result": "SUSPENSE", "reason": "NO_INSTRUCTION"}
        return found


class _SuspendsWithoutAReason(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        found = super().reactions(message)
        for each in found:
            each.get("fundsMatch", {}).pop("reason", None)
        return found


class _SaysNothingOfMoney(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        money = "amount" in message.get("accountEntry", {}) and message["accountEntry"]["amount"]["value"] == "1.00"
        return [each for each in super().reactions(message) if not (money and "fundsMatch" in each)]


class _MakesTrustsEffectiveAtOnce(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        found = super().reactions(message)
        for each in [*found]:
            if each.get("fundsMatch", {}).get("result") == "SUSPENSE":
                effective = self.message_like("contractEffective", each["header"])
                found.insert(0, effective)
        return found

    def message_like(self, body: str, header: Json) -> Json:
        """Return a message of another type about the same."""
        return {"header": {**header, "messageId": new_message_id()}, body: {"effectiveDate": "2026-01-22"}}


class _ReactsInACaseOfItsOwn(ReactingReceiver):
    def reactions(self, message: Json) -> list[Json]:
        found = super().reactions(message)
        for each in found:
            each["header"]["caseId"] = f"OWN-{each['header']['caseId']}"[:60]
        return found


class _ReactsToRepeats(ReactingReceiver):
    def repeat(self, message: Json, known: Json) -> Answered:
        for each in self.reactions(message):
            self.send(each)
        return super().repeat(message, known)


class _DoesWhatTheDeadAsk(ReactingReceiver):
    def note(self, case_id: str, message: Json) -> None:
        if "personEvent" not in message:
            super().note(case_id, message)


class _EndsTheTrustWithItsSettlor(ReactingReceiver):
    def require_allowed(self, case_id: str, message: Json) -> None:
        super().require_allowed(case_id, message)
        if any(halted == case_id for halted, _ in self.halted):
            raise PolicyForbids("the settlor is dead")


class _KnowsNoFreeze(ReactingReceiver):
    def note(self, case_id: str, message: Json) -> None:
        if "regulatorDirective" not in message:
            super().note(case_id, message)


class _FreezesEverything(ReactingReceiver):
    def require_allowed(self, case_id: str, message: Json) -> None:
        if self.frozen and "deliveryInstruction" in message:
            raise PolicyForbids("frozen")
        super().require_allowed(case_id, message)


class _FreezesFactsToo(ReactingReceiver):
    def require_allowed(self, case_id: str, message: Json) -> None:
        super().require_allowed(case_id, message)
        if case_id in self.frozen:
            raise PolicyForbids("frozen")


_FAMILY = "receiver/family-trust/rest"

MUTANTS: tuple[Mutant, ...] = (
    mutant_receiver("matches any money", "PRC-006", _MatchesAnyMoney, _FAMILY),
    mutant_receiver("suspends all money", "PRC-006", _SuspendsAllMoney, _FAMILY),
    mutant_receiver("suspends money without a reason", "PRC-006", _SuspendsWithoutAReason, _FAMILY),
    mutant_receiver("says nothing of money that is too little", "PRC-006", _SaysNothingOfMoney, _FAMILY, ["PRC-005"]),
    mutant_receiver("makes a trust effective by money in suspense", "PRC-005", _MakesTrustsEffectiveAtOnce, _FAMILY),
    mutant_receiver("reacts in a case of its own", "ENV-010", _ReactsInACaseOfItsOwn, _FAMILY),
    mutant_receiver("reacts to repeats as well", "ENV-013", _ReactsToRepeats, _FAMILY),
    mutant_receiver("does what the dead settlor asks for", "PRC-012", _DoesWhatTheDeadAsk, _FAMILY),
    mutant_receiver("ends the trust with its settlor", "PRC-012", _EndsTheTrustWithItsSettlor, _FAMILY),
    mutant_receiver("knows no freeze", "PRC-013", _KnowsNoFreeze, _FAMILY),
    mutant_receiver("freezes every case by one directive", "PRC-013", _FreezesEverything, _FAMILY),
    mutant_receiver("freezes facts as well", "PRC-013", _FreezesFactsToo, _FAMILY),
)
