"""One upload: bytes that are appended, digested on their way, and durable before anybody is told that they are."""

import asyncio
import hashlib
import os
from typing import Self

from xinqiao_gateway.fronts.sftp.server.room import Room
from xinqiao_gateway.fronts.sftp.server.wire import BLOCK, Fault, Open, Status

__all__ = ["Upload"]

# How far writing to the disk may be behind; it is begun in between, so that the end need not wait for all of it.
FLUSH = 16 * 1024 * 1024


class Upload:
    """A file that grows in ``.uploads``. It is closed by ``complete`` or ``close``."""

    def __init__(self, name: str, descriptor: int, room: Room, *, appends: bool) -> None:
        self.name, self.size = name, os.fstat(descriptor).st_size
        self._descriptor, self._room, self._appends = descriptor, room, appends
        self._digest, self._digested = hashlib.sha256(), 0
        self._flushed = self.size
        self._flushing: asyncio.Future[None] | None = None
        self._is_open = True
        self._is_short = False

    @classmethod
    def begin(cls, name: str, folder: int, room: Room, how: Open) -> Self:
        """Open it below a folder; what is there of it stays unless it is to be cut."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        flags |= os.O_TRUNC if how & Open.TRUNCATE else 0
        return cls(name, os.open(name, flags, 0o600, dir_fd=folder), room, appends=bool(how & Open.APPEND))

    def write(self, offset: int, data: memoryview) -> None:
        """Write at an offset, at most at the end: what was broken off has no holes. Raises ``Fault``, ``OSError``.

        Once that failed there is a part missing, so that it is not whole when it is closed.
        """
        try:
            self._put(offset, data)
        except (Fault, OSError):
            self._is_short = True
            raise

    def _put(self, offset: int, data: memoryview) -> None:
        start = self.size if self._appends else offset
        if start > self.size:
            raise Fault(Status.FAILURE, f"{self.size} bytes are here; go on from there")
        end = start + len(data)
        if end > self.size:
            self._room.grow(end, end - self.size)
        self._digest_next(start, data)
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], start + written)
        self.size = max(self.size, end)

    def begin_flush(self) -> None:
        """Begin to write to the disk where so much has come that it is time to, unless that is under way."""
        if self.size - self._flushed < FLUSH or (self._flushing is not None and not self._flushing.done()):
            return
        self._flushed = self.size
        # A copy of the descriptor: this one may be closed meanwhile, and its number be another file's.
        copy = os.dup(self._descriptor)
        self._flushing = asyncio.get_running_loop().run_in_executor(None, _flush, copy)

    async def flushed(self) -> None:
        """Wait for what was begun. Raises ``OSError``, which the disk tells but once."""
        if self._flushing is not None:
            await self._flushing

    def attributes(self) -> os.stat_result:
        """Return what is known of it."""
        return os.fstat(self._descriptor)

    def complete(self) -> str:
        """Write all of it to the disk; return its digest (SHA-256, hex). Raises ``Fault`` where it is not whole."""
        if self._is_short:
            raise Fault(Status.FAILURE, f"a part was refused; {self.size} bytes are here, go on from there")
        os.fsync(self._descriptor)
        while self._digested < self.size:
            self._digest_next(self._digested, memoryview(os.pread(self._descriptor, BLOCK, self._digested)))
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close it, as far as it came."""
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)

    def _digest_next(self, start: int, data: memoryview) -> None:
        """Digest what follows what is digested; where that is written over, all is read again at the end."""
        if start < self._digested:
            self._digest, self._digested = hashlib.sha256(), 0
        if start == self._digested:
            self._digest.update(data)
            self._digested += len(data)


def _flush(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
