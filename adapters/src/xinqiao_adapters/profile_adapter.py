"""The adapter that a profile gives: chooses the interface, lets it do the work, answers in the partner's terms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import BinaryIO

from xinqiao.adapter import Answer, Decoded, Encoded, Reply, Undecoded
from xinqiao.errors import (
    ContentRefused,
    InterfaceUnknown,
    MalformedXml,
    Rejected,
    UnsupportedMediaType,
    WrongEncoding,
)
from xinqiao.message import Json, message_type
from xinqiao_adapters.answers import Answers
from xinqiao_adapters.formats.canonical import read_standard_reply
from xinqiao_adapters.formats.spec import TableSpec
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.record_reader import RecordReader
from xinqiao_adapters.replies import QueryReplies

__all__ = ["ProfileAdapter", "Query"]

# What a format may ask of the beginning of an input.
_HEAD = 65536


@dataclass(frozen=True)
class Query:
    """An interface that asks what became of a message, and how its answer is read."""

    interface: CompiledInterface
    replies: QueryReplies


class ProfileAdapter:
    """Implements ``FileAdapter`` and ``QueryingAdapter`` for the compiled interfaces of one profile. Holds no state."""

    def __init__(
        self,
        interfaces: Mapping[str, CompiledInterface],
        answers: Mapping[str | None, Answers],
        queries: Mapping[str, Query] = MappingProxyType({}),
    ) -> None:
        self._incoming = [each for each in interfaces.values() if each.spec.comes_in]
        self._outgoing: dict[str, list[CompiledInterface]] = {}
        for each in interfaces.values():
            if each.spec.goes_out:
                self._outgoing.setdefault(each.spec.message, []).append(each)
        self._readers = [RecordReader(group) for group in _of_one_format(self._incoming)]
        self._answers = answers
        self._queries = queries

    def decode(self, raw: bytes, content_type: str) -> Iterator[Decoded | Undecoded]:
        """Yield the messages of one raw input; a document is parsed whole, a file of records is read as a stream."""
        taking = self._taking(content_type, raw[:_HEAD])
        readers = [each for each in self._readers_for(taking, raw[:_HEAD]) if each.only_streams]
        if not readers:
            return self._decode_document(taking, raw, content_type)
        try:
            return _first_reading(readers, BytesIO(raw), content_type)
        except ContentRefused as error:
            # A text that begins as a table does may be one with labels.
            if all(each.writes_files for each in taking) or not _is_another_table(error):
                raise
            return self._decode_document(taking, raw, content_type)

    def decode_file(self, file: BinaryIO, content_type: str) -> Iterator[Decoded | Undecoded]:
        """Yield the messages of a file; one whose interfaces have no records is read whole."""
        head = file.read(_HEAD)
        file.seek(0)
        taking = self._taking(content_type, head)
        readers = self._readers_for(taking, head)
        if readers:
            return _first_reading(readers, file, content_type)
        return self._decode_document(taking, file.read(), content_type)

    def _taking(self, content_type: str, head: bytes) -> list[CompiledInterface]:
        """Return the interfaces that may take an input: by content type and, where that leaves a choice, its head."""
        named = [each for each in self._incoming if each.format.takes(content_type)]
        if not named:
            raise UnsupportedMediaType(f"{content_type[:60]!r} is not a type of this channel")
        return [each for each in named if each.format.begins(head)] or named

    def _readers_for(self, taking: Sequence[CompiledInterface], head: bytes) -> list[RecordReader]:
        """Return what may read an input as a file of records; the only one possible says itself what is wrong."""
        possible = [each for each in self._readers if each.interfaces[0] in taking]
        if len(possible) == 1 and possible[0].only_streams and len(possible[0].interfaces) == len(taking):
            return possible
        return [each for each in possible if each.begins(head)]

    def _decode_document(
        self, taking: Sequence[CompiledInterface], raw: bytes, content_type: str
    ) -> Iterator[Decoded | Undecoded]:
        """Parse once for each way to parse: an interface reads undeclared bytes in its own encoding."""
        roots: dict[str, Node | Rejected] = {}
        begins = ""
        for interface in taking:
            if interface.writes_files:
                continue
            way = _way(interface)
            if way not in roots:
                roots[way] = _parsed(interface, raw, content_type)
            root = roots[way]
            if isinstance(root, Rejected):
                continue
            begins = begins or interface.document.root_name(root)
            if interface.takes(root):
                others = [each for each in taking if each is not interface and _way(each) == way and each.takes(root)]
                yield from interface.decode(root, others)
                return
        for root in roots.values():
            if isinstance(root, Rejected):
                raise root
        known = ", ".join(_shown(each) for each in self._incoming)
        raise InterfaceUnknown(f"the document begins with {begins or 'nothing known'}; known: {known}")

    def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
        """Yield each message in the partner's format; neighbours of one file format stand in one file."""
        batch: list[Json] = []
        of: CompiledInterface | None = None
        for message in messages:
            interface = self._interface_for(message)
            if batch and of is not None and (of is not interface or not of.writes_files):
                yield from of.files(batch)
                batch = []
            of = interface
            batch.append(message)
        if of is not None and batch:
            yield from of.files(batch)

    def _interface_for(self, message: Json) -> CompiledInterface:
        body = message_type(message).body
        interface = next((each for each in self._outgoing.get(body, ()) if each.sends(message)), None)
        if interface is None:
            raise InterfaceUnknown(f"{body} is not sent out here; sent: {', '.join(self._outgoing) or 'nothing'}")
        return interface

    def answer(
        self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded | Undecoded]
    ) -> Answer | None:
        """Render the partner's own reply, or None where the channel has none."""
        answers = self._answers.get(interface) or self._answers.get(None)
        return answers.answer(outcomes, request) if answers is not None else None

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        """Read the partner's own reply, or the standard's; to a query the partner's own only."""
        if interface in self._queries:
            return self._queries[interface].replies.read(status, content)
        answers = self._answers.get(interface) or self._answers.get(None)
        own = answers.read_reply(status, content) if answers is not None else None
        return own if own is not None else read_standard_reply(status, content, sent)

    def reply_values(self, interface: str | None, content: bytes) -> tuple[str, Mapping[str, str]] | None:
        """Return the place of a reply's code and the texts at all its places, None where the channel has no replies.

        Raises the ``Rejected`` that says why it cannot be read.
        """
        answers = self._answers.get(interface) or self._answers.get(None)
        return (answers.spec.code, answers.form.values(content)) if answers is not None else None

    def query(self, interface: str, sent: Json) -> Encoded:
        """Return what asks the partner about a message that was sent."""
        return self._queries[interface].interface.encode(sent)


