"""Samples of fixed width, by the widths of the partner's field tables: which table is of which line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao_adapters.onboarding.interface_table import FieldTable
from xinqiao_adapters.onboarding.sample import About, Node

__all__ = ["fixed_tree"]


@dataclass(frozen=True)
class _Line:
    """The fields of a line as a table gives them; all of them have a length."""

    title: str
    fields: Mapping[str, About]

    @property
    def width(self) -> int:
        return sum(int(about.length) for about in self.fields.values())

    def texts(self, line: bytes, codec: str) -> dict[str, str]:
        """Return the text of each field, with its blanks."""
        found, start = {}, 0
        for name, about in self.fields.items():
            end = start + int(about.length)
            found[name] = line[start:end].decode(codec, "replace")
            start = end
        return found


def fixed_tree(text: str, encoding: str, tables: Sequence[FieldTable], into: Node) -> tuple[dict[str, Any], str] | None:
    """Lay lines of fixed width over a tree; return their format and the title of the records' table.

    The records are what most lines are; lines before and after them are header and trailer where a table has their
    width. None where no table has the width of any line.
    """
    codec = "utf-8" if encoding == "UTF-8" else "gb18030"
    lines = [line.encode(codec) for line in text.splitlines() if line.strip()]
    sizes = Counter(len(line) for line in lines)
    known = [_Line(each.title, each.fields) for each in tables if _has_lengths(each)]
    record = max(known, key=lambda each: sizes[each.width], default=None)
    if record is None or record.width not in sizes:
        return None
    records = [place for place, line in enumerate(lines) if len(line) == record.width]
    header = _outside(lines[: records[0]], [each for each in known if each is not record], codec)
    # The trailer is read last, so that no row can have a value of it: it is no part of the tree.
    trailer = _outside(lines[records[-1] + 1 :], [each for each in reversed(known) if each is not record], codec)
    for each, said in header:
        _lay(each, said, into.child("File"))
    node = into.child("Record")
    node.repeats = True
    said_of_records = [record.texts(lines[place], codec) for place in records]
    for said in said_of_records:
        _lay(record, said, node)
    form: dict[str, Any] = {"kind": "fixed", "encoding": encoding}
    form |= {"header": [_fields(each, [said]) for each, said in header]} if header else {}
    form |= {"record": _fields(record, said_of_records)}
    form |= {"trailer": [_fields(each, [said]) for each, said in trailer]} if trailer else {}
    return form | {"ends": "CRLF" if "\r\n" in text else "LF"}, record.title


def _has_lengths(table: FieldTable) -> bool:
    return bool(table.fields) and all(about.length.isdigit() for about in table.fields.values())


def _outside(lines: Sequence[bytes], known: Sequence[_Line], codec: str) -> list[tuple[_Line, dict[str, str]]]:
    """Return the table of each line and its texts, those of a mark first: its table says what stands there."""
    found = []
    for line in lines:
        fit = [(each, each.texts(line, codec)) for each in known if each.width == len(line)]
        fit.sort(key=lambda one: not any(_is_mark(one[0].fields[name], text) for name, text in one[1].items()))
        found += fit[:1]
    return found


def _lay(line: _Line, said: Mapping[str, str], over: Node) -> None:
    for name, text in said.items():
        if not _is_mark(line.fields[name], text):
            node = over.child(name)
            node.about = line.fields[name]
            node.say(text)


def _is_mark(about: About, text: str) -> bool:
    """Whether the remark says that this text always stands there: 固定为 LZHEAD."""
    text = text.strip()
    return len(text) > 1 and not about.codes and text in about.remark


def _fields(line: _Line, said: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    found = []
    for name, about in line.fields.items():
        texts = [each[name] for each in said]
        mark = all(_is_mark(about, text) for text in texts)
        field: dict[str, Any] = {"name": f"'{texts[0].strip()}'" if mark else name, "width": int(about.length)}
        found.append(field | ({"align": "right", "fill": "0"} if _has_zeros(about, texts) else {}))
    return found


def _has_zeros(about: About, texts: Sequence[str]) -> bool:
    """Whether a number is filled with zeros: its table says so, and no text says otherwise."""
    is_number = about.type[:1].upper() in ("N", "9") or "左补零" in about.remark or "左补0" in about.remark
    given = [text for text in texts if text.strip()]
    return is_number and all(text.isdigit() for text in given) and any(text[0] == "0" for text in given)
