"""A partner over real HTTP that answers by script, also as no HTTP server should."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from tests.gateway.conftest import BANK, TRUST
from xinqiao.errors import NotValid
from xinqiao.message import Json
from xinqiao.outcome import receipt, rejection

# What goes back, in pieces, for what came; between pieces the partner may wait.
Script = Callable[[Json], Iterator[bytes]]


@dataclass
class Partner:
    """Answers each POST by ``script`` and closes; ``got`` and ``raw`` are the contents that came.

    ``headers`` are what came with each, by names in lower case.
    """

    script: Script
    got: list[Json] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def cases(self) -> list[str]:
        """Return the cases of what came, in order."""
        return [each["header"]["caseId"] for each in self.got]

    def serve(self, listener: socket.socket) -> None:
        """Answer until the listener is closed."""
        while not self.ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            headers: dict[str, str] = {}
            while line := stream.readline().strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", "0"))
            body = stream.read(length)
            if not length or len(body) < length:
                return  # the other side has gone before it said all
            content = orjson.loads(body)
            self.headers.append(headers)
            self.raw.append(body)
            self.got.append(content)
            try:
                for piece in self.script(content):
                    connection.sendall(piece)
            except OSError:
                return  # the other side has gone


@contextmanager
def running(script: Script) -> Iterator[Partner]:
    """Run a partner on a free port of this machine."""
    partner = Partner(script)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        partner.url = f"http://127.0.0.1:{listener.getsockname()[1]}/messages"
        thread = threading.Thread(target=partner.serve, args=(listener,))
        thread.start()
        yield partner
        partner.ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def http(status: int, content: bytes = b"", **headers: str) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def says(status: int, content: bytes = b"", **headers: str) -> Script:
    """Answer always the same."""
    return lambda _got: iter([http(status, content, **headers)])


def takes(got: Json) -> Iterator[bytes]:
    """Answer with a receipt for the message."""
    body = {
        "acceptedMessageId": got["header"]["messageId"],
        "acceptedAt": "2026-01-15T09:30:00.000000Z",
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": "0" * 64},
    }
    yield http(202, orjson.dumps(receipt(TRUST, BANK, body)))


def refuses(got: Json) -> Iterator[bytes]:
    """Answer with a refusal of the message."""
    yield http(422, orjson.dumps(rejection(TRUST, BANK, NotValid("2 findings"), got["header"]["messageId"])))
