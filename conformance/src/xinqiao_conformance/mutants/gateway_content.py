"""Gateways that break one requirement each, made by hand: what they take for a valid message, and what they tell."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from xinqiao.errors import (
    MalformedJson,
    NotValid,
    XinqiaoError,
)
from xinqiao.finding import Finding, Text, errors_in
from xinqiao.message import Json, message_type
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, ReferenceGateway, Waiting

__all__ = ["MUTANTS"]


class _AcceptsInvalid(ReferenceGateway):
    def require_valid(self, message: Json) -> None:
        message_type(message)


class _ReportsTheFirstViolation(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        return errors_in(found)[:1] or found


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
        return replace(outcome, headers={"X-Refused": quote(_raw(message, numbers[0]))}) if numbers else outcome


def _raw(message: Json, path: str) -> str:
    return str(_value_at(message, path))


def _value_at(message: Json, path: str) -> object:
    value: Any = message
    for step in path.replace("]", "").replace("[", ".").split("."):
        is_list = isinstance(value, list)
        value = value[int(step)] if is_list else value.get(step) if isinstance(value, dict) else None
    return value


class _GivesInvalidAnotherStatus(ReferenceGateway):
    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        outcome = super().refuse(error, message)
        return replace(outcome, status=400) if isinstance(error, NotValid) else outcome


class _NamesPathsWithoutPlaces(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [replace(each, path=each.path.partition(".")[2] or each.path) for each in super().findings(message)]


class _RefusesUnknownCodes(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        return [replace(each, level="ERROR") if each.rule == "XQ-R-009" else each for each in found]


class _RefusesWarnings(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        return [replace(each, level="ERROR") if each.level == "WARNING" else each for each in found]


class _NotesNothing(ReferenceGateway):
    def receipt(self, message: Json) -> Json:
        return {name: part for name, part in super().receipt(message).items() if name != "notes"}


class _RefusesUnknownFields(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [replace(each, level="ERROR") for each in super().findings(message)]


class _TakesEveryVersion(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        header = message.get("header")
        return super().findings({**message, "header": {**header, "standardVersion": "1.0"}} if header else message)

    def receive(self, message: Json, waiting: Waiting) -> Outcome:
        return super().receive({**message, "header": {**message["header"], "standardVersion": "1.0"}}, waiting)


class _TakesEveryBody(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        message = super().read_json(content)
        if len([name for name in message if name != "header"]) > 1:
            return {"header": message["header"], "ping": message.get("ping", {"text": "x"})}
        return message


class _TellsWhatItCannotRead(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        try:
            return super().read_json(content)
        except MalformedJson as error:
            raise MalformedJson(content.decode("utf-8", "replace")[:900]) from error


class _TellsUnknownValues(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        return [replace(each, value=_raw(message, each.path)) if "unknown" in each.rule else each for each in found]


_KYC = "family-trust"
MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway(
        "accepts invalid messages",
        "MSG-001",
        _AcceptsInvalid,
        also={"ENV-002", "MSG-004", "MSG-020", "PRV-007", "SEC-010", "TRN-001"},
    ),
    mutant_gateway("reports the first violation", "MSG-001", _ReportsTheFirstViolation),
    mutant_gateway("checks the schema only", "MSG-001", _ChecksSchemaOnly, _KYC, also={"MSG-004", "MSG-010"}),
    mutant_gateway("checks parties only", "MSG-001", _ChecksPartiesOnly, _KYC, also={"MSG-004"}),
    mutant_gateway("speaks one language", "MSG-001", _SpeaksOneLanguage, also={"MSG-002"}),
    mutant_gateway("tells personal values", "MSG-001", _TellsPersonalValues, _KYC, also={"PRV-003", "PRV-007"}),
    mutant_gateway("tells numbers", "MSG-001", _TellsNumbers, _KYC),
    mutant_gateway("tells a value in a header", "MSG-001", _TellsAValueInAHeader, _KYC, also={"PRV-003"}),
    mutant_gateway("gives invalid messages another status", "MSG-001", _GivesInvalidAnotherStatus, also={"TRN-001"}),
    mutant_gateway(
        "names paths without their beginning", "MSG-020", _NamesPathsWithoutPlaces, also={"ENV-020", "MSG-001"}
    ),
    mutant_gateway("refuses unknown codes", "MSG-010", _RefusesUnknownCodes, _KYC, also={"ENV-001"}),
    mutant_gateway("notes nothing of codes", "MSG-010", _NotesNothing, _KYC, also={"ENV-020", "MSG-004"}),
    mutant_gateway(
        "refuses warnings", "MSG-004", _RefusesWarnings, _KYC, also={"ENV-001", "MSG-010", "PRC-001", "PRC-004"}
    ),
    mutant_gateway("refuses unknown fields", "ENV-020", _RefusesUnknownFields, also={"ENV-003", "PRV-007", "SEC-006"}),
    mutant_gateway("notes nothing", "ENV-020", _NotesNothing),
    mutant_gateway("takes every version", "ENV-021", _TakesEveryVersion, also={"TRN-001"}),
    mutant_gateway("takes a message of two bodies", "ENV-022", _TakesEveryBody),
    mutant_gateway("tells what it cannot read", "PRV-003", _TellsWhatItCannotRead, _KYC),
    mutant_gateway("tells the values of unknown fields", "PRV-007", _TellsUnknownValues, also={"PRV-003"}),
)
