"""XML: hardened parsing, the partner's XSD, bytes in the partner's encoding.

No document types, no entities, no network, no huge trees. Bytes are decoded by Python's codecs, strictly, and
handed to libxml2 as UTF-8: what does not decode is refused with its place, and never becomes ``?``.
"""

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from xinqiao.errors import ForbiddenXml, MalformedXml, ProfileInvalid, WrongEncoding

__all__ = ["Schema", "Violation", "XmlDocument", "parse_xml", "read_schema", "write_xml"]

# Python's name for each encoding that partners declare; GB18030 reads all that GBK and GB2312 hold.
_CODECS = {"UTF-8": "utf-8", "GB18030": "gb18030", "GBK": "gb18030", "GB2312": "gb18030"}
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_PROLOG = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_BOM = b"\xef\xbb\xbf"
XmlDocument = etree._Element


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


class _Parsers(threading.local):
    """One parser for each thread: lxml would let threads wait for a shared one."""

    def __init__(self) -> None:
        self.parser = _parser()


_parsers = _Parsers()


def parse_xml(raw: bytes, encoding: str) -> XmlDocument:
    """Parse a document; ``encoding`` counts where it declares none.

    Raises ``WrongEncoding`` (with the byte), ``ForbiddenXml``, ``MalformedXml`` (with line and column).
    """
    content = _as_utf8(raw, encoding)
    prolog = _PROLOG.match(content)
    if prolog is not None and content.startswith(b"<!DOCTYPE", prolog.end()):
        line = content.count(b"\n", 0, prolog.end()) + 1
        raise ForbiddenXml(f"line {line}: a document type")
    try:
        root: XmlDocument = etree.fromstring(content, _parsers.parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MalformedXml(f"line {line}, column {column}: {_about(error)}") from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise ForbiddenXml("a document type")
    return root


def _about(error: etree.XMLSyntaxError) -> str:
    """Say what kind of error it is; libxml2's own words may quote the document."""
    log: Any = error.error_log
    name = log[-1].type_name if len(log) else "ERR_DOCUMENT_EMPTY"
    return name.removeprefix("ERR_").replace("_", " ").lower()


def _as_utf8(raw: bytes, encoding: str) -> bytes:
    content = raw.removeprefix(_BOM)
    declared = _DECLARATION.match(content)
    name = declared[1].decode("ascii").upper() if declared else encoding
    codec = _CODECS.get("UTF-8" if len(content) < len(raw) else name)
    if codec is None:
        raise WrongEncoding(f"encoding {name} is declared; known: {', '.join(_CODECS)}")
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise WrongEncoding(f"byte {error.start + len(raw) - len(content)} is not {name}") from error
    return content if codec == "utf-8" else text.encode("utf-8")


def write_xml(markup: str, encoding: str) -> bytes:
    """Return a document's bytes with its declaration.

    A character that the encoding does not have becomes a character reference, never ``?``.
    """
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    return (head + markup).encode(encoding, "xmlcharrefreplace")


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
        """Return every violation that libxml2 sees; it skips what follows an element out of place."""
        with self._lock:
            if self._schema.validate(root):
                return []
            log: Any = self._schema.error_log
            entries = list(log)
        return [Violation(_node_at(root, entry.path), entry.line, entry.type_name, entry.message) for entry in entries]


def _node_at(root: XmlDocument, path: str | None) -> XmlDocument | None:
    prefixes = {prefix: uri for node in root.iter() for prefix, uri in node.nsmap.items() if prefix}
    found: Any = root.getroottree().xpath(path, namespaces=prefixes) if path else []
    return found[0] if found else None


def read_schema(path: Path) -> Schema:
    """Read an XSD from a file; the files that it includes lie beside it.

    Raises ``ProfileInvalid``.
    """
    try:
        return Schema(etree.XMLSchema(etree.parse(str(path), _parser())))
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise ProfileInvalid(f"{path}: not a usable XSD: {error}") from error
