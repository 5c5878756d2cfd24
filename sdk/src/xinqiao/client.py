"""The HTTP client of a partner: send sealed messages, fetch those that wait, repeat what is worth repeating."""

import base64
import binascii
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from xinqiao import v1
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
from xinqiao.typed import to_canonical

__all__ = ["Client", "Page", "Retry", "read_answer"]

_LATER = frozenset((429, 502, 503, 504))


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

    def wait(self, attempt: int, retry_after: float) -> float:
        """Return the seconds to wait after a failed attempt (0 is the first)."""
        spread = 0.5 + random.random() / 2  # noqa: S311 -- jitter, no secret
        return max(min(self.first * float(2**attempt), self.longest) * spread, retry_after)


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

    def submit(self, message: Json | v1.Message) -> Json:
        """Send one message and return the receipt message: it is durably accepted.

        Raises the error class of the reason on a rejection, with its findings; ``DestinationDown`` where no
        answer came within the bounds of ``retry``. A repeat is the same bytes, so it is recognised as one.
        """
        canonical = to_canonical(message) if isinstance(message, v1.Message) else message
        answer = self.submit_raw(write_json(canonical), CONTENT_TYPE_JSON)
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

        Raises ``SealInvalid`` where a message was not sealed by the gateway, ``KeyUnusable`` without
        ``gateway_keys``, and the error of a rejection.
        """
        keys = self._gateway_keys
        if keys is None:
            raise KeyUnusable("messages are verified: give the client gateway_keys (GET /v1/keys)")
        parameters = {"limit": str(limit)} | ({"after": after} if after is not None else {})
        answer = self._repeat(lambda: self._get(parameters))
        listed = read_answer(answer)
        if "messages" not in listed:
            raise _error(answer, listed)
        sealed = [_sealed(entry) for entry in listed["messages"]]
        return Page([_opened(each, keys) for each in sealed], listed["cursor"], sealed)

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
            wait = self._retry.wait(attempt, _retry_after(answer))
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
    return answer is None or answer.status_code in _LATER


def _retry_after(answer: httpx.Response | None) -> float:
    """Return the seconds of ``Retry-After`` (RFC 9110 §10.2.3: seconds or a date), 0 where there is none."""
    said = answer.headers.get("Retry-After", "") if answer is not None else ""
    if said.isdecimal():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def read_answer(answer: httpx.Response) -> Json:
    """Return the canonical JSON of an answer.

    Raises ``DestinationDown`` or ``DestinationRefused`` where it is something else, e.g. a proxy's page.
    """
    try:
        return read_json(answer.content)
    except Rejected as error:
        raise _foreign(answer) from error


def _foreign(answer: httpx.Response) -> XinqiaoError:
    """Return the error for an answer that is not the standard's: a proxy's page, another server."""
    detail = f"status {answer.status_code} with no answer of the standard"
    kind = DestinationDown if answer.status_code in _LATER else DestinationRefused
    return kind(detail)


def _error(answer: httpx.Response, said: Json) -> XinqiaoError:
    return error_of(said) if "rejection" in said else _foreign(answer)


def _sealed(entry: dict[str, Any]) -> Sealed:
    try:
        content = base64.b64decode(entry["content"], validate=True)
    except binascii.Error as error:
        raise MalformedJson("content of a pulled message is not base64") from error
    return Sealed(content, entry["contentType"], entry["signature"])


def _opened(sealed: Sealed, keys: KeyRing) -> Json:
    # Pulled when the partner likes: the seal may be of any age.
    open_seal(sealed, keys, max_age=None)
    if not sealed.content_type.startswith(CONTENT_TYPE_JSON):
        raise UnsupportedMediaType(f"a pulled message is {sealed.content_type}, canonical JSON was expected")
    return read_json(sealed.content)
