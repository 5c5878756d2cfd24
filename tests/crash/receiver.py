"""Receivers that keep to the standard, and a line to them that does not: slow, failing, cut in the middle."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from tests.crash.verdict import Applied
from xinqiao.message import Json
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import SIGNATURE_HEADER, KeyRing

__all__ = ["Place", "Receivers", "receiving"]

Place = Literal["requested", "applied", "answered"]

# How often each happens in a hundred requests; the others are answered at once.
_MOODS = ("slow",) * 8 + ("fails before",) * 3 + ("fails after",) * 3 + ("cut before",) * 3 + ("cut within",) * 5
_SLOWEST = 0.4


@dataclass(slots=True)
class _Trap:
    place: Place
    spring: Callable[[bytes], None]
    sprung: threading.Event = field(default_factory=threading.Event)


class Receivers:
    """One server for several institutions, each at a path of its own; ``applied`` is their effects in order."""

    def __init__(self, codes: Mapping[str, str], gateway_keys: KeyRing, chance: random.Random) -> None:
        self.applied: list[Applied] = []
        self.statuses: list[int] = []
        self.calm = False
        self._chance = chance
        self._lock = threading.Lock()
        self._trap: _Trap | None = None
        self._by_path = {
            path: Receiver(gateway_keys, self._apply, MemorySeen(), institution=code) for path, code in codes.items()
        }

    def set_trap(self, place: Place, spring: Callable[[bytes], None]) -> threading.Event:
        """Call ``spring`` once, with the content of the first request that reaches a place; return its event."""
        self._trap = _Trap(place, spring)
        return self._trap.sprung

    def clear_trap(self) -> None:
        """Take an unsprung trap away; it does not spring after that."""
        with self._lock:
            self._trap = None

    def reach(self, place: Place, content: bytes) -> None:
        """Tell that a request came to a place."""
        with self._lock:
            trap = self._trap
            if trap is None or trap.place != place:
                return
            self._trap = None
            trap.spring(content)
            trap.sprung.set()

    def mood(self) -> str:
        """Return how the line behaves for one request."""
        with self._lock:
            drawn = self._chance.randrange(100)
        return _MOODS[drawn] if drawn < len(_MOODS) and not self.calm else "prompt"

    def moment(self) -> float:
        """Return how long a slow one takes."""
        with self._lock:
            return self._chance.uniform(0.05, _SLOWEST)

    def receive(self, path: str, content: bytes, content_type: str, signature: str) -> tuple[int, bytes]:
        """Answer as the institution at a path does."""
        status, answer = self._by_path[path].receive(content, content_type, signature)
        self.statuses.append(status)
        return status, answer

    def _apply(self, message: Json) -> None:
        header = message["header"]
        self.applied.append(Applied(header["partnerSerial"], header["messageId"]))


@contextmanager
def receiving(receivers: Receivers) -> Iterator[str]:
    """Serve on a free port of this machine and yield the address."""
    handler = type("Handler", (_Handler,), {"receivers": receivers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False  # closing waits for those that still answer
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    receivers: Receivers

    def handle(self) -> None:
        with suppress(ConnectionError):  # a killed gateway says no goodbye
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        content = self.rfile.read(length)
        if len(content) < length:
            self.close_connection = True  # its sender was killed in the middle of it
            return
        mood = self.receivers.mood()
        self.receivers.reach("requested", content)
        if mood == "cut before":
            self.close_connection = True
        elif mood == "fails before":
            self._answer(500, b"")
        else:
            self._take(content, mood)

    def _take(self, content: bytes, mood: str) -> None:
        headers = (self.headers["Content-Type"], self.headers[SIGNATURE_HEADER])
        status, answer = self.receivers.receive(self.path, content, *headers)
        self.receivers.reach("applied", content)
        if mood == "slow":
            time.sleep(self.receivers.moment())
        if mood == "fails after":
            self._answer(500, b"")
        elif mood == "cut within":
            self._answer(status, answer, missing=len(answer) // 2)
        else:
            self._answer(status, answer)
            self.receivers.reach("answered", content)

    def _answer(self, status: int, content: bytes, missing: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - missing])
        self.wfile.flush()
        self.close_connection = self.close_connection or bool(missing)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""
