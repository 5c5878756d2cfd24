"""An XML document of any size, read record by record in constant memory.

A record is taken out of the tree when the next one is there, so that libxml2's push parser is done with it. An XSD is
asked about it in a small document of what stands before the records.

What an outer row reads must stand before the records: the root is without them, and whole only at the end. Nothing
but records may stand between the first and the last.
"""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any, BinaryIO, NoReturn, Protocol

from lxml import etree

from xinqiao.errors import ContentRefused, InterfaceUnknown, MalformedXml
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Characters
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.spec import XmlSpec
from xinqiao_adapters.formats.xml.access import XmlAccess
from xinqiao_adapters.formats.xml.document import (
    PARSING,
    SIBLINGS,
    Violation,
    XmlDocument,
    malformed,
    refuse_doctype,
    said_by,
    translate_references,
)
from xinqiao_adapters.formats.xml.pieces import Pieces
from xinqiao_adapters.formats.xml.xsd import record_findings, xsd_findings
from xinqiao_adapters.mapping.plan import Source

__all__ = ["XmlFile"]

# So many bytes (of UTF-8) may stand before the first record, in one of them, and after the last.
_MOST_WITHOUT_RECORD = 16 << 20
_BETWEEN = Text("记录之间只能是同类记录，此处有其他内容", "between records stands something that is none of them")
_TWICE = Text("记录只应在一处，却有多处", "records stand in more than one place")
_TOO_LONG = Text("单条记录或其后的内容超过 16 MiB", "a record, or what follows the last, is longer than 16 MiB")


class _Form(Protocol):
    """What a file is read by: the format of its interface."""

    @property
    def spec(self) -> XmlSpec: ...
    @property
    def characters(self) -> Characters: ...
    @property
    def access(self) -> XmlAccess: ...
    @property
    def records(self) -> Source: ...
    def is_root(self, root: XmlDocument) -> bool: ...
    def root_name(self, root: XmlDocument) -> str: ...
    def violations(self, root: XmlDocument) -> list[Violation]: ...


