"""From sample files to documents laid over one another: kind, encoding, layout, which samples are of one interface."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from lxml import etree

from xinqiao.errors import MalformedXml, UnsupportedMediaType
from xinqiao_adapters.formats.encoding import Characters, codec_of
from xinqiao_adapters.formats.json.strict import read_value
from xinqiao_adapters.formats.xml.document import XmlDocument, parse_xml
from xinqiao_adapters.onboarding.fixed_files import fixed_tree
from xinqiao_adapters.onboarding.flat_files import ofd_names, ofd_tree
from xinqiao_adapters.onboarding.interface_table import FieldTable
from xinqiao_adapters.onboarding.sample import Node, json_tree, xml_tree
from xinqiao_adapters.onboarding.tables import Rows, delimited_rows, delimiter_of, sheets, table_of, table_tree
from xinqiao_adapters.onboarding.trial_encoding import decoded, private_characters
from xinqiao_adapters.onboarding.words import words, words_of

__all__ = ["Document", "Recognised", "recognise"]

_FORM = re.compile(r"[^\s=&<>{]+=[^\s&]*(&[^\s=&]+=[^\s&]*)+\s*")
_DECLARED = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)")


# So much of the names of two samples of one interface is the same: optional ones differ.
_ALIKE = 0.4


@dataclass(frozen=True)
class Document:
    """One sample: its format as a profile says it, its tree, and ``key``, alike for samples of one interface.

    ``names`` are those that may name its message: the root's, and of what it wraps its content in. ``private`` are
    the private-use characters in it.
    """

    path: Path
    format: dict[str, Any]
    top: Node
    key: tuple[object, ...]
    names: tuple[str, ...] = ()
    private: frozenset[str] = frozenset()


@dataclass
class Recognised:
    """One interface: all its samples in one tree; ``match`` tells it from others of the same root."""

    format: dict[str, Any]
    top: Node
    names: tuple[str, ...]
    samples: list[Path]
    match: dict[str, str | list[str]] = field(default_factory=dict)
    private: frozenset[str] = frozenset()


def recognise(paths: Sequence[Path], tables: Sequence[FieldTable] = ()) -> list[Recognised]:
    """Return the interfaces that samples are of, in the order of the samples.

    Raises ``UnsupportedMediaType`` for a file whose format is none that is known, ``WrongEncoding``,
    ``MalformedXml``, ``ForbiddenXml``, ``MalformedJson``.
    """
    documents = [document for path in paths for document in _documents(path, tables)]
    routes = {id(each): _route(each, documents) for each in documents}
    groups: dict[tuple[object, ...], list[Document]] = {}
    for each in documents:
        key = next((key for key in groups if _same(key, (*each.key, routes[id(each)]))), (*each.key, routes[id(each)]))
        groups.setdefault(key, []).append(each)
    return [_merged(group, routes[id(group[0])]) for group in groups.values()]


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two keys are of one interface: names of keys or columns may differ by a few."""
    return len(one) == len(other) and all(
        len(a & b) >= _ALIKE * len(a | b) if isinstance(a, frozenset) and isinstance(b, frozenset) else a == b
        for a, b in zip(one, other, strict=True)
    )


def _documents(path: Path, tables: Sequence[FieldTable]) -> list[Document]:
    raw = path.read_bytes()
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(path, raw, tables)
    if raw.lstrip(b"\xef\xbb\xbf\x84\x31\x95\x33 \t\r\n")[:1] == b"<":
        return [_xml(path, raw)]
    encoding, text = decoded(raw)
    for read in (_json, _ofd, _form, _fixed, _delimited):
        found = read(path, encoding, text, tables)
        if found is not None:
            return [replace(found, private=private_characters(text))]
    raise UnsupportedMediaType(
        f"{path.name}: neither XML, JSON, a form, a table nor OFD; files of fixed width need a field table with lengths"
    )


# --- xml -----------------------------------------------------------------------------------------------------


def _xml(path: Path, raw: bytes) -> Document:
    declared = _DECLARED.search(raw[:200])
    encoding = _profile_encoding(declared[1].decode()) if declared else decoded(raw)[0]
    private = private_characters(raw.decode(codec_of(encoding), "replace"))
    # They are looked at as they are; what they mean is for the profile to say.
    characters = Characters({each: each for each in private})
    try:
        root, beside = parse_xml(raw, encoding, characters=characters), False
    except MalformedXml:
        root, beside = parse_xml(raw, encoding, characters=characters, siblings=True), True
    namespaces, prefixes = _namespaces(root)
    top = xml_tree(root, Node(""), prefixes)
    name = etree.QName(root)
    names = [name.localname, *_wrappers(top), *_published(namespaces.values())]
    told = root if not beside else list(root)[-1]
    inner = etree.QName(told)
    prefix = prefixes.get(inner.namespace or "", "")
    shown = f"{prefix}:{inner.localname}" if prefix else inner.localname
    said: dict[str, Any] = {"kind": "xml", "root": shown, "encoding": encoding}
    said |= {"siblings": True} if beside else {}
    said |= {"namespaces": namespaces} if namespaces else {}
    return Document(path, said, top, ("xml", shown, tuple(sorted(namespaces.values()))), tuple(names), private)


