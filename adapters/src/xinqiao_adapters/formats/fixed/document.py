"""What fixed-width and OFD files share as formats: content types, and the whole file as one document."""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from xinqiao.errors import ContentRefused, WrongEncoding
from xinqiao.finding import Finding
from xinqiao_adapters.formats.encoding import Charset, charset_of, codec_of
from xinqiao_adapters.formats.fixed.access import FILE, RECORD, FlatAccess
from xinqiao_adapters.formats.fixed.layout import Layout
from xinqiao_adapters.formats.format import RecordFile
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.trace import Reading

__all__ = ["FlatFormat", "check_charset"]

_TYPES = ("", "application/octet-stream", "text/plain")
_MOST_FINDINGS = 1000


class FlatFormat(ABC):
    """A format of lines of fixed width: a stream of records, and a document for files that are one message."""

    access: FlatAccess

    def takes(self, content_type: str) -> bool:
        """Whether a content type is that of a text or a file, or says nothing."""
        return content_type.partition(";")[0].strip().lower() in _TYPES

    @abstractmethod
    def begins(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes may be of this format."""

    @abstractmethod
    def open(self, file: BinaryIO, content_type: str = "") -> RecordFile:
        """Read what stands before the records."""

    @abstractmethod
    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes."""

    def parse(self, raw: bytes, content_type: str = "") -> Node:
        """Read a whole file as one document, its records in the layout of ``access``.

        Raises ``ContentRefused`` where the file is refused, and with the findings of all bad records.
        """
        file = self.open(io.BytesIO(raw), content_type)
        assert isinstance(file.access, FlatAccess)  # noqa: S101 -- as all files here
        moved = _mover(file.access.layout, self.access.layout)
        findings: list[Finding] = []
        records = []
        for record in file.records():
            findings += record.findings
            if record.node is not None:
                records.append(moved(record.node))
        if findings:
            raise ContentRefused(f"{len(findings)} bad record(s)", findings=findings[:_MOST_FINDINGS])
        return {**file.root, RECORD: records}

    def is_root(self, root: Node) -> bool:
        """Say yes: ``parse`` refuses what is not of this format."""
        return FILE in root

    def root_name(self, root: Node) -> str:
        """Return the values outside the records, for people."""
        return ", ".join(f"{name} {value}" for name, value in list(root[FILE].items())[:3])

    def findings(self, root: Node, readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: ``parse`` has checked all."""
        return []

    def write(self, document: Node) -> bytes:
        """Return the bytes of a document with one record or several."""
        records = document[RECORD]
        return b"".join(self.write_file(document, records if isinstance(records, list) else [records]))


def check_charset(charset: Charset, content_type: str) -> None:
    """Raise ``WrongEncoding`` where a content type names another encoding than the profile."""
    said = charset_of(content_type)
    if said is not None and said.upper() != "US-ASCII" and codec_of(said) != charset.codec:
        raise WrongEncoding(f"the content type says {said[:40]}, the profile says {charset.name}: let them agree")


def _mover(of: Layout, to: Layout) -> Callable[[str], str]:
    """Return what turns a record of one layout into another's; columns are told by their names."""
    if of == to:
        return str
    pairs = [(of.column(column.name), column.blank) for column in to.columns]
    return lambda record: "".join(record[each.start : each.end] if each else blank for each, blank in pairs)
