"""Senders that keep to the standard: one message of a case at a time, resent under its id until a receipt comes."""

import http.client
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import xinqiao_adapters
from tests.crash.site import BANK, EAST, TRUST, WEST
from tests.crash.verdict import Acknowledged, serial_of
from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, SigningKey, seal
from xinqiao.testing import example

__all__ = ["ROUTES", "Letter", "Post", "Route", "Sender", "letters"]

_SAMPLE = Path(xinqiao_adapters.__file__).parent / "channels" / "demo-bank" / "samples" / "kyc_apply.xml"
# Messages of one case, and cases that a sender has open at once.
_OF_A_CASE = 12
_OPEN = 3
_LATER = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Route:
    """Who sends to whom through which channel, in whose format."""

    channel: str
    sender: str
    receiver: str
    own_format: bool = False


ROUTES = (
    Route("east", EAST, TRUST),
    Route("west", WEST, TRUST),
    Route("core", TRUST, EAST),
    Route("core", TRUST, WEST),
    Route("demo-bank", BANK, TRUST, own_format=True),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent, every time the same; ``message`` is None where the partner's format is its own."""

    channel: str
    serial: str
    content: bytes
    content_type: str
    message: Json | None


def letters(route: Route, name: str) -> Iterator[Letter]:
    """Yield a sender's messages without end: some cases side by side, each in the order of its numbers."""
    first = 0
    while True:
        cases = [f"{name}-{first + each:04d}" for each in range(_OPEN)]
        for number in range(1, _OF_A_CASE + 1):
            for case in cases:
                write = _bank_letter if route.own_format else _letter
                yield write(route, case, serial_of(case, number))
        first += _OPEN


def _letter(route: Route, case: str, serial: str) -> Letter:
    # A fact that no process is about: nothing but its own case keeps it waiting.
    header = {
        "messageId": new_message_id(),
        "createdAt": timestamp(),
        "sender": route.sender,
        "receiver": route.receiver,
    }
    message = example("collateralRevaluation", **header, case_id=case, partner_serial=serial)
    message["collateralRevaluation"]["revaluationNo"] = serial
    return Letter(route.channel, serial, write_json(message), CONTENT_TYPE_JSON, message)


def _bank_letter(route: Route, case: str, serial: str) -> Letter:
    text = _sample().replace("20260115000001", serial).replace("CASE-2026-0001", case).replace("KYC2026-0001", serial)
    return Letter(route.channel, serial, text.encode("gb18030"), "application/xml", None)


@cache
def _sample() -> str:
    return _SAMPLE.read_bytes().decode("gb18030")


@dataclass(slots=True)
class Post:
    """Where letters go: the ports of the gateways, of which any may be down."""

    ports: Sequence[int]
    key: SigningKey

    def send(self, connection: http.client.HTTPConnection, letter: Letter) -> tuple[int, bytes]:
        """Send a letter once, sealed anew. Raises ``OSError`` or ``HTTPException`` where no answer came."""
        signature = seal(letter.content, letter.content_type, self.key).signature
        headers = {"Content-Type": letter.content_type, SIGNATURE_HEADER: signature}
        connection.request("POST", f"/v1/channels/{letter.channel}/messages", letter.content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def request(self, letter: Letter) -> bytes:
        """Return the bytes of a letter's request."""
        signature = seal(letter.content, letter.content_type, self.key).signature
        head = (
            f"POST /v1/channels/{letter.channel}/messages HTTP/1.1\r\nHost: x\r\n{SIGNATURE_HEADER}: {signature}\r\n"
            f"Content-Type: {letter.content_type}\r\nContent-Length: {len(letter.content)}\r\n\r\n"
        )
        return head.encode() + letter.content


@dataclass(slots=True)
class Sender:
    """One sender; ``run`` in a thread of its own until ``stopping``, and then until what it began is acknowledged.

    It never gives up a message; only the test ends, at ``until`` (``time.monotonic``).
    """

    post: Post
    source: Iterator[Letter]
    chance: random.Random
    stopping: threading.Event
    may_go_on: Callable[[], bool]
    until: float
    acknowledged: list[Acknowledged] = field(default_factory=list)
    sent: dict[str, Letter] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Send one letter after the other."""
        while not self.stopping.is_set():
            if not self.may_go_on():
                self.stopping.wait(0.02)
                continue
            letter = next(self.source)
            self.deliver(letter)
            if self.chance.random() < 0.05:
                self._repeat(letter)
        self.hang_up()

    def deliver(self, letter: Letter) -> None:
        """Send a letter until it is acknowledged, whatever happens in between."""
        self.sent[letter.serial] = letter
        held = self.receipt_of(letter)
        if held:
            self.acknowledged.append(held)

    def _repeat(self, letter: Letter) -> None:
        """Send what is acknowledged once more: the receipt must be the first one again."""
        again, held = self.receipt_of(letter), self.acknowledged[-1]
        if again and again != held:
            self.breaches.append(f"{letter.serial}: first {held.receipt}, then {again.receipt}")

    def receipt_of(self, letter: Letter) -> Acknowledged | None:
        """Send until there is an answer for good; None where that is no receipt, which is a breach."""
        answer = None
        while time.monotonic() < self.until:
            answer = self._once(letter)
            if answer is not None and answer[0] not in _LATER:
                return self._held(letter, *answer)
            time.sleep(self.chance.uniform(0.01, 0.1))
        self.breaches.append(f"{letter.serial}: never acknowledged; last answer {answer}")
        return None

    def _once(self, letter: Letter) -> tuple[int, bytes] | None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.chance.choice(self.post.ports), timeout=20)
        try:
            return self.post.send(self._connection, letter)
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return None

    def _held(self, letter: Letter, status: int, content: bytes) -> Acknowledged | None:
        if letter.message is None:
            code = re.search(rb"<RetCode>(\d+)</RetCode>", content)
            if status in {200, 202} and code and code[1] == b"0000":
                return Acknowledged(letter.serial)
        elif status in {200, 202}:
            return Acknowledged(letter.serial, letter.message["header"]["messageId"], json.loads(content)["receipt"])
        self.breaches.append(f"{letter.serial}: HTTP {status} {content[:300].decode(errors='replace')}")
        return None

    def hang_up(self) -> None:
        """Close the connection; the next letter opens another."""
        if self._connection:
            self._connection.close()
        self._connection = None
