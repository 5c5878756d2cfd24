"""The adapter that a profile gives: chooses the interface, lets it do the work, answers in the partner's terms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xinqiao.adapter import Answer, Decoded, Encoded, Reply
from xinqiao.errors import InterfaceUnknown, UnsupportedMediaType, WrongEncoding
from xinqiao.message import Json, message_type
from xinqiao_adapters.answers import Answers
from xinqiao_adapters.formats.canonical import read_standard_reply
from xinqiao_adapters.formats.format import Format
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.access import Node

__all__ = ["ProfileAdapter"]


class ProfileAdapter:
    """Implements ``xinqiao.adapter.Adapter`` for the compiled interfaces of one profile. Holds no state."""

    def __init__(self, interfaces: Mapping[str, CompiledInterface], answers: Mapping[str | None, Answers]) -> None:
        self._incoming = [each for each in interfaces.values() if each.spec.direction != "out"]
        self._outgoing = {each.spec.message: each for each in interfaces.values() if each.spec.direction != "in"}
        self._answers = answers

    def decode(self, raw: bytes, content_type: str) -> Iterator[Decoded]:
        """Yield the messages of one raw input; each interface reads undeclared bytes in its own encoding."""
        formats = _formats_for(raw, content_type, [each.format for each in self._incoming])
        roots: dict[str, Node | WrongEncoding] = {}
        for interface in self._incoming:
            if interface.format not in formats:
                continue
            encoding = interface.spec.format.encoding
            if encoding not in roots:
                roots[encoding] = _parsed(interface.format, raw, content_type)
            root = roots[encoding]
            if not isinstance(root, WrongEncoding) and interface.takes(root):
                yield from interface.decode(root)
                return
        for root in roots.values():
            if isinstance(root, WrongEncoding):
                raise root
        known = ", ".join(f"{each.name} ({each.spec.format.root})" for each in self._incoming)
        (begins, *_) = (formats[0].root_name(root) for root in roots.values())
        raise InterfaceUnknown(f"the document begins with {begins}; known: {known}")

    def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
        """Yield each message in the partner's format."""
        for message in messages:
            body = message_type(message).body
            interface = self._outgoing.get(body)
            if interface is None:
                raise InterfaceUnknown(f"{body} is not sent out here; sent: {', '.join(self._outgoing) or 'nothing'}")
            yield interface.encode(message)

    def answer(self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded]) -> Answer | None:
        """Render the partner's own reply, or None where the channel has none."""
        answers = self._answers.get(interface) or self._answers.get(None)
        return answers.answer(outcomes, request) if answers is not None else None

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        """Read the partner's own reply, or the standard's."""
        answers = self._answers.get(interface) or self._answers.get(None)
        own = answers.read_reply(status, content) if answers is not None else None
        return own if own is not None else read_standard_reply(status, content, sent)


def _parsed(form: Format, raw: bytes, content_type: str) -> Node | WrongEncoding:
    """Parse; an encoding that is not this interface's may be another's."""
    try:
        return form.parse(raw, content_type)
    except WrongEncoding as error:
        return error


def _formats_for(raw: bytes, content_type: str, formats: Sequence[Format]) -> list[Format]:
    """Choose by content type; where that leaves a choice, markup begins with ``<``."""
    taking = [each for each in formats if each.takes(content_type)]
    if not taking:
        raise UnsupportedMediaType(f"{content_type[:60]!r} is not a type of this channel")
    wanted = "xml" if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "json"
    return [each for each in taking if each.kind == wanted] or [each for each in taking if each.kind == taking[0].kind]
