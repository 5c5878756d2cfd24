"""The HTTP client of a partner: send sealed messages, fetch those that wait, repeat what is worth repeating."""

import base64
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx

from xinqiao.errors import (
    DestinationDown,
    DestinationRefused,
    KeyUnusable,
    MalformedJson,
    Rejected,
    UnsupportedMediaType,
    XinqiaoError,
)
from xinqiao.message import Json, read_json, write_json
from xinqiao.outcome import error_of
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    SIGNATURE_HEADER,
    KeyRing,
    Sealed,
    SigningKey,
    access_token,
    open_seal,
    seal,
)

if TYPE_CHECKING:
    from xinqiao import v1

__all__ = ["Client", "Page", "Retry", "read_answer", "retry_after"]

# What may pass where an answer does not say itself whether it does: RFC 9110, RFC 4918 and the 52x of proxies.
_LATER = frozenset((429, 500, 502, 503, 504, 507, *range(520, 530)))
_DAY = 86_400.0


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


class Client:
    """A partner's connection with a gateway for one channel. Use it as a context manager, or close it."""

    def __init__(
        self,
        base_url: str,
        channel: str,
        key: SigningKey,
        *,
        gateway_keys: KeyRing | None = None,
        timeout: float = 10.0,
        retry: Retry | None = None,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = f"/v1/channels/{channel}/messages"
        self._key = key
        self._gateway_keys = gateway_keys
        self._retry = retry or Retry()
        self._http = http or httpx.Client(timeout=timeout)
        self._base_url = base_url.rstrip("/")
        self._sleep = sleep

    def submit(self, message: "Json | v1.Message") -> Json:
        """Send one message and return the receipt message: it is durably accepted.

        Raises the error class of the reason on a rejection, with its findings; ``DestinationDown`` where no
        answer came within the bounds of ``retry``. A repeat is the same bytes, so it is recognised as one.
        """
        answer = self.submit_raw(write_json(_canonical(message)), CONTENT_TYPE_JSON)
        said = read_answer(answer)
        if "receipt" in said:
            return said
        raise _error(answer, said)

    def submit_raw(self, content: bytes, content_type: str) -> httpx.Response:
        """Send bytes in the partner's own format and return the last answer, whatever its status.

        Raises ``DestinationDown`` where none came.
        """
        sealed = seal(content, content_type, self._key)
        headers = {"Content-Type": content_type, SIGNATURE_HEADER: sealed.signature}
        return self._repeat(lambda: self._http.post(f"{self._base_url}{self._path}", content=content, headers=headers))

    def messages(self, after: str | None = None, limit: int = 100) -> Page:
        """Return the messages for this channel after a cursor, each verified against the gateway's keys.

        Raises ``SealInvalid`` where a message was not sealed by the gateway, ``MalformedJson`` where the page is
        not as the standard writes it, ``KeyUnusable`` without ``gateway_keys``, and the error of a rejection.
        """
        keys = self._gateway_keys
        if keys is None:
            raise KeyUnusable("messages are verified: give the client gateway_keys (GET /v1/keys)")
        parameters = {"limit": str(limit)} | ({"after": after} if after is not None else {})
        answer = self._repeat(lambda: self._get(parameters))
        listed = read_answer(answer)
        if "messages" not in listed:
            raise _error(answer, listed)
        sealed, cursor = _page(listed)
        return Page([_opened(each, keys) for each in sealed], cursor, sealed)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, parameters: dict[str, str]) -> httpx.Response:
        token = access_token(self._key, self._path)
        headers = {"Authorization": f"Bearer {token}"}
        return self._http.get(f"{self._base_url}{self._path}", params=parameters, headers=headers)

    def _repeat(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """Call until an answer is final or the bounds are reached; then return the answer, or say that none came."""
        until = time.monotonic() + self._retry.within
        attempt = 0
        while True:
            answer, failure = _attempt(call)
            wait = self._retry.wait(attempt, _asked_wait(answer))
            attempt += 1
            if attempt < self._retry.attempts and time.monotonic() + wait < until and _worth(answer):
                self._sleep(wait)
            elif answer is None:
                raise DestinationDown(f"no answer after {attempt} attempts: {failure}") from failure
            else:
                return answer


def _attempt(call: Callable[[], httpx.Response]) -> tuple[httpx.Response | None, httpx.TransportError | None]:
    try:
        return call(), None
    except httpx.TransportError as error:
        return None, error


def _worth(answer: httpx.Response | None) -> bool:
    """Say whether to try again: as a rejection says itself, by the status where nobody says it."""
    if answer is None:
        return True
    if answer.is_success:
        return False
    try:
        body = read_json(answer.content).get("rejection")
    except Rejected:  # a proxy's page, or the partner's own format
        body = None
    said = body.get("retryable") if isinstance(body, dict) else None
    return said if isinstance(said, bool) else answer.status_code in _LATER


def _asked_wait(answer: httpx.Response | None) -> float:
    asked = retry_after(answer.headers.get("Retry-After")) if answer is not None else None
    return asked or 0.0


def retry_after(header: str | None, at: datetime | None = None) -> float | None:
    """Return the seconds to wait that a ``Retry-After`` header asks for, from 0 to a day.

    It is whole seconds or a date (RFC 9110 §10.2.3); a date without a zone is UTC and counts from ``at``, now by
    default. None where there is no header, or where it says neither.
    """
    said = (header or "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), _DAY)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max((aware - (at or datetime.now(UTC))).total_seconds(), 0.0), _DAY)


def read_answer(answer: httpx.Response) -> Json:
    """Return the canonical JSON of an answer.

    Raises ``DestinationDown`` or ``DestinationRefused`` where it is something else, e.g. a proxy's page.
    """
    try:
        return read_json(answer.content)
    except Rejected as error:
        raise _foreign(answer) from error


def _foreign(answer: httpx.Response, said: str = "") -> XinqiaoError:
    """Return the error for an answer that is not the standard's: a proxy's page, another server."""
    detail = f"status {answer.status_code} with no answer of the standard{f' ({said})' if said else ''}"
    kind = DestinationDown if answer.status_code in _LATER else DestinationRefused
    return kind(detail)


def _error(answer: httpx.Response, said: Json) -> XinqiaoError:
    try:
        return error_of(said)
    except DestinationRefused as error:
        return _foreign(answer, error.detail)


def _page(listed: Json) -> tuple[list[Sealed], str]:
    entries, cursor = listed["messages"], listed.get("cursor")
    if not isinstance(entries, list) or not isinstance(cursor, str):
        raise MalformedJson("a page has an array named messages and a text named cursor")
    return [_sealed(entry, f"messages[{index}]") for index, entry in enumerate(entries)], cursor


def _sealed(entry: object, place: str) -> Sealed:
    match entry:
        case {"content": str(content), "contentType": str(content_type), "signature": str(signature)}:
            pass
        case _:
            raise MalformedJson(f"{place} is no sealed message: texts named content, contentType, signature")
    try:
        return Sealed(base64.b64decode(content, validate=True), content_type, signature)
    except ValueError as error:  # also binascii.Error; characters beyond ASCII
        raise MalformedJson(f"{place}.content is not base64") from error


def _opened(sealed: Sealed, keys: KeyRing) -> Json:
    # Pulled when the partner likes: the seal may be of any age.
    open_seal(sealed, keys, max_age=None)
    if not sealed.content_type.startswith(CONTENT_TYPE_JSON):
        raise UnsupportedMediaType(f"a pulled message is {sealed.content_type}, canonical JSON was expected")
    return read_json(sealed.content)


def _canonical(message: "Json | v1.Message") -> Json:
    if isinstance(message, dict):
        return message
    # The typed messages of all families take a third of a second to load: only who uses them waits for them.
    from xinqiao.typed import to_canonical  # noqa: PLC0415

    return to_canonical(message)
