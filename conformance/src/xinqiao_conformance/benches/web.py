"""A small HTTP server in threads, for the suite's own side of a conversation and for its references.

It can drop a connection without an answer, which application servers do not let one do.
"""

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Handle", "Request", "Response", "web_server"]

_LOGGER = logging.getLogger(__name__)
# Bytes of a body that are read for its server, of one that is too large read and thrown away, and of a chunk's head.
_LARGEST = 4 << 20
_THROWN_AWAY = 64 << 20
_HEAD = 1024
# Digits of a length.
_DIGITS = 15
_NUMBER = re.compile(rb"[0-9A-Fa-f]{1,8}")
# Connections at a time; whoever opens more is hung up on.
_MOST_OPEN = 256
# Seconds that a connection may say nothing, and between two looks whether to end.
_SILENCE = 60.0
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks; names of headers in lower case. ``body`` is None where it is larger than is read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


# None: the connection is dropped without an answer.
Handle = Callable[[Request], Response | None]


class _Unread(Exception):
    """A body that cannot be read as HTTP frames it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE
    # Head and body leave in one piece, at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: "_Server"

    def _answer(self) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = self._body(headers)
        except _Unread:
            self._say(Response(400))
            self.close_connection = True
            return
        request = Request(self.command, address.path, dict(parse_qsl(address.query)), headers, body)
        try:
            response = self.server.handle_one(request)
        except Exception:
            # The top of a thread: whoever asks gets an answer, and the fault is not lost.
            _LOGGER.exception("%s %s", self.command, address.path)
            response = Response(500)
        if response is None:
            self.close_connection = True
            return
        self._say(response)

    do_GET = do_POST = _answer

    def _say(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        """Return the body; None where it is too large, with what follows it thrown away so that it can be answered."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        announced = headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdecimal() and len(announced) <= _DIGITS):
            raise _Unread(announced)
        if int(announced) <= _LARGEST:
            return self.rfile.read(int(announced))
        self._throw_away(int(announced))
        return None

    def _chunks(self) -> bytes | None:
        parts, size = [], 0
        while length := self._chunk_length():
            size += length
            if size > _LARGEST:
                self.close_connection = True
                return None
            parts.append(self.rfile.read(length))
            self.rfile.readline(_HEAD)
        while self.rfile.readline(_HEAD).strip():
            pass
        return b"".join(parts)

    def _chunk_length(self) -> int:
        head = self.rfile.readline(_HEAD).partition(b";")[0].strip()
        # int() takes a sign and underscores, too.
        if not _NUMBER.fullmatch(head):
            raise _Unread("the head of a chunk")
        return int(head, 16)

    def _throw_away(self, length: int) -> None:
        left = min(length, _THROWN_AWAY)
        while left > 0 and (part := self.rfile.read(min(left, 1 << 16))):
            left -= len(part)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests may hold personal values, and the recording has them."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Handle) -> None:
        super().__init__(address, _Handler)
        self.handle_one = handle
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- of the standard library
        with self._lock:
            is_one_too_many = len(self._open) >= _MOST_OPEN
            if not is_one_too_many:
                self._open.add(request)
        if is_one_too_many:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 -- of the standard library
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Somebody hung up: who waits for an answer sees it."""
        _LOGGER.debug("a connection broke", exc_info=True)

    def close_all(self) -> None:
        """End every connection that is still open, and with it the thread that reads it."""
        with self._lock:
            connections = list(self._open)
        for each in connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def web_server(handle: Handle, port: int = 0) -> Iterator[str]:
    """Serve on this machine, on a free port by default, and yield the address. Raises ``OSError``: the port is taken.

    ``handle`` is called from many threads at once.
    """
    server = _Server(("127.0.0.1", port), handle)
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK,), name="web", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.close_all()
        server.server_close()
