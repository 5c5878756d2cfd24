"""Recordings to judge: one of a sender and one of a gateway that do everything right, as lists to be spoilt."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from xinqiao.errors import (
    Conflict,
    JournalUnavailable,
    ManifestMismatch,
    NotValid,
    ReceiverMismatch,
    XinqiaoError,
)
from xinqiao.finding import errors_in
from xinqiao.message import Json, content_digest, new_message_id, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.recording import Answer, By, Context, Head, Judged, Recorded, Recording
from xinqiao.recording.checking import judged as run
from xinqiao.recording.checks import checks
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, new_key, seal
from xinqiao.testing import BANK, INSURER, TRUST_COMPANY, vectors
from xinqiao.validation import check

KEY = new_key("subject-1")
BEGIN = datetime.fromisoformat("2026-11-02T09:30:00+08:00")
PATIENCE = 60.0


def message(body: str, which: int = 0, **header: object) -> Json:
    """Return a published example as the subject sends it in a test; header fields may be set, None removes one."""
    made: Json = vectors(body)[which]["message"]
    fields = {"messageId": new_message_id(), "createdAt": timestamp(BEGIN), "sender": BANK, "receiver": TRUST_COMPANY}
    header = made["header"] | fields | {"test": True, "correlationId": None} | header
    made["header"] = {name: value for name, value in header.items() if value is not None}
    return made


def told(said: Json, error: XinqiaoError | None = None, position: int = 1) -> Answer:
    """Return the answer that a message gets: a receipt, or the rejection of an error."""
    header = said["header"]
    if error is not None:
        refusal = rejection(header["receiver"], header["sender"], error, header["messageId"])
        return Answer(error.http_status, refusal, {"Content-Type": CONTENT_TYPE_JSON})
    digest = {"algorithm": "SHA256", "value": content_digest(said)}
    at = timestamp(BEGIN)
    body = {"acceptedMessageId": header["messageId"], "acceptedAt": at, "position": str(position), "digest": digest}
    return Answer(202, receipt(header["receiver"], header["sender"], body), {"Content-Type": CONTENT_TYPE_JSON})


class Stage(list[Recorded]):
    """Exchanges in the order in which they are added, two seconds apart unless it is said."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN

    def add(
        self, by: By, said: Json, error: XinqiaoError | None = None, *, after: float = 2.0, **parts: Any
    ) -> Recorded:
        """Add a message and what it was answered."""
        self.now += timedelta(seconds=after)
        sealed = seal(write_json(said), CONTENT_TYPE_JSON, KEY, self.now)
        answer = parts.pop("answer", None) or told(said, error, len(self) + 1)
        made = Recorded(by, "rest", said, self.now.isoformat(), answer, sealed, **parts)
        self.append(made)
        return made

    def find(self, body: str, which: int = 0) -> Json:
        """Return a message by its body, to be spoilt."""
        found = [each.message for each in self if each.body == body]
        message = found[which]
        assert message is not None
        return message

    def change(self, body: str, which: int = 0, **parts: Any) -> None:
        """Replace parts of an exchange."""
        place = [number for number, each in enumerate(self) if each.body == body][which]
        self[place] = replace(self[place], **parts)


def good_sender() -> Stage:
    """A bank that sends, corrects, retries, confirms and answers; whoever looks for anything finds it right."""
    stage = Stage()
    stage.add("subject", message("kycApplication", 1))
    _with_retries(stage)
    _with_orders(stage)
    asked = message("kycApplication", 0, sender=TRUST_COMPANY, receiver=BANK, caseId="CASE-2")
    asked["kycApplication"]["applicationNo"] = "KYC-2"
    stage.add("peer", asked)
    answer = message("kycDecision", 0, caseId="CASE-2", correlationId=asked["header"]["messageId"])
    answer["kycDecision"] |= {"applicationNo": "KYC-2", "outcome": "REJECTED", "reasons": [{"code": "NOT_DISCLOSED"}]}
    stage.add("subject", answer)
    stage.add("subject", message("kycExpired"))
    stage.add("subject", message("batchManifest"))
    elsewhere = message("navReport", receiver=INSURER, caseId="CASE-3")
    stage.add("subject", elsewhere, ReceiverMismatch("it is for another"))
    stage.add("subject", message("navReport", caseId="CASE-3"))
    return stage


