"""The sheets of a workbook (.xlsx, ECMA-376) as streams of rows of texts, in memory that does not grow with rows.

What a spreadsheet calculates is never calculated here: a formula has the value that was saved with it. A cell that
holds an error (``#REF!``), a formula without a saved value, and a number that has lost digits are faults, and not
blanks: this is why python-calamine, which gives blanks for errors and holds the whole sheet, is not used.
Only the texts that cells share are held, in one piece of bytes.
"""

import re
import zlib
from array import array
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from lxml import etree
from xlsxwriter.utility import xl_col_to_name

from xinqiao.errors import ContentRefused
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.table.cell_text import (
    MANY_DIGITS,
    Clock,
    UnreadableCell,
    clock_of,
    date_text,
    number_text,
)
from xinqiao_adapters.formats.table.table import Fault, RawRow

__all__ = ["Workbook"]

_CHUNK = 1 << 16
# Bytes of a small part, of all shared texts, and of one row or text: more is an attack and no table.
_MOST_PART = 1 << 24
_MOST_TEXTS = 1 << 28
_MOST_BETWEEN = 1 << 23
_MOST_COLUMNS = 1 << 14
_LETTERS = [*map(xl_col_to_name, range(_MOST_COLUMNS)), ""]
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMN = re.compile(r"[A-Z]{1,3}")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATION_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_FIX_CELL = Text("更正该单元格后重新保存", "correct the cell and save the workbook again")
_FIX_NUMBER = Text("将该列设为文本格式后重新录入", "make the column one of texts and type the value again")
_ERROR = Text("单元格是错误值", "the cell holds an error")
_UNSAVED = Text("公式没有保存结果", "a formula without a saved value")
_SAVE = Text("用表格软件另存为 .xlsx，不设密码", "save it as .xlsx with a spreadsheet program, without a password")


