"""What an answer of the gateway says of a message, in the words of the contract for a subject."""

from typing import Any

from xinqiao.errors import DestinationRefused, Rejected, Retryable, XinqiaoError
from xinqiao.message import Json, read_json
from xinqiao.outcome import error_of
from xinqiao.transport import Answer

__all__ = ["said_of"]


def said_of(answer: Answer, message_id: str) -> dict[str, Any]:
    """Return the outcome and what is said beside it. Success needs evidence: the receipt of this very message."""
    said = _read(answer)
    receipt = said.get("receipt")
    if isinstance(receipt, dict) and receipt.get("acceptedMessageId") == message_id:
        return {"outcome": "accepted", "position": receipt.get("position")}
    try:
        error = error_of(said)
    except DestinationRefused as neither:
        text = f"status {answer.status_code} without a receipt of this message or a rejection"
        return {"outcome": f"failed: {neither.reason}", "text": text}
    return {
        "outcome": f"{'failed' if error.retryable else 'rejected'}: {_reason(error)}",
        "text": str(error),
        "findings": [each.as_json() for each in error.findings],
    }


def _read(answer: Answer) -> Json:
    try:
        return read_json(answer.content)
    except Rejected:  # a proxy's page
        return {}


def _reason(error: XinqiaoError) -> str:
    # A reason that this version does not know stands before the text.
    return error.detail.partition(":")[0] if type(error) in (Rejected, Retryable) else error.reason
