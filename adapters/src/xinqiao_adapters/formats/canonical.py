"""The standard itself as a partner's format: one message, a JSON array of messages, or a message on each line."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import BinaryIO

from xinqiao.adapter import Answer, Decoded, Encoded, Reply, Undecoded
from xinqiao.errors import (
    ContentRefused,
    InterfaceUnknown,
    MalformedJson,
    Rejected,
    UnsupportedMediaType,
)
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, message_type, read_json, read_value, write_json
from xinqiao_adapters.formats.encoding import charset_of, require_utf8
from xinqiao_adapters.formats.findings import said_by
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.json.lines import LinesFile
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.mapping.compiled import record_place
from xinqiao_adapters.profile import Interface

__all__ = ["CanonicalAdapter", "read_standard_reply"]

_UNSAID = ("", "application/octet-stream")
_LONGEST_FIRST = 1 << 20
_JSON = ("", "application/octet-stream", "application/json", "text/json")
_LINES = ("application/x-ndjson", "application/jsonl")
_EMPTY = Finding("format.empty", "/", Text("报文中没有消息", "the input holds no message"))


class CanonicalAdapter:
    """The adapter of a partner that speaks the standard. Its paths are the standard's own."""

    def __init__(self, interfaces: dict[str, Interface]) -> None:
        self._incoming = _by_message(interfaces, "in")
        self._outgoing = _by_message(interfaces, "out")

    def decode(self, raw: bytes, content_type: str) -> Iterator[Decoded | Undecoded]:
        """Yield the messages of one raw input as they are; the key is the message's own id."""
        yield from self.decode_file(BytesIO(raw), content_type)

    def decode_file(self, file: BinaryIO, content_type: str) -> Iterator[Decoded | Undecoded]:
        """Yield the messages of a file: lines as a stream, one message or an array of them whole.

        A line that cannot be read does not stop the others. Raises ``UnsupportedMediaType``, ``WrongEncoding``,
        ``DuplicateKey``, ``MalformedJson``, ``ContentRefused`` for an input that holds no message or breaks off.
        """
        require_utf8(charset_of(content_type))
        if not _has_lines(file, content_type):
            yield from (self._decoded(message) for message in _whole(file.read()))
            return
        empty = True
        for record in LinesFile(file, TreeAccess(), read_value).records():
            empty = False
            yield Undecoded(None, record.findings) if record.findings else self._line(record)
        if empty:
            raise _no_message()

    def _line(self, record: RawRecord) -> Decoded | Undecoded:
        try:
            return self._decoded(record.node)
        except Rejected as error:
            span = None if record.start is None or record.end is None else (record.start, record.end)
            return Undecoded(None, said_by(error, record_place(record.number, span)))

    def _decoded(self, message: Json) -> Decoded:
        body = message_type(message).body
        interface = self._incoming.get(body) or self._incoming.get("*")
        if interface is None:
            raise InterfaceUnknown(f"{body} is not taken in here")
        header = message.get("header")
        key = header.get("messageId") if isinstance(header, dict) else None
        return Decoded(interface, message, key if isinstance(key, str) else "", place=str)

    def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
        """Yield each message as canonical JSON."""
        for message in messages:
            body = message_type(message).body
            interface = self._outgoing.get(body) or self._outgoing.get("*")
            if interface is None:
                raise InterfaceUnknown(f"{body} is not sent out here")
            yield Encoded(interface, write_json(message), "application/json")

    def answer(
        self,
        interface: str | None,  # noqa: ARG002 -- the port's shape
        outcomes: Sequence[Json],  # noqa: ARG002
        request: Sequence[Decoded | Undecoded],  # noqa: ARG002
    ) -> Answer | None:
        """Return None: the standard's own outcomes are the answer."""
        return None

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:  # noqa: ARG002
        """Read a receipt or rejection."""
        return read_standard_reply(status, content, sent)


def read_standard_reply(status: int, content: bytes, sent: Json) -> Reply:
    """Read the reply of a partner that answers with a receipt or rejection.

    A yes is a receipt of the very message that was sent, with a status that says so too; a no is a rejection that
    does not ask to try again. Everything else proves nothing.
    """
    try:
        message = read_json(content)
    except Rejected:
        return Reply(None, str(status))
    receipt, rejection = message.get("receipt"), message.get("rejection")
    if isinstance(receipt, dict) and rejection is None:
        own = receipt.get("acceptedMessageId") == sent["header"]["messageId"]
        return Reply(True if own and 200 <= status < 300 else None, str(status))
    if not isinstance(rejection, dict) or receipt is not None or not isinstance(rejection.get("reason"), str):
        return Reply(None, str(status))
    return Reply(None if rejection.get("retryable") is True else False, rejection["reason"][:64])


def _by_message(interfaces: dict[str, Interface], direction: str) -> dict[str, str]:
    return {each.message: name for name, each in interfaces.items() if each.direction in (direction, "both")}


def _has_lines(file: BinaryIO, content_type: str) -> bool:
    """Whether the content type says lines, or says nothing and the first line is a message with others behind it."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _LINES:
        return True
    if kind not in _JSON and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"{kind[:60]}; taken: application/json, {_LINES[0]}")
    first, second = file.readline(_LONGEST_FIRST), file.readline(_LONGEST_FIRST)
    file.seek(0)
    return kind in _UNSAID and first.rstrip().endswith(b"}") and second.lstrip()[:1] == b"{"


def _whole(raw: bytes) -> list[Json]:
    """Read one message, or an array of them."""
    if raw.lstrip()[:1] != b"[":
        return [read_json(raw)]
    items: list[Json] = read_value(raw)
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise MalformedJson(f"[{place}]: a message is a JSON object")
    if not items:
        raise _no_message()
    return items


def _no_message() -> ContentRefused:
    return ContentRefused("the input holds no message", findings=[_EMPTY])
