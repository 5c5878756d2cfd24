"""Mutants: the reference gateway with one thing done wrong. The suite must fail each, and for that thing only."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xinqiao.errors import Conflict, NotValid, OutOfOrder, SealInvalid, XinqiaoError
from xinqiao.finding import Finding, Text, errors_in
from xinqiao.message import Json, new_message_id, read_json, write_json
from xinqiao.seal import Sealed
from xinqiao_conformance.targets.reference import Outcome, ReferenceGateway

__all__ = ["DEFECTS", "Defect"]


class _LeavesOutPosition(ReferenceGateway):
    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        answered = super().answer(message, status, body)
        named = {key: part for key, part in body.items() if key != "position"}
        return replace(answered, message={**answered.message, "receipt": named})


class _NamesAnotherMessage(ReferenceGateway):
    def receive(self, message: Json, status: int) -> Outcome:
        accepted = super().receive(message, status)
        self._receipts[message["header"]["messageId"]]["acceptedMessageId"] = new_message_id()
        return accepted


class _ForgetsRepeats(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:  # noqa: ARG002
        return self.receive(message, 202)


class _GivesRepeatsAnotherPosition(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:
        return super().repeat(message, {**known, "position": str(next(self._positions))})


class _RefusesRepeats(ReferenceGateway):
    def repeat(self, message: Json, known: Json) -> Outcome:  # noqa: ARG002
        raise Conflict("seen before")


class _AcceptsConflicts(ReferenceGateway):
    def admit(self, message: Json) -> Outcome:
        known = self._receipts.get(message["header"]["messageId"])
        return self.repeat(message, known) if known else self.receive(message, 202)


class _GivesConflictsAnotherReason(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        return super().refuse(OutOfOrder() if isinstance(error, Conflict) else error, message)


class _GivesConflictsAnotherStatus(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        outcome = super().refuse(error, message)
        return replace(outcome, status=400) if isinstance(error, Conflict) else outcome


class _TrustsEverySeal(ReferenceGateway):
    def verify(self, sealed: Sealed) -> None:
        """Take any seal."""


class _VerifiesParsedJson(ReferenceGateway):
    def verify(self, sealed: Sealed) -> None:
        super().verify(replace(sealed, content=write_json(read_json(sealed.content))))


class _TrustsTheKeyName(ReferenceGateway):
    def verify(self, sealed: Sealed) -> None:
        if not any(_claims_key(sealed, key.kid) for key in self._keys):
            raise SealInvalid("unknown key")


def _claims_key(sealed: Sealed, kid: str) -> bool:
    header = sealed.signature.partition(".")[0]
    return f'"{kid}"'.encode() in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))


class _AcceptsInvalid(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        super().findings(message)
        return ()


class _ReportsTheFirstViolation(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return errors_in(super().findings(message))[:1]


class _ChecksSchemaOnly(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [each for each in super().findings(message) if each.rule.startswith("schema.")]


class _ChecksPartiesOnly(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [each for each in super().findings(message) if each.rule.startswith("schema.") or _in_party(each.path)]


def _in_party(path: str) -> bool:
    return "applicant." in path or ".party." in path


class _SpeaksOneLanguage(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [replace(each, text=Text("", each.text.en)) for each in super().findings(message)]


class _TellsPersonalValues(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [replace(each, value=_raw(message, each.path)) for each in super().findings(message)]


class _TellsNumbers(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [_unmasked(each, message) for each in super().findings(message)]


def _unmasked(finding: Finding, message: Json) -> Finding:
    value = _value_at(message, finding.path)
    return replace(finding, value=str(value)) if isinstance(value, float) else finding


class _TellsAValueInAHeader(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        outcome = super().refuse(error, message)
        numbers = [each.path for each in error.findings if each.path.endswith("documents[0].number")]
        return replace(outcome, headers={"X-Refused": _raw(message, numbers[0])}) if numbers else outcome


def _raw(message: Json, path: str) -> str:
    return str(_value_at(message, path))


def _value_at(message: Json, path: str) -> object:
    value: Any = message
    for step in path.replace("]", "").replace("[", ".").split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


class _GivesInvalidAnotherStatus(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        outcome = super().refuse(error, message)
        return replace(outcome, status=400) if isinstance(error, NotValid) else outcome


@dataclass(frozen=True, slots=True)
class Defect:
    """A wrong gateway and the one requirement that it breaks."""

    gateway: type[ReferenceGateway]
    breaks: str


DEFECTS: Mapping[str, Defect] = {
    "leaves-out-position": Defect(_LeavesOutPosition, "ENV-001"),
    "names-another-message": Defect(_NamesAnotherMessage, "ENV-001"),
    "forgets-repeats": Defect(_ForgetsRepeats, "ENV-002"),
    "gives-repeats-another-position": Defect(_GivesRepeatsAnotherPosition, "ENV-002"),
    "refuses-repeats": Defect(_RefusesRepeats, "ENV-002"),
    "accepts-conflicts": Defect(_AcceptsConflicts, "ENV-003"),
    "gives-conflicts-another-reason": Defect(_GivesConflictsAnotherReason, "ENV-003"),
    "gives-conflicts-another-status": Defect(_GivesConflictsAnotherStatus, "ENV-003"),
    "trusts-every-seal": Defect(_TrustsEverySeal, "SEC-001"),
    "verifies-parsed-json": Defect(_VerifiesParsedJson, "SEC-001"),
    "trusts-the-key-name": Defect(_TrustsTheKeyName, "SEC-001"),
    "accepts-invalid": Defect(_AcceptsInvalid, "MSG-001"),
    "reports-the-first-violation": Defect(_ReportsTheFirstViolation, "MSG-001"),
    "checks-schema-only": Defect(_ChecksSchemaOnly, "MSG-001"),
    "checks-parties-only": Defect(_ChecksPartiesOnly, "MSG-001"),
    "speaks-one-language": Defect(_SpeaksOneLanguage, "MSG-001"),
    "tells-personal-values": Defect(_TellsPersonalValues, "MSG-001"),
    "tells-numbers": Defect(_TellsNumbers, "MSG-001"),
    "tells-a-value-in-a-header": Defect(_TellsAValueInAHeader, "MSG-001"),
    "gives-invalid-another-status": Defect(_GivesInvalidAnotherStatus, "MSG-001"),
}
