"""What came back over gRPC as an answer: a reply, or a status with the rejection in its details."""

from http import HTTPStatus
from typing import Any

import grpc

from xinqiao import v1
from xinqiao.errors import BodyTooLarge, error_table
from xinqiao.exchange.v1.exchange_pb import Status, SubmitReply
from xinqiao.message import Json, write_json
from xinqiao.outcome import NOBODY, rejection
from xinqiao.seal import CONTENT_TYPE_JSON
from xinqiao.transport import Answer, NoAnswer
from xinqiao.transport.http import retry_after
from xinqiao.typed import to_canonical

__all__ = ["DETAILS_LIMIT", "METADATA", "MOST_DETAILS", "answer_of", "refused"]

# Metadata in which a client says how many bytes of details it takes.
DETAILS_LIMIT = "xinqiao-details-limit"
MOST_DETAILS = 524_288
METADATA = ((DETAILS_LIMIT, str(MOST_DETAILS)),)
_DETAILS = "grpc-status-details-bin"
_CODE = grpc.StatusCode
# What a status says over HTTP that came without a rejection: from a proxy, or from gRPC itself.
_HTTP = {
    _CODE.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    _CODE.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    _CODE.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    _CODE.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    _CODE.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    _CODE.NOT_FOUND: HTTPStatus.NOT_FOUND,
    _CODE.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    _CODE.ABORTED: HTTPStatus.CONFLICT,
    _CODE.RESOURCE_EXHAUSTED: HTTPStatus.SERVICE_UNAVAILABLE,
    _CODE.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
}
# gRPC's own refusal of a message that is larger than the server reads; there is no rejection with it.
_TOO_LARGE = "larger than max"
# How gRPC says that nothing was sent.
_NOT_CONNECTED = ("failed to connect", "DNS resolution failed", "Address lookup failed", "lookup error")


def answer_of(reply: SubmitReply) -> Answer:
    """Return a reply as an answer."""
    return Answer(reply.http_status, reply.content, reply.content_type, float(reply.retry_after))


def refused(error: grpc.RpcError) -> Answer:
    """Return how a call ended as an answer. Raises ``NoAnswer`` where it is none of the gateway's."""
    found: Any = error  # sync and async errors have the same methods, and no class in common that has them
    code, said = found.code(), found.details() or ""
    trailer = dict(found.trailing_metadata() or ())
    if _DETAILS in trailer:
        return _detailed(trailer[_DETAILS], retry_after(trailer.get("retry-after")) or 0.0)
    if code is _CODE.RESOURCE_EXHAUSTED and _TOO_LARGE in said:
        return _rejected(rejection(NOBODY, NOBODY, BodyTooLarge(said)))
    if code not in _HTTP:
        was_connected = not any(words in said for words in _NOT_CONNECTED)
        raise NoAnswer(f"{code.name}: {said}", was_connected=was_connected) from error
    return Answer(_HTTP[code], said.encode(), "text/plain; charset=utf-8")


def _detailed(content: bytes, seconds: float) -> Answer:
    """Return the whole answer where it is among the details, else the rejection; what is neither is not ours."""
    try:
        details = {each.type_url.rpartition("/")[2]: each.value for each in Status.from_binary(content).details}
        if (whole := details.get("xinqiao.exchange.v1.SubmitReply")) is not None:
            return answer_of(SubmitReply.from_binary(whole))
        message = to_canonical(v1.Message.from_binary(details.get("xinqiao.v1.Message", b"")))
    except ValueError:
        return Answer(HTTPStatus.BAD_GATEWAY, content, "application/octet-stream", seconds)
    return _rejected(message, seconds)


def _rejected(message: Json, seconds: float = 0.0) -> Answer:
    reason = message.get("rejection", {}).get("reason")
    status = next((each.http_status for each in error_table() if each.reason == reason), HTTPStatus.BAD_GATEWAY)
    return Answer(status, write_json(message), CONTENT_TYPE_JSON, seconds)
