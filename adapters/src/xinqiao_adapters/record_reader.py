"""Reads a file of records, each a message of one of several interfaces, in constant memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, BinaryIO

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.format import RawRecord, RecordFile, RecordFormat
from xinqiao_adapters.interface import CompiledInterface, no_interface
from xinqiao_adapters.mapping.access import Access, Node
from xinqiao_adapters.mapping.compiled import Record, record_place, texts_reader
from xinqiao_adapters.mapping.converters import Unfit

__all__ = ["RecordReader"]

_MOST_LAYOUTS = 32


class RecordReader:
    """Reads files of one format for the interfaces that share it."""

    def __init__(self, interfaces: Sequence[CompiledInterface]) -> None:
        self.interfaces = tuple(interfaces)
        form = interfaces[0].format
        assert isinstance(form, RecordFormat)  # noqa: S101 -- chosen by reads_files
        self._format = form
        self._layouts = lru_cache(_MOST_LAYOUTS)(self._for_layout)

    @property
    def only_streams(self) -> bool:
        """Whether files of this format are never parsed whole; XML of a bearable size is, for its XSD's findings."""
        return self._format.kind != "xml"

    def begins(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes may be of this format."""
        return self._format.begins(head)

    def open(self, file: BinaryIO, content_type: str) -> RecordFile:
        """Open a file. Raises ``InterfaceUnknown`` where it is another's, else the ``Rejected`` that says why not."""
        return self._format.open(file, content_type)

    def read(self, opened: RecordFile) -> Iterator[Decoded | Undecoded]:
        """Yield the messages of a file and the records that cannot be read.

        Raises ``ContentRefused`` where the file as a whole is refused, at the latest after its last record.
        """
        layout = self._layouts(_Key(opened))
        outer: dict[str, tuple[Any, ...]] = {}
        choose = layout.chooser(opened.root)
        first = next(iter(layout.interfaces.values()))
        tally = first.tally()
        for raw in opened.records():
            if raw.node is None or raw.findings:
                if tally is not None:
                    tally.add_unread()
                yield Undecoded(None, _located(raw))
                continue
            span = None if raw.start is None or raw.end is None else (raw.start, raw.end)
            record = Record(opened.root, raw.node, raw.number - 1, True, span, raw.row)
            unsummed = tally.add(raw.node) if tally is not None else None
            interface = choose(raw.node)
            if interface is None:
                yield no_interface(list(layout.interfaces.values()), record)
                continue
            if interface.name not in outer:
                outer[interface.name] = interface.outer(record, [record])
            if unsummed is not None:
                yield interface.unsummed(record, unsummed)
                continue
            yield interface.decode_record(record, outer[interface.name])
        first.check_totals(tally, opened.root)
        for name, values in outer.items():
            if layout.interfaces[name].mapping.outer(opened.root) != values:
                raise ContentRefused("a value outside the records changed", findings=[_LATE])

    def _for_layout(self, key: "_Key") -> "_Layout":
        if key.access is self._format.access:
            return _Layout(key.access, self.interfaces)
        return _Layout(key.access, [each.with_access(key.access) for each in self.interfaces])


class _Key:
    """A layout as a key: equal where the layouts are, whatever the files."""

    def __init__(self, opened: RecordFile) -> None:
        self.access: Access = opened.access
        self.layout = opened.layout

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.layout == self.layout

    def __hash__(self) -> int:
        return hash(self.layout)


class _Layout:
    """The interfaces compiled for files of one layout, and what tells their records apart."""

    def __init__(self, access: Access, interfaces: Sequence[CompiledInterface]) -> None:
        self.access = access
        self.interfaces: Mapping[str, CompiledInterface] = {each.name: each for each in interfaces}

    def chooser(self, root: Node) -> Callable[[Node], CompiledInterface | None]:
        """Return what gives a record's interface, None where it is of none. What stands outside decides first."""
        possible = [each for each in self.interfaces.values() if each.takes_outside(root)]
        inner = [[match for match in each.match if match.inner] for each in possible]
        if len(possible) == 1 and not inner[0]:
            return lambda _: possible[0]
        paths = {tuple(match.path for match in matches) for matches in inner}
        if len(paths) == 1 and all(len(path) == 1 for path in paths):
            return self._by_value(root, possible)
        return lambda node: next((each for each in possible if each.takes_record(node)), None)

    def _by_value(
        self, root: Node, possible: Sequence[CompiledInterface]
    ) -> Callable[[Node], CompiledInterface | None]:
        """Choose by the text at one path, which is what interfaces of one file nearly always differ by."""
        matches = [next(match for match in each.match if match.inner) for each in possible]
        known: dict[str | None, CompiledInterface] = {}
        for interface, match in zip(possible, matches, strict=True):
            for value in match.values:
                known.setdefault(value, interface)
        read = texts_reader(self.access, [(True, matches[0].path)])

        def choose(node: Node) -> CompiledInterface | None:
            try:
                return known.get(read(root, node)[0])
            except Unfit:
                return None

        return choose


_LATE = Finding(
    rule="format.late",
    path="/",
    text=Text("记录之外的值出现在记录之后，无法流式读取", "a value outside the records stands after them"),
    fix=Text("不要映射文件尾部的值", "do not map values that stand at the end of the file"),
)


def _located(raw: RawRecord) -> list[Finding]:
    place = _place(raw)
    return [
        each if place.split(",")[0] in (each.partner_path or "") else replace(each, partner_path=_at(each, place))
        for each in raw.findings
    ]


def _at(finding: Finding, place: str) -> str:
    return f"{finding.partner_path}, {place}" if finding.partner_path else place


def _place(raw: RawRecord) -> str:
    return record_place(raw.number, None if raw.start is None or raw.end is None else (raw.start, raw.end), raw.row)
