"""JSON of a partner's own shape. Values go out as texts; numbers and booleans are read as texts."""

from collections.abc import Callable, Iterable
from typing import Any

from xinqiao.errors import MalformedJson, ProfileInvalid
from xinqiao.finding import Finding
from xinqiao.message import write_json
from xinqiao_adapters.formats.encoding import charset_of, require_utf8
from xinqiao_adapters.formats.strict_json import read_value
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Clean, kept, trimmed
from xinqiao_adapters.mapping.plan import Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["JsonFormat", "json_format"]

_JSON_TYPES = ("", "application/octet-stream", "application/json", "text/json")


def json_format(loaded: LoadedProfile, name: str, interface: Interface) -> "JsonFormat":
    """Make the format of an interface. ``root`` is a key that tells it from others."""
    spec = interface.format
    if spec.xsd is not None or spec.namespaces or spec.encoding != "UTF-8":
        loaded.fail(("interfaces", name, "format"), "JSON has no xsd and no namespaces, and is UTF-8")
    return JsonFormat(spec.root, trimmed if spec.trim else kept)


class JsonFormat:
    """One interface's JSON; ``root`` is a key that the document must have to be of this interface."""

    kind = "json"
    content_type = "application/json"

    def __init__(self, root: str | None, clean: Clean = trimmed) -> None:
        self.root = root
        self.access = TreeAccess(clean)

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of JSON's, or says nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        return kind in _JSON_TYPES or kind.endswith("+json")

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, Any]:
        """Parse strictly: UTF-8, no key twice, numbers with the digits that were sent."""
        require_utf8(charset_of(content_type))
        value = read_value(raw)
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
        _refuse_attributes(plan.rows)
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
        """Return the document's bytes."""
        return write_json(document)


def _refuse_attributes(rows: Rows) -> None:
    for row in rows:
        if any(step.startswith("@") for step in row.source or ()):
            raise ProfileInvalid(f"{row.mark}: {'/'.join(row.source or ())}: JSON has no attributes")
        if isinstance(row, Repeat):
            _refuse_attributes(row.rows)
