"""What a format gives to a channel: bytes to nodes and back, and the access for the mapping engine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from xinqiao.finding import Finding
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Access, Node
from xinqiao_adapters.mapping.plan import Plan, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["DocumentFormat", "Format", "FormatMaker", "RawRecord", "RecordFile", "RecordFormat"]


class Format(Protocol):
    """The format of one interface."""

    @property
    def kind(self) -> str:
        """The format's name in profiles."""
        ...

    @property
    def access(self) -> Access:
        """How its nodes are read and written; for a record file that of the layout that is written."""
        ...

    @property
    def content_type(self) -> str:
        """What its bytes are called on the wire."""
        ...

    def takes(self, content_type: str) -> bool:
        """Whether raw input of a content type may be of this format."""
        ...

    def begins(self, head: bytes) -> bool:
        """Whether a raw input that begins with these bytes (64 KiB at most) may be of this format."""
        ...

    def located(self, plan: Plan) -> Plan:
        """Return the plan with its partner paths as the access wants them."""
        ...

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return a partner path as the access wants it; it starts at the root, or at ``base``."""
        ...


@runtime_checkable
class DocumentFormat(Format, Protocol):
    """A format whose input is parsed whole."""

    def parse(self, raw: bytes, content_type: str = "") -> Node:
        """Parse raw input; the content type may name its charset. Raises the ``Rejected`` that says why not."""
        ...

    def is_root(self, root: Node) -> bool:
        """Whether a parsed document begins as this interface's do."""
        ...

    def root_name(self, root: Node) -> str:
        """Return what a parsed document begins with, for people."""
        ...

    def findings(self, root: Node, readings: Callable[[], Iterable[Reading]]) -> list[Finding]:
        """Return what the format's own rules (an XSD) find in a document; ``readings`` costs time."""
        ...

    def write(self, document: Node) -> bytes:
        """Return the bytes of what the access wrote."""
        ...


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of a file: ``number`` from 1, bytes ``start`` to ``end`` (exclusive; None where unknown).

    ``findings`` say why the record cannot even be split into fields; its node is None then. ``row`` is that of a
    sheet, from 1: people look for it there, and not for the number.
    """

    number: int
    start: int | None
    end: int | None
    node: Node
    findings: tuple[Finding, ...] = ()
    row: int | None = None


class RecordFile(Protocol):
    """A file being read, record by record, in constant memory."""

    @property
    def root(self) -> Node:
        """The tree without its records: ``{"File": {…}}``; whole once ``records`` has ended."""
        ...

    @property
    def access(self) -> Access:
        """How this file's records are read: its own header may say the layout."""
        ...

    @property
    def layout(self) -> object:
        """A hashable name of the layout: files of one layout share compiled code."""
        ...

    def records(self) -> Iterator[RawRecord]:
        """Yield the records.

        Raises ``ContentRefused`` where the file as a whole is refused (truncated, a count or total that is not
        that of its records), at the latest after the last one: nothing of the file counts until this ends.
        """
        ...

    def position(self) -> int:
        """Return how many bytes are read, for progress."""
        ...


@runtime_checkable
class RecordFormat(Format, Protocol):
    """A format whose input is a stream of records."""

    def open(self, file: BinaryIO, content_type: str = "") -> RecordFile:
        """Read what stands before the records. ``file`` is seekable.

        Raises the ``Rejected`` that says why the file as a whole is refused.
        """
        ...

    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes: ``outside`` is ``{"File": {…}}``, ``records`` what the access wrote.

        Counts and totals are written from the records. Raises ``ContentRefused`` where the format cannot hold
        a value.
        """
        ...


# Makes the format of an interface; raises ``ProfileInvalid`` with file and line.
FormatMaker = Callable[[LoadedProfile, str, Interface], Format]
