"""Gateways that break one requirement each, made by hand: what they read for a message, and how soon they answer."""

import time
from collections.abc import Sequence
from dataclasses import replace

import orjson

from xinqiao.errors import (
    DuplicateKey,
    MalformedJson,
    NotValid,
    UnsupportedMediaType,
    UnsupportedVersion,
    XinqiaoError,
)
from xinqiao.finding import Finding
from xinqiao.message import Json, message_type
from xinqiao.seal import Sealed
from xinqiao.testing import example
from xinqiao_conformance.benches.web import Request, Response
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, ReferenceGateway, Waiting

__all__ = ["MUTANTS"]


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


class _KeepsTheLastOfTwoKeys(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        try:
            return super().read_json(content)
        except DuplicateKey:
            return dict(orjson.loads(content))


class _PassesOverAByteOrderMark(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        return super().read_json(content.removeprefix(b"\xef\xbb\xbf"))


class _ReadsGb18030(ReferenceGateway):
    def read_json(self, content: bytes) -> Json:
        try:
            return super().read_json(content)
        except XinqiaoError:
            return super().read_json(content.decode("gb18030", "replace").encode())


class _BreaksDownInTheDeep(ReferenceGateway):
    def handle(self, request: Request) -> Response:
        if (request.body or b"").count(b"[") > 50_000:
            return Response(500, b"Internal Server Error", "text/plain")
        return super().handle(request)


class _GivesUpOnLongLists(ReferenceGateway):
    def findings(self, message: Json) -> Sequence[Finding]:
        found = super().findings(message)
        return [each for each in found if each.rule not in ("schema.max_length", "schema.maximum")]


class _TakesAnyContentType(ReferenceGateway):
    def read(self, sealed: Sealed) -> Json:
        kind = sealed.content_type
        return super().read(
            sealed if kind.startswith("application/xml") else replace(sealed, content_type="application/json")
        )


class _TakesAnySize(ReferenceGateway):
    def require_size(self, sealed: Sealed) -> None:
        """Take whatever comes."""


class _StripsDocumentTypes(ReferenceGateway):
    def read_xml(self, content: bytes) -> Json:
        head, found, rest = content.partition(b"<!DOCTYPE")
        kept = rest.partition(b"]>" if b"[" in rest.partition(b"<message")[0] else b">")[2]
        return super().read_xml(head + kept.replace(b"&a;", b"CASE").replace(b"&c;", b"CASE") if found else content)


class _LosesTextInXml(ReferenceGateway):
    def read_xml(self, content: bytes) -> Json:
        message = super().read_xml(content)
        return {**message, "header": {**message["header"], "caseId": "CASE-OF-XML"}}


MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway("refuses parameters of content types", "TRN-002", _RefusesParametersOfContentTypes),
    mutant_gateway("drowns errors in notes", "SEC-010", _DrownsErrorsInNotes),
    mutant_gateway("takes one version only", "ENV-020", _TakesOneVersionOnly),
    mutant_gateway(
        "knows the fields of the first example only",
        "MSG-004",
        _KnowsTheFieldsOfTheFirstExampleOnly,
        also={"ENV-001", "ENV-003", "ENV-020", "PRC-001", "PRV-007"},
    ),
    mutant_gateway("reads whatever is near to JSON", "MSG-004", _ReadsWhateverIsNearToJson),
    mutant_gateway("reads no escapes", "MSG-004", _ReadsNoEscapes, also={"MSG-005", "SEC-006"}),
    mutant_gateway("is slow", "TRN-011", _IsSlow),
    mutant_gateway("keeps the last of two keys", "MSG-005", _KeepsTheLastOfTwoKeys),
    mutant_gateway("passes over a byte order mark", "MSG-006", _PassesOverAByteOrderMark, also={"MSG-004"}),
    mutant_gateway("reads GB18030", "MSG-006", _ReadsGb18030, also={"MSG-004"}),
    mutant_gateway("breaks down in the deep", "SEC-010", _BreaksDownInTheDeep),
    mutant_gateway("has no limits of length", "SEC-010", _GivesUpOnLongLists, also={"MSG-001", "MSG-004", "MSG-020"}),
    mutant_gateway("takes any content type", "TRN-002", _TakesAnyContentType),
    mutant_gateway("takes any size", "TRN-003", _TakesAnySize),
    mutant_gateway("strips document types", "SEC-009", _StripsDocumentTypes),
    mutant_gateway("loses text in XML", "MSG-002", _LosesTextInXml, also={"ENV-002"}),
)
