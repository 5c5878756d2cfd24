"""The smallest receiver that meets the requirements, in this process. Each step is a method, so that a mutant is one of
them done wrong.
"""

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    Conflict,
    NotFound,
    NotValid,
    PolicyForbids,
    ReceiverMismatch,
    TestMismatch,
    UnsupportedMediaType,
    XinqiaoError,
)
from xinqiao.finding import Finding, errors_in
from xinqiao.forms import Form, read_form
from xinqiao.message import NOBODY, Json, content_digest, message_type, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, open_seal, read_signing_key, seal
from xinqiao.validation import check
from xinqiao_conformance.benches.web import Request, Response, web_server
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.simulators.core.core import Core, read_behaviour

__all__ = ["Answered", "ReactingReceiver", "ReferenceReceiver", "receiver_at"]

_LARGEST = 1 << 20
_PATIENCE = 5.0
_ENDS = frozenset({"DEATH", "DECLARED_DEAD", "DECLARED_MISSING", "INCAPACITY"})
_FORMS: Mapping[str, Form] = {"application/json": "json", "application/xml": "xml"}

# HTTP's status and the message of an answer.
Answered = tuple[int, Json]


class ReferenceReceiver:
    """A receiver of the contract, by its environment. It takes JSON and XML, and keeps receipts in memory."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.keys = KeyRing.from_jwks(orjson.loads(Path(environment["XINQIAO_GATEWAY_KEYS"]).read_bytes()))
        self.institution = environment["XINQIAO_SENDER"]
        self.test = environment["XINQIAO_TEST"] == "1"
        self.receipts: dict[str, Json] = {}
        self.positions = itertools.count(1)
        self.lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer over HTTP."""
        if request.path == "/health":
            return Response(200)
        if (request.method, request.path) != ("POST", "/messages"):
            return _response(self.refuse(NotFound(request.path[:100]), {}))
        if request.body is None or len(request.body) > _LARGEST:
            return _response(self.too_large())
        headers = request.headers
        signature = headers.get(SIGNATURE_HEADER.lower(), "")
        return _response(self.take(Sealed(request.body, headers.get("content-type", ""), signature)))

    def take(self, sealed: Sealed) -> Answered:
        """Take one message through every step."""
        message: Json = {}
        try:
            self.verify(sealed)
            message = self.read(sealed)
            self.require_valid(message)
            self.require_ours(message["header"])
            return self.admit(message)
        except XinqiaoError as error:
            return self.refuse(error, message)

    def too_large(self) -> Answered:
        """Answer to more than is read."""
        return self.refuse(BodyTooLarge(f"at most {_LARGEST} bytes are taken"), {})

    def verify(self, sealed: Sealed) -> None:
        """Raise unless the seal belongs to the bytes, is of now and by a known key."""
        open_seal(sealed, self.keys)

    def read(self, sealed: Sealed) -> Json:
        """Return the message in the bytes."""
        form = _FORMS.get(sealed.content_type.partition(";")[0].strip().lower())
        if form is None:
            raise UnsupportedMediaType(f"{sealed.content_type[:80]}; taken are {', '.join(_FORMS)}")
        return read_form(sealed.content, form)

    def findings(self, message: Json) -> Sequence[Finding]:
        """Return what is to be said about a message."""
        return check(message)

    def require_valid(self, message: Json) -> None:
        """Raise ``NotValid`` with every error that was found."""
        errors = errors_in(self.findings(message))
        if errors:
            raise NotValid(f"{len(errors)} violations", findings=errors)

    def require_ours(self, header: Json) -> None:
        """Raise unless the message is for this institution, and test traffic where that is what it takes."""
        if header["receiver"] != self.institution:
            raise ReceiverMismatch(f"header.receiver is {header['receiver']}, this is {self.institution}")
        if header.get("test", False) != self.test:
            raise TestMismatch(f"header.test is {header.get('test', False)}, taken is {self.test}")

    def admit(self, message: Json) -> Answered:
        """Give a new message its receipt, a repeat the same; refuse other content under a known id."""
        with self.lock:
            known = self.receipts.get(message["header"]["messageId"])
            if known is None:
                return 202, self.receive(message)
            if known["receipt"]["digest"]["value"] != content_digest(message):
                raise Conflict(f"message {message['header']['messageId']} came before with other content")
            return self.repeat(message, known)

    def receive(self, message: Json) -> Json:
        """Take a message for good and return its receipt."""
        header = message["header"]
        body = {
            "acceptedMessageId": header["messageId"],
            "acceptedAt": timestamp(),
            "position": str(next(self.positions)),
            "digest": {"algorithm": "SHA256", "value": content_digest(message)},
        }
        made = self.receipts[header["messageId"]] = receipt(self.institution, header["sender"], body)
        return made

    def repeat(self, message: Json, known: Json) -> Answered:  # noqa: ARG002 -- a mutant looks at it
        """Answer a repeat."""
        return 200, known

    def close(self) -> None:
        """End what is open: nothing."""

    def refuse(self, error: XinqiaoError, message: Json) -> Answered:
        """Say why a message was not taken."""
        header = message.get("header")
        named = header if isinstance(header, dict) else {}
        sender, message_id = named.get("sender"), named.get("messageId")
        to = sender if isinstance(sender, str) and len(sender) == len(NOBODY) else NOBODY
        return error.http_status, rejection(self.institution, to, error, message_id)


