"""The port for where documents are kept, and the default: a local directory.

A store keeps encrypted bytes under names such as ``content/ab/cd/…``; it knows nothing of what they are.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

__all__ = ["Directory", "DocumentStore", "Writing"]

_INCOMING = ".incoming"


class Writing(Protocol):
    """A blob that is being written; nobody sees it before ``keep``."""

    def write(self, data: bytes) -> None:
        """Append bytes. Raises ``OSError``."""

    def keep(self, name: str, head: bytes = b"") -> None:
        """Put ``head`` into the room at its beginning, make it durable, then visible. Raises ``OSError``."""

    def discard(self) -> None:
        """Forget it. Does nothing after ``keep``."""


class DocumentStore(Protocol):
    """Where blobs are kept. What a name leads to is whole; a name kept again is replaced at once."""

    def begin(self, room: int = 0) -> Writing:
        """Begin a blob whose first ``room`` bytes come last. Raises ``OSError``."""

    def open(self, name: str) -> BinaryIO:
        """Open a blob to read. Raises ``FileNotFoundError``."""

    def exists(self, name: str) -> bool:
        """Say whether there is such a blob."""

    def size(self, name: str) -> int:
        """Return its size in bytes. Raises ``FileNotFoundError``."""

    def remove(self, name: str) -> None:
        """Remove it for good; nothing happens where there is none."""

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the names below a prefix, sorted within each folder."""

    def free(self) -> int:
        """Return how many bytes can still be written."""

    def sweep(self) -> int:
        """Remove what writers that are gone left behind; return how many."""


class _File:
    """A temporary file, locked while its writer lives, so that ``sweep`` tells what was left behind."""

    def __init__(self, root: Path, room: int) -> None:
        self._root = root
        descriptor, path = tempfile.mkstemp(dir=_folder(root / _INCOMING, root))
        self._path = Path(path)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._open = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.write(b"\0" * room)
        except OSError:
            self.discard()
            raise

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def keep(self, name: str, head: bytes = b"") -> None:
        self._file.seek(0)
        self.write(head)
        os.fsync(self._file.fileno())
        target = self._root / name
        folder = _folder(target.parent, self._root)
        self._path.replace(target)
        self._open = False
        self._file.close()
        _sync(folder)

    def discard(self) -> None:
        if self._open:
            self._open = False
            # What cannot be removed now is found by the next sweep.
            with suppress(OSError):
                self._path.unlink()
            self._file.close()


class Directory:
    """A store in a local directory (0700, files 0600): temporary name, fsync, rename, fsync of the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self, room: int = 0) -> Writing:
        """Begin a file in ``.incoming``."""
        return _File(self.root, room)

    def open(self, name: str) -> BinaryIO:
        """Open a file to read."""
        return (self.root / name).open("rb")

    def exists(self, name: str) -> bool:
        """Say whether the file is there."""
        return (self.root / name).is_file()

    def size(self, name: str) -> int:
        """Return the file's size."""
        return (self.root / name).stat().st_size

    def remove(self, name: str) -> None:
        """Remove the file, durably."""
        with suppress(FileNotFoundError):
            (self.root / name).unlink()
            _sync((self.root / name).parent)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the names of files below a folder."""
        for folder, folders, files in os.walk(self.root / prefix):
            folders.sort()
            yield from ((Path(folder) / name).relative_to(self.root).as_posix() for name in sorted(files))

    def free(self) -> int:
        """Return what the file system has left."""
        return shutil.disk_usage(_folder(self.root, self.root)).free

    def sweep(self) -> int:
        """Remove temporary files that nobody holds a lock on."""
        paths = list((self.root / _INCOMING).glob("*"))
        return sum(_left_behind(path) for path in paths)


def _left_behind(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    return False


def _folder(path: Path, root: Path) -> Path:
    """Return a folder at or below the root, made where it is missing, durably."""
    if not path.is_dir():
        if path != root:
            _folder(path.parent, root)
        path.mkdir(mode=0o700, parents=path == root, exist_ok=True)
        _sync(path.parent)
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
