"""Receivers that break one requirement each, made by hand."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from xinqiao.errors import Conflict, NotValid, UnsupportedMediaType, UnsupportedVersion, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json, content_digest, new_message_id, write_json
from xinqiao.seal import Sealed
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners import mutant_receiver
from xinqiao_conformance.references.receiver import Answered, ReferenceReceiver

__all__ = ["MUTANTS"]

# Long enough for the repeats that the suite sends at once to meet.
_A_MOMENT = 0.03


class _LeavesOutPosition(ReferenceReceiver):
    def receive(self, message: Json) -> Json:
        made = super().receive(message)
        del made["receipt"]["position"]
        return made


class _NamesAnotherMessage(ReferenceReceiver):
    def receive(self, message: Json) -> Json:
        made = super().receive(message)
        made["receipt"]["acceptedMessageId"] = new_message_id()
        return made


class _GivesRepeatsAnotherReceipt(ReferenceReceiver):
    def repeat(self, message: Json, known: Json) -> Answered:  # noqa: ARG002
        return 202, self.receive(message)


class _GivesRepeatsAnotherTime(ReferenceReceiver):
    def repeat(self, message: Json, known: Json) -> Answered:  # noqa: ARG002
        return 200, {**known, "receipt": {**known["receipt"], "acceptedAt": "2026-01-05T00:00:00Z"}}


class _ComparesTheTimeToo(ReferenceReceiver):
    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.times: dict[str, str] = {}

    def repeat(self, message: Json, known: Json) -> Answered:
        if self.times[message["header"]["messageId"]] != message["header"]["createdAt"]:
            raise Conflict("another time")
        return super().repeat(message, known)

    def receive(self, message: Json) -> Json:
        self.times[message["header"]["messageId"]] = message["header"]["createdAt"]
        return super().receive(message)


class _TakesTheLatest(ReferenceReceiver):
    def admit(self, message: Json) -> Answered:
        known = self.receipts.get(message["header"]["messageId"])
        other = known is not None and known["receipt"]["digest"]["value"] != content_digest(message)
        return (202, self.receive(message)) if other else super().admit(message)


class _LooksBeforeItLocks(ReferenceReceiver):
    def admit(self, message: Json) -> Answered:
        if message["header"]["messageId"] not in self.receipts:
            time.sleep(_A_MOMENT)
            return 202, self.receive(message)
        return super().admit(message)


class _RemembersWhatItRefused(ReferenceReceiver):
    refused: frozenset[str] = frozenset()

    def require_valid(self, message: Json) -> None:
        try:
            super().require_valid(message)
        except NotValid:
            self.refused |= {str(message.get("header", {}).get("messageId"))}
            raise
        if message["header"]["messageId"] in self.refused:
            raise NotValid("it was refused before")


def _louder(findings: Sequence[Finding], rule: str) -> Sequence[Finding]:
    return [replace(each, level="ERROR") if each.rule == rule else each for each in findings]


class _IsStrict(ReferenceReceiver):
    def findings(self, message: Json) -> Sequence[Finding]:
        return _louder(super().findings(message), "schema.unknown_field")


class _KnowsItsVersionOnly(ReferenceReceiver):
    def require_valid(self, message: Json) -> None:
        if message.get("header", {}).get("standardVersion") == "1.9":
            raise UnsupportedVersion("1.9")
        super().require_valid(message)


class _RefusesUnknownCodes(ReferenceReceiver):
    def findings(self, message: Json) -> Sequence[Finding]:
        return _louder(super().findings(message), "XQ-R-009")


class _NamesFieldsAlone(ReferenceReceiver):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [replace(each, path=each.path.rpartition(".")[2]) for each in super().findings(message)]


class _CountsFromOne(ReferenceReceiver):
    def findings(self, message: Json) -> Sequence[Finding]:
        def counted(path: str) -> str:
            return re.sub(r"\[([0-9]+)\]", lambda each: f"[{int(each[1]) + 1}]", path)

        return [replace(each, path=counted(each.path)) for each in super().findings(message)]


class _FindsNothing(ReferenceReceiver):
    def refuse(self, error: XinqiaoError, message: Json) -> Answered:
        status, said = super().refuse(error, message)
        said["rejection"].pop("findings", None)
        return status, said


class _QuotesWhatItRefuses(ReferenceReceiver):
    def refuse(self, error: XinqiaoError, message: Json) -> Answered:
        status, said = super().refuse(error, message)
        quoted = write_json({name: part for name, part in message.items() if name != "header"}).decode()[:900]
        said["rejection"]["text"] = {"zh": f"拒绝：{quoted}", "en": f"refused: {quoted}"}
        return status, said


class _SaysNoText(ReferenceReceiver):
    def refuse(self, error: XinqiaoError, message: Json) -> Answered:
        status, said = super().refuse(error, message)
        del said["rejection"]["text"]
        return status, said


class _NeedsTheBareType(ReferenceReceiver):
    def read(self, sealed: Sealed) -> Json:
        if ";" in sealed.content_type:
            raise UnsupportedMediaType(sealed.content_type)
        return super().read(sealed)


class _TakesAnyType(ReferenceReceiver):
    def read(self, sealed: Sealed) -> Json:
        return super().read(
            replace(sealed, content_type="application/json") if "text" in sealed.content_type else sealed
        )


class _FallsOverDepth(ReferenceReceiver):
    def take(self, sealed: Sealed) -> Answered:
        return (500, {}) if _is_deep(sealed) else super().take(sealed)


class _DigestsTheForm(ReferenceReceiver):
    def read(self, sealed: Sealed) -> Json:
        message = super().read(sealed)
        if "xml" in sealed.content_type:
            message["header"] = {**message["header"], "messageId": new_message_id()}
        return message


class _AnswersDepthOtherwise(ReferenceReceiver):
    def take(self, sealed: Sealed) -> Answered:
        status, said = super().take(sealed)
        return (422 if _is_deep(sealed) else status), said


class _TakesWarningsForErrors(ReferenceReceiver):
    def findings(self, message: Json) -> Sequence[Finding]:
        return [
            replace(each, level="ERROR") if each.level == "WARNING" and each.rule != "XQ-R-009" else each
            for each in super().findings(message)
        ]


def _is_deep(sealed: Sealed) -> bool:
    return b"[" * 1_000 in sealed.content or b'{"a":' * 1_000 in sealed.content


_FAMILY = "receiver/family-trust/rest"

MUTANTS: tuple[Mutant, ...] = (
    mutant_receiver("leaves the position out of receipts", "ENV-001", _LeavesOutPosition),
    mutant_receiver("names another message in receipts", "ENV-001", _NamesAnotherMessage),
    mutant_receiver("takes repeats anew", "ENV-002", _GivesRepeatsAnotherReceipt, also=["ENV-013"]),
    mutant_receiver("gives repeats another time", "ENV-002", _GivesRepeatsAnotherTime, also=["ENV-013"]),
    mutant_receiver("takes a repeat written anew for a conflict", "ENV-002", _ComparesTheTimeToo),
    mutant_receiver("takes the latest of two under one id", "ENV-003", _TakesTheLatest),
    mutant_receiver("looks for repeats before it locks", "ENV-013", _LooksBeforeItLocks),
    mutant_receiver("remembers what it refused", "ENV-013", _RemembersWhatItRefused),
    mutant_receiver("refuses unknown fields", "ENV-020", _IsStrict),
    mutant_receiver("takes no later version", "ENV-020", _KnowsItsVersionOnly),
    mutant_receiver("refuses unknown codes", "MSG-010", _RefusesUnknownCodes, _FAMILY),
    mutant_receiver("takes warnings for errors", "MSG-004", _TakesWarningsForErrors, _FAMILY),
    mutant_receiver("names fields without their place", "MSG-020", _NamesFieldsAlone),
    mutant_receiver("counts elements from one", "MSG-020", _CountsFromOne, _FAMILY),
    mutant_receiver("refuses without findings", "MSG-020", _FindsNothing),
    mutant_receiver("quotes what it refuses", "PRV-003", _QuotesWhatItRefuses, _FAMILY),
    mutant_receiver("says no text in rejections", "MSG-002", _SaysNoText),
    mutant_receiver("takes no parameter of a content type", "TRN-002", _NeedsTheBareType),
    mutant_receiver("takes any content type", "TRN-002", _TakesAnyType),
    mutant_receiver("falls over depth", "SEC-010", _FallsOverDepth),
    mutant_receiver("answers depth with another status", "TRN-001", _AnswersDepthOtherwise),
    mutant_receiver("does not recognise a message in another form", "ENV-002", _DigestsTheForm),
)
