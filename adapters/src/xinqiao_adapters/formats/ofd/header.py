"""The header of a data file: what stands before its records, in every dialect that is seen.

Reading takes blanks around a value away, so that padded and unpadded headers are the same; writing fills up to the
widths of the version.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xinqiao.errors import ContentRefused, WrongEncoding
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.lines import Lines
from xinqiao_adapters.formats.ofd.dictionary import dictionary
from xinqiao_adapters.mapping.converters import Unfit

__all__ = ["END", "MARK", "VALUES", "WIDTHS", "Header", "Widths", "padded", "read_header", "truncated", "write_header"]

MARK, END = "OFDCFDAT", "OFDCFEND"
# The values of a header that a mapping may name, in the order of their lines, without the fields.
VALUES = (
    "Version",
    "Creator",
    "Receiver",
    "Date",
    "Summary",
    "FileType",
    "Sender",
    "ReceiverPerson",
    "RecordCount",
)
_LONGEST = 400
_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Widths:
    """The bytes of the values of a header and of an index file in one version."""

    version: int = 4
    party: int = 9
    date: int = 8
    summary: int = 3
    type: int = 2
    person: int = 8
    fields: int = 3
    records: int = 8
    files: int = 3


WIDTHS = {"20": Widths(), "21": Widths(), "22": Widths(8, 20, 8, 8, 8, 8, 8, 16, 8)}


@dataclass(frozen=True, slots=True)
class Header:
    """A header: ``values`` by the names of ``VALUES``, none blank; ``fields`` by those of the dictionary."""

    values: dict[str, str]
    fields: tuple[str, ...]
    count: int


def read_header(lines: Lines, charset: Charset) -> Header:
    """Read a header.

    Raises ``ContentRefused`` with one finding: no such file, an unknown version or field, a wrong count, truncated.
    """
    mark = _next(lines, charset, "line 1")
    if mark != MARK:
        raise _unexpected("File, line 1", mark, MARK)
    values = {name: _next(lines, charset, name) for name in VALUES[:-1]}
    if values["Version"] not in WIDTHS:
        raise _unexpected("File/Version", values["Version"], ", ".join(WIDTHS))
    fields: list[str] = []
    for number in range(1, _count(_next(lines, charset, "FieldCount"), "FieldCount") + 1):
        place = f"field {number}"
        fields.append(_field(_next(lines, charset, place), place, fields))
    if not fields:
        raise _unexpected("File/FieldCount", "0", "1 field or more")
    values["RecordCount"] = _next(lines, charset, "RecordCount")
    count = _count(values["RecordCount"], "RecordCount")
    return Header({name: value for name, value in values.items() if value}, tuple(fields), count)


def write_header(header: Header, charset: Charset) -> Iterator[bytes]:
    """Yield the lines of a header without their ends. Raises ``ContentRefused`` for a value that does not fit."""
    values, widths = header.values, WIDTHS[header.values["Version"]]
    columns = (widths.version, widths.party, widths.party, widths.date, widths.summary, widths.type)
    yield MARK.encode("ascii")
    for name, width in zip(VALUES[:-1], (*columns, widths.person, widths.person), strict=True):
        yield padded(values.get(name, ""), width, name, charset)
    yield padded(str(len(header.fields)).rjust(widths.fields, "0"), widths.fields, "FieldCount", charset)
    for field in header.fields:
        yield field.encode("ascii")
    yield padded(str(header.count).rjust(widths.records, "0"), widths.records, "RecordCount", charset)


def padded(text: str, width: int, name: str, charset: Charset) -> bytes:
    """Return a value filled up with blanks. Raises ``ContentRefused`` where it does not fit into ``width`` bytes."""
    said = Text(f"{name} 的值放不下或无法表示", f"the value of {name} does not fit")
    try:
        raw = charset.encode(text)
    except Unfit as error:
        raise _unwritable(name, said, width) from error
    if len(raw) > width or b"\n" in raw or b"\r" in raw:
        raise _unwritable(name, said, width)
    return raw.ljust(width)


def truncated(position: int) -> ContentRefused:
    """Return the refusal of a file without its last line."""
    said = Text(
        f"文件在第 {position} 字节处中断，缺少结尾 {END}", f"the file ends at byte {position} without its {END}"
    )
    return refused(
        "format.truncated", "File", said, expected=END, fix=Text("请重新传输完整的文件", "send it again, whole")
    )


def _next(lines: Lines, charset: Charset, name: str) -> str:
    line = lines.next(_LONGEST)
    if line is None:
        raise truncated(lines.position)
    try:
        return charset.decode(line.content, line.start).strip()
    except WrongEncoding as error:
        said = Text(f"{name} 不是 {charset.name} 文本：{error.detail}", f"{name}: {error.detail}")
        raise refused("format.header", f"File, {name}", said) from error


def _count(text: str, name: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise _unexpected(f"File/{name}", text, "digits")
    return int(text)


def _field(name: str, place: str, before: list[str]) -> str:
    """Return the dictionary's name of a field; its width is known by that alone."""
    known = dictionary().field(name)
    if known is None:
        said = Text(
            f"文件头第 {len(before) + 1} 个字段 {name[:40]} 不在 JR/T 0017 字段表中，宽度未知，无法拆分记录",
            f"field {len(before) + 1} of the header, {name[:40]!r}, is none of JR/T 0017: its width is not known",
        )
        fix = Text("更正字段名或字段个数", "correct the name, or the number of fields above the names")
        raise refused("format.unknown_field", f"File, {place}", said, value=name, fix=fix)
    if known.name in before:
        said = Text(f"字段 {known.name} 出现两次", f"the field {known.name} is there twice")
        raise refused("format.header", f"File, {place}", said, value=name)
    return known.name


def _unexpected(place: str, value: str, expected: str) -> ContentRefused:
    said = Text(f"文件头有误，此处应为 {expected}", f"the header is not as it should be: {expected} is expected here")
    return refused("format.header", place, said, value=value, expected=expected)


def _unwritable(name: str, said: Text, width: int) -> ContentRefused:
    fix = Text("更正该值", "correct the value")
    return refused("format.value", f"File/{name}", said, expected=f"{width} bytes", fix=fix)