def _of_one_format(interfaces: Sequence[CompiledInterface]) -> list[list[CompiledInterface]]:
    """Group the interfaces that read records: those of the same format share files."""
    groups: list[list[CompiledInterface]] = []
    for interface in interfaces:
        if interface.reads_files:
            group = next((each for each in groups if _same_file(each[0], interface)), None)
            if group is None:
                groups.append([interface])
            else:
                group.append(interface)
    return groups


def _same_file(one: CompiledInterface, other: CompiledInterface) -> bool:
    return one.spec.format == other.spec.format and one.spec.records == other.spec.records


def _first_reading(readers: Sequence[RecordReader], file: BinaryIO, content_type: str) -> Iterator[Decoded | Undecoded]:
    """Read with the first reader whose file it is."""
    for reader in readers[:-1]:
        try:
            opened = reader.open(file, content_type)
        except (InterfaceUnknown, ContentRefused) as error:
            if isinstance(error, ContentRefused) and not _is_another_table(error):
                raise
            file.seek(0)
            continue
        return reader.read(opened)
    return readers[-1].read(readers[-1].open(file, content_type))


def _is_another_table(error: ContentRefused) -> bool:
    """Whether a file has not this interface's sheet or header, so that it may be another's."""
    return bool(error.findings) and all(each.rule in ("format.sheet", "format.header") for each in error.findings)


def _way(interface: CompiledInterface) -> str:
    """Name the way in which an interface parses: those of one way share a parsed document."""
    spec = interface.spec.format
    if isinstance(spec, TableSpec):
        return repr(spec)
    return repr((spec.kind, getattr(spec, "encoding", None), getattr(spec, "siblings", False)))


def _parsed(interface: CompiledInterface, raw: bytes, content_type: str) -> Node | Rejected:
    """Parse; what cannot be parsed in this interface's way may be parsed in another's."""
    try:
        return interface.document.parse(raw, content_type)
    except (WrongEncoding, MalformedXml) as error:
        return error
    except ContentRefused as error:
        if not _is_another_table(error):
            raise
        return error


def _shown(interface: CompiledInterface) -> str:
    root = getattr(interface.spec.format, "root", None)
    return f"{interface.name} ({root})" if root else interface.name
