"""A gateway that answers by a script, and keeps what came: for what a sender does where not all goes well."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from xinqiao.errors import XinqiaoError
from xinqiao.message import Json, content_digest, read_json, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import SIGNATURE_HEADER, Sealed
from xinqiao.testing import TRUST_COMPANY

__all__ = ["Reply", "ScriptedGateway", "accepted", "lost", "refused", "scripted_gateway"]

Reply = Callable[[Json], tuple[int, Json | bytes, dict[str, str]]]


def lost(_message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    """Close the connection without an answer."""
    return 0, b"", {}


def accepted(message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    """Answer with a receipt."""
    body = {
        "acceptedMessageId": message["header"]["messageId"],
        "acceptedAt": timestamp(),
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": content_digest(message)},
    }
    return 202, receipt(TRUST_COMPANY, message["header"]["sender"], body), {}


def refused(error: XinqiaoError, **headers: str) -> Reply:
    """Answer with a rejection."""

    def reply(message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
        header = message["header"]
        said = rejection(TRUST_COMPANY, header["sender"], error, header["messageId"])
        return error.http_status, said, {name.replace("_", "-"): value for name, value in headers.items()}

    return reply


@dataclass
class ScriptedGateway:
    """Gives the replies one after the other, then receipts."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    came: list[Sealed] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    def says(self, *replies: Reply) -> None:
        """Begin a new script."""
        self.replies, self.came = list(replies), []

    def reply_to(self, path: str, sealed: Sealed) -> tuple[int, bytes, dict[str, str]]:
        """Keep what came and return the next reply."""
        self.came.append(sealed)
        self.paths.add(path)
        reply = self.replies.pop(0) if self.replies else accepted
        status, said, headers = reply(read_json(sealed.content))
        return status, said if isinstance(said, bytes) else write_json(said), headers


@contextmanager
def scripted_gateway() -> Iterator[ScriptedGateway]:
    """Serve one on a free port."""
    gateway = ScriptedGateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            sealed = Sealed(content, self.headers["Content-Type"], self.headers[SIGNATURE_HEADER])
            status, said, headers = gateway.reply_to(self.path, sealed)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(said)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
