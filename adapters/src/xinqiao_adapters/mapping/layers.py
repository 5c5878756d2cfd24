"""Habits of partners around a value: padding, full-width characters, signs in words, texts that say nothing.

A layer lies around a converter: ``read`` makes the partner's text what the converter reads (None: nothing is said),
``write`` does the reverse. Both raise ``Unfit`` where the other side cannot hold the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from xinqiao.finding import Text
from xinqiao_adapters.mapping.converters import Converter, Scalar, Unfit
from xinqiao_adapters.mapping.places import Share
from xinqiao_adapters.profile import Capacity, Pad, Row, Sign

__all__ = ["layered", "share_of"]

_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_UNSAID = Text("", "")


@dataclass(frozen=True, slots=True)
class _Layer:
    """A pair, and what it adds to what is expected of the partner's text."""

    read: Callable[[str], str | None]
    write: Callable[[str], str]
    said: Text = _UNSAID


def layered(converter: Converter, row: Row, encoding: str) -> Converter:
    """Return the converter with the layers that a row says, the outermost first on reading.

    ``encoding`` is the format's, for capacities in bytes. Raises ``ValueError`` for parts that do not go together.
    """
    if row.sign is not None and row.sign.source is not None and (row.pad or row.grouping or row.percent == "sign"):
        raise ValueError("a sign in a field of its own goes with a plain number: no pad, grouping or percent sign")
    layers = [layer for layer in _layers(row, encoding) if layer is not None]
    for layer in reversed(layers):
        converter = _around(layer, converter)
    return converter if row.nothing is None else _unless_silent(frozenset(row.nothing.read), converter)


def _layers(row: Row, encoding: str) -> list[_Layer | None]:
    return [
        _capacity(row.length, encoding) if row.length is not None else None,
        _piece(share_of(row)),
        _halfwidth() if row.halfwidth else None,
        _padded(row.pad) if row.pad is not None else None,
        _signed(row.sign) if row.sign is not None and row.sign.source is None else None,
        _suffixed("%") if row.percent == "sign" else None,
        _grouped() if row.grouping else None,
    ]


def share_of(row: Row) -> Share | None:
    """Return which piece of a shared place a row is. Raises ``ValueError`` where it says only half of that."""
    said = (row.split, row.piece, row.pieces)
    if said == (None, None, None):
        return None
    if not row.split or row.piece is None or row.pieces is None or row.piece >= row.pieces:
        raise ValueError("a piece says split (what stands between), piece (from 0) and pieces (how many)")
    return Share(row.piece, row.pieces, row.split)


def _around(layer: _Layer, converter: Converter) -> Converter:
    def read(text: str) -> Scalar | None:
        inner = layer.read(text)
        return None if inner is None else converter.read(inner)

    def write(value: Scalar) -> str:
        return layer.write(converter.write(value))

    def said(text: Text) -> Text:
        return Text(f"{text.zh}{layer.said.zh}", f"{text.en}{layer.said.en}")

    return replace(
        converter, read=read, write=write, expects=said(converter.expects), holds=said(converter.holds), plain=False
    )


def _unless_silent(silent: frozenset[str], converter: Converter) -> Converter:
    """Return the converter that takes some texts for nothing; the outermost, and one call as it stands in files."""
    inner = converter.read

    def read(text: str) -> Scalar | None:
        return None if text in silent or text.strip() in silent else inner(text)

    def write(value: Scalar) -> str:
        text = converter.write(value)
        if text in silent:
            raise Unfit
        return text

    return replace(converter, read=read, write=write, plain=False)


def _same(text: str) -> str:
    return text


def _capacity(capacity: Capacity, encoding: str) -> _Layer:
    characters, octets = capacity.characters, capacity.bytes
    codec = "utf-8" if encoding == "UTF-8" else "gb18030"

    def write(text: str) -> str:
        if characters is not None and len(text) > characters:
            raise Unfit
        if octets is not None and len(text.encode(codec)) > octets:
            raise Unfit
        return text

    sizes = [
        (n, *unit) for n, *unit in ((characters, "个字符", "characters"), (octets, "字节", "bytes")) if n is not None
    ]
    zh = "".join(f"，至多 {n} {unit}" for n, unit, _ in sizes)
    en = "".join(f", {n} {unit} at most" for n, _, unit in sizes)
    return _Layer(_same, write, Text(zh, en))


def _piece(share: Share | None) -> _Layer | None:
    if share is None:
        return None

    def read(text: str) -> str | None:
        parts = text.split(share.by)
        if len(parts) != share.pieces:
            raise Unfit
        return parts[share.piece].strip() or None

    def write(text: str) -> str:
        if share.by in text:
            raise Unfit
        return text

    ordinal = share.piece + 1
    zh = f"，以 {share.by} 分隔的第 {ordinal} 段（共 {share.pieces} 段）"
    return _Layer(read, write, Text(zh, f", part {ordinal} of {share.pieces} between {share.by}"))


def _halfwidth() -> _Layer:
    def write(text: str) -> str:
        if text.translate(_FULL_WIDTH) != text:  # it would be read as another text
            raise Unfit
        return text

    return _Layer(lambda text: text.translate(_FULL_WIDTH).strip() or None, write)


def _padded(pad: Pad) -> _Layer:
    left = pad.side == "left"

    def read(text: str) -> str | None:
        if len(text) > pad.width:
            raise Unfit
        kept = text.lstrip(pad.fill) if left else text.rstrip(pad.fill)
        if pad.fill == "0" and left and kept[:1] in ("", "."):  # a number keeps the zero before its point
            return f"0{kept}" if text else None
        return kept or None

    def write(text: str) -> str:
        if len(text) > pad.width or (read(text) != text and text != "0"):
            raise Unfit
        return text.rjust(pad.width, pad.fill) if left else text.ljust(pad.width, pad.fill)

    zh = f"，{'左' if left else '右'}补 {pad.fill!r} 至 {pad.width} 位"
    return _Layer(read, write, Text(zh, f", filled with {pad.fill!r} on the {pad.side} to {pad.width} characters"))


def _signed(sign: Sign) -> _Layer:
    def read(text: str) -> str | None:
        number = text.strip()
        if number[:1] in ("-", "+"):
            raise Unfit
        if sign.minus and number.endswith(sign.minus):
            return f"-{number.removesuffix(sign.minus).strip()}"
        if sign.plus and not number.endswith(sign.plus):
            raise Unfit
        return number.removesuffix(sign.plus).strip() if sign.plus else number

    def write(text: str) -> str:
        return f"{text[1:]}{sign.minus}" if text.startswith("-") else f"{text}{sign.plus}"

    words = f"{sign.minus} / {sign.plus or '∅'}"
    return _Layer(read, write, Text(f"，正负以 {words} 结尾", f", its sign at the end as {words}"))


def _suffixed(word: str) -> _Layer:
    def read(text: str) -> str:
        number = text.strip()
        if not number.endswith(word):
            raise Unfit
        return number.removesuffix(word).strip()

    return _Layer(read, lambda text: f"{text}{word}", Text(f"，以 {word} 结尾", f", with {word} at its end"))


def _grouped() -> _Layer:
    def read(text: str) -> str:
        number = text.strip()
        if "," in number and not _GROUPED.fullmatch(number):
            raise Unfit
        return number.replace(",", "")

    def write(text: str) -> str:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        whole, point, fraction = digits.partition(".")
        first = len(whole) % 3 or 3
        groups = [whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))]
        return f"{sign}{','.join(groups)}{point}{fraction}"

    return _Layer(read, write, Text("，可有千位分隔符", ", thousands may be grouped by commas"))
