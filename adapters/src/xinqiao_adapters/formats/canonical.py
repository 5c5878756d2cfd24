"""The standard itself as a partner's format: one message, a JSON array of messages, or a message on each line."""

from collections.abc import Iterable, Iterator, Sequence

from xinqiao.adapter import Answer, Decoded, Encoded, Reply
from xinqiao.errors import (
    ContentRefused,
    DuplicateKey,
    InterfaceUnknown,
    MalformedJson,
    Rejected,
    UnsupportedMediaType,
    WrongEncoding,
)
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, message_type, read_json, read_value, write_json
from xinqiao_adapters.formats.encoding import charset_of, require_utf8
from xinqiao_adapters.profile import Interface

__all__ = ["CanonicalAdapter", "read_messages", "read_standard_reply"]

_JSON = ("", "application/octet-stream", "application/json", "text/json")
_LINES = ("application/x-ndjson", "application/jsonl")
_EMPTY = Finding("format.empty", "/", Text("报文中没有消息", "the input holds no message"))


class CanonicalAdapter:
    """The adapter of a partner that speaks the standard. Its paths are the standard's own."""

    def __init__(self, interfaces: dict[str, Interface]) -> None:
        self._incoming = _by_message(interfaces, "in")
        self._outgoing = _by_message(interfaces, "out")

    def decode(self, raw: bytes, content_type: str) -> Iterator[Decoded]:
        """Yield the messages of one raw input as they are; the key is the message's own id."""
        for message in read_messages(raw, content_type):
            body = message_type(message).body
            interface = self._incoming.get(body) or self._incoming.get("*")
            if interface is None:
                raise InterfaceUnknown(f"{body} is not taken in here")
            header = message.get("header")
            key = header.get("messageId") if isinstance(header, dict) else None
            yield Decoded(interface, message, key if isinstance(key, str) else "", place=str)

    def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
        """Yield each message as canonical JSON."""
        for message in messages:
            body = message_type(message).body
            interface = self._outgoing.get(body) or self._outgoing.get("*")
            if interface is None:
                raise InterfaceUnknown(f"{body} is not sent out here")
            yield Encoded(interface, write_json(message), "application/json")

    def answer(self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded]) -> Answer | None:  # noqa: ARG002
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
    text = rejection.get("text")
    said = str(text.get("zh", "")) if isinstance(text, dict) else ""
    return Reply(None if rejection.get("retryable") is True else False, rejection["reason"][:64], said[:100])


def _by_message(interfaces: dict[str, Interface], direction: str) -> dict[str, str]:
    return {each.message: name for name, each in interfaces.items() if each.direction in (direction, "both")}


def read_messages(raw: bytes, content_type: str) -> list[Json]:
    """Read one message, an array of them, or one on each line.

    Raises ``UnsupportedMediaType``, ``WrongEncoding``, ``DuplicateKey``, ``MalformedJson`` (naming the line),
    ``ContentRefused`` for an input that holds no message.
    """
    kind = content_type.partition(";")[0].strip().lower()
    require_utf8(charset_of(content_type))
    if kind in _LINES:
        return _some(list(_lines(raw)))
    if kind not in _JSON and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"{kind[:60]}; taken: application/json, {_LINES[0]}")
    return [read_json(raw)] if raw.lstrip()[:1] != b"[" else _some(_items(raw))


def _items(raw: bytes) -> list[Json]:
    items: list[Json] = read_value(raw)
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise MalformedJson(f"[{place}]: a message is a JSON object")
    return items


def _some(messages: list[Json]) -> list[Json]:
    if not messages:
        raise ContentRefused("the input holds no message", findings=[_EMPTY])
    return messages


def _lines(raw: bytes) -> Iterator[Json]:
    for number, line in enumerate(raw.splitlines(), start=1):
        if line.strip():
            try:
                yield read_json(line)
            except (MalformedJson, DuplicateKey, WrongEncoding) as error:
                raise type(error)(f"line {number}: {error.detail}") from error
