"""Senders that break one requirement each, made by hand."""

import codecs
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.seal import Sealed
from xinqiao.transport import Answer
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners import mutant_sender
from xinqiao_conformance.references.sender import ReferenceSender, said_in

__all__ = ["MUTANTS"]

# A message type of the kit's several: who breaks one message in six still breaks the requirement.
_ONE = "accountEntry"


def _with_header(message: Json, **said: object) -> Json:
    header = {name: value for name, value in (message["header"] | said).items() if value is not None}
    return {**message, "header": header}


# --- ids, cases, corrections


class _HasOneIdForACase(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        of_case = (each for each in self.sent.values() if each["header"]["caseId"] == case_id)
        return _with_header(message, messageId=next(of_case, message)["header"]["messageId"])


class _TakesIdsOfVersion4(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        return _with_header(super().message(body, case_id, correlation), messageId=str(uuid4()))


class _ForgetsTheCase(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        return _with_header(super().message(body, case_id, correlation), caseId=f"OWN-{uuid4().hex[:8].upper()}")


class _ForgetsTheQuestion(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:  # noqa: ARG002
        return super().message(body, case_id, None)


class _AnswersAnotherQuestion(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        return super().message(body, case_id, new_message_id() if correlation else None)


class _CorrectsWithoutRevision(ReferenceSender):
    def correction(self, earlier: Json) -> Json:
        return _with_header(super().correction(earlier), revision=None)


class _CorrectsWithoutTheOld(ReferenceSender):
    def correction(self, earlier: Json) -> Json:
        return _with_header(super().correction(earlier), replaces=None)


class _SkipsARevision(ReferenceSender):
    def correction(self, earlier: Json) -> Json:
        correction = super().correction(earlier)
        return _with_header(correction, revision=correction["header"]["revision"] + 1)


class _NamesAnotherOld(ReferenceSender):
    def correction(self, earlier: Json) -> Json:
        return _with_header(super().correction(earlier), replaces=new_message_id())


class _RepeatsTheOld(ReferenceSender):
    def submit(self, message: Json) -> str:
        outcome = super().submit(message)
        if "replaces" in message["header"]:
            self.post(self.sealed(self.sent[message["header"]["replaces"]]))
        return outcome


# --- what messages say


class _HasTwoBodies(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        return {**message, "ping": {}} if body == _ONE else message


class _NamesAnotherVersion(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        return _with_header(message, standardVersion="2.0") if body == _ONE else message


class _MixesTradeDays(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        return _with_header(message, tradeDate="2026-01-05") if "tradeDate" in message[body] else message


class _HidesThatItTests(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        return _with_header(super().message(body, case_id, correlation), test=None)


class _ReplacesRareCharacters(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if body == "kycApplication":
            message[body]["applicant"] |= {"name": "王?明"}
        return message


class _RefersToAFileByItsName(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if body == "kycApplication":
            del message[body]["applicant"]["documents"][0]["image"]["digest"]
        return message


class _BeginsWithAByteOrderMark(ReferenceSender):
    def content(self, message: Json) -> bytes:
        return (codecs.BOM_UTF8 if _ONE in message else b"") + super().content(message)


class _WritesGb18030(ReferenceSender):
    def content(self, message: Json) -> bytes:
        return super().content(message).decode().encode("gb18030" if _ONE in message else "utf-8")


class _SendsAPassword(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        return {**message, body: {**message[body], "password": "246810"}}


class _SaysAPassword(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        return _with_header(super().message(body, case_id, correlation), operator="密码: 246810")


class _ObtainsConsentLater(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if "consent" in message[body]:
            later = timestamp(datetime.now(UTC) + timedelta(days=1))
            message[body]["consent"] = {**message[body]["consent"], "givenAt": later}
        return message


class _ConfirmsTooManyUnits(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if body == "orderConfirmation":
            message[body]["confirmedUnits"] = "1" + message[body]["confirmedUnits"]
        return message


class _ConfirmsALittle(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if body == "orderConfirmation":
            message[body]["orderedAmount"] = {**message[body]["orderedAmount"], "value": "999999.00"}
        return message


class _ConfirmsWhatIsFinished(ReferenceSender):
    def submit(self, message: Json) -> str:
        outcome = super().submit(message)
        if outcome == "accepted" and "orderConfirmation" in message and "replaces" not in message["header"]:
            self.post(self.sealed(_with_header(message, messageId=new_message_id())))
        return outcome


class _TellsOfTheList(ReferenceSender):
    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        message = super().message(body, case_id, correlation)
        if body == "kycExpired":
            message[body]["itemsNeeded"] = ["命中制裁名单，请说明"]
        return message


# --- attempts

# Seconds: long enough for a machine that is busy to be none of it.
_ALIKE = 0.3


class _GivesUpWithoutAnAnswer(ReferenceSender):
    def is_final(self, answer: Answer | None) -> bool:
        return answer is None or super().is_final(answer)


class _DoesNotWait(ReferenceSender):
    def pause(self, attempt: int, answer: Answer | None) -> float:  # noqa: ARG002
        return super().pause(attempt, None)


class _WaitsAlikeEachTime(ReferenceSender):
    def pause(self, attempt: int, answer: Answer | None) -> float:  # noqa: ARG002
        return max(_ALIKE, super().pause(1, answer))


class _GivesEachAttemptAnId(ReferenceSender):
    def sealed(self, message: Json) -> Sealed:
        if self.tried == message["header"]["messageId"]:
            message["header"]["messageId"] = new_message_id()
            self.sent[message["header"]["messageId"]] = message
        self.tried = message["header"]["messageId"]
        return super().sealed(message)

    tried = ""


class _CountsAttemptsInTheMessage(ReferenceSender):
    def sealed(self, message: Json) -> Sealed:
        if "kycApplication" in message:
            message["kycApplication"]["purpose"] += "。"
        return super().sealed(message)


class _RepeatsWhateverFailsThere(ReferenceSender):
    def is_final(self, answer: Answer | None) -> bool:
        return super().is_final(answer) and answer is not None and answer.status_code < 500


class _TrustsTheStatus(ReferenceSender):
    def outcome(self, message: Json, answer: Answer | None) -> str:
        taken = answer is not None and answer.is_success
        return "accepted" if taken else super().outcome(message, answer)


class _TrustsAnyReceipt(ReferenceSender):
    def outcome(self, message: Json, answer: Answer | None) -> str:
        receipt = answer is not None and "receipt" in said_in(answer)
        return "accepted" if receipt else super().outcome(message, answer)


_TRADING = "sender/trading-day/rest"
_CONFIRMING = "sender/trading-day-trustee/rest"
_DECIDING = "sender/family-trust-trustee/rest"

MUTANTS: tuple[Mutant, ...] = (
    mutant_sender("gives all messages of a case one id", "ENV-005", _HasOneIdForACase),
    mutant_sender("takes UUIDs of version 4", "ENV-005", _TakesIdsOfVersion4, also=["MSG-002"]),
    mutant_sender("forgets the case that it was asked for", "ENV-010", _ForgetsTheCase),
    mutant_sender("does not name the message that it answers", "ENV-011", _ForgetsTheQuestion),
    mutant_sender("names another message than it answers", "ENV-011", _AnswersAnotherQuestion),
    mutant_sender("corrects without a revision", "ENV-012", _CorrectsWithoutRevision),
    mutant_sender("corrects without naming the old", "ENV-012", _CorrectsWithoutTheOld, also=["MSG-003"]),
    mutant_sender("skips a revision", "ENV-012", _SkipsARevision),
    mutant_sender("corrects another message than the old", "ENV-012", _NamesAnotherOld),
    mutant_sender("repeats the old message after its correction", "ENV-012", _RepeatsTheOld),
    mutant_sender("has two bodies in a message", "ENV-004", _HasTwoBodies),
    mutant_sender("names another major version", "ENV-006", _NamesAnotherVersion),
    mutant_sender("gives one trade day in the header and another in the body", "ENV-015", _MixesTradeDays, _TRADING),
    mutant_sender("does not say that it tests", "ENV-016", _HidesThatItTests),
    mutant_sender("replaces a rare character by a question mark", "MSG-012", _ReplacesRareCharacters),
    mutant_sender(
        "confirms units that the amount does not buy", "MSG-017", _ConfirmsTooManyUnits, _CONFIRMING, ["MSG-019"]
    ),
    mutant_sender("confirms a part and is silent on the rest", "PRC-007", _ConfirmsALittle, _CONFIRMING, ["MSG-019"]),
    mutant_sender(
        "confirms an order that it finished", "PRC-007", _ConfirmsWhatIsFinished, _CONFIRMING, ["ENV-012", "TRN-004"]
    ),
    mutant_sender("tells that a name is on a list", "PRC-014", _TellsOfTheList, _DECIDING),
    mutant_sender("refers to a file by its name alone", "MSG-018", _RefersToAFileByItsName, also=["MSG-002"]),
    mutant_sender("begins with a byte order mark", "MSG-006", _BeginsWithAByteOrderMark, also=["MSG-002"]),
    mutant_sender("writes GB18030", "MSG-006", _WritesGb18030),
    mutant_sender("sends a password in a field of its own", "PRV-001", _SendsAPassword, also=["MSG-002"]),
    mutant_sender("says a password in a text", "PRV-001", _SaysAPassword),
    mutant_sender("obtains consent afterwards", "PRV-005", _ObtainsConsentLater),
    mutant_sender("gives up where no answer came", "TRN-004", _GivesUpWithoutAnAnswer),
    mutant_sender("does not wait as Retry-After asks", "TRN-004", _DoesNotWait),
    mutant_sender("waits alike each time", "TRN-004", _WaitsAlikeEachTime),
    mutant_sender("gives each attempt an id of its own", "TRN-004", _GivesEachAttemptAnId),
    mutant_sender("changes the message with each attempt", "TRN-004", _CountsAttemptsInTheMessage, also=["ENV-005"]),
    mutant_sender("repeats whatever is refused with a status of 5xx", "TRN-005", _RepeatsWhateverFailsThere),
    mutant_sender("takes any answer with status 2xx for success", "TRN-008", _TrustsTheStatus),
    mutant_sender("takes any receipt for its own", "TRN-008", _TrustsAnyReceipt),
)
