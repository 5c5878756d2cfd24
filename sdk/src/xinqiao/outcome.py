"""The standard's two answers to a message, receipt and rejection, built and read in one place."""

from typing import Any

from xinqiao.errors import Rejected, Retryable, XinqiaoError, error_table
from xinqiao.finding import Finding
from xinqiao.message import Json, derived_message_id, new_message_id, timestamp
from xinqiao.standard import STANDARD_VERSION

__all__ = ["error_of", "receipt", "rejection"]


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
        text = {language: f"{said}: {error.detail}"[:1000] for language, said in text.items()}
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
    """
    body = message["rejection"]
    known = {error.reason: error for error in error_table()}
    findings = [Finding.from_json(each) for each in body.get("findings", ())]
    expected = body.get("expected", ())
    kind = known.get(body["reason"])
    if kind is None:
        kind = Retryable if body.get("retryable") else Rejected
        return kind(f"{body['reason']}: {body['text']['en']}", findings=findings, expected=expected)
    detail = body["text"]["en"].removeprefix(kind.text.en).removeprefix(": ")
    return kind(detail, findings=findings, expected=expected)
