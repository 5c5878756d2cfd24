"""Accounting: what became of each record of a batch, in the words of the standard, and that none is left over."""

from collections.abc import Sequence

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.message import Json
from xinqiao_gateway.batches.totals import Totals
from xinqiao_gateway.journal import Accepted, Outcome
from xinqiao_gateway.journal.files import Piece

__all__ = ["account"]

# Of one record; a rejection of the standard would hold more, a batch has many.
_MOST_FINDINGS = 10
_LONGEST_SERIAL = 64
_LONGEST_NAME = 200
_MESSAGE_ID = 36


def account(name: str, first: int, decoded: Sequence[Decoded | Undecoded], outcomes: Sequence[Outcome]) -> Piece:
    """Return what became of the records of file ``name`` from ``first`` on (counted from 0).

    What was simply accepted is counted and not listed.
    """
    counts = dict.fromkeys(("ACCEPTED", "IGNORED", "REJECTED", "HELD"), 0)
    listed: list[Json] = []
    totals = {"ACCEPTED": Totals(), "REJECTED": Totals()}
    for number, (record, outcome) in enumerate(zip(decoded, outcomes, strict=True), first + 1):
        word = _word(outcome)
        counts[word] += 1
        if word != "ACCEPTED":
            listed.append({"fileName": name[:_LONGEST_NAME], "lineNo": number} | _said(record, outcome, word))
        if word in totals and isinstance(record, Decoded):
            totals[word].add(record.message)
    return Piece(
        first=first,
        accepted=counts["ACCEPTED"],
        ignored=counts["IGNORED"],
        refused=counts["REJECTED"],
        held=counts["HELD"],
        content={
            "records": listed,
            "accepted": totals["ACCEPTED"].written(),
            "rejected": totals["REJECTED"].written(),
        },
    )


def _word(outcome: Outcome) -> str:
    if not isinstance(outcome, Accepted):
        return "REJECTED"
    return "IGNORED" if outcome.repeat else "HELD" if outcome.held else "ACCEPTED"


def _said(record: Decoded | Undecoded, outcome: Outcome, word: str) -> Json:
    """Return a ``RecordOutcome`` without its place."""
    said: Json = {"outcome": word}
    if isinstance(record, Decoded):
        said |= _names(record)
    if isinstance(outcome, Accepted):
        return said | {"messageId": outcome.receipt["acceptedMessageId"]}
    findings = [each.as_json() for each in outcome.error.findings[:_MOST_FINDINGS]]
    return said | {"reason": outcome.error.reason} | ({"findings": findings} if findings else {})


def _names(record: Decoded) -> Json:
    """Return by what the partner knows a record: its serial, else its key; and its message id where it gave one."""
    header = record.message.get("header")
    header = header if isinstance(header, dict) else {}
    serial, message_id = header.get("partnerSerial") or record.key, header.get("messageId")
    named: Json = {}
    if isinstance(serial, str) and 0 < len(serial) <= _LONGEST_SERIAL and serial.isprintable():
        named["partnerSerial"] = serial
    if isinstance(message_id, str) and len(message_id) == _MESSAGE_ID:
        named["messageId"] = message_id
    return named