class Workbook:
    """An open workbook; ``sheets`` are its visible sheets' names, in order."""

    def __init__(self, file: BinaryIO, characters: Characters = NO_CHARACTERS) -> None:
        """Read what all sheets share. Raises ``ContentRefused`` for what is no workbook."""
        self._characters = characters
        if file.read(8).startswith(b"\xd0\xcf\x11\xe0"):
            raise _unusable(Text("这是旧版 .xls 或加密的文件", "this is an old .xls, or a file with a password"))
        file.seek(0)
        try:
            self._zip = ZipFile(file)
            book = _target(self._tree("_rels/.rels"), "officeDocument", "")
            folder = book.rpartition("/")[0]
            root = self._tree(book)
            relations = self._tree(f"{folder}/_rels/{book.rpartition('/')[2]}.rels".removeprefix("/"))
            self._parts = {each.get("Id", ""): _path(each.get("Target", ""), folder) for each in relations}
            self._from_1904 = any(each.get("date1904") in ("1", "true") for each in root.iterchildren("{*}workbookPr"))
            self.sheets = {
                each.get("name", ""): self._parts[each.get(_RELATION) or each.get(_RELATION_STRICT) or ""]
                for each in root.iterfind("{*}sheets/{*}sheet")
                if each.get("state", "visible") == "visible"
            }
            styles = _optional(relations, "styles", folder)
            self._clocks = _clocks(self._tree(styles)) if styles in self._zip.namelist() else []
            texts = _optional(relations, "sharedStrings", folder)
            self._texts = self._shared_texts(texts) if texts in self._zip.namelist() else _Texts()
        except (
            BadZipFile,
            KeyError,
            EOFError,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            ValueError,
            etree.XMLSyntaxError,
        ) as error:
            raise _unusable(
                Text("这不是完整的 .xlsx 文件", f"this is no whole .xlsx file ({type(error).__name__})")
            ) from error

    def rows(self, sheet: str) -> Iterator[RawRow]:
        """Yield the rows of a sheet that are there; cells are texts, and those that cannot be read are faults.

        Raises ``ContentRefused`` where the sheet is damaged, at the latest after its last row.
        """
        cells = _Cells(self._clocks, self._texts, self._characters, from_1904=self._from_1904)
        number = 0
        try:
            for row in self._elements(self.sheets[sheet], "row", "sheetData"):
                number = int(row.get("r") or number + 1)
                yield cells.row(number, row)
        except (BadZipFile, EOFError, zlib.error, etree.XMLSyntaxError, IndexError, ValueError) as error:
            said = Text(f"第 {number} 行之后已损坏", f"damaged after row {number} ({type(error).__name__})")
            raise refused("format.workbook", f"{sheet}, row {number}", said, fix=_SAVE) from error

    def _tree(self, part: str) -> etree._Element:
        """Return a small part, parsed."""
        with self._zip.open(part) as file:
            content = file.read(_MOST_PART + 1)
        if len(content) > _MOST_PART:
            raise _unusable(Text(f"部件 {part} 过大", f"the part {part} is too large"))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        root = etree.fromstring(content, parser)
        _refuse_document_type(root, part)
        return root

    def _elements(self, part: str, name: str, around: str) -> Iterator[etree._Element]:
        """Yield the elements of a name in a large part, one at a time; each is forgotten after its turn.

        What follows the element ``around`` them is read for its check sum only.
        """
        tags = (f"{{*}}{name}", f"{{*}}{around}")
        parser = etree.XMLPullParser(("end",), tag=tags, resolve_entities=False, no_network=True, huge_tree=False)
        between, begun, ended = 0, False, False
        with self._zip.open(part) as file:
            while chunk := file.read(_CHUNK):
                if ended:
                    continue
                parser.feed(chunk)
                between += len(chunk)
                for _, element in parser.read_events():
                    between = 0
                    assert isinstance(element, etree._Element)  # noqa: S101 -- an end event is an element's
                    if not begun:
                        _refuse_document_type(element, part)
                        begun = True
                    if element.tag.endswith(f"}}{around}"):
                        ended = True
                        break
                    yield element
                    _forget(element)
                if between > _MOST_BETWEEN:
                    raise _unusable(Text(f"部件 {part} 中的单行过大", f"one row of {part} is too large"))
        if not ended:
            parser.close()  # raises for what is cut off

    def _shared_texts(self, part: str) -> "_Texts":
        texts = _Texts()
        for item in self._elements(part, "si", "sst"):
            texts.append(_rich_text(item))
        return texts


class _Texts:
    """Texts by their place, as one piece of UTF-8: ten bytes each where Python's own take sixty."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def append(self, text: str) -> None:
        """Add a text. Raises ``ContentRefused`` where all of them are too large."""
        self._bytes += text.encode("utf-8")
        self._ends.append(len(self._bytes))
        if len(self._bytes) > _MOST_TEXTS:
            raise _unusable(Text("文本总量过大", "the texts of the workbook are too large"))

    def __getitem__(self, place: int) -> str:
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8")


class _Cells:
    """The cells of a sheet's rows as texts."""

    def __init__(self, clocks: list[Clock], texts: _Texts, characters: Characters, *, from_1904: bool) -> None:
        self._clocks = clocks
        self._texts = texts
        self._from_1904 = from_1904
        self._characters = characters
        self._columns: dict[str, int] = {}

    def row(self, number: int, row: etree._Element) -> RawRow:
        """Return a row of as many cells as there are up to its last one."""
        cells: list[str] = []
        faults: dict[int, Fault] = {}
        end = str(number)
        for cell in row:
            reference = cell.get("r")
            if reference is not None and reference != _LETTERS[len(cells)] + end:
                place = self._place(reference)
                if place < len(cells):
                    raise ValueError(reference)
                cells += [""] * (place - len(cells))
            try:
                cells.append(self._text(cell))
            except UnreadableCell as error:
                fix = _FIX_NUMBER if error.said is MANY_DIGITS else _FIX_CELL
                faults[len(cells)] = Fault(error.said, fix, _child(cell, "v") or "")
                cells.append("")
        return RawRow(cells, number, faults=faults)

    def _place(self, reference: str) -> int:
        """Return the column of a cell that does not stand right behind the one before it."""
        letters = reference.rstrip("0123456789")
        place = self._columns.get(letters)
        if place is None:
            place = self._columns[letters] = _column(letters)
        return place

    def _text(self, cell: etree._Element) -> str:
        kind = cell.get("t")
        if kind == "inlineStr":
            return self._read(_rich_text(cell[0])) if len(cell) else ""
        value = cell[0].text if len(cell) == 1 and cell[0].tag.endswith("}v") else _child(cell, "v")
        if value is None:
            if kind != "str" and _child(cell, "f") is not None:
                raise UnreadableCell(_UNSAVED)
            return ""
        if kind == "s":
            return self._read(self._texts[int(value)])
        if kind is None or kind == "n":
            clock = self._clock(cell.get("s"))
            return date_text(value, clock, from_1904=self._from_1904) if clock else number_text(value)
        if kind == "e":
            raise UnreadableCell(_ERROR)
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return self._read(_unescaped(value))

    def _read(self, text: str) -> str:
        """Return a text with the partner's private code points translated."""
        if text.isascii():
            return text
        try:
            return self._characters.read(text)
        except KeyError as error:
            point = f"U+{ord(error.args[0]):04X}"
            said = Text(f"私用区字符 {point} 含义未知", f"the private-use code point {point} has no meaning here")
            raise UnreadableCell(said) from None

    def _clock(self, style: str | None) -> Clock:
        return self._clocks[int(style)] if style is not None and int(style) < len(self._clocks) else ""