def _published(namespaces: Iterable[str]) -> Iterator[str]:
    """Yield what messages of ISO 20022 are, by the names within their namespaces (``setr.010.001.03``)."""
    for each in namespaces:
        found = re.search(r"\b([a-z]{4}\.\d{3})\.\d{3}\.\d{2}$", each)
        if found is not None and found[1] in words().published:
            yield words().published[found[1]]


def _profile_encoding(name: str) -> str:
    known = {"UTF8": "UTF-8", "US-ASCII": "UTF-8"}
    upper = name.upper()
    return upper if upper in ("UTF-8", "GBK", "GB2312", "GB18030") else known.get(upper, "UTF-8")


def _namespaces(root: XmlDocument) -> tuple[dict[str, str], dict[str, str]]:
    """Return prefix → namespace for the profile, and namespace → prefix; each has one prefix, made where it must be."""
    found: dict[str, str] = {}
    own = etree.QName(root).namespace or ""
    for element in root.iter(etree.Element):
        for part, node in (
            (etree.QName(element), element),
            *((etree.QName(str(name)), element) for name in element.attrib),
        ):
            uri = part.namespace or ""
            if uri and uri not in found:
                given = next((prefix for prefix, each in node.nsmap.items() if each == uri and prefix), None)
                is_default = given is None and uri == own
                found[uri] = (
                    "" if is_default else given if given and given not in found.values() else f"n{len(found) + 1}"
                )
    return {prefix: uri for uri, prefix in found.items()}, found


def _wrappers(top: Node) -> list[str]:
    """Return the names on the way to the part that holds most leaves."""
    names: list[str] = []
    node = top
    while True:
        groups = [(sum(1 for _ in _leaves(each)), each) for each in node.children.values() if each.children]
        whole = sum(1 for _ in _leaves(node))
        count, widest = max(groups, key=lambda each: each[0], default=(0, node))
        if count < 0.6 * whole or widest is node:
            return names
        names.append(re.sub(r"V?\d+$", "", widest.name.rpartition(":")[2]))
        node = widest


def _leaves(node: Node) -> list[Node]:
    return [each for each in node.walk() if each.holds_text]


# --- texts ---------------------------------------------------------------------------------------------------


def _json(path: Path, encoding: str, text: str, tables: Sequence[FieldTable]) -> Document | None:  # noqa: ARG001 -- one shape for all readers
    if text.lstrip()[:1] not in ("{", "["):
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    top = Node("")
    if len(lines) > 1 and all(_is_object(line) for line in lines):
        record = top.child("Record")
        record.repeats = True
        for line in lines:
            json_tree(read_value(line.encode()), record)
        columns = frozenset(record.children)
        return Document(path, {"kind": "json", "lines": True}, top, ("lines", columns), ())
    value = read_value(text.encode())
    json_tree(value, top)
    top.repeats = False
    only = next(iter(top.children)) if len(top.children) == 1 else None
    said = {"kind": "json", "root": only} if only else {"kind": "json"}
    paths = frozenset(each.path_from(top) for each in top.walk())
    key = ("json", only or "", paths)
    return Document(path, said, top, key, (*([only] if only else []), *_wrappers(top)))


