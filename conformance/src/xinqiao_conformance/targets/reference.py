"""The smallest gateway that meets the requirements: in memory, one channel, no delivery. For tests of the suite."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xinqiao.errors import Conflict, NotValid, SealMissing, UnknownChannel, XinqiaoError
from xinqiao.finding import Finding, errors_in
from xinqiao.message import Json, content_digest, message_type, read_json, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, open_seal
from xinqiao.validation import check

__all__ = ["Outcome", "ReferenceGateway", "gateway_application"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer: its HTTP status, its message, and headers beside the usual ones."""

    status: int
    message: Json
    headers: Mapping[str, str] = field(default_factory=dict)


class ReferenceGateway:
    """Takes sealed messages of one channel. Each step is a method, so that a defect is one of them done wrong."""

    def __init__(self, channel: str, institution: str, keys: KeyRing) -> None:
        self._channel = channel
        self._institution = institution
        self._keys = keys
        self._receipts: dict[str, Json] = {}
        self._positions = itertools.count(1)
        self._lock = threading.Lock()

    def accept(self, channel: str, sealed: Sealed) -> Outcome:
        """Take one raw input through every step."""
        message: Json = {}
        try:
            if channel != self._channel:
                raise UnknownChannel(channel)
            self.verify(sealed)
            message = read_json(sealed.content)
            self.require_valid(message)
            with self._lock:
                return self.admit(message)
        except XinqiaoError as error:
            return self.refuse(error, message)

    def verify(self, sealed: Sealed) -> None:
        """Raise unless the seal belongs to the bytes."""
        if not sealed.signature:
            raise SealMissing(f"no {SIGNATURE_HEADER}")
        open_seal(sealed, self._keys)

    def require_valid(self, message: Json) -> None:
        """Raise ``NotValid`` with every error that was found."""
        findings = self.findings(message)
        if errors_in(findings):
            raise NotValid(findings=findings)

    def findings(self, message: Json) -> Sequence[Finding]:
        """Return what is wrong with a message."""
        message_type(message)
        return check(message)

    def admit(self, message: Json) -> Outcome:
        """Give a new message its position, a repeat its receipt; refuse other content under a known id."""
        known = self._receipts.get(message["header"]["messageId"])
        if known is None:
            return self.receive(message, 202)
        if known["digest"]["value"] != content_digest(message):
            raise Conflict(f"message {message['header']['messageId']}")
        return self.repeat(message, known)

    def receive(self, message: Json, status: int) -> Outcome:
        """Keep a message and answer with a fresh receipt."""
        message_id = message["header"]["messageId"]
        self._receipts[message_id] = {
            "acceptedMessageId": message_id,
            "acceptedAt": timestamp(),
            "position": str(next(self._positions)),
            "digest": {"algorithm": "SHA256", "value": content_digest(message)},
        }
        return self.answer(message, status, self._receipts[message_id])

    def repeat(self, message: Json, known: Json) -> Outcome:
        """Answer a repeat."""
        return self.answer(message, 200, known)

    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        """Wrap a receipt."""
        return Outcome(status, receipt(self._institution, message["header"]["sender"], body))

    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        """Say why a message was not taken."""
        header = message.get("header")
        named = header if isinstance(header, dict) else {}
        sender = named.get("sender", self._institution)
        message_id = named.get("messageId")
        return Outcome(error.http_status, rejection(self._institution, sender, error, message_id))


def gateway_application(gateway: ReferenceGateway) -> Starlette:
    """Return the ASGI application of a reference gateway or of one with a defect."""

    async def messages(request: Request) -> Response:
        sealed = Sealed(
            await request.body(),
            request.headers.get("content-type", CONTENT_TYPE_JSON),
            request.headers.get(SIGNATURE_HEADER, ""),
        )
        outcome = await run_in_threadpool(gateway.accept, request.path_params["channel"], sealed)
        return Response(write_json(outcome.message), outcome.status, outcome.headers, media_type=CONTENT_TYPE_JSON)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [
        Route("/v1/channels/{channel}/messages", messages, methods=["POST"]),
        Route("/v1/health", health),
    ]
    return Starlette(routes=routes)