def _child(cell: etree._Element, name: str) -> str | None:
    """Return the text of a child, None where it is not there."""
    for child in cell:
        if child.tag.endswith(name) and child.tag[-len(name) - 1] == "}":
            return child.text or ""
    return None


def _column(letters: str) -> int:
    if not _COLUMN.fullmatch(letters):
        raise ValueError(letters)
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    if place > _MOST_COLUMNS:
        raise ValueError(letters)
    return place - 1


def _rich_text(item: etree._Element) -> str:
    """Return a text that may be in several runs; how it is pronounced (``rPh``) is no part of it."""
    if len(item) == 1 and item[0].tag.endswith("}t"):
        return _unescaped(item[0].text or "")
    runs = chain(item.iterfind("{*}t"), item.iterfind("{*}r/{*}t"))
    return _unescaped("".join(run.text or "" for run in runs))


def _unescaped(text: str) -> str:
    """Return a text with ``_x000A_`` and its like as the characters that they stand for."""
    return _ESCAPE.sub(_escaped, text) if "_x" in text else text


def _escaped(found: re.Match[str]) -> str:
    point = int(found[1], 16)
    return found[0] if 0xD800 <= point <= 0xDFFF else chr(point)


def _refuse_document_type(element: etree._Element, part: str) -> None:
    """Raise ``ContentRefused`` for a document type: no workbook needs one, and entities come with it."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise _unusable(Text(f"部件 {part} 含有 DOCTYPE", f"the part {part} has a document type"))


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _clocks(styles: etree._Element) -> list[Clock]:
    """Return what each cell style shows numbers as."""
    codes = {each.get("numFmtId"): each.get("formatCode") for each in styles.iterfind("{*}numFmts/{*}numFmt")}
    numbers = [each.get("numFmtId", "0") for each in styles.iterfind("{*}cellXfs/{*}xf")]
    return [clock_of(int(number), codes.get(number)) for number in numbers]


def _target(relations: etree._Element, kind: str, folder: str) -> str:
    """Return the part that is related as ``kind``. Raises ``KeyError`` where there is none."""
    for each in relations:
        if each.get("Type", "").endswith(f"/{kind}"):
            return _path(each.get("Target", ""), folder)
    raise KeyError(kind)


def _optional(relations: etree._Element, kind: str, folder: str) -> str:
    try:
        return _target(relations, kind, folder)
    except KeyError:
        return ""


def _path(target: str, folder: str) -> str:
    return target[1:] if target.startswith("/") else f"{folder}/{target}".removeprefix("/")


def _unusable(said: Text) -> ContentRefused:
    return refused("format.workbook", "File", said, fix=_SAVE)