class ReactingReceiver(ReferenceReceiver):
    """A trust company's: it decides as the simulated core does, and keeps to what a death or a freeze forbids."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.core = Core({**read_behaviour(), "institution": self.institution}, lambda: datetime.now(UTC))
        self._key = read_signing_key(environment["XINQIAO_KEY"])
        self._path = f"/v1/channels/{environment['XINQIAO_CHANNEL']}/messages"
        self._client = http_client(environment["XINQIAO_GATEWAY"], _PATIENCE)
        self.halted: set[tuple[str, str]] = set()
        self.frozen: set[str] = set()

    def receive(self, message: Json) -> Json:
        """Take a message unless its case forbids it, and send what it leads to."""
        self.require_allowed(message["header"].get("caseId", ""), message)
        made = super().receive(message)
        self.note(message["header"].get("caseId", ""), message)
        for each in self.reactions(message):
            self.send(each)
        return made

    def require_allowed(self, case_id: str, message: Json) -> None:
        """Raise where somebody asks who died or lost capacity, or anybody under a freeze."""
        kind = message_type(message)
        if kind.message_class != "REQUEST":
            return
        if case_id in self.frozen:
            raise PolicyForbids(f"case {case_id} is frozen")
        if (case_id, message[kind.body].get("requesterId")) in self.halted:
            raise PolicyForbids(f"who asks in case {case_id} asks for nothing more")

    def note(self, case_id: str, message: Json) -> None:
        """Remember a death and a freeze."""
        event, directive = message.get("personEvent"), message.get("regulatorDirective")
        if event and event["kind"] in _ENDS:
            self.halted.add((case_id, event["partyId"]))
        if directive and directive["action"] == "FREEZE":
            self.frozen.add(case_id)

    def reactions(self, message: Json) -> list[Json]:
        """Return what a message leads to."""
        return self.core.react(message)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, message: Json) -> None:
        """Send a message of its own, once: that of the suite is taken."""
        sealed = seal(write_json(message), CONTENT_TYPE_JSON, self._key)
        headers = {"Content-Type": sealed.content_type, SIGNATURE_HEADER: sealed.signature}
        self._client.post(self._path, content=sealed.content, headers=headers)


def _response(answered: Answered) -> Response:
    status, message = answered
    return Response(status, write_json(message))


@contextmanager
def receiver_at(environment: Mapping[str, str], kind: type[ReferenceReceiver] = ReferenceReceiver) -> Iterator[str]:
    """Serve a receiver in this process and yield its address."""
    port = int(environment["XINQIAO_PORT"])
    with closing(kind(environment)) as receiver, web_server(receiver.handle, port) as url:
        yield url
