"""The smallest gateway that meets the requirements: in memory, over REST, for channels that fetch. Each step is a
method, so that a mutant is one of them done wrong.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Sequence

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    CaseMissing,
    Conflict,
    MalformedQuery,
    NoRoute,
    NotFound,
    NotValid,
    OutOfOrder,
    ReceiverMismatch,
    SenderMismatch,
    UnknownChannel,
    UnsupportedMediaType,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.errors import TestMismatch as OtherEnvironment
from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value, leaf_hash, receipt_commitment
from xinqiao.finding import Finding, errors_in
from xinqiao.message import Json, content_digest, message_type, read_json, timestamp
from xinqiao.outcome import NOBODY, receipt, rejection
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    SIGNATURE_HEADER,
    KeyRing,
    Sealed,
    check_access_token,
    new_key,
    open_seal,
    seal,
)
from xinqiao.standard import message_types
from xinqiao.testing import TRUST_COMPANY
from xinqiao.validation import check
from xinqiao.xml_form import read_xml
from xinqiao_conformance.benches.ways import messages_path
from xinqiao_conformance.benches.web import Request, Response
from xinqiao_conformance.processes import Case, decide, processes
from xinqiao_conformance.references.gateway_parts import (
    Outcome,
    Party,
    Waiting,
    answered,
    number_in,
    page_of,
    parties,
)

__all__ = ["Outcome", "Party", "ReferenceGateway", "Waiting", "parties"]

_MOST_BYTES = 1_048_576
_LARGEST_PAGE = 500
_XML = "application/xml"


class ReferenceGateway:
    """Takes sealed messages of test traffic and keeps them for whom they are for."""

    def __init__(self) -> None:
        self.institution = TRUST_COMPANY
        self.key = new_key("gateway-1")
        self._receipts: dict[tuple[str, str], Json] = {}
        self._cases: dict[tuple[frozenset[str], str], Case | None] = {}
        self.waiting: dict[str, list[Waiting]] = defaultdict(list)
        self._chain = CHAIN_START
        self.position = 0
        self._lock = threading.Lock()

    # --- the front: HTTP and nothing else

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        parts = request.path.strip("/").split("/")
        try:
            match request.method, parts:
                case "POST", ["v1", "channels", channel, "messages"]:
                    return answered(self.take(channel, request))
                case "GET", ["v1", "channels", channel, "messages"]:
                    return page_of(*self.fetch(channel, request))
                case "GET", ["v1", "keys"]:
                    return Response(200, orjson.dumps({"keys": [self.key.public().jwk()]}))
                case "GET", ["v1", "health"]:
                    return Response(200, b'{"status": "ok"}')
            raise NotFound(request.path)
        except XinqiaoError as error:
            return answered(self.refuse(error, {}))

    def take(self, channel: str, request: Request) -> Outcome:
        """Take one raw input."""
        kind = request.headers.get("content-type", "")
        signature = request.headers.get(SIGNATURE_HEADER.lower(), "")
        return self.accept(channel, Sealed(request.body or b"", kind, signature))

    def fetch(self, channel: str, request: Request) -> tuple[Sequence[Sealed], int]:
        """Return what waits for a channel after a cursor, and the cursor that goes on after it."""
        party = self.find(channel)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self.authorise(party, token if scheme.lower() == "bearer" else "")
        after, limit = number_in(request, "after", 0, 10**18), number_in(request, "limit", 100, _LARGEST_PAGE)
        return self.page(party, after, limit)

    # --- what comes in, step by step

    def accept(self, channel: str, sealed: Sealed) -> Outcome:
        """Take one raw input through every step."""
        message: Json = {}
        try:
            party = self.find(channel)
            self.require_size(sealed)
            self.verify(party, sealed)
            message = self.read(sealed)
            self.require_valid(message)
            self.require_parties(party, message["header"])
            with self._lock:
                return self.admit(message, Waiting(sealed.content, sealed.content_type))
        except XinqiaoError as error:
            return self.refuse(error, message)

    def find(self, channel: str) -> Party:
        """Return the owner of a channel."""
        if channel not in parties():
            raise UnknownChannel(channel[:60])
        return parties()[channel]

    def require_size(self, sealed: Sealed) -> None:
        """Raise where the content is too large."""
        if len(sealed.content) > _MOST_BYTES:
            raise BodyTooLarge(f"{len(sealed.content)} bytes, at most {_MOST_BYTES} are taken")

    def verify(self, party: Party, sealed: Sealed) -> None:
        """Raise unless the seal belongs to the bytes and is the channel's."""
        open_seal(sealed, KeyRing([party.key.public()]))

    def read(self, sealed: Sealed) -> Json:
        """Return the message that the bytes are."""
        kind, _, parameters = sealed.content_type.partition(";")
        charset = parameters.strip().lower().removeprefix("charset=").strip('"')
        if charset not in ("", "utf-8"):
            raise WrongEncoding(f"the content type says {charset[:20]}")
        match kind.strip().lower():
            case "application/json":
                return self.read_json(sealed.content)
            case "application/xml":
                return self.read_xml(sealed.content)
        raise UnsupportedMediaType(f"{kind[:80]!r} is none of {CONTENT_TYPE_JSON}, {_XML}")

    def read_json(self, content: bytes) -> Json:
        """Return the message of its JSON form."""
        return read_json(content)

    def read_xml(self, content: bytes) -> Json:
        """Return the message of its XML form."""
        return read_xml(content)

    def require_valid(self, message: Json) -> None:
        """Raise ``NotValid`` with every error that was found."""
        findings = self.findings(message)
        if errors_in(findings):
            raise NotValid(findings=findings)

    def findings(self, message: Json) -> Sequence[Finding]:
        """Return what is wrong with a message, and what is worth a note."""
        message_type(message)
        return check(message)

    def require_parties(self, party: Party, header: Json) -> None:
        """Raise unless a message is from whom its channel belongs to, and for somebody who is served, in tests."""
        self.require_sender(party, header)
        self.require_receiver(header)
        if header.get("test", False) is not True:
            raise OtherEnvironment("this gateway takes test messages only")

    def require_sender(self, party: Party, header: Json) -> None:
        """Raise unless a message is from whom its channel belongs to."""
        if header["sender"] != party.institution or header.get("channelId", party.channel) != party.channel:
            raise SenderMismatch("the channel is another institution's")

    def require_receiver(self, header: Json) -> None:
        """Raise unless the receiver is served."""
        if header["receiver"] not in {each.institution for each in parties().values()}:
            raise ReceiverMismatch("the receiver is not served here")

    # --- what needs state

    def admit(self, message: Json, waiting: Waiting) -> Outcome:
        """Give a new message its position, a repeat its receipt; refuse other content under a known id."""
        header = message["header"]
        known = self._receipts.get((header["sender"], header["messageId"]))
        if known is None:
            return self.receive(message, waiting)
        if known["digest"]["value"] != content_digest(message):
            raise Conflict(f"message {header['messageId']}")
        return self.repeat(message, known)

    def receive(self, message: Json, waiting: Waiting) -> Outcome:
        """Ask the case, keep the message, hand it on where it was expected, and answer with a fresh receipt."""
        if self.expects(message):
            self.deliver(message, waiting)
        header = message["header"]
        kept = self._receipts[header["sender"], header["messageId"]] = self.receipt(message)
        return self.answer(message, 202, kept)

    def expects(self, message: Json) -> bool:
        """Move the case by a message. Raises for a request out of order; False for a fact, which is parked."""
        header, body = message["header"], message_type(message).body
        case_id = header.get("caseId")
        if case_id is None:
            if any(body in each["opens"] and each.get("named") for each in processes().values()):
                raise CaseMissing(f"{body} opens a case")
            return True
        key = frozenset((header["sender"], header["receiver"])), case_id
        self._cases[key], verdict = decide(self._cases.get(key), body, message)
        if not verdict.takes and message_types()[body].message_class == "REQUEST":
            raise OutOfOrder(f"case {case_id}", expected=verdict.expected)
        return verdict.takes

    def receipt(self, message: Json) -> Json:
        """Return a fresh receipt with its proof: each message is a batch of its own."""
        self.position += 1
        said = {
            "acceptedMessageId": message["header"]["messageId"],
            "acceptedAt": timestamp(),
            "position": str(self.position),
            "digest": {"algorithm": "SHA256", "value": content_digest(message)},
        }
        proof = self.prove(said)
        notes = [each.as_json() for each in self.findings(message)][:100]
        return {**said, "proof": proof} | ({"notes": notes} if notes else {})

    def prove(self, said: Json) -> Json:
        """Return the inclusion proof of a receipt."""
        salt, witness, previous = os.urandom(32).hex(), os.urandom(32), self._chain
        digest = said["digest"]["value"]
        commitment = receipt_commitment(said["acceptedMessageId"], said["acceptedAt"], self.position, digest, salt)
        root = Tree.over([leaf_hash(commitment, witness)]).root
        self._chain = chain_value(previous, self.position, 1, root)
        return {
            "batch": str(self.position),
            "treeSize": 1,
            "leafIndex": 0,
            "salt": salt,
            "witness": witness.hex(),
            "previous": previous.hex(),
            "signature": seal(self._chain, CHAIN_TYPE, self.key).signature,
        }

    def deliver(self, message: Json, waiting: Waiting) -> None:
        """Keep a message for the channel of its receiver."""
        self.waiting[self.destination(message).channel].append(waiting)

    def destination(self, message: Json) -> Party:
        """Return the channel of the receiver."""
        receiver = message["header"]["receiver"]
        found = next((each for each in parties().values() if each.institution == receiver), None)
        if found is None:
            raise NoRoute(f"no channel leads to {receiver}")
        return found

    # --- what goes out

    def authorise(self, party: Party, token: str) -> None:
        """Raise unless a token is the channel's own."""
        check_access_token(token, KeyRing([party.key.public()]), messages_path(party.channel))

    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        """Return what waits after a cursor, and the cursor after it; what was fetched stays."""
        with self._lock:
            if after > len(self.waiting[party.channel]):
                raise MalformedQuery(f"after is no cursor that was given to {party.channel}")
            found = self.waiting[party.channel][after : after + limit]
        return [self.sealed(each) for each in found], after + len(found)

    def sealed(self, waiting: Waiting) -> Sealed:
        """Seal a message on its way out, its bytes as they came."""
        return seal(waiting.content, waiting.content_type, self.key)

    # --- answers

    def repeat(self, message: Json, known: Json) -> Outcome:
        """Answer a repeat."""
        return self.answer(message, 200, known)

    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        """Wrap a receipt."""
        return Outcome(status, receipt(self.institution, message["header"]["sender"], body))

    def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
        """Say why a message was not taken."""
        header = message.get("header")
        named = header if isinstance(header, dict) else {}
        message_id = named.get("messageId")
        is_named = isinstance(message_id, str) and len(message_id) == 36
        said = rejection(self.institution, NOBODY, error, message_id if is_named else None)
        return Outcome(error.http_status, said)
