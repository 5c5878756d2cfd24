"""The suite's own gateway for subjects: it takes what they send, keeps every attempt, and is steered by the cases.

It takes whatever it can read. What is wrong with a message is for cases and checks to say, each under the requirement
that is broken; a gateway that refused the message would break all of them at once.
"""

import codecs
import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Literal

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    InternalError,
    Overloaded,
    Rejected,
    UnknownChannel,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.message import NOBODY, Json, content_digest, new_message_id, read_json, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.recording import Answer, Recorded, Recording, Transport
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, Sealed
from xinqiao_conformance.benches.web import Request, Response

__all__ = ["ACCEPTED", "Attempt", "Listening", "Turn", "refused"]

# Attempts that are kept; a run of one kit makes a few hundred.
_MOST = 20_000
# Bytes of one message that are read, and of all attempts that are kept.
_LARGEST = 1 << 20
_KEPT = 128 << 20
_MESSAGES = re.compile(r"/v1/channels/([^/]+)/messages")


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to one attempt. As it is: the message is accepted and the sender gets his receipt.

    ``error``: it is refused so, with ``retry_after`` seconds where they are said, as a date if ``dated``. ``lost``: the
    connection ends without an answer, before or after the message was accepted. ``delay``: the answer takes so many
    seconds. ``page``: instead of an answer of the standard a proxy's page with this status. ``other``: the receipt is
    one of another message. ``says``: the rejection says this of itself instead, as one of a later version might.
    """

    error: type[XinqiaoError] | None = None
    retry_after: int | None = None
    dated: bool = False
    lost: Literal["", "before", "after"] = ""
    delay: float = 0.0
    page: int = 0
    other: bool = False
    says: Mapping[str, object] = field(default_factory=dict)


ACCEPTED = Turn()


def refused(error: type[XinqiaoError], **more: object) -> Turn:
    """Return a refusal for this reason of the error table; ``more`` is what the rejection says otherwise."""
    return Turn(error=error, says=more)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a message. ``at`` in seconds of the monotonic clock; ``status`` is 0 where nothing was answered.

    ``message`` is empty where the bytes are none.
    """

    at: float
    sealed: Sealed
    message: Json
    status: int
    answer: Json | None

    @property
    def header(self) -> Json:
        """Return the header of the message, empty where there is none."""
        return _header(self.message)

    @property
    def message_id(self) -> str:
        """Return the id that the message bears, empty where there is none."""
        return str(self.header.get("messageId", ""))

    @property
    def said(self) -> str:
        """Return the digest of what the message says: a repeat may write its time anew, and nothing else."""
        return _digest(self.message)