class XmlFile:
    """Implements ``RecordFile``. libxml2 does not say at which byte a record stands: places are lines.

    Raises ``InterfaceUnknown`` for a document of another root, or without a record in its first 16 MiB.
    """

    def __init__(self, file: BinaryIO, form: _Form, charset: str | None) -> None:
        self.access = form.access
        self._form = form
        self._pieces = Pieces(file, form.spec, form.characters, charset)
        self._parent: XmlDocument | None = None
        self._following = self._elements()
        self._first = next(self._following, None)
        if self._first is None:
            self._root = self._whole
        else:
            self._require_root(self._first.getroottree().getroot())
            self._root, self._place = _before(self._first)
            self._translate(self._root)

    @property
    def root(self) -> XmlDocument:
        """The document without its records: up to the first while they are read, then all of it."""
        return self._root

    @property
    def layout(self) -> object:
        """The root's name: documents of an interface are of one layout."""
        return self.access.root

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._pieces.position

    def records(self) -> Iterator[RawRecord]:
        """Yield the records, once; one that violates the XSD is its findings, without a node.

        Raises ``MalformedXml`` (a truncated file too), ``WrongEncoding``, ``ForbiddenXml``; ``ContentRefused``
        where something else stands between records, or what stands outside them violates the XSD.
        """
        number, record = 0, self._first
        for following in self._following:
            assert record is not None  # noqa: S101 -- one was found before
            number += 1
            if following.getprevious() is not record or (record.tail or "").strip():
                self._refuse(_BETWEEN, following)
            yield self._taken(record, number)
            record = following
        if record is not None:
            yield self._taken(record, number + 1)
        self._root = self._whole
        self._check_outside(record)

    def _elements(self) -> Iterator[XmlDocument]:
        """Yield the elements of records in the parser's own tree, which is whole when they have ended."""
        parser = etree.XMLPullParser(("end",), tag=self._form.records[-1], **PARSING)
        without = 0
        for piece in self._pieces:
            if without == 0 and self._parent is None and not self._form.spec.siblings:
                self._require_name(_first_name(piece))
            without += len(piece)
            _feed(parser, piece)
            for node in self._read(parser):
                without = 0
                yield node
            if without > _MOST_WITHOUT_RECORD:
                self._refuse_length()
        try:
            root = parser.close()
        except etree.XMLSyntaxError as error:
            raise malformed(error) from error
        yield from self._read(parser)
        self._require_root(root)
        self._translate(root)
        self._whole = root

    def _read(self, parser: etree.XMLPullParser) -> Iterator[XmlDocument]:
        for _, node in parser.read_events():
            if isinstance(node, XmlDocument) and self._is_record(node):
                yield node

    def _is_record(self, node: XmlDocument) -> bool:
        """Whether an element stands where records do; one of the same name may stand elsewhere."""
        parent = node.getparent()
        if parent is None or parent is self._parent:
            return parent is not None
        form = self._form
        way = (SIBLINGS if form.spec.siblings else form.access.root, *form.records[:-1])
        if tuple(each.tag for each in node.iterancestors()) != way[::-1]:
            return False
        if self._parent is not None:
            self._refuse(_TWICE, node)
        self._parent = parent
        return True

    def _taken(self, node: XmlDocument, number: int) -> RawRecord:
        """Take a record out of the parser's tree, and ask the XSD about it behind what stands before the records."""
        if (node.tail or "").strip():
            self._refuse(_BETWEEN, node)
        node.tail = None
        self._place.append(node)
        self._translate(node)
        violations = self._form.violations(self._root)
        inside = set(node.iter()) if violations else set()
        own = [each for each in violations if each.node is None or each.node in inside]
        findings = record_findings(own, node, number) if own else ()
        self._place.remove(node)
        return RawRecord(number, None, None, None if findings else node, findings)

    def _check_outside(self, last: XmlDocument | None) -> None:
        """Ask the XSD about the whole document, where the last record stands for all of them."""
        inside = set()
        if last is not None and self._parent is not None:
            self._parent.insert(len(self._place), last)
            inside = set(last.iter())
        violations = [each for each in self._form.violations(self._root) if each.node not in inside]
        if last is not None and self._parent is not None:
            self._parent.remove(last)
        if violations:
            findings = xsd_findings(violations, ())
            raise ContentRefused(f"{len(findings)} outside the records", findings=findings)

    def _translate(self, node: XmlDocument) -> None:
        if self._pieces.references:
            translate_references(node, self._form.characters)

    def _require_root(self, root: XmlDocument) -> None:
        refuse_doctype(root)
        if not self._form.is_root(root):
            raise InterfaceUnknown(f"the document begins with {self._form.root_name(root)}")

    def _require_name(self, name: str | None) -> None:
        if name is not None and name != self.access.root:
            raise InterfaceUnknown(f"the document begins with {name}")

    def _refuse(self, said: Text, node: XmlDocument) -> NoReturn:
        where = self.access.shown(self._form.records)
        fix = Text("将所有记录连续放在同一处", "let all records follow each other in one place")
        place = f"{where}, line {node.sourceline}"
        raise ContentRefused(place, findings=[Finding("format.record", where, said, fix=fix, partner_path=place)])

    def _refuse_length(self) -> NoReturn:
        where = self.access.shown(self._form.records)
        if self._parent is None:
            raise InterfaceUnknown(f"the first 16 MiB of the document hold no {where}")
        finding = Finding("format.record", where, _TOO_LONG, expected="16 MiB", partner_path=where)
        raise ContentRefused(f"{where}: more than 16 MiB", findings=[finding])


def _feed(parser: etree.XMLPullParser, piece: bytes) -> None:
    """Feed a parser. Raises ``MalformedXml``; lxml itself passes over some fatal errors, of entities."""
    failed: etree.XMLSyntaxError | None = None
    try:
        parser.feed(piece)
    except etree.XMLSyntaxError as error:
        failed = error
    log: Any = parser.feed_error_log
    for entry in log.filter_from_fatals():
        raise MalformedXml(f"line {entry.line}, column {entry.column}: {said_by(entry)}")
    if failed is not None:
        raise malformed(failed) from failed


def _first_name(head: bytes) -> str | None:
    """Return the name of the element that a document begins with, None where it is not among these bytes."""
    parser = etree.XMLPullParser(("start",), **PARSING)
    with suppress(MalformedXml):  # the parser of the whole document says so
        _feed(parser, head)
    return next((str(node.tag) for _, node in parser.read_events() if isinstance(node, XmlDocument)), None)


def _before(record: XmlDocument) -> tuple[XmlDocument, XmlDocument]:
    """Return a copy of what stands before a record, and in it the element that records stand in."""
    way: list[int] = []
    node = record
    while (parent := node.getparent()) is not None:
        way.append(parent.index(node))
        node = parent
    root = place = deepcopy(node)
    for index in reversed(way[1:]):
        del place[index + 1 :]
        place = place[index]
        place.tail = None
    del place[way[0] :]
    return root, place
