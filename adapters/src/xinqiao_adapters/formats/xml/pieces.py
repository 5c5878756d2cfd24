"""The bytes of an XML file as pieces of UTF-8, under the rules by which a whole document's are read."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from xinqiao_adapters.formats.encoding import Characters, Charset
from xinqiao_adapters.formats.spec import XmlSpec
from xinqiao_adapters.formats.xml.document import SIBLINGS, refuse_document_type, without_declaration
from xinqiao_adapters.formats.xml.encoding import either, sniffed

__all__ = ["Pieces"]

_PIECE = 1 << 16


class Pieces:
    """Iterates over a file once; ``position`` is how many of its bytes are read.

    ``references`` says that a character reference came: it may have brought a private-use character.
    """

    def __init__(self, file: BinaryIO, spec: XmlSpec, characters: Characters, charset: str | None) -> None:
        self.position = 0
        self.references = False
        self._file = file
        self._spec = spec
        self._characters = characters
        self._charset = charset

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces.

        Raises ``WrongEncoding`` (with the byte; at the end for undeclared bytes that two encodings could be),
        ``ForbiddenXml`` for a document type.
        """
        contents = self._contents()
        head = next(contents)
        refuse_document_type(head)
        around = (f"<{SIBLINGS}>".encode(), f"</{SIBLINGS}>".encode()) if self._spec.siblings else (b"", b"")
        yield around[0] + (without_declaration(head) if self._spec.siblings else head)
        yield from contents
        yield around[1]

    def _contents(self) -> Iterator[bytes]:
        raw = self._file.read(_PIECE)
        name, mark, declared = sniffed(raw, self._spec.encoding, self._charset)
        charset = Charset(name, self._characters)
        decoder = charset.decoder(mark)
        doubt = None if declared or charset.codec == "utf-8" else _Doubt()
        start = mark
        while True:
            self.position += len(raw)
            text = decoder.decode(raw[start:], final=not raw)
            if doubt is not None and not doubt.feed(raw[start:]):
                doubt = None
            content = text.encode("utf-8")
            self.references = self.references or b"&#" in content or content.endswith(b"&")
            yield content
            if not raw:
                break
            raw, start = self._file.read(_PIECE), 0
        if doubt is not None and doubt.foreign:
            raise either(self._spec.encoding)


class _Doubt:
    """Whether bytes in pieces may be UTF-8; ``foreign`` where some are not ASCII."""

    def __init__(self) -> None:
        self.foreign = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, raw: bytes) -> bool:
        """Whether all bytes so far may be UTF-8; no bytes say that there are no more."""
        try:
            self.foreign = not self._decoder.decode(raw, final=not raw).isascii() or self.foreign
        except UnicodeDecodeError:
            return False
        return True