def _with_retries(stage: Stage) -> None:
    """A contract that is taken at the fifth attempt: Retry-After once, then pauses that grow."""
    proposal = message("contractProposal", 1)
    busy = told(proposal, JournalUnavailable("later"))
    said = Answer(busy.status, busy.message, {"Retry-After": "3"})
    stage.add("subject", proposal, answer=said)
    stage.add("subject", proposal, JournalUnavailable("later"), after=3.0, attempt=2)
    stage.add("subject", proposal, JournalUnavailable("later"), after=0.2, attempt=3)
    stage.add("subject", proposal, JournalUnavailable("later"), after=0.4, attempt=4)
    stage.add("subject", proposal, after=0.8, attempt=5)


def _with_orders(stage: Stage) -> None:
    """An order of the other side, confirmed in two parts, the first of them corrected; and a subscription."""
    order = message("redemptionOrder", 0, sender=TRUST_COMPANY, receiver=BANK)
    order["redemptionOrder"] |= {"orderReference": "RO20260202001", "units": "10000.00"}
    stage.add("peer", order)
    named = {"correlationId": order["header"]["messageId"]}
    first = message("orderConfirmation", 1, tradeDate="2026-02-02", confirmationDate="2026-02-03", **named)
    stage.add("subject", first)
    corrected = message("orderConfirmation", 1, revision=2, replaces=first["header"]["messageId"], **named)
    corrected["orderConfirmation"]["taSerial"] = "TA20260203000009"
    stage.add("subject", corrected)
    stage.add("subject", message("orderConfirmation", 2, **named))


def good_gateway() -> Stage:
    """A gateway that answers a bank and delivers to a trust company."""
    stage = Stage()
    kyc = message("kycApplication", 1)
    first = stage.add("peer", kyc, delivered=(kyc,))
    stage.add("peer", kyc, answer=first.answer)
    other = kyc | {"kycApplication": kyc["kycApplication"] | {"purpose": "另一目的"}}
    stage.add("peer", other, Conflict("the id is known"))
    invalid = message("kycApplication", 0, messageId=new_message_id())
    invalid["kycApplication"]["applicant"]["documents"][0]["number"] = "11010119800101007"
    stage.add("peer", invalid, NotValid(findings=errors_in(check(invalid))))
    later = message("accountEntry", standardVersion="1.1")
    later["accountEntry"]["settlementRail"] = "示例清算通道"
    stage.add("peer", later)
    stage.add("subject", later)
    manifest = message("batchManifest")
    stage.add("peer", manifest)
    result = message("batchResult", 0, sender=TRUST_COMPANY, receiver=BANK)
    stage.add("subject", result | {"header": result["header"] | {"correlationId": manifest["header"]["messageId"]}})
    wrong = message("batchManifest")
    wrong["batchManifest"]["recordCount"] = "136"
    stage.add("peer", wrong, ManifestMismatch("136 and 135"))
    return stage


def good_receiver() -> Stage:
    """A trust company's core that takes what is pushed to it, refuses, and decides."""
    stage = Stage()
    kyc = message("kycApplication")
    stage.add("peer", kyc)
    invalid = message("kycApplication", caseId="CASE-2")
    invalid["kycApplication"]["applicationNo"] = "KYC-2"
    invalid["kycApplication"]["applicant"]["documents"][0]["number"] = "11010119800101007"
    stage.add("peer", invalid, NotValid(findings=errors_in(check(invalid))))
    named = {"correlationId": kyc["header"]["messageId"], "sender": TRUST_COMPANY, "receiver": BANK}
    stage.add("subject", message("kycDecision", **named), after=90.0)
    return stage


GOOD = {"sender": good_sender, "gateway": good_gateway, "receiver": good_receiver}


def written(exchanges: Sequence[Recorded], path: Path) -> Recording:
    """Write a recording and return it, closed."""
    with Recording.create(path, Head(BANK, test=True)) as recording:
        for each in exchanges:
            recording.append(each)
    return recording


def judged(recorded: Iterable[Recorded], role: str, *, hidden: bool = False) -> dict[str, Judged]:
    """Return what every check of a role says, by its id; ``hidden``: of a masked recording."""
    context = Context(Head(BANK, test=True, masked=hidden), role, KeyRing([KEY.public()]), PATIENCE)
    return {name: run(check, recorded, context) for name, check in checks().items() if role in check.roles}
