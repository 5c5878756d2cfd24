"""What a client does with the answers that it gets: repeats, errors, pages. No I/O, so sync and async share all of it.

A conversation is a generator: it yields a step (a call, a wait, a message for its user), is sent what came of it, and
returns its result.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import orjson

from xinqiao.errors import (
    DestinationDown,
    DestinationRefused,
    Rejected,
    UnsupportedMediaType,
    XinqiaoError,
)
from xinqiao.message import Json, read_json
from xinqiao.outcome import error_of
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, open_seal
from xinqiao.transport import Answer, Fetch, NoAnswer, Pulled

__all__ = [
    "Page",
    "Received",
    "Retry",
    "Step",
    "Steps",
    "Submission",
    "Wait",
    "answered",
    "followed",
    "is_final",
    "paged",
    "receipt_of",
]

T = TypeVar("T")

# What may pass where an answer does not say itself whether it does: RFC 9110, RFC 4918 and the 52x of proxies.
_LATER = frozenset((429, 500, 502, 503, 504, 507, *range(520, 530)))
# Seconds after which a subscription that breaks had stood, and is not one more attempt that failed.
_STOOD = 10.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to go on: at most ``attempts`` and ``within`` seconds, both bounds hold.

    The wait before attempt n is about ``first * 2ⁿ`` seconds and at most ``longest``, from half to all of it by
    chance; a server's ``Retry-After`` lengthens it.
    """

    attempts: int = 5
    within: float = 60.0
    first: float = 0.2
    longest: float = 10.0

    def wait(self, attempt: int, least: float) -> float:
        """Return the seconds to wait after a failed attempt (0 is the first), not below ``least``."""
        spread = 0.5 + random.random() / 2  # noqa: S311 -- jitter, no secret
        return max(min(self.first * float(2**attempt), self.longest) * spread, least)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in journal order, as they were sealed, and the cursor that continues after them."""

    messages: list[Json]
    cursor: str
    sealed: list[Sealed]


@dataclass(frozen=True, slots=True)
class Received:
    """A message, as it was sealed, and a cursor to go on after it, or a little before: nothing is skipped."""

    message: Json
    sealed: Sealed
    cursor: str | None


class Submission(NamedTuple):
    """A step: send this."""

    sealed: Sealed


class Wait(NamedTuple):
    """A step: let so many seconds pass."""

    seconds: float


Step = Submission | Fetch | Wait | Received
Steps = Generator[Step, Any, T]


def answered(sealed: Sealed, retry: Retry) -> Steps[Answer]:
    """Send an input until its answer is final or the bounds are reached. Raises ``DestinationDown``."""
    answer: Answer = yield from _repeated(Submission(sealed), retry)
    return answer


def receipt_of(sealed: Sealed, answer: Answer) -> Json:
    """Return the receipt in the answer to a sealed canonical message, which it is for: others prove nothing of it.

    Raises the error of a rejection; see ``_error`` for what is neither.
    """
    said = _read(answer)
    if "receipt" not in said:
        raise _error(answer, said)
    body = said["receipt"]
    accepted = body.get("acceptedMessageId") if isinstance(body, dict) else None
    # What was sealed here is well formed: to read it quickly is enough.
    if accepted != orjson.loads(sealed.content)["header"]["messageId"]:
        raise _foreign(answer, "its receipt is for another message")
    return said


def paged(fetch: Fetch, retry: Retry, keys: KeyRing) -> Steps[Page]:
    """Ask for messages and verify each."""
    pulled = yield from _pulled(fetch, retry)
    return Page([_opened(each, keys) for each in pulled.sealed], pulled.cursor, pulled.sealed)


def followed(
    token: Callable[[], str], after: str | None, limit: int, retry: Retry, keys: KeyRing, pause: float
) -> Steps[None]:
    """Deliver what waits and what comes, without an end; asking for more acknowledges what was delivered.

    ``pause``: the seconds to wait where nothing came.
    """
    while True:
        pulled = yield from _pulled(Fetch(token(), after, limit, follows=True), retry)
        for number, sealed in enumerate(pulled.sealed, 1):
            cursor = pulled.cursor if number == len(pulled.sealed) else after
            yield Received(_opened(sealed, keys), sealed, cursor)
        if pulled.cursor in {"", after}:
            yield Wait(pause)
        else:
            after = pulled.cursor


def is_final(answer: Answer | Pulled | NoAnswer) -> bool:
    """Say whether to leave it at an answer: as a rejection says itself, by the status where nobody says it."""
    if isinstance(answer, NoAnswer):
        return False
    if isinstance(answer, Pulled) or answer.is_success:
        return True
    try:
        body = read_json(answer.content).get("rejection")
    except Rejected:  # a proxy's page, or the partner's own format
        body = None
    said = body.get("retryable") if isinstance(body, dict) else None
    return not said if isinstance(said, bool) else answer.status_code not in _LATER


def _repeated(call: Submission | Fetch, retry: Retry) -> Steps[Any]:
    until = monotonic() + retry.within
    attempt = 0
    while True:
        began = monotonic()
        result: Answer | Pulled | NoAnswer = yield call
        if isinstance(call, Fetch) and call.follows and monotonic() - began > _STOOD:
            until, attempt = monotonic() + retry.within, 0
        wait = retry.wait(attempt, result.retry_after if isinstance(result, Answer) else 0.0)
        attempt += 1
        if attempt < retry.attempts and monotonic() + wait < until and not is_final(result):
            yield Wait(wait)
        elif isinstance(result, NoAnswer):
            raise DestinationDown(f"no answer after {attempt} attempts: {result}") from result
        else:
            return result


def _pulled(fetch: Fetch, retry: Retry) -> Steps[Pulled]:
    result: Answer | Pulled = yield from _repeated(fetch, retry)
    if isinstance(result, Pulled):
        return result
    raise _error(result, _read(result))


def _read(answer: Answer) -> Json:
    """Return the message or page in an answer.

    Raises ``DestinationDown`` or ``DestinationRefused`` where it is something else, e.g. a proxy's page.
    """
    try:
        return read_json(answer.content)
    except Rejected as error:
        raise _foreign(answer) from error


def _foreign(answer: Answer, said: str = "") -> XinqiaoError:
    """Return the error for an answer that is not the standard's: a proxy's page, another server."""
    detail = f"status {answer.status_code} with no answer of the standard{f' ({said})' if said else ''}"
    kind = DestinationDown if answer.status_code in _LATER else DestinationRefused
    return kind(detail)


def _error(answer: Answer, said: Json) -> XinqiaoError:
    try:
        return error_of(said)
    except DestinationRefused as error:
        return _foreign(answer, error.detail)


def _opened(sealed: Sealed, keys: KeyRing) -> Json:
    # Pulled when the partner likes: the seal may be of any age.
    open_seal(sealed, keys, max_age=None)
    if not sealed.content_type.startswith(CONTENT_TYPE_JSON):
        raise UnsupportedMediaType(f"a pulled message is {sealed.content_type}, canonical JSON was expected")
    return read_json(sealed.content)
