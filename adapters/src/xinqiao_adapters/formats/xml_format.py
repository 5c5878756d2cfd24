"""XML as the format of an interface: root element, namespaces, XSD, encoding."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from lxml import etree

from xinqiao.finding import Finding
from xinqiao_adapters.formats.encoding import charset_of
from xinqiao_adapters.formats.xml import Schema, XmlDocument, parse_xml, read_schema, write_xml
from xinqiao_adapters.formats.xml_access import XmlAccess
from xinqiao_adapters.formats.xsd import xsd_findings
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import kept, trimmed
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import FormatSpec, Interface

__all__ = ["XmlFormat", "xml_format"]

_XML_TYPES = ("", "application/octet-stream", "application/xml", "text/xml")
_NAME = re.compile(r"@?(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
_schema_of = cache(read_schema)


def xml_format(loaded: LoadedProfile, name: str, interface: Interface) -> "XmlFormat":
    """Make the format of an interface."""
    where = ("interfaces", name, "format")
    spec = interface.format
    if spec.root is None:
        loaded.fail(where, "XML needs its root: the name of the document's element")
    schema = _schema_of(Path(spec.xsd)) if spec.xsd is not None else None
    try:
        return XmlFormat(spec, spec.root, schema)
    except KeyError as error:
        loaded.fail(where, f"the prefix {error.args[0]!r} is not declared under namespaces")
    except ValueError as error:
        loaded.fail(where, str(error))


class XmlFormat:
    """One interface's XML.

    A step of a path without a prefix is in the namespace of the step before it, the root's at the beginning.
    """

    kind = "xml"

    def __init__(self, spec: FormatSpec, root: str, schema: Schema | None) -> None:
        self.spec = spec
        self.schema = schema
        self.content_type = f"application/xml; charset={spec.encoding}"
        _check_namespaces(spec.namespaces)
        self._root_namespace = spec.namespaces.get("", "")
        (root_name,) = self._qualified((root,), self._root_namespace)
        self._root_namespace = _namespace(root_name)
        # Of several prefixes of a namespace the last one is written; attributes need one that is not empty.
        prefixes = {uri: prefix for prefix, uri in sorted(spec.namespaces.items())}
        self.access = XmlAccess(root_name, prefixes, trimmed if spec.trim else kept)

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of XML's, or says nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        return kind in _XML_TYPES or kind.endswith("+xml")

    def parse(self, raw: bytes, content_type: str = "") -> XmlDocument:
        """Parse hardened, in the declared encoding or the profile's."""
        return parse_xml(raw, self.spec.encoding, charset_of(content_type))

    def is_root(self, root: XmlDocument) -> bool:
        """Whether the document's element has the name that the profile says."""
        return bool(root.tag == self.access.root)

    def root_name(self, root: XmlDocument) -> str:
        """Return the name of the document's element."""
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
        """Return the violations of the XSD."""
        violations = self.schema.violations(root) if self.schema is not None else []
        return xsd_findings(violations, readings()) if violations else []

    def write(self, document: str) -> bytes:
        """Return the markup in the profile's encoding."""
        return write_xml(document, self.spec.encoding)

    def _rows(self, rows: Rows, namespace: str) -> Rows:
        made: list[Leaf | Repeat] = []
        for row in rows:
            source = self._qualified(row.source, namespace) if row.source is not None else None
            if isinstance(row, Repeat):
                source = source or ()
                made.append(replace(row, source=source, rows=self._rows(row.rows, _namespace(source[-1]))))
            else:
                made.append(replace(row, source=source))
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
