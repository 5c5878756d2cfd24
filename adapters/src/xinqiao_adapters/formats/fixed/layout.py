"""Where each column of a fixed-width line stands, and its text: bytes to text and back.

A line is held as a ``str`` of its bytes (latin-1, one character for each byte), so that it is sliced by bytes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from xinqiao.errors import WrongEncoding
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.mapping.converters import Misshapen, Unfit

__all__ = ["Column", "Layout", "Texts", "laid_out"]

_NUMBER = re.compile(r"([+-]?)([0-9]+)")
_DECIMAL = re.compile(r"(-?)(?=[0-9])0*+([0-9]*+)(?:\.([0-9]*+))?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``start`` and ``width`` in bytes.

    ``decimals`` makes it a number whose point is not written (0: a whole number); ``mark`` is what must stand
    there, filled up.
    """

    name: str
    start: int
    width: int
    align: Literal["left", "right"] = "left"
    fill: str = " "
    decimals: int | None = None
    mark: str | None = None

    @property
    def end(self) -> int:
        """Return where the column ends, exclusive."""
        return self.start + self.width

    @property
    def blank(self) -> str:
        """Return what stands where there is nothing."""
        return " " * self.width


@dataclass(frozen=True)
class Layout:
    """The columns of a line, without gaps."""

    columns: tuple[Column, ...]

    @cached_property
    def width(self) -> int:
        """Return the bytes of a line, without its end."""
        return sum(column.width for column in self.columns)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the index of each column that is no mark, by its name."""
        return {column.name: index for index, column in enumerate(self.columns) if column.mark is None}

    @cached_property
    def marks(self) -> Sequence[Column]:
        """Return the columns that are marks."""
        return [column for column in self.columns if column.mark is not None]

    def column(self, name: str) -> Column | None:
        """Return a column by its name."""
        place = self.places.get(name)
        return None if place is None else self.columns[place]


def laid_out(columns: Sequence[Column]) -> Layout:
    """Return the layout of columns that stand one behind the other; their own starts do not matter."""
    placed, start = [], 0
    for each in columns:
        placed.append(Column(each.name, start, each.width, each.align, each.fill, each.decimals, each.mark))
        start += each.width
    return Layout(tuple(placed))


@dataclass(frozen=True)
class Texts:
    """The texts of columns in one encoding. ``trim`` takes blanks away on both sides, not only the filled one."""

    charset: Charset
    trim: bool = True

    def read(self, column: Column, raw: str) -> str | None:
        """Return the text of a column's bytes, None where it is blank; implied decimals get their point.

        Raises ``Misshapen`` for bytes that are not of the encoding, and for a number that is none.
        """
        if column.decimals is not None:
            return _number(column, raw)
        text = raw.rstrip(" ") if self.trim or column.align == "left" else raw
        if not text.isascii():
            text = self._decoded(column, text)
        if column.fill == " " and self.trim:
            return text.strip() or None
        if not text or text.isspace():
            return None
        if column.fill != " ":
            text = _unfilled(column, text.strip(" "))
        elif column.align == "right":
            text = text.lstrip(" ")
        return (text.strip() if self.trim else text) or None

    def write(self, column: Column, text: str | None) -> str:
        """Return the bytes of a column for a text, filled up; blanks for nothing.

        Raises ``Unfit`` for a text that is too long or would be read as another.
        """
        if text is None:
            return column.blank
        if column.decimals is not None:
            return _digits(column, text)
        if "\n" in text or "\r" in text:
            raise Unfit
        filled = _filled(column, text if text.isascii() else self._encoded(text))
        if len(filled) > column.width or self.read(column, filled) != text:
            raise Unfit
        return filled

    def shown(self, column: Column, raw: str) -> str | None:
        """Return a column's text for people: of what cannot be read the bytes, ``\\xff`` where not ASCII."""
        try:
            return self.read(column, raw)
        except Misshapen:
            return raw.encode("latin-1").decode("ascii", "backslashreplace").strip(" ")

    def _decoded(self, column: Column, raw: str) -> str:
        try:
            return self.charset.decode(raw.encode("latin-1"), column.start)
        except WrongEncoding as error:
            where = f"{column.start + 1}–{column.end}"
            name = self.charset.name
            said = Text(
                f"记录第 {where} 字节不是 {name} 文本（{error.detail}）",
                f"bytes {where} of the record are no text in {name} ({error.detail})",
            )
            raise Misshapen(said, raw) from error

    def _encoded(self, text: str) -> str:
        try:
            return self.charset.encode(text).decode("latin-1")
        except ValueError as error:
            raise Unfit from error


def _number(column: Column, raw: str) -> str | None:
    text = raw.strip(" ")
    if not text:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Misshapen(_digits_expected(column), raw)
    sign, decimals = found[1].replace("+", ""), column.decimals or 0
    digits = found[2].lstrip("0").rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def _digits_expected(column: Column) -> Text:
    implied = Text(
        f"，末 {column.decimals} 位为小数，不写小数点", f", the last {column.decimals} after a point not written"
    )
    zh, en = implied if column.decimals else ("", "")
    return Text(f"此处应为至多 {column.width} 位数字{zh}", f"{column.width} digits at most are expected here{en}")


def _digits(column: Column, text: str) -> str:
    found, decimals = _DECIMAL.fullmatch(text), column.decimals or 0
    if found is None:
        raise Unfit
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if fraction[decimals:].strip("0"):
        raise Unfit
    digits = (whole + fraction[:decimals].ljust(decimals, "0")).lstrip("0")
    digits = digits.rjust(min(decimals + 1, column.width), "0")
    filled = _filled(column, (sign if digits.strip("0") else "") + digits)
    if len(filled) > column.width:
        raise Unfit
    return filled


def _filled(column: Column, text: str) -> str:
    if column.align == "left":
        return text.ljust(column.width, column.fill)
    if column.fill == "0" and text.startswith("-"):
        return f"-{text[1:].rjust(column.width - 1, '0')}"
    return text.rjust(column.width, column.fill)


def _unfilled(column: Column, text: str) -> str:
    if column.align == "left":
        return text.rstrip(column.fill)
    if column.fill != "0":
        return text.lstrip(column.fill)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    digits = digits.lstrip("0")
    return f"{sign}{digits}" if digits[:1] not in ("", ".") else f"{sign}0{digits}"
