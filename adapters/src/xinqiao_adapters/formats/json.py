"""JSON of a partner's own shape. Values go out as texts; numbers and booleans are read as texts."""

from collections.abc import Callable, Iterable
from typing import Any

from xinqiao.finding import Finding
from xinqiao.message import read_json, write_json
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.plan import Plan, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["JsonFormat", "json_format"]

_JSON_TYPES = ("", "application/octet-stream", "application/json", "text/json")


def json_format(loaded: LoadedProfile, name: str, interface: Interface) -> "JsonFormat":
    """Make the format of an interface. ``root`` is a key that tells it from others."""
    spec = interface.format
    if spec.xsd is not None or spec.namespaces or spec.encoding != "UTF-8":
        loaded.fail(("interfaces", name, "format"), "JSON has no xsd and no namespaces, and is UTF-8")
    return JsonFormat(spec.root)


class JsonFormat:
    """One interface's JSON; ``root`` is a key that the document must have to be of this interface."""

    kind = "json"
    content_type = "application/json"

    def __init__(self, root: str | None) -> None:
        self.root = root
        self.access = TreeAccess()

    def takes(self, content_type: str) -> bool:
        """Whether a content type is one of JSON's, or says nothing."""
        kind = content_type.partition(";")[0].strip().lower()
        return kind in _JSON_TYPES or kind.endswith("+json")

    def parse(self, raw: bytes) -> dict[str, Any]:
        """Parse strictly: UTF-8, no key twice."""
        return read_json(raw)

    def is_root(self, root: dict[str, Any]) -> bool:
        """Whether the root's key is there."""
        return self.root is None or self.root in root

    def root_name(self, root: dict[str, Any]) -> str:
        """Return the document's keys."""
        return ", ".join(list(root)[:5])

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is: paths start at the top of the document."""
        return plan

    def path(self, path: Source, base: Source = ()) -> Source:  # noqa: ARG002 -- the format's shape
        """Return the path as it is."""
        return path

    def findings(self, root: dict[str, Any], readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: no schema language of JSON is read yet."""
        return []

    def write(self, document: dict[str, Any]) -> bytes:
        """Return the document's bytes."""
        return write_json(document)
