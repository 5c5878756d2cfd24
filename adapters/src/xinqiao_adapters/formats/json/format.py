"""JSON of a partner's own shape. Numbers and booleans are read as texts; what goes out are texts, or numbers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from xinqiao.errors import MalformedJson, ProfileInvalid
from xinqiao.finding import Finding
from xinqiao.message import write_json
from xinqiao_adapters.formats.encoding import Charset, charset_for, charset_of, require_utf8
from xinqiao_adapters.formats.json.lines import LinesFile, read_lines, reader
from xinqiao_adapters.formats.json.strict import read_own_value
from xinqiao_adapters.formats.spec import JsonSpec
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Clean, kept, trimmed
from xinqiao_adapters.mapping.plan import Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["JsonFormat", "JsonLinesFormat", "json_format", "refuse_attributes"]

_SILENT = ("", "application/octet-stream")
_JSON_TYPES = (*_SILENT, "application/json", "text/json")
_LINES_TYPES = (*_SILENT, "application/x-ndjson", "application/jsonl", "text/plain")


def json_format(loaded: LoadedProfile, name: str, interface: Interface) -> "JsonFormat":
    """Make the format of an interface. ``root`` is a key that tells it from others."""
    where = ("interfaces", name, "format")
    spec = interface.format
    assert isinstance(spec, JsonSpec)  # noqa: S101 -- chosen by kind
    if spec.encoding != "UTF-8":
        loaded.fail(where, "JSON is UTF-8")
    charset, clean = charset_for(loaded, spec), trimmed if spec.trim else kept
    if not spec.lines:
        records = tuple((interface.records or "").split("/"))
        return JsonFormat(spec.root, charset, clean, records, numbers=spec.numbers)
    if interface.records != "Record":
        loaded.fail(where, "each line is a record: the interface needs records: Record, its rows start with ./")
    return JsonLinesFormat(spec.root, charset, clean, numbers=spec.numbers)


class JsonFormat:
    """One interface's JSON; ``root`` is a key that the document must have to be of this interface."""

    kind = "json"
    content_type = "application/json"

    def __init__(
        self,
        root: str | None,
        charset: Charset,
        clean: Clean = trimmed,
        records: tuple[str, ...] = (),
        *,
        numbers: bool = False,
    ) -> None:
        self.root = root
        self.charset = charset
        self.access = TreeAccess(clean, charset.holds, numbers=numbers)
        self._records = records

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of JSON's, or says nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        return kind in _JSON_TYPES or kind.endswith("+json")

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin as an object or an array does."""
        return head.lstrip(b" \t\r\n")[:1] in (b"{", b"[")

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, Any]:
        """Parse strictly: UTF-8, no key twice, numbers with the digits that were sent."""
        require_utf8(charset_of(content_type))
        value = read_own_value(raw, self.charset.characters)
        if not isinstance(value, dict):
            raise MalformedJson(f"a document is a JSON object, this is {type(value).__name__}")
        return value

    def is_root(self, root: dict[str, Any]) -> bool:
        """Whether the root's key is there."""
        return self.root is None or self.root in root

    def root_name(self, root: dict[str, Any]) -> str:
        """Return the document's keys."""
        return ", ".join(list(root)[:5])

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is: paths start at the top of the document.

        Raises ``ProfileInvalid`` for a row that names an attribute.
        """
        refuse_attributes(plan.rows, "JSON")
        return plan

    def path(self, path: Source, base: Source = ()) -> Source:  # noqa: ARG002 -- the format's shape
        """Return the path as it is. Raises ``ValueError`` for one that names an attribute."""
        if any(step.startswith("@") for step in path):
            raise ValueError(f"{'/'.join(path)}: JSON has no attributes")
        return path

    def findings(self, root: dict[str, Any], readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: no schema language of JSON is read yet."""
        return []

    def write(self, document: dict[str, Any]) -> bytes:
        """Return the document's bytes; what stands at ``records`` is a list, also of one."""
        written = write_json(_listed(document, self._records))
        return self.charset.encode(written.decode()) if self.charset.characters.table else written


def _listed(node: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return a document with a list at a path."""
    if not path or path[0] not in node:
        return node
    found = node[path[0]]
    if isinstance(found, dict) and len(path) > 1:
        return {**node, path[0]: _listed(found, path[1:])}
    return {**node, path[0]: found if isinstance(found, list) else [found]}


class JsonLinesFormat(JsonFormat):
    """JSON Lines: an object on each line is a record, and nothing stands outside; read whole or as a stream.

    With ``root`` each record has that key.
    """

    content_type = "application/x-ndjson"

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of JSON Lines', or says nothing."""
        return content_type.partition(";")[0].strip().lower() in (*_LINES_TYPES, *_JSON_TYPES)

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin as an object does."""
        return head.lstrip(b" \t\r\n")[:1] == b"{"

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, Any]:
        """Parse all lines. Raises ``ContentRefused`` with the finding of each line that is no object."""
        require_utf8(charset_of(content_type))
        return read_lines(raw, self.charset)

    def is_root(self, root: dict[str, Any]) -> bool:
        """Whether every record has the root's key."""
        return self.root is None or all(self.root in record for record in root.get("Record", ()))

    def root_name(self, root: dict[str, Any]) -> str:
        """Return the keys of the first record."""
        return ", ".join(list(next(iter(root["Record"]), ()))[:5])

    def write(self, document: dict[str, Any]) -> bytes:
        """Return a line for each record of a document."""
        record = document.get("Record", [])
        return b"".join(self.write_file({}, record if isinstance(record, list) else [record]))

    def open(self, file: BinaryIO, content_type: str = "") -> LinesFile:
        """Begin to read the lines of a file."""
        require_utf8(charset_of(content_type))
        return LinesFile(file, self.access, reader(self.charset))

    def write_file(self, outside: dict[str, Any], records: Iterable[dict[str, Any]]) -> Iterator[bytes]:  # noqa: ARG002
        """Yield a line for each record."""
        for record in records:
            yield super().write(record) + b"\n"


def refuse_attributes(rows: Rows, what: str) -> None:
    """Raise ``ProfileInvalid`` for a row that names an attribute, which ``what`` does not have."""
    for row in rows:
        for source in (row.source,) if isinstance(row, Repeat) else row.sources:
            if any(step.startswith("@") for step in source):
                raise ProfileInvalid(f"{row.mark}: {'/'.join(source)}: {what} has no attributes")
        if isinstance(row, Repeat):
            refuse_attributes(row.rows, what)
