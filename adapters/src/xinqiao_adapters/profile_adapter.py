"""The adapter that a profile gives: chooses the interface, lets it do the work, answers in the partner's terms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xinqiao.adapter import Answer, Decoded, Encoded, Reply
from xinqiao.errors import InterfaceUnknown, UnsupportedMediaType
from xinqiao.message import Json, message_type
from xinqiao_adapters.answers import Answers
from xinqiao_adapters.formats.canonical import read_standard_reply
from xinqiao_adapters.formats.format import Format
from xinqiao_adapters.interface import CompiledInterface

__all__ = ["ProfileAdapter"]


class ProfileAdapter:
    """Implements ``xinqiao.adapter.Adapter`` for the compiled interfaces of one profile. Holds no state."""

    def __init__(self, interfaces: Mapping[str, CompiledInterface], answers: Mapping[str | None, Answers]) -> None:
        self._incoming = [each for each in interfaces.values() if each.spec.direction != "out"]
        self._outgoing = {each.spec.message: each for each in interfaces.values() if each.spec.direction != "in"}
        self._answers = answers

    def decode(self, raw: bytes, content_type: str) -> Iterator[Decoded]:
        """Yield the messages of one raw input."""
        chosen = _format_for(raw, content_type, [each.format for each in self._incoming])
        root = chosen.parse(raw)
        for interface in self._incoming:
            if interface.spec.format.kind == chosen.kind and interface.takes(root):
                yield from interface.decode(root)
                return
        known = ", ".join(f"{each.name} ({each.spec.format.root})" for each in self._incoming)
        raise InterfaceUnknown(f"the document begins with {chosen.root_name(root)}; known: {known}")

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

    def read_reply(self, interface: str, status: int, content: bytes) -> Reply:
        """Read the partner's own reply, or the standard's where the channel has none."""
        answers = self._answers.get(interface) or self._answers.get(None)
        return answers.read_reply(status, content) if answers is not None else read_standard_reply(status, content)


def _format_for(raw: bytes, content_type: str, formats: Sequence[Format]) -> Format:
    """Choose by content type; where that leaves a choice, markup begins with ``<``."""
    taking = [each for each in formats if each.takes(content_type)]
    if not taking:
        raise UnsupportedMediaType(f"{content_type[:60]!r} is not a type of this channel")
    wanted = "xml" if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "json"
    return next((each for each in taking if each.kind == wanted), taking[0])
