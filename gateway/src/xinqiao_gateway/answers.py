"""What a partner is answered, by whatever front: the standard's receipts and rejections, or its own format.

All findings of one answer together are bounded, so that a small input never has an answer many times its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import orjson

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.outcome import NOBODY, receipt, rejection
from xinqiao.seal import CONTENT_TYPE_JSON
from xinqiao.standard import field_at
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.intake import Acceptance
from xinqiao_gateway.journal import Accepted, Outcome

__all__ = ["Answered", "answer_acceptance", "answer_error"]

# Findings of one answer, over all its messages; each message keeps its first one.
_MOST_FINDINGS = 1000
# A text of the standard holds 1,000 characters; what is said last must not be cut off.
_LONGEST_DETAIL = 800


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to one raw input.

    ``messages`` are the standard's receipts and rejections, one for each message of the input, or one for an input
    that could not be read. ``content`` is what the partner gets: these messages, or its own format; ``headers`` of
    HTTP go with it where its signing scheme wants them. ``error`` is why nothing of the input was accepted.
    ``http_status``: 202 accepted, 200 repeated, 207 mixed, else that of ``error``.
    """

    messages: tuple[Json, ...]
    content: bytes
    content_type: str
    headers: Mapping[str, str]
    http_status: int
    error: XinqiaoError | None = None


def answer_acceptance(acceptance: Acceptance, gateway_code: str) -> Answered:
    """Answer an input that could be read."""
    partner = acceptance.channel.institution_code
    found = [_found(*each) for each in zip(acceptance.outcomes, acceptance.notes, strict=True)]
    quadruples = zip(acceptance.outcomes, acceptance.decoded, found, _shares(found), strict=True)
    messages = tuple(
        _message(outcome, decoded, findings[:share], gateway_code, partner)
        for outcome, decoded, findings, share in quadruples
    )
    return _answered(acceptance.channel, messages, acceptance.decoded, *_status(acceptance.outcomes))


def answer_error(error: XinqiaoError, gateway_code: str, channel: ServedChannel | None = None) -> Answered:
    """Answer an error: a rejection, in the channel's own format where it has one for replies."""
    partner = channel.institution_code if channel else NOBODY
    message = rejection(gateway_code, partner, _with(error, error.findings[:_MOST_FINDINGS]))
    return _answered(channel, (message,), (), error.http_status, error)


def _answered(
    channel: ServedChannel | None,
    messages: tuple[Json, ...],
    decoded: Sequence[Decoded | Undecoded],
    status: int,
    error: XinqiaoError | None,
) -> Answered:
    interface = decoded[0].interface if decoded else None
    answer = channel.adapter.answer(interface, messages, decoded) if channel else None
    if channel is not None and answer is not None:
        sealed = channel.sealed_answer(answer)
        return Answered(messages, sealed.content, sealed.content_type, sealed.headers, status, error)
    content = orjson.dumps(messages[0] if len(messages) == 1 else messages)
    return Answered(messages, content, CONTENT_TYPE_JSON, {}, status, error)


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


def _status(outcomes: Sequence[Outcome]) -> tuple[int, XinqiaoError | None]:
    accepted = [each for each in outcomes if isinstance(each, Accepted)]
    if len(accepted) == len(outcomes):
        return (200 if accepted and all(each.repeat for each in accepted) else 202), None
    if accepted:
        return 207, None
    first = next(each.error for each in outcomes if not isinstance(each, Accepted))
    return first.http_status, first
