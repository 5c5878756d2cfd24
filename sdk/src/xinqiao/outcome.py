"""The standard's two answers to a message, receipt and rejection, built and read in one place."""

from typing import Any

from xinqiao.errors import (
    DestinationRefused,
    Rejected,
    Retryable,
    UnknownMessageType,
    UnsupportedVersion,
    XinqiaoError,
    error_table,
)
from xinqiao.expectation import shown
from xinqiao.finding import Finding, errors_in
from xinqiao.message import NOBODY, Json, derived_message_id, message_type, new_message_id, timestamp
from xinqiao.standard import STANDARD_VERSION
from xinqiao.validation import check

__all__ = ["NOBODY", "error_of", "receipt", "rejection"]


def receipt(sender: str, receiver: str, body: Json) -> Json:
    """Return a message with body ``receipt``; ``body`` is the receipt's own JSON (``acceptedMessageId``, …).

    The same acceptance gives the same message, header included: a repeat gets the first receipt again.
    """
    accepted, at = body["acceptedMessageId"], body["acceptedAt"]
    header = {
        "messageId": derived_message_id(at, f"{accepted} {body['position']}"),
        "standardVersion": STANDARD_VERSION,
        "sender": sender,
        "receiver": receiver,
        "correlationId": accepted,
        "createdAt": at,
    }
    return {"header": header, "receipt": body}


def rejection(sender: str, receiver: str, error: XinqiaoError, message_id: str | None = None) -> Json:
    """Return a message with body ``rejection`` that says why, where and what to do.

    ``message_id`` names the rejected message where it could be read.
    """
    header = {
        "messageId": new_message_id(),
        "standardVersion": STANDARD_VERSION,
        "sender": sender,
        "receiver": receiver,
        "createdAt": timestamp(),
    }
    text = error.text.as_json()
    if error.detail:
        text = {language: shown(f"{said}: {error.detail}", 1000) for language, said in text.items()}
    body: dict[str, Any] = {"reason": error.reason, "text": text, "retryable": error.retryable}
    if message_id:
        header["correlationId"] = body["rejectedMessageId"] = message_id
    if error.findings:
        body["findings"] = [finding.as_json() for finding in error.findings[:1000]]
    if error.expected:
        body["expected"] = list(error.expected)
    return {"header": header, "rejection": body}


def error_of(message: Json) -> XinqiaoError:
    """Return the error that a rejection message carries, as its class of the error table.

    A reason that this version does not know becomes a plain ``Rejected`` or ``Retryable``, as the message says.
    Raises ``DestinationRefused`` where the message is no rejection of the standard.
    """
    body = _rejection_in(message)
    known = {error.reason: error for error in error_table()}
    findings = [Finding.from_json(each) for each in body.get("findings", ())]
    expected = body.get("expected", ())
    kind = known.get(body["reason"])
    if kind is None:
        kind = Retryable if body["retryable"] else Rejected
        return kind(f"{body['reason']}: {body['text']['en']}", findings=findings, expected=expected)
    detail = body["text"]["en"].removeprefix(kind.text.en).removeprefix(": ")
    return kind(detail, findings=findings, expected=expected)


def _rejection_in(message: Json) -> Json:
    """Return the body; what is wrong with the header takes nothing away from what it says."""
    try:
        kind, findings = message_type(message), check(message)
    except (UnknownMessageType, UnsupportedVersion) as error:
        raise DestinationRefused(f"the answer is no rejection of the standard: {error.detail}") from error
    if kind.body != "rejection":
        raise DestinationRefused(f"the answer is no rejection of the standard but {kind.body}")
    errors = [each for each in errors_in(findings) if each.path.startswith("rejection")]
    if errors:
        places = ", ".join(each.path for each in errors[:5])
        raise DestinationRefused(f"the answer is no rejection of the standard, see {places}", findings=errors)
    body: Json = message["rejection"]
    return body
