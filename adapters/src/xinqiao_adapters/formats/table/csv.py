"""CSV as the format of an interface: encodings, quoting, and records told apart by their bytes.

A record's byte range is exact. A record that is broken – a quote that is never closed, a cell too many, bytes of
another encoding – is one finding, and reading goes on with the line after it. A line break inside quotes is read as
a line feed, whatever ends the lines of the file.

Texts go out as they are, also those that begin with ``= + - @``: to alter them would alter the data, and a
spreadsheet that takes them for formulas is the reader's to set right (import the columns as text).
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import BinaryIO, Literal

from xinqiao.errors import WrongEncoding
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset, Unheld, charset_for, charset_of, codec_of
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.lines import Line, Lines
from xinqiao_adapters.formats.spec import CsvSpec
from xinqiao_adapters.formats.table.format import TableFormat, check_table
from xinqiao_adapters.formats.table.table import Fault, RawRow, TableFile
from xinqiao_adapters.formats.table.writing import WrittenRow, unwritable, written_rows
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.profile import Interface

__all__ = ["CsvFormat", "csv_format"]

_CSV_TYPES = ("", "application/octet-stream", "application/csv", "application/vnd.ms-excel", "text/csv", "text/plain")
# The most bytes and lines of one record, and the bytes that are written at once.
_MOST_BYTES = 1 << 18
_MOST_LINES = 100
_BATCH = 1 << 16
_RESEND = Text("更正该记录后重发", "correct the record and send it again")
_CLOSE = Text("补上成对的引号，引号本身写两次", "close the quotes; write a quote inside them twice")


def csv_format(loaded: LoadedProfile, name: str, interface: Interface) -> "CsvFormat":
    """Make the format of an interface. Raises ``ProfileInvalid`` with file and line."""
    spec = interface.format
    assert isinstance(spec, CsvSpec)  # noqa: S101 -- chosen by kind
    check_table(loaded, name, interface, spec)
    where = ("interfaces", name, "format")
    if not spec.header and (spec.labels and not spec.ends):
        loaded.fail((*where, "labels"), "without a header and without ends no label is found")
    if not spec.quote.isascii():
        loaded.fail((*where, "quote"), "the quote is an ASCII character, or nothing")
    if spec.delimiter == spec.quote or spec.delimiter in "\r\n" or not spec.delimiter.isascii():
        loaded.fail((*where, "delimiter"), "a delimiter is one ASCII character, and neither the quote nor a line break")
    return CsvFormat(spec, charset_for(loaded, spec))


class CsvFormat(TableFormat):
    """One interface's CSV."""

    kind = "csv"

    def __init__(self, spec: CsvSpec, charset: Charset) -> None:
        super().__init__(spec)
        self.spec = spec
        self.charset = charset
        self.content_type = f"text/csv; charset={spec.encoding}"

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of those that CSV comes with, or says nothing."""
        return content_type.partition(";")[0].strip().lower() in _CSV_TYPES

    def begins(self, head: bytes) -> bool:
        """Whether bytes are text and have the delimiter, where there are several columns."""
        several = len(self.spec.columns) > 1
        return b"\0" not in head and head.lstrip()[:1] != b"<" and (self.spec.delimiter.encode() in head or not several)

    def open(self, file: BinaryIO, content_type: str = "") -> TableFile:
        """Read what stands before the records.

        Raises ``WrongEncoding`` where a byte order mark or the content type says another encoding than the profile,
        or these bytes are not of it; ``ContentRefused`` where no row is the header.
        """
        charset = charset_of(content_type)
        if charset is not None and codec_of(charset) != self.charset.codec:
            raise WrongEncoding(f"the content type says {charset[:40]}, the profile says {self.charset.name}")
        mark = self.charset.mark(file.read(4))
        file.seek(mark)
        return TableFile(self.spec, _CsvRows(self.spec, self.charset, file, mark), self.access, header=self.spec.header)

    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes, its totals made from the records.

        Raises ``ContentRefused`` with the column and the number of the record whose value the encoding, or a file
        without quotes, does not hold.
        """
        rows = written_rows(self.spec, outside.get("File", {}), records, header=self.spec.header)
        batch: list[bytes] = []
        size = 0
        for row in rows:
            batch.append(self._line(row))
            size += len(batch[-1])
            if size >= _BATCH:
                yield b"".join(batch)
                batch, size = [], 0
        yield b"".join(batch)

    def _line(self, row: WrittenRow) -> bytes:
        ends = "\r\n" if self.spec.line == "CRLF" else "\n"
        out = StringIO()
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.spec.quote else csv.QUOTE_NONE
        quote = self.spec.quote or None
        writer = csv.writer(out, delimiter=self.spec.delimiter, quotechar=quote, quoting=quoting, lineterminator=ends)
        try:
            writer.writerow(row.cells)
            return self.charset.encode(out.getvalue())
        except (csv.Error, Unheld) as error:
            raise self._refusal(row, error) from error

    def _refusal(self, row: WrittenRow, error: csv.Error | Unheld) -> Exception:
        """Return the refusal of a row, with the first of its values that does not fit."""
        said = (
            error.said
            if isinstance(error, Unheld)
            else Text("值含有分隔符或换行", "the value holds a delimiter or a line break")
        )
        misfit = next((place for place, cell in enumerate(row.cells) if not self._holds(cell)), 0)
        name = row.cells[0] if row.number is None else list(self.spec.columns)[misfit]
        return unwritable(
            name, row.number, said, Text("更正该值，或与对方商定格式", "correct the value, or agree on another format")
        )

    def _holds(self, text: str) -> bool:
        breaks = any(each in text for each in (self.spec.delimiter, "\r", "\n"))
        return self.charset.holds(text) and (bool(self.spec.quote) or not breaks)


