"""HTTP answers: outcomes and errors as the standard's receipts and rejections, or in the partner's own format."""

from collections.abc import Sequence

import orjson
from starlette.responses import Response

from xinqiao.adapter import Decoded
from xinqiao.errors import Retryable, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.outcome import receipt, rejection
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.intake import Acceptance
from xinqiao_gateway.journal import Accepted, Outcome

__all__ = ["acceptance_response", "error_response"]

# Who an answer is for where nobody is known: formally a valid institution code that nobody has.
_NOBODY = "0" * 18
_RETRY_AFTER = "2"


def acceptance_response(acceptance: Acceptance, gateway_code: str) -> Response:
    """Answer an input that could be read: 202 accepted, 200 repeated, 207 mixed, else the first error's status."""
    partner = acceptance.channel.institution_code
    triples = zip(acceptance.outcomes, acceptance.decoded, acceptance.notes, strict=True)
    messages = [_message(outcome, decoded, notes, gateway_code, partner) for outcome, decoded, notes in triples]
    status, headers = _status(acceptance.outcomes)
    return _response(acceptance.channel, messages, acceptance.decoded, status, headers)


def error_response(error: XinqiaoError, gateway_code: str, channel: ServedChannel | None = None) -> Response:
    """Answer an error: a rejection message, in the channel's own format where it has one for replies."""
    partner = channel.institution_code if channel else _NOBODY
    message = rejection(gateway_code, partner, error)
    return _response(channel, [message], (), error.http_status, _headers(error))


def _response(
    channel: ServedChannel | None,
    messages: Sequence[Json],
    decoded: Sequence[Decoded],
    status: int,
    headers: dict[str, str],
) -> Response:
    interface = decoded[0].interface if decoded else None
    answer = channel.adapter.answer(interface, messages, decoded) if channel else None
    if answer is not None:
        return Response(answer.content, status, headers | {"Content-Type": answer.content_type})
    content = orjson.dumps(messages[0] if len(messages) == 1 else messages)
    return Response(content, status, headers, media_type="application/json")


def _message(outcome: Outcome, decoded: Decoded, notes: Sequence[Finding], gateway_code: str, partner: str) -> Json:
    if isinstance(outcome, Accepted):
        body = outcome.receipt | ({"notes": [note.as_json() for note in notes[:100]]} if notes else {})
        return receipt(gateway_code, partner, body)
    return rejection(gateway_code, partner, outcome.error, _message_id(decoded.message))


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
    return {"Retry-After": _RETRY_AFTER} if isinstance(error, Retryable) else {}
