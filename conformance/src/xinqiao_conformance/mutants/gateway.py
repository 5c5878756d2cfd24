"""Gateways that break one requirement each, made by hand: receipts, repeats, conflicts and proofs."""

from dataclasses import replace

from xinqiao.errors import (
    Conflict,
    NotValid,
    OutOfOrder,
    XinqiaoError,
)
from xinqiao.message import Json, new_message_id
from xinqiao.seal import new_key
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, ReferenceGateway, Waiting

__all__ = ["MUTANTS"]


class _LeavesOutPosition(ReferenceGateway):
    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        answered = super().answer(message, status, body)
        named = {key: part for key, part in body.items() if key != "position"}
        return replace(answered, message={**answered.message, "receipt": named})


class _NamesAnotherMessage(ReferenceGateway):
    def receipt(self, message: Json) -> Json:
        return {**super().receipt(message), "acceptedMessageId": new_message_id()}


class _GivesOnePosition(ReferenceGateway):
    def receipt(self, message: Json) -> Json:
        return {**super().receipt(message), "position": "1"}


class _CountsInHexadecimal(ReferenceGateway):
    def receipt(self, message: Json) -> Json:
        return {**super().receipt(message), "position": f"0x{self.position:x}"}


class _ForgetsRepeats(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:  # noqa: ARG002
        return self.answer(message, 202, self.receipt(message))


class _GivesRepeatsAnotherPosition(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:
        return super().repeat(message, {**known, "position": str(int(known["position"]) + 1)})


class _RefusesRepeats(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:  # noqa: ARG002
        raise Conflict("seen before")


class _ComparesTheWholeHeader(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:
        if known.setdefault("createdAt", message["header"]["createdAt"]) != message["header"]["createdAt"]:
            raise Conflict("written at another time")
        return super().repeat(message, {name: part for name, part in known.items() if name != "createdAt"})

    def receipt(self, message: Json) -> Json:
        return {**super().receipt(message), "createdAt": message["header"]["createdAt"]}


class _RemembersWhatItRefused(ReferenceGateway):
    def require_valid(self, message: Json) -> None:
        seen: set[str] = vars(self).setdefault("refused", set())
        message_id = str(message.get("header", {}).get("messageId"))
        if message_id in seen:
            raise Conflict("refused before")
        try:
            super().require_valid(message)
        except NotValid:
            seen.add(message_id)
            raise


class _AcceptsConflicts(ReferenceGateway):
    def admit(self, message: Json, waiting: Waiting) -> Outcome:
        header = message["header"]
        known = self._receipts.get((header["sender"], header["messageId"]))
        return self.repeat(message, known) if known else self.receive(message, waiting)


class _TakesConflictsAsNew(ReferenceGateway):
    def admit(self, message: Json, waiting: Waiting) -> Outcome:
        try:
            return super().admit(message, waiting)
        except Conflict:
            return self.receive(message, waiting)


class _GivesConflictsAnotherReason(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        return super().refuse(OutOfOrder() if isinstance(error, Conflict) else error, message)


class _GivesConflictsAnotherStatus(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        outcome = super().refuse(error, message)
        return replace(outcome, status=400) if isinstance(error, Conflict) else outcome


class _ForgetsTheFirstAfterAConflict(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        if isinstance(error, Conflict):
            header = message["header"]
            self._receipts.pop((header["sender"], header["messageId"]), None)
        return super().refuse(error, message)


class _AnswersWithoutNamingTheMessage(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:  # noqa: ARG002
        return super().refuse(error, {})


class _NamesTheReceiptInstead(ReferenceGateway):
    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        outcome = super().answer(message, status, body)
        header = outcome.message["header"]
        said = {**outcome.message, "header": {**header, "correlationId": header["messageId"]}}
        return replace(outcome, message=said)


class _ProvesWithAnotherKey(ReferenceGateway):
    def prove(self, said: Json) -> Json:
        kept, self.key = self.key, new_key(self.key.kid)
        try:
            return super().prove(said)
        finally:
            self.key = kept


class _ProvesAnotherMessage(ReferenceGateway):
    def prove(self, said: Json) -> Json:
        return super().prove({**said, "acceptedMessageId": new_message_id()})


class _ProvesNothing(ReferenceGateway):
    def receipt(self, message: Json) -> Json:
        return {name: part for name, part in super().receipt(message).items() if name != "proof"}


class _ProvesAfresh(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:
        return super().repeat(message, {**known, "proof": {**known["proof"], "salt": "0" * 64}})


MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway("leaves out the position", "ENV-001", _LeavesOutPosition, also={"ENV-019", "MSG-002"}),
    mutant_gateway("names another message", "ENV-001", _NamesAnotherMessage, also={"ENV-011", "ENV-019"}),
    mutant_gateway("gives one position to all", "ENV-001", _GivesOnePosition, also={"ENV-019"}),
    mutant_gateway("counts in hexadecimal", "ENV-001", _CountsInHexadecimal, also={"ENV-019", "MSG-002"}),
    mutant_gateway("forgets repeats", "ENV-002", _ForgetsRepeats, also={"ENV-003", "MSG-002"}),
    mutant_gateway(
        "gives repeats another position",
        "ENV-002",
        _GivesRepeatsAnotherPosition,
        also={"ENV-003", "ENV-019", "MSG-002"},
    ),
    mutant_gateway("refuses repeats", "ENV-002", _RefusesRepeats, also={"ENV-003", "ENV-019", "MSG-002"}),
    mutant_gateway(
        "takes a repeat written anew for another message",
        "ENV-002",
        _ComparesTheWholeHeader,
        also={"ENV-003", "MSG-002"},
    ),
    mutant_gateway("remembers what it refused", "ENV-002", _RemembersWhatItRefused, also={"MSG-001"}),
    mutant_gateway("accepts conflicts", "ENV-003", _AcceptsConflicts, also={"TRN-001"}),
    mutant_gateway("takes conflicts as new", "ENV-003", _TakesConflictsAsNew, also={"MSG-013", "TRN-001"}),
    mutant_gateway("gives conflicts another reason", "ENV-003", _GivesConflictsAnotherReason),
    mutant_gateway("gives conflicts another status", "ENV-003", _GivesConflictsAnotherStatus, also={"TRN-001"}),
    mutant_gateway("forgets the first after a conflict", "ENV-003", _ForgetsTheFirstAfterAConflict, also={"ENV-002"}),
    mutant_gateway("rejects without naming the message", "ENV-011", _AnswersWithoutNamingTheMessage),
    mutant_gateway("names its own receipt", "ENV-011", _NamesTheReceiptInstead),
    mutant_gateway("proves with another key", "ENV-019", _ProvesWithAnotherKey),
    mutant_gateway("proves another message", "ENV-019", _ProvesAnotherMessage),
    mutant_gateway("proves nothing", "ENV-019", _ProvesNothing),
    mutant_gateway("proves repeats wrongly", "ENV-019", _ProvesAfresh, also={"ENV-002", "ENV-003", "MSG-002"}),
)
