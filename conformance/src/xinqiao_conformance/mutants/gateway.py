"""Gateways that break one requirement each, made by hand: receipts, repeats, proofs and seals."""

import base64
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from xinqiao.errors import (
    Conflict,
    MalformedJson,
    NotValid,
    OutOfOrder,
    SealInvalid,
    UnsupportedMediaType,
    UnsupportedVersion,
    XinqiaoError,
)
from xinqiao.finding import Finding
from xinqiao.message import Json, message_type, new_message_id, read_json, write_json
from xinqiao.seal import KeyRing, Sealed, new_key, open_seal, seal
from xinqiao.testing import example
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, Party, ReferenceGateway, Waiting

__all__ = ["MUTANTS"]


# --- receipts, repeats, conflicts


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


# --- seals


class _TrustsEverySeal(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        """Take any seal."""


class _VerifiesParsedJson(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        super().verify(party, replace(sealed, content=write_json(read_json(sealed.content))))


class _TrustsTheKeyName(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        if not _claims_key(sealed, party.key.kid):
            raise SealInvalid("unknown key")


def _claims_key(sealed: Sealed, kid: str) -> bool:
    header = sealed.signature.partition(".")[0]
    return f'"{kid}"'.encode() in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))


class _IgnoresTheMiddleSegment(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        parts = sealed.signature.split(".")
        kept = f"{parts[0]}..{parts[2]}" if len(parts) == 3 else sealed.signature
        super().verify(party, replace(sealed, signature=kept))


class _TakesOldSeals(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), max_age=None)


class _TakesSealsOfTomorrow(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), leeway=timedelta(days=1))


class _WantsSealsOfTheLastMinute(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), max_age=timedelta(minutes=1))


class _SealsWithAnotherKey(ReferenceGateway):
    def sealed(self, waiting: Waiting) -> Sealed:
        return seal(waiting.content, waiting.content_type, new_key(self.key.kid))


class _StripsPadding(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        super().verify(party, replace(sealed, signature=sealed.signature.rstrip("=")))


# --- time


class _IsSlow(ReferenceGateway):
    def admit(self, message: Json, waiting: Waiting) -> Outcome:
        time.sleep(1.05)
        return super().admit(message, waiting)


class _RefusesParametersOfContentTypes(ReferenceGateway):
    def read(self, sealed: Sealed) -> Json:
        if ";" in sealed.content_type:
            raise UnsupportedMediaType(sealed.content_type[:80])
        return super().read(sealed)


class _DrownsErrorsInNotes(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        notes = [each for each in found if each.level == "INFORMATION"]
        return notes if len(notes) >= 100 else found


class _TakesOneVersionOnly(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        header = message.get("header")
        if isinstance(header, dict) and str(header.get("standardVersion")).startswith("1.1"):
            raise UnsupportedVersion("1.0 only")
        return super().findings(message)


class _KnowsTheFieldsOfTheFirstExampleOnly(ReferenceGateway):
    def require_valid(self, message: Json) -> None:
        super().require_valid(message)
        body = message_type(message).body
        if message[body].keys() - example(body)[body].keys():
            raise NotValid("more than the example has")


class _ReadsWhateverIsNearToJson(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        try:
            return super().read_json(content)
        except MalformedJson:
            return super().read_json(content.replace(b"NaN", b"0").replace(b",}", b"}").partition(b" //")[0])


class _ReadsNoEscapes(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        if b"\\u" in content:
            raise MalformedJson("an escape")
        return super().read_json(content)


class _TakesWhatIsNoSeal(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        if not sealed.signature or sealed.signature.count(".") == 2:
            super().verify(party, sealed)


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
    mutant_gateway("trusts every seal", "SEC-001", _TrustsEverySeal, also={"SEC-002", "SEC-003", "SEC-004", "TRN-001"}),
    mutant_gateway(
        "verifies parsed JSON", "SEC-001", _VerifiesParsedJson, also={"MSG-002", "SEC-006", "SEC-009", "TRN-001"}
    ),
    mutant_gateway(
        "trusts the key's name", "SEC-001", _TrustsTheKeyName, also={"SEC-002", "SEC-003", "SEC-004", "TRN-001"}
    ),
    mutant_gateway("ignores the middle segment", "SEC-003", _IgnoresTheMiddleSegment),
    mutant_gateway("takes old seals", "SEC-004", _TakesOldSeals, also={"TRN-001"}),
    mutant_gateway("takes seals of tomorrow", "SEC-004", _TakesSealsOfTomorrow),
    mutant_gateway("wants seals of the last minute", "SEC-004", _WantsSealsOfTheLastMinute),
    mutant_gateway("seals with another key", "SEC-002", _SealsWithAnotherKey),
    mutant_gateway("takes padded seals", "SEC-002", _StripsPadding),
    mutant_gateway("refuses parameters of content types", "TRN-002", _RefusesParametersOfContentTypes),
    mutant_gateway("drowns errors in notes", "SEC-010", _DrownsErrorsInNotes),
    mutant_gateway("takes one version only", "ENV-020", _TakesOneVersionOnly),
    mutant_gateway(
        "knows the fields of the first example only",
        "MSG-004",
        _KnowsTheFieldsOfTheFirstExampleOnly,
        also={"ENV-001", "ENV-003", "ENV-020", "PRV-007"},
    ),
    mutant_gateway("reads whatever is near to JSON", "MSG-004", _ReadsWhateverIsNearToJson),
    mutant_gateway("reads no escapes", "MSG-004", _ReadsNoEscapes, also={"MSG-005", "SEC-006"}),
    mutant_gateway("takes what is no seal", "SEC-003", _TakesWhatIsNoSeal),
    mutant_gateway("is slow", "TRN-011", _IsSlow),
)
