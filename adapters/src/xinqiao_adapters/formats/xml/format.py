"""XML as the format of an interface: root element, namespaces, XSD, encoding.

A profile with ``records`` gives a format that reads a document of any size as a stream as well.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters, Charset, charset_for, charset_of
from xinqiao_adapters.formats.spec import XmlSpec
from xinqiao_adapters.formats.xml.access import XmlAccess
from xinqiao_adapters.formats.xml.document import (
    SIBLINGS,
    Schema,
    Violation,
    XmlDocument,
    parse_xml,
    read_schema,
    write_xml,
)
from xinqiao_adapters.formats.xml.file import XmlFile
from xinqiao_adapters.formats.xml.head import is_markup, may_begin
from xinqiao_adapters.formats.xml.outside import taken_apart
from xinqiao_adapters.formats.xml.xsd import xsd_findings
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import kept, trimmed
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["XmlFormat", "XmlRecordsFormat", "xml_format"]

_XML_TYPES = ("", "application/octet-stream", "application/xml", "text/xml")
_NAME = re.compile(r"@?(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
_DIFFERING = Text("记录之外的值与首条消息不同", "what stands outside the record is not that of the first message")
_SPLIT = Text("分成两个文件发送", "send them in two files")
_schema_of = cache(read_schema)


def xml_format(loaded: LoadedProfile, name: str, interface: Interface) -> "XmlFormat":
    """Make the format of an interface."""
    where = ("interfaces", name, "format")
    spec = interface.format
    assert isinstance(spec, XmlSpec)  # noqa: S101 -- chosen by kind
    if spec.root is None:
        loaded.fail(where, "XML needs its root: the name of the document's element")
    schema = _schema_of(Path(spec.xsd)) if spec.xsd is not None else None
    characters = charset_for(loaded, spec).characters
    try:
        if interface.records is None:
            return XmlFormat(spec, spec.root, schema, characters)
        records = tuple(step for step in interface.records.split("/") if step not in ("", "."))
        return XmlRecordsFormat(spec, spec.root, schema, characters, records)
    except KeyError as error:
        loaded.fail(where, f"the prefix {error.args[0]!r} is not declared under namespaces")
    except ValueError as error:
        loaded.fail(where, str(error))


class XmlFormat:
    """One interface's XML.

    A step of a path without a prefix is in the namespace of the step before it, the root's at the beginning.
    """

    kind = "xml"

    def __init__(self, spec: XmlSpec, root: str, schema: Schema | None, characters: Characters = NO_CHARACTERS) -> None:
        self.spec = spec
        self.schema = schema
        self.characters = characters
        self.content_type = f"application/xml; charset={spec.encoding}"
        _check_namespaces(spec.namespaces)
        self._root_namespace = spec.namespaces.get("", "")
        (root_name,) = self._qualified((root,), self._root_namespace)
        self._root_namespace = _namespace(root_name)
        # Of several prefixes of a namespace the last one is written; attributes need one that is not empty.
        prefixes = {uri: prefix for prefix, uri in sorted(spec.namespaces.items())}
        self.access = XmlAccess(root_name, prefixes, trimmed if spec.trim else kept, spec.siblings)

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of XML's, or says nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        return kind in _XML_TYPES or kind.endswith("+xml")

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin with markup."""
        return is_markup(head)

    def parse(self, raw: bytes, content_type: str = "") -> XmlDocument:
        """Parse hardened, in the declared encoding or the profile's."""
        charset = charset_of(content_type)
        return parse_xml(raw, self.spec.encoding, charset, self.characters, self.spec.siblings)

    def is_root(self, root: XmlDocument) -> bool:
        """Whether the document's element, or one of several side by side, has the name that the profile says."""
        if self.spec.siblings:
            return root.tag == SIBLINGS and root.find(self.access.root) is not None
        return bool(root.tag == self.access.root)

    def root_name(self, root: XmlDocument) -> str:
        """Return the name of the document's element, or the names of those side by side."""
        if self.spec.siblings and root.tag == SIBLINGS:
            return ", ".join(str(child.tag) for child in islice(root, 5))
        return str(root.tag)

    def located(self, plan: Plan) -> Plan:
        """Return the plan with Clark names."""
        records = self.path(plan.records)
        inside = _namespace(records[-1]) if records else self._root_namespace
        return replace(
            plan,
            outer=self._rows(plan.outer, self._root_namespace),
            inner=self._rows(plan.inner, inside),
            rows=self._rows(plan.rows, self._root_namespace),
            records=records,
        )

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return a path with Clark names. Raises ``KeyError`` for an undeclared prefix, ``ValueError`` for no name."""
        return self._qualified(path, _namespace(base[-1]) if base else self._root_namespace)

    def findings(self, root: XmlDocument, readings: Callable[[], Iterable[Reading]]) -> list[Finding]:
        """Return the violations of the XSD as findings."""
        violations = self.violations(root)
        return xsd_findings(violations, readings()) if violations else []

    def violations(self, root: XmlDocument) -> list[Violation]:
        """Return the violations of the XSD; of elements side by side it describes the one that is the root."""
        document = root.find(self.access.root) if self.spec.siblings else root
        return self.schema.violations(document) if self.schema is not None and document is not None else []

    def write(self, document: str) -> bytes:
        """Return the markup in the profile's encoding."""
        return write_xml(document, self.spec.encoding, self.characters)

    def _rows(self, rows: Rows, namespace: str) -> Rows:
        made: list[Leaf | Repeat] = []
        for row in rows:
            source = self._qualified(row.source, namespace) if row.source is not None else None
            if isinstance(row, Repeat):
                source = source or ()
                inside = _namespace(source[-1])
                where = tuple((self._qualified(path, inside), text) for path, text in row.where)
                made.append(replace(row, source=source, rows=self._rows(row.rows, inside), where=where))
            else:
                more = tuple(self._qualified(path, namespace) for path in row.more)
                made.append(replace(row, source=source, more=more))
        return tuple(made)

    def _qualified(self, path: Source, namespace: str) -> Source:
        steps = []
        for step in path:
            if _NAME.fullmatch(step) is None or not all(_is_name(part) for part in step.lstrip("@").split(":")):
                raise ValueError(f"{step!r} is no name of XML")
            prefix, colon, local = step.lstrip("@").rpartition(":")
            if step.startswith("@"):
                uri = self.spec.namespaces[prefix] if colon else ""
                steps.append(f"@{{{uri}}}{local}" if uri else step)
                continue
            namespace = self.spec.namespaces[prefix] if colon else namespace
            steps.append(f"{{{namespace}}}{local}" if namespace else local)
        return tuple(steps)


