"""OFD data files as the format of an interface: the header's own list of fields is the layout of the records."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from xinqiao.errors import ContentRefused
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset, charset_for
from xinqiao_adapters.formats.findings import bad_record, refused
from xinqiao_adapters.formats.fixed.access import FILE, FlatAccess, check_plan, flat_path
from xinqiao_adapters.formats.fixed.document import FlatFormat, check_charset
from xinqiao_adapters.formats.fixed.layout import Column, Layout, Texts, laid_out
from xinqiao_adapters.formats.fixed.writing import spooled
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.lines import Line, Lines
from xinqiao_adapters.formats.ofd.dictionary import Field, dictionary
from xinqiao_adapters.formats.ofd.header import END, MARK, VALUES, Header, read_header, truncated, write_header
from xinqiao_adapters.formats.spec import OfdSpec, Totals
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.plan import Plan, Source
from xinqiao_adapters.profile import Interface

__all__ = ["OfdFile", "OfdFormat", "ofd_format"]

_OUTSIDE = frozenset(VALUES)
_NEEDED = ("Creator", "Receiver", "Date")
_END = END.encode("ascii")
# The last line may be filled up with blanks, in records that are shorter too.
_LONGEST_END = 80


def ofd_format(loaded: LoadedProfile, name: str, interface: Interface) -> "OfdFormat":
    """Make the format of an interface."""
    spec = interface.format
    assert isinstance(spec, OfdSpec)  # noqa: S101 -- chosen by kind
    try:
        return OfdFormat(spec, charset_for(loaded, spec))
    except ValueError as error:
        loaded.fail(("interfaces", name, "format"), str(error))


class OfdFormat(FlatFormat):
    """One interface's type of data file.

    Raises ``ValueError`` for a file type or field that the dictionary does not have, and for totals.
    """

    kind = "ofd"

    def __init__(self, spec: OfdSpec, charset: Charset) -> None:
        self.spec = spec
        self.content_type = f"text/plain; charset={spec.encoding}"
        self._texts = Texts(charset, spec.trim)
        known = dictionary().files
        if spec.file not in known:
            raise ValueError(f"file {spec.file!r} is not known; known: {', '.join(known)}")
        if spec.totals != Totals():
            raise ValueError("an OFD file has its own number of records, and no other totals")
        strange = [name for name in spec.fields if name not in dictionary().fields]
        if strange or len(set(spec.fields)) < len(spec.fields):
            raise ValueError(f"fields: {', '.join(strange) or 'one is there twice'}: each is one of JR/T 0017, once")
        self._fields = tuple(spec.fields) or known[spec.file].fields
        self.access = self._access(self._fields)

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin as a data file of this type does."""
        lines = [line.strip() for line in head.split(b"\n", 7)]
        return lines[0] == MARK.encode("ascii") and lines[6:7] == [self.spec.file.encode("ascii")]

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is.

        Raises ``ProfileInvalid`` for a path that no data file has; where the whole file is one message, for a field
        that is not among those written.
        """
        known = dictionary().fields if plan.records else self.access.layout.places
        return check_plan(plan, _OUTSIDE, known.__contains__)

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return the path as it is. Raises ``ValueError`` for one that no data file has."""
        return flat_path(path, base, _OUTSIDE, dictionary().fields.__contains__)

    def open(self, file: BinaryIO, content_type: str = "") -> "OfdFile":
        """Read the header. Raises ``ContentRefused`` for one that cannot be read or is of another file type."""
        check_charset(self._texts.charset, content_type)
        lines = Lines(file)
        lines.skip_mark(self._texts.charset)
        header = read_header(lines, self._texts.charset)
        said = header.values.get("FileType")
        if said != self.spec.file:
            text = Text(f"文件类型不是 {self.spec.file}", f"the file is not of type {self.spec.file}")
            raise refused("format.header", "File/FileType", text, value=said, expected=self.spec.file)
        access = self.access if header.fields == self._fields else self._access(header.fields)
        return OfdFile(lines, header, access)

    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes; lines end with CRLF.

        Raises ``ContentRefused`` where a value of the header is missing, does not fit or contradicts the profile.
        """
        values: dict[str, str] = {**outside[FILE]}
        own = {"Version": self.spec.version, "FileType": self.spec.file}
        for name, value in own.items():
            if values.setdefault(name, value) != value:
                raise _refused_value(name, value)
        for name in _NEEDED:
            if name not in values:
                raise _refused_value(name, "a value")
        with spooled(records, b"\r\n") as (count, chunks):
            header = Header(values, self._fields, count)
            yield b"".join(line + b"\r\n" for line in write_header(header, self._texts.charset))
            yield from chunks
        yield _END + b"\r\n"

    def _access(self, fields: tuple[str, ...]) -> FlatAccess:
        layout = laid_out([_column(dictionary().fields[name]) for name in fields])
        return FlatAccess(layout, self._texts, _OUTSIDE)


class OfdFile:
    """A data file being read. Implements ``RecordFile``."""

    def __init__(self, lines: Lines, header: Header, access: FlatAccess) -> None:
        self.access = access
        self._lines = lines
        self._header = header

    @property
    def root(self) -> Node:
        """Return the values of the header."""
        return {FILE: self._header.values}

    @property
    def layout(self) -> object:
        """Return the names of the header's fields, which say everything of a record's columns."""
        return self._header.fields

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._lines.position

    def records(self) -> Iterator[RawRecord]:
        """Yield the records. Raises ``ContentRefused`` for a file that ends early or counts its records wrong."""
        lines, width, number = self._lines, self.access.layout.width, 0
        most = max(width, _LONGEST_END)
        while (line := lines.next(most)) is not None:
            start, content, size = line
            if content.startswith(_END) and not content[len(_END) :].strip():
                self._finish(number)
                return
            number += 1
            if size == width:
                yield RawRecord(number, start, start + size, content.decode("latin-1"))
            else:
                yield _misshapen(number, line, self.access.layout)
        raise truncated(lines.position)

    def _finish(self, number: int) -> None:
        while (line := self._lines.next(_LONGEST_END)) is not None:
            if line.content.strip(b" \x1a"):
                said = Text(f"{END} 之后还有内容", f"more stands after {END}")
                raise refused("format.after_end", "File", said, value=None, expected=END)
        if number != self._header.count:
            said = Text(
                f"文件头记载 {self._header.count} 条记录，实有 {number} 条",
                f"the header says {self._header.count} records, there are {number}",
            )
            said_count = str(self._header.count)
            raise refused("format.record_count", "File/RecordCount", said, value=said_count, expected=str(number))


def _column(field: Field) -> Column:
    if field.type == "N":
        return Column(field.name, 0, field.width, "right", "0", field.decimals)
    return Column(field.name, 0, field.width)


def _misshapen(number: int, line: Line, layout: Layout) -> RawRecord:
    said = Text(
        f"记录长 {line.size} 字节，文件头所列字段合计 {layout.width} 字节",
        f"the record has {line.size} bytes, the header's fields have {layout.width}",
    )
    finding = bad_record(number, line.start, line.end, said, f"{layout.width} bytes")
    return RawRecord(number, line.start, line.end, None, (finding,))


def _refused_value(name: str, expected: str) -> ContentRefused:
    said = Text(f"文件头的 {name} 应为 {expected}", f"the header's {name} must be {expected}")
    fix = Text("在渠道配置中映射或更正该值", "map or correct the value in the channel profile")
    return refused("format.value", f"File/{name}", said, expected=expected, fix=fix)
