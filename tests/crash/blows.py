"""The blows: how and when a gateway is killed. Each returns when the process is dead and says which moment it hit."""

import contextlib
import random
import select
import signal
import socket
import time
from dataclasses import dataclass

import orjson

from tests.crash.receiver import Place, Receivers
from tests.crash.sender import Letter, Post, Sender
from tests.crash.site import Node

__all__ = ["KINDS", "Blows"]

# In turn, so that even a short run has each. "committed" is between commit and answer; "requested", "applied" and
# "answered" are in the middle of a delivery: the receiver has read it, has applied it, has answered it.
KINDS = ("committed", "applied", "random", "answered", "requested", "starting")
_TRIES = 300
_PATIENCE = 5.0
_STEP = 0.0004


@dataclass(slots=True)
class Blows:
    """Strikes one node; ``prober`` sends what is sent only to look at a commit."""

    node: Node
    receivers: Receivers
    post: Post
    prober: Sender
    chance: random.Random
    unsettled: Letter | None = None

    def settle(self) -> None:
        """Send on the letter of which only the commit is known; to be called when the gateway is there again."""
        if self.unsettled:
            self._send_on(self.unsettled)
            self.unsettled = None

    def strike(self, kind: str) -> str:
        """Kill the process at a moment of this kind; return the kind that it came to."""
        match kind:
            case "starting":
                time.sleep(self.chance.uniform(0.2, 2.5))
                self.node.kill()
                return kind
            case "committed":
                return self._between_commit_and_answer()
            case "requested" | "applied" | "answered":
                return self._in_delivery(kind)
            case _:
                time.sleep(self.chance.uniform(0.05, 0.6))
                self.node.kill()
                return "random"

    def _in_delivery(self, place: Place) -> str:
        """Let a receiver kill it. An answer may have been settled before the blow: then it counts as random."""
        time.sleep(self.chance.uniform(0.0, 0.3))
        hit: list[bytes] = []

        def spring(content: bytes) -> None:
            self.node.signal(signal.SIGKILL)
            hit.append(content)

        sprung = self.receivers.set_trap(place, spring).wait(_PATIENCE)
        self.receivers.clear_trap()
        if not hit:
            self.node.signal(signal.SIGKILL)
        self.node.ended()
        if not sprung or (place == "answered" and self._settled(hit[0])):
            return "random"
        return place

    def _settled(self, content: bytes) -> bool:
        query = "SELECT d.state FROM deliveries d JOIN messages m ON m.position = d.position WHERE m.message_id = :id"
        message_id = orjson.loads(content)["header"]["messageId"]
        return self.node.site.look(query, id=message_id) == [("delivered",)]

    def _between_commit_and_answer(self) -> str:
        """Stop the process every moment and look: where a message is committed and not answered, kill it."""
        time.sleep(self.chance.uniform(0.0, 0.3))
        for letter in (next(self.prober.source) for _ in range(_TRIES)):
            hit = self._caught(letter)
            if hit:
                return hit
            self._send_on(letter)
        self.node.kill()
        return "random"

    def _send_on(self, letter: Letter) -> None:
        self.prober.deliver(letter)
        self.prober.hang_up()

    def _caught(self, letter: Letter) -> str | None:
        """Send a letter; kill when its commit shows and no answer does. None where the answer was faster."""
        assert letter.message is not None
        message_id = letter.message["header"]["messageId"]
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.node.port), timeout=10)) as line:
            line.sendall(self.post.request(letter))
            deadline = time.monotonic() + _PATIENCE
            while time.monotonic() < deadline and not _answered(line):
                time.sleep(_STEP)
                self.node.signal(signal.SIGSTOP)
                committed = self.node.site.look("SELECT 1 FROM messages WHERE message_id = :id", id=message_id)
                if committed and not _answered(line):
                    self.node.kill()
                    self.unsettled = letter
                    return "random" if _said_something(line) else "committed"
                self.node.signal(signal.SIGCONT)
        return None


def _answered(line: socket.socket) -> bool:
    return bool(select.select([line], [], [], 0)[0])


def _said_something(line: socket.socket) -> bool:
    """Whether an answer was on the way after all, when its sender was already dying."""
    try:
        return line.recv(1) != b""
    except ConnectionError:
        return False
