"""Answers over HTTP: what any front answers, with the status and the headers that HTTP has for it."""

import math

from starlette.responses import Response

from xinqiao.errors import BodyTooLarge, Retryable, SlowBody, XinqiaoError
from xinqiao_gateway.answers import Answered, answer_acceptance, answer_error
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.intake import Acceptance

__all__ = ["acceptance_response", "error_response"]

# Seconds, where nobody knows how long it takes.
_RETRY_IN = 2.0


def acceptance_response(acceptance: Acceptance, gateway_code: str) -> Response:
    """Answer an input that could be read: 202 accepted, 200 repeated, 207 mixed, else the first error's status."""
    return _response(answer_acceptance(acceptance, gateway_code))


def error_response(error: XinqiaoError, gateway_code: str, channel: ServedChannel | None = None) -> Response:
    """Answer an error: a rejection message, in the channel's own format where it has one for replies."""
    return _response(answer_error(error, gateway_code, channel))


def _response(answered: Answered) -> Response:
    headers = {**_headers(answered.error), **answered.headers, "Content-Type": answered.content_type}
    return Response(answered.content, answered.http_status, headers)


def _headers(error: XinqiaoError | None) -> dict[str, str]:
    """Return when to come again, in whole seconds; what is left of a body that was not read is not waited for."""
    headers = {"Connection": "close"} if isinstance(error, BodyTooLarge | SlowBody) else {}
    if not isinstance(error, Retryable):
        return headers
    seconds = _RETRY_IN if error.retry_in is None else error.retry_in
    return headers | {"Retry-After": str(max(math.ceil(seconds), 1))}
