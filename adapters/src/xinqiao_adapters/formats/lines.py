"""The lines of a file as bytes with their places, one at a time; a line is never held longer than it may be."""

from typing import BinaryIO, NamedTuple

from xinqiao_adapters.formats.encoding import Charset

__all__ = ["Line", "Lines"]

_CHUNK = 1 << 16


class Line(NamedTuple):
    """A line without its end: ``content`` is its beginning, ``size`` its bytes, ``start`` where it begins."""

    start: int
    content: bytes
    size: int

    @property
    def end(self) -> int:
        """Return where the line ends, exclusive, its line break not counted."""
        return self.start + self.size


class Lines:
    """Reads lines that end with CRLF or LF; the last one may have no end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.position = 0

    def skip_mark(self, charset: Charset) -> None:
        """Go past a byte order mark at the beginning. Raises ``WrongEncoding`` for that of another encoding."""
        self.position = charset.mark(self._file.read(4))
        self._file.seek(self.position)

    def next(self, most: int) -> Line | None:
        """Return the next line, None at the end of the file; of one longer than ``most`` bytes the beginning."""
        start = self.position
        read = self._file.readline(most + 2)
        self.position = start + len(read)
        if read.endswith(b"\r\n"):
            content = read[:-2]
        elif read.endswith(b"\n"):
            content = read[:-1]
        elif len(read) == most + 2:
            return Line(start, read[:most], self._rest(read) - start)
        elif read:
            content = read.removesuffix(b"\r")
        else:
            return None
        return Line(start, content, len(content))

    def _rest(self, before: bytes) -> int:
        """Read to the end of an overlong line and return where its content ends."""
        while read := self._file.readline(_CHUNK):
            self.position += len(read)
            if read.endswith(b"\n"):
                return self.position - 1 - (before + read).endswith(b"\r\n")
            before = read
        return self.position
