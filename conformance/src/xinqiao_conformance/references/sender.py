"""The smallest sender that meets the requirements, in this process. Each step is a method, so that a mutant is one of
them done wrong.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import orjson

from xinqiao.errors import Rejected
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, read_signing_key, seal
from xinqiao.standard import message_types
from xinqiao.transport import Answer, NoAnswer
from xinqiao.transport.address import connect
from xinqiao_conformance.benches.web import Request, Response, web_server
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.simulators.drafting import CaseFile, Parties, Sending, corrected, drawn_up

__all__ = ["ReferenceSender", "said_in", "sender_at"]

_ATTEMPTS = 4
# Seconds before the second attempt; each further pause is twice as long.
_FIRST_PAUSE = 0.08
_PATIENCE = 10.0
# Statuses that may pass where an answer does not say itself whether it does.
_LATER = frozenset((429, 500, 502, 503, 504))


class ReferenceSender:
    """A sender of the contract, by its environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.key = read_signing_key(environment["XINQIAO_KEY"])
        self.parties = Parties(
            environment["XINQIAO_SENDER"], environment["XINQIAO_RECEIVER"], environment["XINQIAO_TEST"] == "1"
        )
        url = environment["XINQIAO_GATEWAY"]
        http = http_client(url, _PATIENCE) if url.startswith("http") else None
        self.transport = connect(url, environment["XINQIAO_CHANNEL"], _PATIENCE, None, http)
        self._cases: dict[str, CaseFile] = {}
        self.sent: dict[str, Json] = {}
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer on the control side."""
        if request.path == "/health":
            return Response(200)
        step = request.path.removeprefix("/do/")
        if request.method != "POST" or not (step == "correction" or step in message_types()):
            return Response(404)
        with self._lock:
            return self._do(step, request.query)

    def _do(self, step: str, query: Mapping[str, str]) -> Response:
        if step == "correction":
            earlier = self.sent.get(query.get("of", ""))
            if earlier is None:
                return Response(404)
            message = self.correction(earlier)
        else:
            message = self.message(step, query.get("case", ""), query.get("correlation"))
        self.sent[message["header"]["messageId"]] = message
        outcome = self.submit(message)
        said = {"messageId": message["header"]["messageId"], "outcome": outcome}
        return Response(200, orjson.dumps(said))

    def message(self, body: str, case_id: str, correlation: str | None) -> Json:
        """Draw up a message."""
        case = self._cases.setdefault(case_id, CaseFile(case_id))
        message = drawn_up(Sending(body), self.parties, case, datetime.now(UTC))
        if correlation:
            message["header"]["correlationId"] = correlation
        case.add(message)
        return message

    def correction(self, earlier: Json) -> Json:
        """Draw up a correction."""
        return corrected(earlier, {}, datetime.now(UTC))

    def submit(self, message: Json) -> str:
        """Send a message until its answer is final, and say what became of it."""
        answer = self.post(self.sealed(message))
        for attempt in range(1, _ATTEMPTS):
            if self.is_final(answer):
                break
            time.sleep(self.pause(attempt, answer))
            answer = self.post(self.sealed(message))
        return self.outcome(message, answer)

    def content(self, message: Json) -> bytes:
        """Return the bytes of a message as it travels."""
        return write_json(message)

    def sealed(self, message: Json) -> Sealed:
        """Seal a message."""
        return seal(self.content(message), CONTENT_TYPE_JSON, self.key)

    def post(self, sealed: Sealed) -> Answer | None:
        """Send once; None where no answer came."""
        try:
            return self.transport.submit(sealed)
        except NoAnswer:
            return None

    def outcome(self, message: Json, answer: Answer | None) -> str:
        """Say what an answer means: success on evidence only."""
        if answer is None:
            return "failed: no answer"
        said = said_in(answer)
        if "rejection" in said:
            return f"rejected: {said['rejection']['reason']}"
        accepted = said.get("receipt", {}).get("acceptedMessageId")
        return "accepted" if accepted == message["header"]["messageId"] else f"failed: status {answer.status_code}"

    def is_final(self, answer: Answer | None) -> bool:
        """Say whether to leave it at an answer: as a rejection says itself, by the status where nobody says it."""
        if answer is None:
            return False
        said = said_in(answer).get("rejection", {}).get("retryable")
        return not said if isinstance(said, bool) else answer.status_code not in _LATER

    def pause(self, attempt: int, answer: Answer | None) -> float:
        """Return the seconds after an attempt, the first of which is 1."""
        return max(_FIRST_PAUSE * float(2 ** (attempt - 1)), answer.retry_after if answer else 0.0)


def said_in(answer: Answer) -> Json:
    """Return the message in an answer, empty where there is none."""
    try:
        return read_json(answer.content)
    except Rejected:
        return {}


@contextmanager
def sender_at(environment: Mapping[str, str], kind: type[ReferenceSender] = ReferenceSender) -> Iterator[str]:
    """Serve a sender in this process and yield its address."""
    sender = kind(environment)
    with closing(sender.transport), web_server(sender.handle, int(environment["XINQIAO_PORT"])) as url:
        yield url