def _is_object(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _form(path: Path, encoding: str, text: str, tables: Sequence[FieldTable]) -> Document | None:  # noqa: ARG001
    if not _FORM.fullmatch(text):
        return None
    top = Node("")
    for name, value in parse_qsl(
        text.strip(), keep_blank_values=True, encoding="gb18030" if encoding != "UTF-8" else "utf-8"
    ):
        top.child(name).say(value)
    return Document(path, {"kind": "form", "encoding": encoding}, top, ("form", frozenset(top.children)))


def _ofd(path: Path, encoding: str, text: str, tables: Sequence[FieldTable]) -> Document | None:  # noqa: ARG001
    if not text.startswith("OFDCFDAT"):
        return None
    top = Node("")
    said = ofd_tree(text, encoding, top)
    return Document(path, said, top, ("ofd", said["file"]), ofd_names(top)) if said else None


def _fixed(path: Path, encoding: str, text: str, tables: Sequence[FieldTable]) -> Document | None:
    top = Node("")
    found = fixed_tree(text, encoding, tables, top)
    return Document(path, found[0], top, ("fixed", found[1])) if found else None


def _delimited(path: Path, encoding: str, text: str, tables: Sequence[FieldTable]) -> Document | None:
    delimiter = delimiter_of(text)
    if delimiter is None:
        return None
    said = {"kind": "csv", "encoding": encoding, "delimiter": delimiter}
    said |= {} if "\r\n" in text else {"line": "LF"}
    return _table(path, said, delimited_rows(text, delimiter), tables)


def _workbook(path: Path, raw: bytes, tables: Sequence[FieldTable]) -> list[Document]:
    found = sheets(raw)
    documents = []
    for name, rows in found.items():
        said = {"kind": "excel"} | ({"sheet": name} if len(found) > 1 else {})
        document = _table(path, said, rows, tables, name)
        if document is not None:
            documents.append(document)
    if not documents:
        raise UnsupportedMediaType(f"{path.name}: no sheet holds a table with a row of labels")
    return documents


def _table(
    path: Path, said: dict[str, Any], rows: Rows, tables: Sequence[FieldTable], sheet: str = ""
) -> Document | None:
    known = [name for table in tables for name, about in table.fields.items() for name in (name, about.title)]
    only = [list(table.fields) for table in tables]
    table = table_of(rows, known, only)
    if table is None:
        return None
    columns = {name: {} if name == label else {"labels": [label]} for name, label in table.columns.items()}
    said = {**said, **({} if table.has_header else {"header": False}), "columns": columns}
    said |= {"labels": {label: {} for label in table.labels}} if table.labels else {}
    said |= {"ends": table.ends} if table.ends else {}
    key = (said["kind"], frozenset(table.columns))
    return Document(path, said, table_tree(table, Node("")), key, (sheet, *table.titles))


# --- several samples -----------------------------------------------------------------------------------------


def _route(document: Document, documents: Sequence[Document]) -> tuple[str, tuple[str, ...]]:
    """Return the field, with its values, that tells a document from others of its root; a blank path for none.

    In a file of records it is a field of the record.
    """
    alike = [each for each in documents if each.key[:2] == document.key[:2] or _same(each.key, document.key)]
    for node in document.top.walk():
        if words_of(node.name) in words().routing and node.texts and (len(node.texts) == 1 or _in_record(node)):
            path = node.path_from(document.top)
            others = [set(found.texts) for each in alike if (found := _at(each.top, path)) is not None]
            told = [each for each in others if each != set(node.texts)]
            if told and all(each.isdisjoint(node.texts) for each in told) and (_in_record(node) or not _repeated(node)):
                return path, tuple(node.texts)
    return "", ()


def _in_record(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.name == "Record" and parent.parent is not None and not parent.parent.name


def _repeated(node: Node | None) -> bool:
    while node is not None:
        if node.repeats:
            return True
        node = node.parent
    return False


def _at(top: Node, path: str) -> Node | None:
    node: Node | None = top
    for step in path.split("/"):
        node = node.children.get(step) if node is not None else None
    return node


def _merged(group: Sequence[Document], route: tuple[str, tuple[str, ...]]) -> Recognised:
    first = group[0]
    for other in group[1:]:
        _lay(other.top, first.top)
    said = dict(first.format)
    for part in ("columns", "labels"):
        if part in said:
            said[part] = _all_parts(part, group)
    samples = list(dict.fromkeys(each.path for each in group))
    # People name samples after what they are.
    names = (*first.names, *(path.stem for path in samples))
    private = frozenset().union(*(each.private for each in group))
    return Recognised(said, first.top, names, samples, _match(*route), private)


def _match(path: str, values: tuple[str, ...]) -> dict[str, str | list[str]]:
    where = f"./{path.removeprefix('Record/')}" if path.startswith("Record/") else path
    return {where: values[0] if len(values) == 1 else list(values)} if path else {}


def _all_parts(part: str, group: Sequence[Document]) -> Mapping[str, Any]:
    """Return the columns or labels of all samples; a column that some lack is optional."""
    parts = [each.format.get(part, {}) for each in group]
    whole = {name: about for each in parts for name, about in each.items()}
    if part == "labels":
        return whole
    return {
        name: about if all(name in each for each in parts) else {**about, "optional": True}
        for name, about in whole.items()
    }


def _lay(node: Node, over: Node) -> None:
    over.repeats |= node.repeats
    over.holds_text |= node.holds_text
    for text in node.texts:
        over.say(text)
    for name, child in node.children.items():
        _lay(child, over.child(name))
