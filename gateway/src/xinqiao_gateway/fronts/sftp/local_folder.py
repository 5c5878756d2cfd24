"""A folder of this machine as a ``Folder``: nothing outside it is ever opened.

Every part of a path is opened below the one before, links not followed (openat, ``O_NOFOLLOW``), so that who may write
into the folder cannot lead the gateway out of it, not even by a link that appears between a check and a use.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xinqiao.errors import FileRefused, SettingsInvalid
from xinqiao_gateway.fronts.sftp.folder import Entry, Kind, Sink, Source
from xinqiao_gateway.fronts.sftp.moving import move
from xinqiao_gateway.fronts.sftp.names import checked_path

__all__ = ["LocalFolder"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: to open a pipe would wait for its other end.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# More entries than this nobody reads; the partner clears its folder, or archives.
_MOST_ENTRIES = 50_000
_MODE = 0o700
# What a file system says that has no locks, as some that are mounted from elsewhere.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class _Reading:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        return os.read(self._descriptor, size)


class _Writing:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes, /) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]


class LocalFolder:
    """A folder of this machine. It is made where it is missing (0700); files are made with 0600."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # The folder itself, open, while this process holds it.
        self._held: int | None = None

    @property
    def origin(self) -> str:
        """Return whose folder it is: who may write into it was logged in by the server that serves it."""
        return f"folder of channel {self._root.name}"

    def entries(self, path: str = "") -> list[Entry]:
        """List a folder."""
        with self._opened(checked_path(path)) as folder, os.scandir(folder) as found:
            names = []
            for each in found:
                names.append(each.name)
                if len(names) > _MOST_ENTRIES:
                    raise FileRefused(f"folder {path!r} holds more than {_MOST_ENTRIES} entries; clear it")
            listed = (_entry(folder, name) for name in sorted(names))
            return [each for each in listed if each is not None]

    def stat(self, name: str) -> Entry:
        """Return what is known of a file."""
        with self._beside(name) as (folder, last):
            found = _entry(folder, last)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return found

    @contextmanager
    def read(self, name: str, offset: int = 0) -> Iterator[Source]:
        """Open a file to read."""
        with self._beside(name) as (folder, last):
            descriptor = _open(last, _READ, folder)
        try:
            _check_regular(descriptor, name)
            os.lseek(descriptor, offset, os.SEEK_SET)
            yield _Reading(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def write(self, name: str, offset: int = 0) -> Iterator[Sink]:
        """Open a file to write; it and its folder are synced at the end."""
        with self._beside(name) as (folder, last):
            descriptor = _open(last, _WRITE, folder)
            try:
                _check_regular(descriptor, name)
                if os.fstat(descriptor).st_size < offset:
                    raise OSError(errno.EINVAL, f"there are less than {offset} bytes to continue", name)
                os.ftruncate(descriptor, offset)
                os.lseek(descriptor, offset, os.SEEK_SET)
                yield _Writing(descriptor)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.fsync(folder)

    def rename(self, old: str, new: str) -> None:
        """Move a file, at once and durably."""
        with self._beside(old) as (source, before), self._beside(new) as (target, after):
            found = _entry(source, before)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, "no such file", old)
            if found.kind != "file":
                raise FileRefused(f"{old!r} is a {found.kind}, and no file")
            try:
                move(source, before, target, after)
            except FileExistsError:
                if not _same(source, before, target, after):  # else it was linked, and then the process ended
                    raise
                os.unlink(before, dir_fd=source)
                os.fsync(source)

    def remove(self, name: str) -> None:
        """Remove a file, durably."""
        with self._beside(name) as (folder, last):
            os.unlink(last, dir_fd=folder)
            os.fsync(folder)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        parts = checked_path(path)
        for number in range(1, len(parts) + 1):
            with self._opened(parts[: number - 1]) as folder:
                try:
                    os.mkdir(parts[number - 1], _MODE, dir_fd=folder)
                except FileExistsError:
                    continue
                os.fsync(folder)

    def hold(self) -> bool:
        """Lock the folder until ``close``, as far as its file system does that; False where another process has."""
        if self._held is None:
            descriptor = self._open_root()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    os.close(descriptor)
                    if error.errno == errno.EWOULDBLOCK:
                        return False
                    raise
            self._held = descriptor
        return True

    def close(self) -> None:
        """Let it go, where it was held; there is no connection."""
        descriptor, self._held = self._held, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def _opened(self, parts: tuple[str, ...]) -> Iterator[int]:
        descriptor = self._open_root()
        try:
            for part in parts:
                below = _open(part, _FOLDER, descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            self._root.mkdir(mode=_MODE, parents=True, exist_ok=True)
            return os.open(self._root, _FOLDER)
        except OSError as error:
            raise SettingsInvalid(f"{self._root} cannot be a folder for files: {error.strerror}") from error

    @contextmanager
    def _beside(self, name: str) -> Iterator[tuple[int, str]]:
        """Open the folder of a file; the file's own name goes with it."""
        parts = checked_path(name)
        if not parts:
            raise FileRefused("a file has a name, this one is empty")
        with self._opened(parts[:-1]) as folder:
            yield folder, parts[-1]


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        found = error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO} and _entry(folder, name)
        if found:
            raise FileRefused(f"{name!r} is a {found.kind}, which is not opened here") from error
        raise


def _entry(folder: int, name: str) -> Entry | None:
    """Return an entry; None for one that went meanwhile."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return Entry(name, found.st_size, found.st_mtime_ns, _kind(found.st_mode))


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"


def _check_regular(descriptor: int, name: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise FileRefused(f"{name!r} is no regular file")


def _same(source: int, before: str, target: int, after: str) -> bool:
    one = os.stat(before, dir_fd=source, follow_symlinks=False)
    other = os.stat(after, dir_fd=target, follow_symlinks=False)
    return os.path.samestat(one, other)
