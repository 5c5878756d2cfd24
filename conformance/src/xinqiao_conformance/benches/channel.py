"""One channel of a gateway under test, as the institution that owns it: it sends, fetches, and keeps what came."""

import time
from dataclasses import dataclass

import orjson

from xinqiao.finding import Text
from xinqiao.message import Json, write_json
from xinqiao.recording import Answer, Recorded, Transport
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, SigningKey, access_token, seal
from xinqiao_conformance.benches.ways import Page, Reply, Way, messages_path
from xinqiao_conformance.declaration import Link
from xinqiao_conformance.observing import Breach, Exchange

__all__ = ["Channel", "Delivered"]

_PAGE = 200
_LARGEST_PAGE = 500
# Pages that are read in one go at the most: a gateway that never comes to an end is not waited for.
_MOST_PAGES = 500
# Larger inputs are known to be too large; a recording does not hold them.
_RECORDED = 262_144


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it came to a channel; what is no JSON object counts as an empty one."""

    sealed: Sealed
    message: Json

    @property
    def message_id(self) -> str:
        """Return its id, empty where there is none."""
        header = self.message.get("header")
        return str(header.get("messageId", "")) if isinstance(header, dict) else ""


@dataclass(frozen=True, slots=True)
class Sent(Exchange):
    """An exchange and its number in the recording of its bench."""

    number: int = 0

    def require(self, met: object, zh: str, en: str, fix: Text | None = None) -> None:
        """Raise ``Breach`` unless ``met``; it says which exchange it was."""
        if not met:
            raise Breach(Text(zh, en), sent=self.shown_sent(), seen=self.shown_seen(), fix=fix, exchanges=[self.number])


class Channel:
    """A channel; ``received`` is what came to it since ``skip``, in order."""

    def __init__(
        self, way: Way, link: Link, key: SigningKey, transport: str, recording: list[Recorded], patience: float
    ) -> None:
        self.id, self.institution, self.key = link.channel, link.institution, key
        self.received: list[Delivered] = []
        self.by_id: dict[str, Delivered] = {}
        self.cursor = "0"
        self._way, self._recording, self._patience = way, recording, patience
        self._transport: Transport = "grpc" if transport == "grpc" else "rest"

    def sealed(self, message: Json) -> Sealed:
        """Return a message as it is to travel."""
        return self.sealed_bytes(write_json(message))

    def sealed_bytes(self, content: bytes, content_type: str = CONTENT_TYPE_JSON) -> Sealed:
        """Return bytes with the channel's seal."""
        return seal(content, content_type, self.key)

    def send(self, message: Json, sealed: Sealed | None = None, note: str = "", *, by: str = "") -> Exchange:
        """Send a message, sealed anew unless ``sealed`` says how; ``by``: over another channel than its own."""
        travelling = sealed or self.sealed(message)
        reply = self._way.submit(by or self.id, travelling)
        exchange = Sent(message, reply.status, reply.text, reply.headers, note, len(self._recording) + 1)
        self._recording.append(self._recorded(travelling, exchange))
        return exchange

    def _recorded(self, sealed: Sealed, exchange: Exchange) -> Recorded:
        headers = dict(exchange.headers)
        answer = Answer(exchange.status, exchange.answer or None, headers) if exchange.status else None
        if len(sealed.content) > _RECORDED:
            return Recorded("peer", self._transport, None, answer=answer, unreadable="body_too_large")
        return Recorded.of(sealed, "peer", self._transport, answer)

    def token(self) -> str:
        """Return an access token for what waits."""
        return access_token(self.key, messages_path(self.id))

    def fetch(self, after: str, limit: int = _PAGE, token: str | None = None) -> Page | Reply:
        """Ask for what waits after a cursor, without keeping it."""
        return self._way.fetch(self.id, self.token() if token is None else token, after, limit)

    def ask(self, after: str = "0", token: str | None = None) -> Exchange:
        """Ask for what waits, to see how that is answered."""
        found = self.fetch(after, token=token)
        note = f"messages of {self.id} after {after}"
        if isinstance(found, Page):
            return Exchange({}, 200, orjson.dumps({"messages": len(found.sealed)}).decode(), (), note)
        return Exchange({}, found.status, found.text, found.headers, note)

    def page(self, after: str, limit: int = _PAGE) -> Page:
        """Return what waits after a cursor. Raises ``Breach`` where it is refused."""
        found = self.fetch(after, limit)
        if isinstance(found, Reply):
            expected = Text("待取消息的一页", "a page of the messages that wait")
            raise Breach(expected, seen={"status": found.status})
        return found

    def collected(self) -> dict[str, Delivered]:
        """Return what came so far, by message id, after having looked for more, for as long as patience lasts."""
        until = time.monotonic() + self._patience
        for _ in range(_MOST_PAGES):
            page = self.page(self.cursor)
            if not page.sealed:
                break
            self.cursor = page.cursor
            for sealed in page.sealed:
                delivered = Delivered(sealed, _read(sealed.content))
                self.received.append(delivered)
                self.by_id[delivered.message_id] = delivered
            if time.monotonic() > until:
                break
        return self.by_id

    def skip(self) -> None:
        """Go past everything that waits now."""
        for _ in range(_MOST_PAGES):
            page = self.page(self.cursor, _LARGEST_PAGE)
            if not page.sealed and page.cursor == self.cursor:
                return
            self.cursor = page.cursor
        raise Breach(
            Text("待取消息有尽头", "an end of what waits"),
            seen={"messages": _MOST_PAGES * _LARGEST_PAGE, "channel": self.id},
            fix=Text("为认证另设空的渠道", "give the certification a channel of its own, with nothing in it"),
        )


def _read(content: bytes) -> Json:
    try:
        value = orjson.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
