"""XML: hardened parsing, the partner's XSD, bytes in the partner's encoding.

No document types, no entities, no network, no huge trees. Bytes are decoded by Python's codecs, strictly, and
handed to libxml2 as UTF-8: what does not decode is refused with its place, and never becomes ``?``.

Several elements side by side (a header beside its document) are read with one element of ours around them.
"""

import re
import threading
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from xinqiao.errors import ForbiddenXml, MalformedXml, ProfileInvalid
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters, Charset, translated
from xinqiao_adapters.formats.xml.encoding import as_utf8

__all__ = [
    "PARSING",
    "SIBLINGS",
    "Schema",
    "Violation",
    "XmlDocument",
    "malformed",
    "parse_xml",
    "read_schema",
    "refuse_doctype",
    "refuse_document_type",
    "said_by",
    "translate_references",
    "without_declaration",
    "write_xml",
]

# The element that is put around elements that stand side by side.
SIBLINGS = "siblings"
# What a parser of partners' XML is made with; its input is UTF-8.
PARSING: dict[str, Any] = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_DECLARATION = re.compile(rb"<\?xml\s.*?\?>", re.DOTALL)
_PROLOG = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
# As many findings as a rejection holds.
_MOST_VIOLATIONS = 1000
XmlDocument = etree._Element


class _Parsers(threading.local):
    """One parser for each thread: lxml would let threads wait for a shared one."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(**PARSING)


_parsers = _Parsers()


def parse_xml(
    raw: bytes,
    encoding: str,
    charset: str | None = None,
    characters: Characters = NO_CHARACTERS,
    siblings: bool = False,
) -> XmlDocument:
    """Parse a document; ``encoding`` counts where neither it nor the content type's ``charset`` declares one.

    With ``siblings`` what is returned is an element of ours around those that stand side by side.
    Raises ``WrongEncoding`` (with the byte), ``ForbiddenXml``, ``MalformedXml`` (with line and column).
    """
    content = as_utf8(raw, encoding, charset, characters)
    refuse_document_type(content)
    if siblings:
        content = b"<%b>%b</%b>" % (SIBLINGS.encode(), without_declaration(content), SIBLINGS.encode())
    try:
        root: XmlDocument = etree.fromstring(content, _parsers.parser)
    except etree.XMLSyntaxError as error:
        raise malformed(error) from error
    refuse_doctype(root)
    if b"&#" in content:
        translate_references(root, characters)
    return root


def refuse_document_type(content: bytes) -> None:
    """Raise ``ForbiddenXml`` where a document's prolog holds a document type, before a parser sees it."""
    prolog = _PROLOG.match(content)
    if prolog is not None and content.startswith(b"<!DOCTYPE", prolog.end()):
        line = content.count(b"\n", 0, prolog.end()) + 1
        raise ForbiddenXml(f"line {line}: a document type")


def refuse_doctype(root: XmlDocument) -> None:
    """Raise ``ForbiddenXml`` where the parser saw a document type."""
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise ForbiddenXml("a document type")


def without_declaration(content: bytes) -> bytes:
    """Return a document without its XML declaration; lines stay as they are but for the declaration's own."""
    found = _DECLARATION.match(content)
    return content if found is None else content[found.end() :]


def malformed(error: etree.XMLSyntaxError) -> MalformedXml:
    """Return the error that names line and column."""
    line, column = error.position
    return MalformedXml(f"line {line}, column {column}: {_about(error)}")


def translate_references(node: XmlDocument, characters: Characters) -> None:
    """Translate the private-use characters that character references brought in, in a node and all below it.

    Raises ``WrongEncoding`` for one that ``characters`` lack.
    """
    for each in node.iter("*"):
        place = f"line {each.sourceline}"
        each.text = translated(each.text, characters, place) if each.text else None
        each.tail = translated(each.tail, characters, place) if each.tail else None
        for name, value in each.attrib.items():
            each.set(name, translated(str(value), characters, place))


def _about(error: etree.XMLSyntaxError) -> str:
    log: Any = error.error_log
    return said_by(log[-1]) if len(log) else "document empty"


def said_by(entry: etree._LogEntry) -> str:
    """Say what kind of error libxml2 logged; its own words may quote the document."""
    return str(entry.type_name).removeprefix("ERR_").replace("_", " ").lower()


def write_xml(markup: str, encoding: str, characters: Characters = NO_CHARACTERS) -> bytes:
    """Return a document's bytes with its declaration.

    A character that the encoding does not have becomes a character reference, never ``?``.
    """
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    return Charset(encoding, characters).encode_markup(head + markup)


@dataclass(frozen=True, slots=True)
class Violation:
    """What libxml2 says: the node, the name of the error (``SCHEMAV_CVC_PATTERN_VALID``) and its message."""

    node: XmlDocument | None
    line: int
    kind: str
    message: str


class Schema:
    """A partner's XSD, compiled. Several threads may use it."""

    def __init__(self, schema: etree.XMLSchema) -> None:
        self._schema = schema
        self._lock = threading.Lock()

    def violations(self, root: XmlDocument) -> list[Violation]:
        """Return the violations that libxml2 sees, 1,000 at most; it skips what follows an element out of place."""
        with self._lock:
            if self._schema.validate(root):
                return []
            log: Any = self._schema.error_log
            entries = list(islice(log, _MOST_VIOLATIONS))
        nodes = _nodes_by_path(root, {str(entry.path).partition("/@")[0] for entry in entries})
        return [
            Violation(nodes.get(str(entry.path).partition("/@")[0]), entry.line, entry.type_name, entry.message)
            for entry in entries
        ]


def _nodes_by_path(root: XmlDocument, wanted: set[str]) -> dict[str, XmlDocument]:
    """Find nodes by the paths that libxml2 writes, in one walk over the document.

    A step is ``prefix:Name``, or ``*`` for an element of a default namespace; ``[n]`` counts the elements that
    the step fits, where there is more than one.
    """
    found: dict[str, XmlDocument] = {}
    ways = [(root, f"/{_step(root)}")]
    while ways:
        node, path = ways.pop()
        if path in wanted:
            found[path] = node
        steps = [_step(child) for child in node]
        whole, seen = Counter(steps), Counter[str]()
        whole["*"] = len(steps)
        for place, (child, step) in enumerate(zip(node, steps, strict=True), start=1):
            seen[step] += 1
            at = place if step == "*" else seen[step]
            ways.append((child, f"{path}/{step}[{at}]" if whole[step] > 1 else f"{path}/{step}"))
    return found


def _step(node: XmlDocument) -> str:
    name = etree.QName(node)
    if not name.namespace:
        return name.localname
    return f"{node.prefix}:{name.localname}" if node.prefix else "*"


def read_schema(path: Path) -> Schema:
    """Read an XSD from a file; the files that it includes lie beside it.

    Raises ``ProfileInvalid``.
    """
    try:
        return Schema(etree.XMLSchema(etree.parse(str(path), etree.XMLParser(**PARSING))))
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise ProfileInvalid(f"{path}: not a usable XSD: {error}") from error
