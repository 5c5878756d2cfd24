"""The samples of a channel as its document shows them, and the examples of single fields taken from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from xinqiao.errors import Rejected
from xinqiao_adapters.formats.table.workbook import Workbook
from xinqiao_adapters.formats.xml.document import parse_xml
from xinqiao_adapters.listing import ListedRow
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Leaf
from xinqiao_adapters.mapping.shapes import Steps

__all__ = ["Sample", "examples_from", "read_sample"]

# Of a workbook so many rows show what it looks like.
_ROWS = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample file and the messages of the standard that it stands for.

    ``text`` is None where it is no text; ``cells`` are the first rows of a workbook. ``size`` is in bytes.
    """

    name: str
    text: str | None
    size: int
    messages: Sequence[Any]
    cells: Sequence[Sequence[str]] = ()


def read_sample(path: Path, encoding: str) -> Sample:
    """Read a sample and the expected messages beside it (none where there is no such file)."""
    raw = path.read_bytes()
    if path.suffix == ".xlsx":
        return Sample(path.name, None, len(raw), _messages(path), _first_rows(raw))
    text = _text(raw, encoding)
    return Sample(
        path.name, text if text is None else _indented(path.suffix, raw, text, encoding), len(raw), _messages(path)
    )


def _first_rows(raw: bytes) -> list[Sequence[str]]:
    try:
        book = Workbook(BytesIO(raw))
        return [row.cells for row in islice(book.rows(next(iter(book.sheets))), _ROWS)]
    except Rejected:  # a file of another kind under that name; its size is shown
        return []


def _messages(path: Path) -> list[Any]:
    beside = path.with_suffix(".expected.json" if path.suffix == ".json" else ".json")
    if not beside.is_file():
        return []
    value = orjson.loads(beside.read_bytes())
    return value if isinstance(value, list) else [value]


def _text(raw: bytes, encoding: str) -> str | None:
    codec = "utf-8-sig" if encoding == "UTF-8" else "gb18030"
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _indented(suffix: str, raw: bytes, text: str, encoding: str) -> str:
    """Return a document that stands on one line with line breaks; others as they are."""
    if text.strip().count("\n") > 2:
        return text.replace("\r\n", "\n")
    if suffix == ".json":
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()
    if suffix == ".xml":
        try:
            root = parse_xml(raw, encoding)
        except Rejected:  # elements side by side, without one around them
            return text
        etree.indent(root)
        return etree.tostring(root, encoding="unicode")
    return text


def examples_from(rows: Iterable[ListedRow], samples: Sequence[Sample]) -> dict[str, str]:
    """Return the partner's text of each canonical path, from the first sample that has a value there."""
    found: dict[str, str] = {}
    for row in rows:
        leaf = row.item
        if leaf is None or not row.target or leaf.constant is not None:
            continue
        values = (value for sample in samples for message in sample.messages for value in _values(message, row.target))
        text = next((text for value in values if (text := _written(leaf, value)) is not None), None)
        if text is not None:
            found.setdefault(row.path, text)
    return found


def _written(leaf: Leaf, value: Any) -> str | None:  # noqa: ANN401 -- JSON
    try:
        return leaf.converter.write(value)
    except Unfit:  # another row of the same field holds this value
        return None


def _values(node: Any, steps: Steps) -> Iterable[Any]:  # noqa: ANN401 -- JSON
    if not steps:
        yield from node if isinstance(node, list) else [node]
        return
    (name, index), *others = steps
    below = node.get(name) if isinstance(node, dict) else None
    if below is None:
        return
    items = below if index == "[]" else below[index : index + 1] if isinstance(index, int) else [below]
    for item in items:
        yield from _values(item, tuple(others))