class _CsvRows:
    """The records of a file as rows of cells."""

    def __init__(self, spec: CsvSpec, charset: Charset, file: BinaryIO, start: int) -> None:
        self._spec = spec
        self._charset = charset
        self._quote = spec.quote.encode("ascii")
        self._lines = Lines(file)
        self._lines.position = start
        self._waiting: deque[Line] = deque()
        self._width: int | None = None

    def expect(self, width: int) -> None:
        """Take the number of cells that a record has."""
        self._width = width

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._lines.position

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows."""
        delimiter, quote = self._spec.delimiter, self._quote
        while (line := self._next()) is not None:
            start, content, size = line
            fault = _fault(line)
            if fault is not None:
                yield RawRow((), None, start, line.end, broken=fault)
            elif quote and quote in content:
                yield self._quoted(line)
            else:
                try:
                    cells = self._charset.decode(content, start).split(delimiter)
                except WrongEncoding as error:
                    yield self._undecoded(line, error)
                else:
                    yield self._whole(self._checked(RawRow(cells, None, start, start + size)))

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else self._lines.next(_MOST_BYTES)

    def _undecoded(self, line: Line, error: WrongEncoding) -> RawRow:
        """Return a record that is not of the encoding; before the header is known the whole file is not."""
        if self._width is None:
            raise error
        said = Text(f"字符编码不符：{error.detail}", f"wrong encoding: {error.detail}")
        fix = Text(f"按 {self._charset.name} 编码重发", f"send it again in {self._charset.name}")
        return RawRow((), None, line.start, line.end, broken=Fault(said, fix))

    def _whole(self, row: RawRow) -> RawRow:
        """Return a row. Raises ``ContentRefused`` where it is broken and the file ends in it, without a line break."""
        if row.broken is None or row.end != self._lines.position:
            return row
        said = Text("文件在记录中间结束，可能传输不完整", "the file ends inside a record: it may be cut")
        raise refused("format.cut", f"bytes {row.start}–{row.end}", said)

    def _checked(self, row: RawRow) -> RawRow:
        """Return a row; broken where it has not as many cells as the header, empty ones at its end not counted."""
        width = self._width
        if width is None or len(row.cells) == width:
            return row
        many = len(row.cells)
        while many > width and not row.cells[many - 1].strip():
            many -= 1
        if many == width:
            return row._replace(cells=row.cells[:width])
        if not "".join(row.cells).strip():
            return row
        said = Text(f"该记录有 {many} 列，表头有 {width} 列", f"the record has {many} cells, the header {width}")
        return row._replace(broken=Fault(said, _RESEND))

    # --- quotes ---

    def _quoted(self, first: Line) -> RawRow:
        """Return the record that begins with a line; a quoted cell may hold line breaks.

        Where the record as a whole cannot be read, the line alone is the broken record.
        """
        lines, size, quotes = [first], first.size, first.content.count(self._quote)
        row = self._parsed(lines)
        while row.broken is not None and quotes % 2:
            line = self._next()
            if line is None or _fault(line) is not None or size + line.size > _MOST_BYTES or len(lines) == _MOST_LINES:
                self._waiting.extendleft([] if line is None else [line])
                break
            lines.append(line)
            size += line.size + 2
            more = line.content.count(self._quote)
            if more % 2:
                whole = self._parsed(lines)
                row, quotes = (whole, 0) if whole.broken is None else (row, 0)
        if row.broken is not None:
            self._waiting.extendleft(reversed(lines[1:]))
        return row

    def _parsed(self, lines: list[Line]) -> RawRow:
        """Return lines as one row; broken where its quotes, cells or bytes are not right."""
        first, last = lines[0], lines[-1]
        row = RawRow((), None, first.start, last.end)
        quote = self._spec.quote
        try:
            text = self._charset.decode(b"\n".join(line.content for line in lines), first.start)
            (cells,) = csv.reader([text], delimiter=self._spec.delimiter, quotechar=quote, strict=True)
        except WrongEncoding as error:
            return self._undecoded(first, error)
        except csv.Error:
            return row._replace(
                broken=Fault(
                    Text("引号不成对或位置不对", "a quote is not closed, or stands in the wrong place"), _CLOSE
                )
            )
        return self._checked(row._replace(cells=cells))


def _fault(line: Line) -> Fault | None:
    if line.size > len(line.content):
        said = Text(f"记录超过 {_MOST_BYTES} 字节", f"the record is longer than {_MOST_BYTES} bytes")
        return Fault(said, _RESEND)
    if b"\0" in line.content:
        return Fault(
            Text("含有 NUL 字节", "there is a NUL byte"),
            Text("以约定的编码发送文本文件", "send a text file in the encoding agreed"),
        )
    return None
