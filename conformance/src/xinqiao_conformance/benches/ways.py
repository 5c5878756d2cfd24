"""How messages travel to a gateway and from it: over REST or gRPC, one call at a time, nothing repeated."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import orjson

from xinqiao.errors import SettingsInvalid, XinqiaoError
from xinqiao.seal import SIGNATURE_HEADER, Sealed

__all__ = ["Headers", "Page", "Reply", "RestWay", "Way", "grpc_way", "messages_path"]


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: HTTP's status (0 where none came), the text, headers (over gRPC: metadata)."""

    status: int
    text: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Sealed messages that wait for a channel, and the cursor that goes on after them."""

    sealed: tuple[Sealed, ...]
    cursor: str


class Way(Protocol):
    """A transport, seen from a partner."""

    def submit(self, channel: str, sealed: Sealed) -> Reply:
        """Send one input."""

    def fetch(self, channel: str, token: str, after: str, limit: int) -> Page | Reply:
        """Ask for what waits after a cursor, ``0`` from the start; the page, or the refusal."""

    def code(self, status: int, headers: Headers) -> str:
        """Return the status of an answer as people write it: ``HTTP 409``, ``gRPC ALREADY_EXISTS``."""

    def code_for(self, error: type[XinqiaoError]) -> str:
        """Return the status that the error table gives a reason on this transport."""


def messages_path(channel: str) -> str:
    """Return the path of a channel's messages, which is the audience of tokens, too."""
    return f"/v1/channels/{channel}/messages"


class RestWay:
    """Over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def submit(self, channel: str, sealed: Sealed) -> Reply:
        """Send one input; an empty signature is no header at all."""
        headers = {"Content-Type": sealed.content_type}
        if sealed.signature:
            headers[SIGNATURE_HEADER] = sealed.signature
        return self._called("POST", messages_path(channel), content=sealed.content, headers=headers)

    def fetch(self, channel: str, token: str, after: str, limit: int) -> Page | Reply:
        """Ask for what waits."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        parameters = {"after": after, "limit": str(limit)}
        reply = self._called("GET", messages_path(channel), params=parameters, headers=headers)
        return _page(reply) or reply

    def code(self, status: int, headers: Headers) -> str:  # noqa: ARG002 -- gRPC looks at them
        """Return the status of an answer."""
        return f"HTTP {status}"

    def code_for(self, error: type[XinqiaoError]) -> str:
        """Return the status of a reason."""
        return self.code(error.http_status, ())

    def _called(self, method: str, path: str, **said: Any) -> Reply:  # noqa: ANN401 -- httpx's own arguments
        try:
            response = self._client.request(method, path, **said)
        except httpx.TransportError as error:
            return Reply(0, f"{type(error).__name__}: no answer came")
        return Reply(response.status_code, response.text, tuple(response.headers.multi_items()))


def _page(reply: Reply) -> Page | None:
    """Return the page of an answer, None where it is none."""
    try:
        match orjson.loads(reply.text) if reply.status == 200 else None:
            case {"messages": list(listed), "cursor": str(cursor)}:
                return Page(tuple(_sealed(each) for each in listed), cursor)
    except (ValueError, KeyError, TypeError):
        pass  # whatever it is, it is no page
    return None


def _sealed(entry: Any) -> Sealed:  # noqa: ANN401 -- what a subject says
    content = base64.b64decode(entry["content"], validate=True)
    return Sealed(content, str(entry["contentType"]), str(entry["signature"]))


@contextmanager
def grpc_way(target: str, patience: float) -> Iterator[Way]:
    """Yield the way over gRPC to ``host:port``. Raises ``SettingsInvalid`` where grpcio is not installed."""
    try:
        from xinqiao_conformance.benches.grpc_way import GrpcWay  # noqa: PLC0415 -- an extra of the SDK
    except ImportError as error:
        raise SettingsInvalid("gRPC 套件需要 kits over gRPC need grpcio: pip install 'xinqiao[grpc]'") from error
    way = GrpcWay(target, patience)
    try:
        yield way
    finally:
        way.close()
