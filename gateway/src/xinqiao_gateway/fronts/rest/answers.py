"""HTTP answers: outcomes and errors as the standard's receipts and rejections, or in the partner's own format.

All findings of one answer together are bounded, so that a small input never has an answer many times its size.
"""

import math
from collections.abc import Sequence
from functools import cache

import orjson
from starlette.responses import Response

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import BodyTooLarge, Retryable, SlowBody, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.outcome import NOBODY, receipt, rejection
from xinqiao.standard import field_at
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.intake import Acceptance
from xinqiao_gateway.journal import Accepted, Outcome

__all__ = ["acceptance_response", "error_response"]

# Seconds, where nobody knows how long it takes.
_RETRY_IN = 2.0
# Findings of one answer, over all its messages; each message keeps its first one.
_MOST_FINDINGS = 1000
# A text of the standard holds 1,000 characters; what is said last must not be cut off.
_LONGEST_DETAIL = 800


def acceptance_response(acceptance: Acceptance, gateway_code: str) -> Response:
    """Answer an input that could be read: 202 accepted, 200 repeated, 207 mixed, else the first error's status."""
    partner = acceptance.channel.institution_code
    found = [_found(*each) for each in zip(acceptance.outcomes, acceptance.notes, strict=True)]
    quadruples = zip(acceptance.outcomes, acceptance.decoded, found, _shares(found), strict=True)
    messages = [
        _message(outcome, decoded, findings[:share], gateway_code, partner)
        for outcome, decoded, findings, share in quadruples
    ]
    status, headers = _status(acceptance.outcomes)
    return _response(acceptance.channel, messages, acceptance.decoded, status, headers)


def error_response(error: XinqiaoError, gateway_code: str, channel: ServedChannel | None = None) -> Response:
    """Answer an error: a rejection message, in the channel's own format where it has one for replies."""
    partner = channel.institution_code if channel else NOBODY
    message = rejection(gateway_code, partner, _with(error, error.findings[:_MOST_FINDINGS]))
    return _response(channel, [message], (), error.http_status, _headers(error))


def _response(
    channel: ServedChannel | None,
    messages: Sequence[Json],
    decoded: Sequence[Decoded | Undecoded],
    status: int,
    headers: dict[str, str],
) -> Response:
    interface = decoded[0].interface if decoded else None
    answer = channel.adapter.answer(interface, messages, decoded) if channel else None
    if channel is not None and answer is not None:
        sealed = channel.sealed_answer(answer)
        return Response(sealed.content, status, headers | sealed.headers | {"Content-Type": sealed.content_type})
    content = orjson.dumps(messages[0] if len(messages) == 1 else messages)
    return Response(content, status, headers, media_type="application/json")


def _message(
    outcome: Outcome, decoded: Decoded | Undecoded, findings: Sequence[Finding], gateway_code: str, partner: str
) -> Json:
    if isinstance(outcome, Accepted):
        body = outcome.receipt | ({"notes": [each.as_json() for each in findings]} if findings else {})
        return receipt(gateway_code, partner, body)
    message_id = _message_id(decoded.message) if isinstance(decoded, Decoded) else None
    return rejection(gateway_code, partner, _with(outcome.error, findings), message_id)


def _found(outcome: Outcome, notes: Sequence[Finding]) -> Sequence[Finding]:
    """Return what is to be said of a message: notes of a receipt, findings of a rejection."""
    return notes[: _most_notes()] if isinstance(outcome, Accepted) else outcome.error.findings


@cache
def _most_notes() -> int:
    notes = field_at("receipt", "receipt.notes")
    assert notes is not None  # noqa: S101 -- a field of the standard
    most: int = notes.schema["maxItems"]
    return most


def _shares(found: Sequence[Sequence[Finding]]) -> list[int]:
    """Return how many findings each message may show: the first of each, then in order while there is room."""
    room = max(_MOST_FINDINGS - sum(1 for each in found if each), 0)
    shares = []
    for each in found:
        further = min(max(len(each) - 1, 0), room)
        room -= further
        shares.append(min(len(each), 1) + further)
    return shares


def _with(error: XinqiaoError, shown: Sequence[Finding]) -> XinqiaoError:
    """Return an error with the findings that are shown; its text says how many are not."""
    left_out = len(error.findings) - len(shown)
    if not left_out:
        return error
    said = f"{error.detail[:_LONGEST_DETAIL]}; {left_out} further findings are left out here"
    return type(error)(said.removeprefix("; "), findings=shown, expected=error.expected)


def _message_id(message: Json) -> str | None:
    header = message.get("header")
    message_id = header.get("messageId") if isinstance(header, dict) else None
    return message_id if isinstance(message_id, str) and len(message_id) == 36 else None


def _status(outcomes: Sequence[Outcome]) -> tuple[int, dict[str, str]]:
    accepted = [each for each in outcomes if isinstance(each, Accepted)]
    if len(accepted) == len(outcomes):
        return (200 if accepted and all(each.repeat for each in accepted) else 202), {}
    if accepted:
        return 207, {}
    first = next(each.error for each in outcomes if not isinstance(each, Accepted))
    return first.http_status, _headers(first)


def _headers(error: XinqiaoError) -> dict[str, str]:
    """Return when to come again, in whole seconds; what is left of a body that was not read is not waited for."""
    headers = {"Connection": "close"} if isinstance(error, BodyTooLarge | SlowBody) else {}
    if not isinstance(error, Retryable):
        return headers
    seconds = _RETRY_IN if error.retry_in is None else error.retry_in
    return headers | {"Retry-After": str(max(math.ceil(seconds), 1))}
