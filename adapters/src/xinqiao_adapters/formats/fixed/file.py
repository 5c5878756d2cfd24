"""A file of fixed-width lines being read: header lines, records one at a time, trailer lines, totals."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.findings import bad_record, refused
from xinqiao_adapters.formats.fixed.access import FILE, FlatAccess
from xinqiao_adapters.formats.fixed.layout import Layout, Texts
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.lines import Line, Lines
from xinqiao_adapters.formats.totals import Tally, in_file
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.converters import Misshapen

__all__ = ["FixedFile"]

_END_OF_TEXT = b"\x1a"  # Ctrl-Z ends a file on old systems


class FixedFile:
    """Implements ``RecordFile``. The last lines are the trailer, so that many are held back while reading."""

    def __init__(
        self, file: BinaryIO, access: FlatAccess, header: Sequence[Layout], trailer: Sequence[Layout], tally: Tally
    ) -> None:
        self.access = access
        self._texts: Texts = access.texts
        self._lines = Lines(file)
        self._lines.skip_mark(self._texts.charset)
        self._trailer = trailer
        self._tally = tally
        self._most = max(each.width for each in (access.layout, *header, *trailer))
        self._outside: dict[str, str] = {}
        for number, layout in enumerate(header, start=1):
            line = self._lines.next(self._most)
            if line is None:
                raise _truncated(self._lines.position)
            self._read_outside(f"header line {number}", line, layout)

    @property
    def root(self) -> Node:
        """Return the values of the header, and of the trailer once it is read."""
        return {FILE: self._outside}

    @property
    def layout(self) -> object:
        """Return the layout, which is always the profile's."""
        return self.access.layout

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._lines.position

    def records(self) -> Iterator[RawRecord]:
        """Yield the records. Raises ``ContentRefused`` for a trailer that is missing or wrong, and for totals."""
        held: deque[Line] = deque()
        number = 0
        while (line := self._lines.next(self._most)) is not None:
            if not line.content.strip(_END_OF_TEXT):
                self._end(line)
                break
            held.append(line)
            if len(held) > len(self._trailer):
                number += 1
                yield self._record(number, held.popleft())
        if len(held) < len(self._trailer):
            raise _truncated(self._lines.position)
        for place, (line, layout) in enumerate(zip(held, self._trailer, strict=True), start=1):
            self._read_outside(f"trailer line {place}", line, layout)
        self._tally.check(in_file(self._outside))

    def _end(self, blank: Line) -> None:
        """Refuse what stands after a blank line: nothing does at the end of a file."""
        while (line := self._lines.next(self._most)) is not None:
            if line.content.strip(_END_OF_TEXT):
                said = Text(
                    f"第 {blank.start} 字节处为空行，其后还有内容",
                    f"a blank line stands at byte {blank.start}, and more after it",
                )
                raise refused("format.blank_line", "Record", said)

    def _record(self, number: int, line: Line) -> RawRecord:
        start, end = line.start, line.end
        said = _difference(line, self.access.layout)
        if said is not None:
            self._tally.add_unread()
            return RawRecord(number, start, end, None, (bad_record(number, start, end, said[0], said[1]),))
        text = line.content.decode("latin-1")
        name = self._tally.add(text)
        if name is not None:
            return RawRecord(number, start, end, None, (_no_number(number, start, end, name),))
        return RawRecord(number, start, end, text)

    def _read_outside(self, place: str, line: Line, layout: Layout) -> None:
        said = _difference(line, layout)
        if said is not None:
            raise refused("format.line", f"File, {place}", said[0], expected=said[1])
        text = line.content.decode("latin-1")
        for column in layout.columns:
            if column.mark is not None:
                continue
            try:
                value = self._texts.read(column, text[column.start : column.end])
            except Misshapen as error:
                raise refused("format.line", f"File/{column.name}, {place}", error.said) from error
            if value is not None:
                self._outside[column.name] = value


def _difference(line: Line, layout: Layout) -> tuple[Text, str] | None:
    """Return in what a line differs from its layout, and what is expected; None where it does not."""
    if line.size != layout.width:
        said = Text(
            f"此行 {line.size} 字节，应为 {layout.width} 字节", f"the line has {line.size} bytes, not {layout.width}"
        )
        return said, f"{layout.width} bytes"
    for column in layout.marks:
        mark = column.mark or ""
        if line.content[column.start : column.end] != mark.encode("latin-1"):
            shown = column.name
            return Text(
                f"第 {column.start + 1} 字节起应为 {shown}", f"{shown} stands from byte {column.start + 1}"
            ), shown
    return None


def _no_number(number: int, start: int, end: int, name: str) -> Finding:
    said = Text(f"{name} 不是数字，无法计入合计", f"{name} is no number and cannot be summed")
    return bad_record(number, start, end, said, "digits", name)


def _truncated(position: int) -> Exception:
    said = Text(f"文件在第 {position} 字节处中断，缺少结尾", f"the file ends at byte {position} without its last lines")
    return refused("format.truncated", FILE, said, fix=Text("请重新传输完整的文件", "send the whole file again"))
