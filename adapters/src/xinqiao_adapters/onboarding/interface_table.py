"""The partner's field table (接口文档的字段表): names, titles, types, lengths, required or not, remarks with codes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.onboarding.sample import About, Node
from xinqiao_adapters.onboarding.tables import Rows, delimited_rows, delimiter_of, sheets
from xinqiao_adapters.onboarding.trial_encoding import decoded
from xinqiao_adapters.onboarding.words import is_chinese, words

__all__ = ["FieldTable", "codes_in", "describe", "read_field_tables"]

_YES = {"y", "yes", "是", "m", "必填", "必输", "1", "true", "r", "required", "√"}
# A code, what stands between, its meaning (Chinese, or English words), and what ends it.
_CODE = re.compile(
    r"(?:^|[\s,，;；、/|（(：:])([0-9A-Za-z]{1,8})\s*[-–—:：=.、]\s*"
    r"([^\s,，;；/|、（）()0-9A-Za-z][^,，;；/|、\n]*?|[A-Za-z][A-Za-z ]+?)"
    r"(?=$|[,，;；/|、\n）)]|\s+[0-9A-Za-z]{1,8}\s*[-–—:：=.、])"
)


@dataclass(frozen=True)
class FieldTable:
    """The fields of one interface in order; ``title`` is what stands over them."""

    title: str
    fields: Mapping[str, About] = field(default_factory=dict)


def read_field_tables(path: Path) -> list[FieldTable]:
    """Read a workbook (``.xlsx``, ``.xls``) or a delimited text.

    Raises ``ProfileInvalid`` where no row names a column of field names, ``WrongEncoding``.
    """
    raw = path.read_bytes()
    if raw.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        parts = sheets(raw)
    else:
        text = decoded(raw)[1]
        parts = {path.stem: delimited_rows(text, delimiter_of(text) or ",")}
    found = [table for name, rows in parts.items() for table in _tables(name, rows)]
    if not found:
        known = ", ".join(words().headings["name"][:6])
        raise ProfileInvalid(f"{path}: no row names the columns of a field table; expected one of {known}")
    return found


def _tables(name: str, rows: Rows) -> Iterator[FieldTable]:
    """Yield the tables of a sheet: each begins at a row of headings, the row above may be its title."""
    columns: dict[str, int] = {}
    title, fields = name, dict[str, About]()
    above = ""
    for row in rows:
        headings = _headings(row)
        if headings:
            if fields:
                yield FieldTable(title, fields)
            columns, fields, title = headings, {}, re.split("[:：]", above)[-1].strip() or name
        elif columns and sum(map(bool, row)) > 1:
            said = {part: row[place].strip() for part, place in columns.items() if place < len(row)}
            if said.get("name"):
                fields[said["name"]] = _about(said)
        cells = [cell for cell in row if cell]
        above = cells[0] if len(cells) == 1 else ""
    if fields:
        yield FieldTable(title, fields)


def _headings(row: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    keys = [re.sub(r"[\s*:：（）()]", "", cell).lower() for cell in row]
    for part, names in words().headings.items():
        place = next(
            (keys.index(name) for name in names if name in keys and keys.index(name) not in found.values()), None
        )
        if place is not None:
            found[part] = place
    if "name" not in found and "title" in found and len(found) >= 3:
        found["name"] = found["title"]
    return found if "name" in found and len(found) >= 2 else {}


def _about(said: Mapping[str, str]) -> About:
    remark, title = said.get("remark", ""), said.get("title", "")
    if not is_chinese(title) and is_chinese(said.get("name", "")):
        title = said["name"]
    length = re.match(r"\d+", said.get("length", "") or _within(said.get("type", "")))
    return About(
        title=re.split(r"[（(，,；;：:]", title)[0].strip(),
        type=said.get("type", ""),
        length=length[0] if length else "",
        required=said["required"].lower() in _YES if said.get("required") else None,
        remark=remark,
        codes=codes_in(remark) or codes_in(title),
    )


def _within(said: str) -> str:
    match = re.search(r"\((\d+)", said)
    return match[1] if match else ""


def codes_in(remark: str) -> dict[str, str]:
    """Return the codes of a remark (``1-男 2-女``, ``01：身份证；02：护照``) and what they mean; two at least."""
    found = {code: meaning.strip() for code, meaning in _CODE.findall(remark) if meaning.strip()}
    return found if len(found) > 1 else {}


def describe(top: Node, tables: Sequence[FieldTable]) -> str:
    """Give each node what the table most like the document says of it; return that table's title."""
    nodes = list(top.walk())
    best = max(tables, key=lambda table: len(_matched(nodes, table)), default=None)
    if best is None or not _matched(nodes, best):
        return ""
    for node, about in _matched(nodes, best):
        node.about = about
    return best.title


def _matched(nodes: Sequence[Node], table: FieldTable) -> list[tuple[Node, About]]:
    by_name = {re.split(r"[/.]", name)[-1].lower(): about for name, about in table.fields.items()}
    titles = Counter(about.title for about in table.fields.values())
    by_title = {about.title: about for about in table.fields.values() if titles[about.title] == 1 and about.title}
    by_path = {
        name.replace(".", "/").lower().strip("/"): about
        for name, about in table.fields.items()
        if re.search("[/.]", name)
    }
    found = []
    for node in nodes:
        path = node.path_from(_top(node)).lower()
        whole = next(
            (
                about
                for name, about in by_path.items()
                if path == name or path.endswith(f"/{name}") or name.endswith(f"/{path}")
            ),
            None,
        )
        name = node.name.rpartition(":")[2]
        about = whole or by_name.get(name.lower()) or by_title.get(name)
        if about is not None:
            found.append((node, about))
    return found


def _top(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node