class Listening:
    """The gateway of one channel. ``keys`` are those that a subject verifies its answers by."""

    def __init__(
        self, channel: str, institution: str, keys: KeyRing, recording: Recording, transport: str = "rest"
    ) -> None:
        self._channel = channel
        self._institution, self._keys, self._recording = institution, keys, recording
        self._transport: Transport = "grpc" if transport == "grpc" else "rest"
        self._turns: deque[Turn] = deque()
        self._then = ACCEPTED
        self._attempts: list[Attempt] = []
        self._sendings: dict[str, int] = {}
        self._receipts: dict[str, Json] = {}
        self._positions = itertools.count(1)
        self._kept = 0
        self._seen = threading.Condition()

    def steer(self, *turns: Turn, then: Turn = ACCEPTED) -> int:
        """Say what happens to the next attempts, one by one, and ``then`` to every further one.

        Returns the number of attempts so far.
        """
        with self._seen:
            self._turns, self._then = deque(turns), then
            return len(self._attempts)

    def attempts(self, after: int = 0) -> list[Attempt]:
        """Return what was sent after the first so many attempts."""
        with self._seen:
            return self._attempts[after:]

    def answers(self, body: str, correlation_id: str) -> list[Attempt]:
        """Return what was sent of a type in answer to a message."""
        with self._seen:
            return self._answers(body, correlation_id)

    def await_answer(self, body: str, correlation_id: str, within: float) -> bool:
        """Wait until a message of a type in answer to another was sent; say whether it was."""
        with self._seen:
            return self._seen.wait_for(lambda: bool(self._answers(body, correlation_id)), within)

    def _answers(self, body: str, correlation_id: str) -> list[Attempt]:
        named = (each for each in self._attempts if body in each.message)
        return [each for each in named if each.header.get("correlationId") == correlation_id]

    def handle(self, request: Request) -> Response | None:
        """Answer one request."""
        if request.method == "GET" and request.path == "/v1/keys":
            return Response(200, orjson.dumps(self._keys.jwks()))
        if request.method == "GET" and request.path == "/v1/health":
            return Response(200, b'{"status": "ok"}')
        channel = _MESSAGES.fullmatch(request.path)
        if request.method != "POST" or channel is None:
            return self._refused(UnknownChannel(request.path[:100]))
        content_type = request.headers.get("content-type", "")
        sealed = Sealed(request.body or b"", content_type, request.headers.get(SIGNATURE_HEADER.lower(), ""))
        return self.take(channel[1], sealed, whole=request.body is not None)

    def _refused(self, error: XinqiaoError) -> Response:
        return Response(error.http_status, write_json(rejection(self._institution, NOBODY, error)))

    def take(self, channel: str, sealed: Sealed, *, whole: bool = True) -> Response | None:
        """Take one input and return the answer, None for a connection that is lost.

        ``whole``: its bytes are all there; they are not where they are too many.
        """
        if channel != self._channel:
            return self._refused(UnknownChannel(channel[:100]))
        arrived = time.monotonic()
        with self._seen:
            self._kept += len(sealed.content)
            if self._kept > _KEPT or len(self._attempts) >= _MOST:
                return self._refused(Overloaded("more is sent than the suite keeps of one run"))
            turn = self._turns.popleft() if self._turns else self._then
        if turn.delay:
            time.sleep(turn.delay)
        message, fault = _read(sealed.content) if whole else ({}, BodyTooLarge(f"at most {_LARGEST} bytes are taken"))
        with self._seen:
            response, answer = self._answer(message, fault, turn)
            given = None if turn.lost else response
            self._keep(
                Attempt(arrived, sealed, message, given.status if given else 0, answer if given else None), given
            )
            self._seen.notify_all()
        return given

    def _answer(self, message: Json, fault: XinqiaoError | None, turn: Turn) -> tuple[Response, Json | None]:
        """Return the answer that is due, as it travels and as a message of the standard."""
        if turn.page:
            return Response(turn.page, b"<html><body>proxy</body></html>", "text/html"), None
        if turn.error:
            fault = turn.error()
        elif turn.lost == "before":
            fault = InternalError()
        status, said = self._refusal(message, fault, turn) if fault else self._acceptance(message, turn)
        headers = {} if turn.retry_after is None else {"Retry-After": _later(turn.retry_after, dated=turn.dated)}
        return Response(status, write_json(said), headers=headers), said

    def _refusal(self, message: Json, error: XinqiaoError, turn: Turn) -> tuple[int, Json]:
        said = rejection(self._institution, _sender(message), error, _header(message).get("messageId"))
        said["rejection"] |= turn.says
        return error.http_status, said

    def _acceptance(self, message: Json, turn: Turn) -> tuple[int, Json]:
        message_id = str(_header(message).get("messageId", NOBODY))
        status = 200 if message_id in self._receipts else 202
        body = self._receipts.setdefault(message_id, self._receipt(message_id, message))
        if turn.other:
            body = {**body, "acceptedMessageId": new_message_id()}
        return status, receipt(self._institution, _sender(message), body)

    def _receipt(self, message_id: str, message: Json) -> Json:
        return {
            "acceptedMessageId": message_id,
            "acceptedAt": timestamp(),
            "position": str(next(self._positions)),
            "digest": {"algorithm": "SHA256", "value": _digest(message)},
        }

    def _keep(self, attempt: Attempt, given: Response | None) -> None:
        self._attempts.append(attempt)
        number = self._sendings[attempt.message_id] = self._sendings.get(attempt.message_id, 0) + 1
        answer = Answer(given.status, attempt.answer, dict(given.headers)) if given else None
        self._recording.append(Recorded.of(attempt.sealed, "subject", self._transport, answer, attempt=number))


def _read(content: bytes) -> tuple[Json, XinqiaoError | None]:
    """Return the message, or why there is none. In which characters it is written is for a check to say."""
    if len(content) > _LARGEST:
        return {}, BodyTooLarge(f"{len(content)} bytes, at most {_LARGEST} are taken")
    try:
        return read_json(content.removeprefix(codecs.BOM_UTF8)), None
    except WrongEncoding as error:
        fault: XinqiaoError = error
    except Rejected as error:
        return {}, error
    try:
        return read_json(content.decode("gb18030").encode()), None
    except (UnicodeDecodeError, Rejected):
        return {}, fault


def _later(seconds: int, *, dated: bool) -> str:
    return formatdate(int(time.time()) + seconds, usegmt=True) if dated else str(seconds)


def _header(message: Json) -> Json:
    header = message.get("header")
    return header if isinstance(header, dict) else {}


def _sender(message: Json) -> str:
    sender = _header(message).get("sender")
    return sender if isinstance(sender, str) else NOBODY


def _digest(message: Json) -> str:
    return content_digest({**message, "header": _header(message)})
