"""The index file: which data files belong to one delivery."""

import io
from dataclasses import dataclass

from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.lines import Lines
from xinqiao_adapters.formats.ofd.header import END, WIDTHS, padded, truncated

__all__ = ["Index", "read_index", "write_index"]

_MARK = "OFDCFIDX"
_CHARSET = Charset("GB18030")
_LONGEST = 400
_VALUES = ("Version", "Creator", "Receiver", "Date")


@dataclass(frozen=True, slots=True)
class Index:
    """An index file; ``day`` is written yyyymmdd, ``names`` are those of the data files."""

    version: str
    creator: str
    receiver: str
    day: str
    names: tuple[str, ...]


def read_index(raw: bytes) -> Index:
    """Read an index file of any version, padded or not.

    Raises ``ContentRefused`` where it is none, where the number of names is wrong and where its end is missing;
    ``WrongEncoding`` for bytes that are not GB18030.
    """
    lines = Lines(io.BytesIO(raw))
    texts = []
    while (line := lines.next(_LONGEST)) is not None:
        texts.append(_CHARSET.decode(line.content, line.start).strip())
    while texts and not texts[-1].strip("\x1a"):
        texts.pop()
    if not texts or texts[-1] != END:
        raise truncated(lines.position)
    mark, values, names = texts[0], texts[1:5], texts[6:-1]
    if mark != _MARK or len(texts) < 7 or values[0] not in WIDTHS:
        said = Text(
            f"不是索引文件，应以 {_MARK} 和版本开头", f"this is no index file: it begins with {_MARK}, a version"
        )
        raise refused("format.header", "File", said, value=mark, expected=_MARK)
    if texts[5].lstrip("0") != (str(len(names)) if names else ""):
        said = Text(
            f"索引文件列出 {len(names)} 个文件，与所载个数不符", f"the index names {len(names)} files, not its number"
        )
        raise refused("format.record_count", "File/FileCount", said, value=texts[5], expected=str(len(names)))
    return Index(values[0], values[1], values[2], values[3], tuple(names))


def write_index(index: Index, end: str = "\r\n") -> bytes:
    """Return an index file. Raises ``ContentRefused`` for a value that its version cannot hold."""
    widths = WIDTHS[index.version]
    values = (index.version, index.creator, index.receiver, index.day)
    columns = (widths.version, widths.party, widths.party, widths.date)
    parts = zip(values, columns, _VALUES, strict=True)
    lines = [padded(value, width, name, _CHARSET) for value, width, name in parts]
    count = padded(str(len(index.names)).rjust(widths.files, "0"), widths.files, "FileCount", _CHARSET)
    names = [padded(name, _LONGEST, "FileName", _CHARSET).rstrip() for name in index.names]
    ended = [_MARK.encode("ascii"), *lines, count, *names, END.encode("ascii")]
    return b"".join(line + end.encode("ascii") for line in ended)
