"""The standard itself as a partner's format: one message, a JSON array of messages, or a message on each line."""

from collections.abc import Iterable, Iterator, Sequence

from xinqiao.adapter import Answer, Decoded, Encoded, Reply
from xinqiao.errors import (
    DuplicateKey,
    InterfaceUnknown,
    MalformedJson,
    UnsupportedMediaType,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.message import Json, message_type, read_json, write_json
from xinqiao_adapters.profile import Interface

__all__ = ["CanonicalAdapter", "read_messages"]

_JSON = ("", "application/octet-stream", "application/json", "text/json")
_LINES = ("application/x-ndjson", "application/jsonl")


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

    def read_reply(self, interface: str, status: int, content: bytes) -> Reply:  # noqa: ARG002
        """Read a receipt or rejection."""
        return read_standard_reply(status, content)


def read_standard_reply(status: int, content: bytes) -> Reply:
    """Read the reply of a partner that answers with a receipt or rejection; another 2xx is no proof."""
    try:
        message = read_json(content)
    except XinqiaoError as error:
        return Reply(False, str(status), f"no receipt: {error.text.en}")
    rejection = message.get("rejection")
    if isinstance(rejection, dict):
        text = rejection.get("text")
        return Reply(False, str(rejection.get("reason", "")), str(text.get("zh", "")) if isinstance(text, dict) else "")
    return Reply(200 <= status < 300 and isinstance(message.get("receipt"), dict), str(status))


def _by_message(interfaces: dict[str, Interface], direction: str) -> dict[str, str]:
    return {each.message: name for name, each in interfaces.items() if each.direction in (direction, "both")}


def read_messages(raw: bytes, content_type: str) -> list[Json]:
    """Read one message, an array of them, or one on each line.

    Raises ``UnsupportedMediaType``, ``WrongEncoding``, ``DuplicateKey``, ``MalformedJson`` (naming the line).
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _LINES:
        return list(_lines(raw))
    if kind not in _JSON and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"{kind[:60]}; taken: application/json, {_LINES[0]}")
    if raw.lstrip()[:1] != b"[":
        return [read_json(raw)]
    # One strict reader for all: an array is read as the only member of an object.
    items = read_json(b'{"":' + raw + b"}")[""]
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise MalformedJson(f"[{place}]: a message is a JSON object")
    return list(items)


def _lines(raw: bytes) -> Iterator[Json]:
    for number, line in enumerate(raw.splitlines(), start=1):
        if line.strip():
            try:
                yield read_json(line)
            except (MalformedJson, DuplicateKey, WrongEncoding) as error:
                raise type(error)(f"line {number}: {error.detail}") from error
