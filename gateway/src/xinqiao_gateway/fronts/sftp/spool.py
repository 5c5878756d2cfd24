"""The spool: where a file lies while it is fetched and taken. A fetch that broke goes on from where it was.

A file is fetched as it was listed: one that changes meanwhile is discarded, and comes again at the next look.
"""

import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from xinqiao.errors import DestinationDown, FileRefused, Overloaded
from xinqiao_gateway.fronts.sftp.folder import BLOCK, Folder
from xinqiao_gateway.fronts.sftp.taking import Facts

__all__ = ["SMALL", "Spool", "Stopped", "read_small"]

# Bytes of a manifest or an index.
SMALL = 1_000_000
# A fetch may take ten minutes, and as long as 50 kB a second need beside; then it is broken off, and goes on later.
_LEAST_TIME = 600.0
_LEAST_SPEED = 50_000.0


class Stopped(Exception):
    """The gateway stops; what was fetched so far stays."""


class Spool:
    """The spool of one channel. ``least_free`` bytes of the disk are never used."""

    def __init__(self, root: Path, least_free: Callable[[], int], stopping: threading.Event) -> None:
        self._root = root
        self._least_free = least_free
        self._stopping = stopping

    def path(self, facts: Facts) -> Path:
        """Return where a file is fetched to."""
        known = f"{facts.channel_id}\n{facts.name}\n{facts.size}\n{facts.modified}"
        return self._root / hashlib.sha256(known.encode()).hexdigest()[:32]

    def fetch(self, folder: Folder, name: str, facts: Facts) -> str | None:
        """Fetch a file and return its SHA-256 (hex); None where it is not as it was listed.

        Raises ``Overloaded`` where there is no room, ``Stopped``, and what ``Folder`` raises.
        """
        path = self.path(facts)
        self._make_root()
        have = path.stat().st_size if path.exists() else 0
        if have > facts.size:
            path.unlink()
            have = 0
        self._check_room(facts.size - have)
        if have < facts.size:
            self._copy(folder, name, path, facts.size, have)
        path.touch(mode=0o600)  # one without bytes, too
        again = folder.stat(name)
        if (again.kind, again.size, again.modified) != ("file", facts.size, facts.modified):
            path.unlink()
            return None
        if path.stat().st_size < facts.size:
            raise DestinationDown(f"the server gave {path.stat().st_size} bytes of {facts.size}")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self, facts: Facts) -> None:
        """Remove what was fetched of a file."""
        self.path(facts).unlink(missing_ok=True)

    def sweep(self, keep: Collection[Facts]) -> None:
        """Remove what was fetched of files that are not there any more."""
        kept = {self.path(each) for each in keep}
        for path in self._root.iterdir() if self._root.is_dir() else ():
            if path not in kept:
                path.unlink()

    def _copy(self, folder: Folder, name: str, path: Path, size: int, have: int) -> None:
        ends = time.monotonic() + _LEAST_TIME + size / _LEAST_SPEED
        try:
            with folder.read(name, have) as source, open(path, "ab", opener=_private) as target:
                while have < size and (data := source.read(min(BLOCK, size - have))):
                    have += target.write(data)
                    if self._stopping.is_set():
                        raise Stopped
                    if time.monotonic() > ends:
                        raise DestinationDown(f"{size} bytes take longer than {_LEAST_SPEED:.0f} bytes a second would")
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise Overloaded(f"{self._root}: the disk is full") from error
            raise

    def _make_root(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _check_room(self, size: int) -> None:
        free, least = shutil.disk_usage(self._root).free, self._least_free()
        if free - size < least:
            raise Overloaded(f"{self._root}: {size} bytes do not fit: {free} are free, of which {least} stay free")


def read_small(folder: Folder, name: str) -> bytes:
    """Read a manifest or an index. Raises ``FileRefused`` for one of more than ``SMALL`` bytes."""
    read, parts = 0, []
    with folder.read(name) as source:
        while read <= SMALL and (data := source.read(SMALL + 1 - read)):
            read += len(data)
            parts.append(data)
    if read > SMALL:
        raise FileRefused(f"{name!r} has more than {SMALL} bytes, which is too many for a manifest or an index")
    return b"".join(parts)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
