"""Answers as gRPC says them: a reply, or a status whose details a stock client reads.

The details are bounded, because they travel in the trailer: clients take 8 KB of it where they do not say otherwise.
"""

import math
from typing import NamedTuple

import grpc
import orjson
from protobuf.wkt.google.protobuf.any_pb import Any

from xinqiao.errors import Retryable, XinqiaoError
from xinqiao.exchange.v1.exchange_pb import Status, SubmitReply
from xinqiao.message import Json
from xinqiao.transport.grpc_answers import DETAILS_LIMIT, MOST_DETAILS
from xinqiao.typed import from_canonical
from xinqiao_gateway.answers import Answered, answer_error

__all__ = ["Metadata", "Refusal", "code_of", "details_limit", "refusal", "refusal_of", "reply"]

Metadata = tuple[tuple[str, str | bytes], ...]

_DETAILS = "grpc-status-details-bin"
_USUAL = 4096
# Bytes of UTF-8; in the trailer each may take three.
_LONGEST_MESSAGE = 300
_LONGEST_TEXT = 900
# Seconds, where nobody knows how long it takes.
_RETRY_IN = 2.0
_MESSAGE = "type.googleapis.com/xinqiao.v1.Message"
_REPLY = "type.googleapis.com/xinqiao.exchange.v1.SubmitReply"


class Refusal(NamedTuple):
    """With what a call ends of which nothing is accepted: the arguments of ``ServicerContext.abort``."""

    code: grpc.StatusCode
    message: str
    trailer: Metadata


def code_of(error: XinqiaoError) -> grpc.StatusCode:
    """Return the code of an error, after the error table."""
    return grpc.StatusCode[error.grpc_code]


def reply(answered: Answered, tag: str) -> SubmitReply:
    """Return an answer as a reply; its status says why nothing was accepted."""
    error = answered.error
    return SubmitReply(
        tag=tag,
        status=Status(code=_number(error), message=_said(error)) if error else None,
        content=answered.content,
        content_type=answered.content_type,
        headers=dict(answered.headers),
        retry_after=_retry_after(error),
        http_status=answered.http_status,
    )


def refusal(answered: Answered, tag: str, error: XinqiaoError, limit: int) -> Refusal:
    """Return an answer as the end of a call; ``limit`` is how many bytes of details its caller takes."""
    shown = _fitting(answered.messages[0], limit)
    details = [Any(type_url=_MESSAGE, value=shown.content)]
    if shown.is_cut or answered.content != orjson.dumps(answered.messages[0]):
        details.append(Any(type_url=_REPLY, value=reply(answered, tag).to_binary()))
    status = _status(error, details)
    while len(status) > limit and details:
        details.pop()
        status = _status(error, details)
    seconds = _retry_after(error)
    later: Metadata = (("retry-after", str(seconds)),) if seconds else ()
    return Refusal(code_of(error), _said(error), ((_DETAILS, status), *later))


def refusal_of(error: XinqiaoError, gateway_code: str, metadata: Metadata = ()) -> Refusal:
    """Return an error as the end of a call that answers no input."""
    return refusal(answer_error(error, gateway_code), "", error, details_limit(metadata))


def details_limit(metadata: Metadata) -> int:
    """Return how many bytes of details a caller takes."""
    said = next((value for name, value in metadata if name == DETAILS_LIMIT), "")
    if not isinstance(said, str) or not said.isdecimal() or len(said) > 9:
        return _USUAL
    return min(max(int(said), _USUAL), MOST_DETAILS)


class _Shown(NamedTuple):
    """A rejection in binary, and whether findings were left out for its size."""

    content: bytes
    is_cut: bool


def _fitting(message: Json, limit: int) -> _Shown:
    """Return a rejection with as many of its findings as fit, in steps of a half; its text says how many do not."""
    content = from_canonical(message).to_binary()
    body = message["rejection"]
    findings, kept = body.get("findings", []), len(body.get("findings", []))
    room = limit - 2 * _LONGEST_MESSAGE
    while len(content) > room and kept:
        kept = kept * room // len(content) if len(content) < 2 * room else kept // 2
        said = f"; {len(findings) - kept} further findings are left out here"
        text = {language: f"{words[:_LONGEST_TEXT]}{said}" for language, words in body["text"].items()}
        shown = {name: part for name, part in body.items() if name != "findings"} | {"text": text}
        shown |= {"findings": findings[:kept]} if kept else {}
        content = from_canonical({**message, "rejection": shown}).to_binary()
    return _Shown(content, kept < len(findings))


def _status(error: XinqiaoError, details: list[Any]) -> bytes:
    return Status(code=_number(error), message=_said(error), details=details).to_binary()


def _number(error: XinqiaoError) -> int:
    number: int = code_of(error).value[0]
    return number


def _said(error: XinqiaoError) -> str:
    return str(error).encode()[:_LONGEST_MESSAGE].decode(errors="ignore")


def _retry_after(error: XinqiaoError | None) -> int:
    if not isinstance(error, Retryable):
        return 0
    return max(math.ceil(_RETRY_IN if error.retry_in is None else error.retry_in), 1)
