"""JSON Lines of a partner: an object on each line, read line by line in constant memory."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

from xinqiao.errors import ContentRefused, Rejected
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.json.strict import read_own_value
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.mapping.compiled import record_place

__all__ = ["LinesFile", "read_lines", "reader"]

_LONGEST_LINE = 16 << 20
_CUT = Text("文件在记录中间结束，可能传输不完整", "the file ends inside a record: it may be cut")
_NO_OBJECT = Text("此行不是 JSON 对象", "the line is no JSON object")
_ONE_LINE = Text("每行写一个 JSON 对象", "write one JSON object on each line")
_WHOLE = Text("重新传送完整的文件", "send the whole file again")


class LinesFile:
    """Implements ``RecordFile``. Blank lines are no records; ``read`` parses the others."""

    root: dict[str, Any]
    layout: object = ()

    def __init__(self, file: BinaryIO, access: TreeAccess, read: Callable[[bytes], object]) -> None:
        self.root = {"File": {}}
        self.access = access
        self._file = file
        self._read = read
        self._position = 0

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._position

    def records(self) -> Iterator[RawRecord]:
        """Yield the records, once; a line that is no JSON object is its finding.

        Raises ``ContentRefused`` where the last line breaks off, and for a line of more than 16 MiB.
        """
        number = 0
        while line := self._file.readline(_LONGEST_LINE + 1):
            start, end = self._position, self._position + len(line)
            self._position = end
            if not line.strip():
                continue
            number += 1
            place = record_place(number, (start, end))
            if len(line) > _LONGEST_LINE:
                said = Text("此行超过 16 MiB", "the line is longer than 16 MiB")
                raise ContentRefused(place, findings=[Finding("format.json", place, said, partner_path=place)])
            record = self._record(line, place)
            if isinstance(record, Finding):
                if not line.endswith(b"\n"):
                    cut = Finding("format.cut", place, _CUT, fix=_WHOLE, partner_path=place)
                    raise ContentRefused(place, findings=[cut])
                yield RawRecord(number, start, end, None, (record,))
            else:
                yield RawRecord(number, start, end, record)

    def _record(self, line: bytes, place: str) -> dict[str, Any] | Finding:
        try:
            value = self._read(line)
        except Rejected as error:
            said = Text(f"{error.text.zh}：{error.detail}", f"{error.text.en}: {error.detail}")
            return Finding("format.json", place, said, fix=_ONE_LINE, partner_path=place)
        if not isinstance(value, dict):
            return Finding("format.json", place, _NO_OBJECT, fix=_ONE_LINE, partner_path=place)
        return value


def reader(charset: Charset) -> Callable[[bytes], object]:
    """Return what reads a line of a partner's own JSON."""
    return lambda line: read_own_value(line, charset.characters)


def read_lines(raw: bytes, charset: Charset) -> dict[str, Any]:
    """Return ``{"File": {}, "Record": [each line]}``.

    Raises ``ContentRefused`` with the finding of each line that is no JSON object.
    """
    file = LinesFile(BytesIO(raw), TreeAccess(), reader(charset))
    records = list(file.records())
    findings = [finding for record in records for finding in record.findings]
    if findings:
        raise ContentRefused(f"{len(findings)} of {len(records)} lines", findings=findings)
    return file.root | {"Record": [record.node for record in records]}
