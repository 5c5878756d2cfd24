"""What a format gives to a channel: bytes to a root node and back, and the access for the mapping engine."""

from collections.abc import Callable, Iterable
from typing import Protocol

from xinqiao.finding import Finding
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Access, Node
from xinqiao_adapters.mapping.plan import Plan, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["Format", "FormatMaker"]


class Format(Protocol):
    """The format of one interface."""

    @property
    def kind(self) -> str:
        """The format's name in profiles."""
        ...

    @property
    def access(self) -> Access:
        """How its nodes are read and written."""
        ...

    @property
    def content_type(self) -> str:
        """What its bytes are called on the wire."""
        ...

    def takes(self, content_type: str) -> bool:
        """Whether raw input of a content type may be of this format."""
        ...

    def parse(self, raw: bytes, content_type: str = "") -> Node:
        """Parse raw input; the content type may name its charset. Raises the ``Rejected`` that says why not."""
        ...

    def is_root(self, root: Node) -> bool:
        """Whether a parsed document begins as this interface's do."""
        ...

    def root_name(self, root: Node) -> str:
        """Return what a parsed document begins with, for people."""
        ...

    def located(self, plan: Plan) -> Plan:
        """Return the plan with its partner paths as the access wants them."""
        ...

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return a partner path as the access wants it; it starts at the root, or at ``base``."""
        ...

    def findings(self, root: Node, readings: Callable[[], Iterable[Reading]]) -> list[Finding]:
        """Return what the format's own rules (an XSD) find in a document; ``readings`` costs time."""
        ...

    def write(self, document: Node) -> bytes:
        """Return the bytes of what the access wrote."""
        ...


# Makes the format of an interface; raises ``ProfileInvalid`` with file and line.
FormatMaker = Callable[[LoadedProfile, str, Interface], Format]
