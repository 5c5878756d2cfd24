"""A recording's file: exchanges are appended as they happen, read one at a time, and bound by one root hash.

Memory does not grow with a file. The root is that of RFC 6962's tree over the lines, the head included: who has it
can tell whether a recording was changed, cut or reordered.
"""

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import orjson

from xinqiao.errors import BodyTooLarge, Conflict, ContentRefused, MalformedJson, Rejected
from xinqiao.message import Json, read_json
from xinqiao.recording.masks import require_masked
from xinqiao.recording.model import Head, Recorded
from xinqiao.recording.tree import GrowingTree

__all__ = ["Recording"]

# A message of 1 MiB, its bytes in base64 and as canonical JSON, its answer and what was delivered, and some more.
_LONGEST_LINE = 16 << 20

T = TypeVar("T")


class Recording:
    """The exchanges of a run, or of real traffic. Safe to use from several threads.

    ``create`` begins one, ``open`` reads one that is there. Iterating gives what was appended before, as often as is
    asked for.
    """

    def __init__(self, path: Path, head: Head, file: IO[bytes] | None, size: int, limit: int) -> None:
        self.path = path
        self.head = head
        self._file = file
        self._size = size
        self._limit = limit
        self._count = 0
        # How many bytes are known to be masked where the head says so: that is looked at once.
        self._masked = 0
        self._tree = GrowingTree()
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, head: Head, *, limit: int = 1 << 30) -> Self:
        """Begin a recording of at most ``limit`` bytes, which nobody else may read.

        Raises ``Conflict`` where the file is there already.
        """
        try:
            file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except FileExistsError as error:
            raise Conflict(f"{path} is there already and is never overwritten; name another file") from error
        made = cls(path, head, file, 0, limit)
        made._write(head.as_json())
        return made

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a recording that is there; nothing is appended to it.

        Raises ``UnsupportedVersion``, ``ContentRefused``, ``MalformedJson`` or ``BodyTooLarge``, which say where.
        """
        size = path.stat().st_size
        line = next(_lines(path, size), None)
        if line is None:
            raise ContentRefused(f"{path}: the file is empty; a recording begins with its head")
        return cls(path, _at(path, 1, lambda: Head.from_json(read_json(line))), None, size, size)

    def append(self, recorded: Recorded) -> int:
        """Add an exchange and return its number, from 1.

        Raises ``Conflict`` where the recording is closed, ``BodyTooLarge``, and ``ContentRefused`` where it says that
        it is masked and the exchange is not.
        """
        if self.head.masked:
            require_masked(recorded)
        with self._lock:
            self._write(recorded.as_json())
            self._count += 1
            return self._count

    def _write(self, part: Json) -> None:
        if self._file is None:
            raise Conflict(f"{self.path} is closed; begin another recording")
        line = orjson.dumps(part)
        if len(line) > _LONGEST_LINE:
            raise BodyTooLarge(f"an exchange of {len(line)} bytes; at most {_LONGEST_LINE} are recorded")
        if self._size + len(line) + 1 > self._limit:
            raise BodyTooLarge(f"{self.path} holds {self._size} bytes, at most {self._limit}; begin another recording")
        self._file.write(line + b"\n")
        # Whoever iterates reads the file, and a run that is killed leaves what it saw.
        self._file.flush()
        self._size += len(line) + 1
        self._tree.add(line)

    def __iter__(self) -> Iterator[Recorded]:
        """Yield the exchanges in order.

        Raises ``ContentRefused``, ``MalformedJson`` or ``BodyTooLarge``, which say in which line.
        """
        with self._lock:
            size = self._size
        judged = size <= self._masked
        for number, line in enumerate(_lines(self.path, size)):
            if number:
                yield _at(self.path, number + 1, partial(self._recorded, line, number, judged=judged))
        self._masked = max(self._masked, size)

    def _recorded(self, line: bytes, number: int, *, judged: bool) -> Recorded:
        recorded = Recorded.from_json(read_json(line), number)
        if self.head.masked and not judged:
            require_masked(recorded)
        return recorded

    @property
    def root(self) -> str:
        """The root hash over all lines so far: ``sha256:`` and hexadecimal."""
        with self._lock:
            if self._tree.size:
                return f"sha256:{self._tree.root.hex()}"
        tree = GrowingTree()
        for line in _lines(self.path, self._size):
            tree.add(line)
        return f"sha256:{tree.root.hex()}"

    def close(self) -> str:
        """Close the file and return the root. What is closed can be read, and not appended to."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
        return self.root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lines(path: Path, size: int) -> Iterator[bytes]:
    """Yield the lines within the first ``size`` bytes, without their breaks, each of bounded length."""
    read = 0
    with path.open("rb") as file:
        for number in range(1, size + 1):
            line = file.readline(_LONGEST_LINE + 1)
            read += len(line)
            if len(line) > _LONGEST_LINE:
                raise BodyTooLarge(f"{path}, line {number}: it is longer than {_LONGEST_LINE} bytes")
            if not line.endswith(b"\n"):
                raise MalformedJson(f"{path}, line {number}: the file ends within it; it was cut off, record it anew")
            yield line[:-1]
            if read >= size:
                return


def _at(path: Path, line: int, read: Callable[[], T]) -> T:
    """Read a line; an error says which one."""
    try:
        return read()
    except Rejected as error:
        raise type(error)(f"{path}, line {line}: {error.detail}", findings=error.findings) from error
