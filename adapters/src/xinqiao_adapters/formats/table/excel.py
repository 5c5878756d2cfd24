"""Excel (.xlsx) as the format of an interface.

Every value goes out as a text: an identity number keeps its digits, and a text that begins with ``= + - @`` is no
formula. What is read is what was saved; nothing is calculated. Old ``.xls`` files are refused: save them as ``.xlsx``.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import BinaryIO

from xlsxwriter import Workbook as NewWorkbook

from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset, Unheld, charset_for
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.spec import ExcelSpec
from xinqiao_adapters.formats.table.format import TableFormat, check_table
from xinqiao_adapters.formats.table.table import RawRow, TableFile
from xinqiao_adapters.formats.table.workbook import Workbook
from xinqiao_adapters.formats.table.writing import WrittenRow, unwritable, written_rows
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.profile import Interface

__all__ = ["ExcelFormat", "excel_format", "new_workbook"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EXCEL_TYPES = ("", "application/octet-stream", "application/vnd.ms-excel", "application/zip", _XLSX)
# What one sheet and one cell hold.
_MOST_ROWS = 1 << 20
_MOST_CHARACTERS = 32_767
_CHUNK = 1 << 16
# The same records make the same bytes: nothing of a file tells when it was written.
_ALWAYS = datetime(2000, 1, 1)


def excel_format(loaded: LoadedProfile, name: str, interface: Interface) -> "ExcelFormat":
    """Make the format of an interface. Raises ``ProfileInvalid`` with file and line."""
    spec = interface.format
    assert isinstance(spec, ExcelSpec)  # noqa: S101 -- chosen by kind
    if spec.encoding != "UTF-8":
        loaded.fail(("interfaces", name, "format", "encoding"), "a workbook is Unicode: leave encoding out")
    check_table(loaded, name, interface, spec)
    return ExcelFormat(spec, charset_for(loaded, spec))


def new_workbook(file: BinaryIO, *, constant_memory: bool) -> NewWorkbook:
    """Return a workbook to be written to a file, without the time of its making."""
    book = NewWorkbook(file, {"constant_memory": constant_memory})
    book.set_properties({"created": _ALWAYS})
    return book


class ExcelFormat(TableFormat):
    """One interface's sheet: the one that the profile names, or the first that is visible."""

    kind = "excel"
    content_type = _XLSX

    def __init__(self, spec: ExcelSpec, charset: Charset) -> None:
        super().__init__(spec)
        self.spec = spec
        self.charset = charset

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of those that workbooks come with, or says nothing."""
        return content_type.partition(";")[0].strip().lower() in _EXCEL_TYPES

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin as a workbook does, or as an old one, which is refused by its name."""
        return head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))

    def open(self, file: BinaryIO, content_type: str = "") -> TableFile:  # noqa: ARG002 -- the format's shape
        """Read what stands before the records.

        Raises ``ContentRefused`` where the file is no workbook, lacks the sheet, or no row of it is the header.
        """
        book = Workbook(file, self.charset.characters)
        sheet = self.spec.sheet or next(iter(book.sheets), "")
        if sheet not in book.sheets:
            said = Text(f"没有工作表“{sheet}”", f"there is no sheet {sheet}")
            fix = Text("使用约定的工作表名", "use the name agreed for the sheet")
            raise refused("format.sheet", "File", said, expected=", ".join(book.sheets), fix=fix)
        return TableFile(self.spec, _SheetRows(book, sheet, file), self.access)

    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes, its totals made from the records.

        Raises ``ContentRefused`` for more rows than a sheet has, and for a text that is longer than a cell holds.
        """
        with TemporaryFile() as file:
            with new_workbook(file, constant_memory=True) as book:
                self._write(book, written_rows(self.spec, outside.get("File", {}), records))
            file.seek(0)
            while chunk := file.read(_CHUNK):
                yield chunk

    def _write(self, book: NewWorkbook, rows: Iterable[WrittenRow]) -> None:
        sheet = book.add_worksheet(self.spec.sheet)
        text = book.add_format({"num_format": "@"})
        bold = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
        sheet.set_column(0, len(self.spec.columns) - 1, 18, text)
        for place, row in enumerate(rows):
            if place >= _MOST_ROWS:
                said = Text(f"超过工作表的 {_MOST_ROWS} 行", f"more than the {_MOST_ROWS} rows of a sheet")
                raise unwritable("Record", row.number, said, Text("分成几个文件", "make several files"))
            if row.header:
                sheet.freeze_panes(place + 1, 0)
            for column, cell in enumerate(row.cells):
                if cell:
                    sheet.write_string(place, column, self._held(row, column), bold if row.header else text)

    def _held(self, row: WrittenRow, column: int) -> str:
        """Return a text in the partner's code points."""
        cell = row.cells[column]
        name = row.cells[0] if row.number is None else list(self.spec.columns)[column]
        if len(cell) > _MOST_CHARACTERS:
            said = Text(
                f"超过单元格的 {_MOST_CHARACTERS} 个字符", f"more than the {_MOST_CHARACTERS} characters of a cell"
            )
            raise unwritable(name, row.number, said, Text("缩短该值", "shorten the value"))
        try:
            return cell if cell.isascii() else self.charset.encode(cell).decode("utf-8")
        except Unheld as error:
            raise unwritable(name, row.number, error.said, Text("更正该字符", "correct the character")) from error


class _SheetRows:
    """The rows of one sheet."""

    def __init__(self, book: Workbook, sheet: str, file: BinaryIO) -> None:
        self._book = book
        self._sheet = sheet
        self._file = file

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows that are there."""
        return self._book.rows(self._sheet)

    def expect(self, width: int) -> None:
        """Take nothing: a row of a sheet ends at its last cell."""

    def position(self) -> int:
        """Return where in the packed file the reading is."""
        return self._file.tell()
