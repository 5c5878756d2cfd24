"""Lists of any length in bounded memory: records in partitions, spilled to a file that only this process can read.

What is spilled is compressed and encrypted with a key that is nowhere but in memory, in a file without a name:
statements hold C2 data, and no trace of them is left on a disk.
"""

import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Spool"]

# Bytes that a partition holds in memory before they are spilled.
_BLOCK = 64 * 1024


class Spool:
    """Records (anything that JSON holds) in ``partitions`` lists; close it, or use it in a ``with``."""

    def __init__(self, partitions: int, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 -- closed by close
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._waiting: list[list[bytes]] = [[] for _ in range(partitions)]
        self._sizes = [0] * partitions
        self._blocks: list[list[tuple[int, int]]] = [[] for _ in range(partitions)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def add(self, partition: int, record: object) -> None:
        """Append a record to a partition."""
        written = orjson.dumps(record)
        self._waiting[partition].append(written)
        self._sizes[partition] += len(written)
        if self._sizes[partition] >= _BLOCK:
            self._spill(partition)

    def _spill(self, partition: int) -> None:
        plain = zlib.compress(b"\n".join(self._waiting[partition]), 1)
        at = self._file.seek(0, os.SEEK_END)
        content = self._cipher.encrypt(at.to_bytes(12, "big"), plain, None)
        self._file.write(content)
        self._blocks[partition].append((at, len(content)))
        self._waiting[partition] = []
        self._sizes[partition] = 0

    def records(self, partition: int) -> Iterator[Any]:
        """Yield the records of a partition in the order in which they were added, as often as wanted."""
        for at, length in self._blocks[partition]:
            self._file.seek(at)
            content = self._cipher.decrypt(at.to_bytes(12, "big"), self._file.read(length), None)
            yield from map(orjson.loads, zlib.decompress(content).split(b"\n"))
        yield from map(orjson.loads, self._waiting[partition])