class XmlRecordsFormat(XmlFormat):
    """XML of several messages, one at each node at ``records``; read whole or as a stream.

    Both ways read the same tree. In a stream a violation of the XSD inside a record is that record's, any other
    refuses the file; keys of the XSD that span records are not checked there.
    """

    def __init__(
        self, spec: XmlSpec, root: str, schema: Schema | None, characters: Characters, records: Source
    ) -> None:
        super().__init__(spec, root, schema, characters)
        self.records = self.path(records)

    def open(self, file: BinaryIO, content_type: str = "") -> XmlFile:
        """Read up to the first record.

        Raises ``InterfaceUnknown`` for a document of another root, and what ``parse`` raises.
        """
        return XmlFile(file, self, charset_of(content_type))

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin with the root."""
        return may_begin(head, self.access.root, self.spec.siblings)

    def write_file(self, outside: str, records: Iterable[str]) -> Iterator[bytes]:
        """Yield one document from those of several messages: ``outside`` and each record are markup of a whole one.

        Raises ``ContentRefused`` where they differ outside their records.
        """
        charset = Charset(self.spec.encoding, self.characters)
        head, _, tail = taken_apart(outside, self.records, self.spec.siblings)
        yield write_xml(head, self.spec.encoding, self.characters)
        for number, each in enumerate(records, start=1):
            before, record, after = taken_apart(each, self.records, self.spec.siblings)
            if (before, after) != (head, tail):
                raise self._differing(number)
            yield charset.encode_markup(record)
        yield charset.encode_markup(tail)

    def _differing(self, number: int) -> ContentRefused:
        place = f"record {number}"
        finding = Finding("format.outside", place, _DIFFERING, fix=_SPLIT, partner_path=place)
        return ContentRefused(f"{place} differs outside the records", findings=[finding])


def _namespace(step: str) -> str:
    return step[1:].partition("}")[0] if step.startswith("{") else ""


def _check_namespaces(namespaces: Mapping[str, str]) -> None:
    for prefix, uri in namespaces.items():
        if prefix and (":" in prefix or not _is_name(prefix) or prefix.lower().startswith("xml")):
            raise ValueError(f"{prefix!r} is no prefix")
        if not uri or any(character.isspace() or not character.isprintable() for character in uri):
            raise ValueError(f"{uri!r} is no namespace")


def _is_name(text: str) -> bool:
    try:
        etree.QName(text)
    except ValueError:
        return False
    return True
