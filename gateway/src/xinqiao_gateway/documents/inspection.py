"""Looks at a document while it comes in: whether it is what its media type says. Reads no more than it must."""

import codecs
import re

from xinqiao.errors import DocumentRefused
from xinqiao_gateway.documents.kinds import Kind

__all__ = ["Inspection"]

_HEAD = 1024
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r") + b"\x7f"
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?!(?:!doctype\s+)?html\b)[?!A-Za-z_:\x80-\xff]", re.IGNORECASE)


class Inspection:
    """One document: ``feed`` it as it comes, then ``end``; each raises ``DocumentRefused`` as soon as it is known."""

    def __init__(self, media_type: str, kind: Kind) -> None:
        self._media_type = media_type
        self._kind = kind
        self._head: bytes | None = b""
        self._size = 0
        self._tail = b""
        self._entry = _entry(kind.entry) if kind.entry else None
        self._texts = [codecs.getincrementaldecoder(name)() for name in ("utf-8", "gb18030")] if kind.text else []

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._size += len(data)
        if self._size > self._kind.largest:
            raise DocumentRefused(f"more than the {self._kind.largest} bytes that {self._media_type} may have")
        if self._head is not None:
            self._head += data[:_HEAD]
            if len(self._head) >= _HEAD:
                self._check_head()
        if self._kind.text:
            self._read(data, final=False)
        if self._entry:
            self._look_for_entry(data)

    def end(self) -> None:
        """Say that this was all."""
        if not self._size:
            raise DocumentRefused("it is empty")
        if self._head is not None:
            self._check_head()
        if self._kind.text:
            self._read(b"", final=True)
        if self._entry:
            raise DocumentRefused(f"it is not {self._media_type}: the archive holds no {self._kind.entry}")

    def _check_head(self) -> None:
        head, self._head = self._head or b"", None
        begins = [{at: bytes.fromhex(code) for at, code in each.items()} for each in self._kind.begins]
        fits = any(all(head.startswith(code, at) for at, code in each.items()) for each in begins)
        if (begins and not fits) or (self._kind.text == "xml" and not _XML.match(head)):
            raise DocumentRefused(f"it does not begin as {self._media_type} does")

    def _read(self, data: bytes, *, final: bool) -> None:
        if len(data.translate(None, _CONTROLS)) != len(data):
            raise DocumentRefused(f"it is not {self._media_type}: it holds control characters")
        self._texts = [each for each in self._texts if _reads(each, data, final=final)]
        if not self._texts:
            raise DocumentRefused(f"it is not {self._media_type} in UTF-8 or GB18030")

    def _look_for_entry(self, data: bytes) -> None:
        assert self._entry is not None  # noqa: S101 -- asked for with one only
        seen = self._tail + data
        if self._entry.search(seen):
            self._entry = None
        self._tail = seen[-300:]


def _entry(name: str) -> re.Pattern[bytes]:
    """Return what a zip archive says of a file of its own: signature, 22 bytes of no matter here, length, name."""
    said = name.encode("ascii")
    length = re.escape(len(said).to_bytes(2, "little"))
    return re.compile(rb"PK\x03\x04.{22}" + length + rb".{2}" + re.escape(said), re.DOTALL)


def _reads(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(data, final)
    except UnicodeDecodeError:
        return False
    return True
