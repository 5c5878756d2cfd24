"""A channel's folder as its partner sees it: listed, read, written, renamed, removed, and never left.

Every folder is opened below the one before, links not followed; a link is neither shown nor opened. An upload lies in
``.uploads`` until its client closes it: nobody who looks into the inbox ever meets a half of a file, and what a lost
connection left is there for the partner to go on with. Methods block.
"""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path as FilePath

from xinqiao_gateway.fronts.sftp.moving import move
from xinqiao_gateway.fronts.sftp.server.layout import Layout, Path
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings
from xinqiao_gateway.fronts.sftp.server.room import Room
from xinqiao_gateway.fronts.sftp.server.upload import Upload
from xinqiao_gateway.fronts.sftp.server.wire import Attributes, Fault, Open, Status

__all__ = ["UPLOADS", "Home", "attributes_of"]

UPLOADS = (".uploads",)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: to open a pipe would wait for its other end.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MODE = 0o700
_MOST_LISTED = 60_000


class Home:
    """What one channel's partner sees. All its connections share one, so that no two write the same file."""

    def __init__(self, root: FilePath, layout: Layout, limits: SftpSettings) -> None:
        self.root, self.layout = root, layout
        self.room = Room(limits, self._free)
        self._uploading: set[str] = set()
        self._lock = threading.Lock()

    def make(self) -> None:
        """Make the folders that are missing. Raises ``OSError``."""
        self.root.mkdir(mode=_MODE, parents=True, exist_ok=True)
        for path in (UPLOADS, *self.layout.folders):
            for number in range(1, len(path) + 1):
                with self._opened(path[: number - 1]) as above, suppress(FileExistsError):
                    os.mkdir(path[number - 1], _MODE, dir_fd=above)
        self._sweep()

    def attributes(self, path: Path) -> Attributes:
        """Return what is known of a folder or a file; of an upload that waits, how far it came."""
        if self.layout.is_folder(path):
            with self._opened(path) as folder:
                return attributes_of(os.fstat(folder))
        found = self._found(path)
        if found is None:
            raise Fault(Status.NO_SUCH_FILE, "no such file")
        return attributes_of(found)

    def listed(self, path: Path) -> list[tuple[str, Attributes]]:
        """List a folder, sorted."""
        if not self.layout.is_folder(path):
            raise Fault(Status.NO_SUCH_FILE, "no such folder")
        found = {name: self.attributes((*path, name)) for name in self.layout.subfolders(path)}
        if path in self.layout.folders:
            found = dict(self._files(path)) | found
        if path == self.layout.inbox:
            found = dict(self._files(UPLOADS)) | found
        return sorted(found.items())

    def open_to_read(self, path: Path) -> int:
        """Open a file that is whole; the descriptor is the caller's to close."""
        folder, name = self._place(path)
        with self._opened(folder) as opened:
            descriptor = os.open(name, _READ, dir_fd=opened)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Fault(Status.NO_SUCH_FILE, "no such file")
        return descriptor

    def open_to_write(self, path: Path, how: Open) -> Upload:
        """Begin an upload, or go on with one that was broken off. What is whole is never written to."""
        folder, name = self._place(path)
        if folder != self.layout.inbox:
            raise Fault(Status.DENIED, f"files are put into /{'/'.join(self.layout.inbox)}")
        with self._lock:
            if name in self._uploading:
                raise Fault(Status.FAILURE, "another connection is uploading it")
            self._uploading.add(name)
        try:
            return self._begun(name, how)
        except BaseException:
            self._uploading.discard(name)
            raise

    def finish(self, upload: Upload) -> str:
        """Make an upload a file of the inbox, durably; return its digest. Raises ``Fault`` where the name is taken."""
        try:
            digest = upload.complete()
            self._move(UPLOADS, upload.name, self.layout.inbox, upload.name)
        finally:
            self.leave(upload)
        return digest

    def leave(self, upload: Upload) -> None:
        """Leave an upload as far as it came."""
        upload.close()
        self._uploading.discard(upload.name)

    def rename(self, old: Path, new: Path) -> None:
        """Move a file within the inbox, or from ``out`` to ``done``; nothing is ever replaced."""
        (source, before), (target, after) = self._place(old), self._place(new)
        layout = self.layout
        if (source, target) not in {(layout.inbox, layout.inbox), (layout.out, layout.done)}:
            raise Fault(
                Status.DENIED, f"a file is renamed in /{_said(layout.inbox)}, or moved to /{_said(layout.done)}"
            )
        if source == layout.inbox and self._stat(source, before) is None and self._stat(UPLOADS, before) is not None:
            raise Fault(Status.FAILURE, "its upload was broken off; go on with it first")
        if target == layout.inbox and self._stat(UPLOADS, after) is not None:
            raise Fault(Status.FAILURE, "an upload of that name was broken off; go on with it, or remove it")
        self._move(source, before, target, after)

    def remove(self, path: Path) -> None:
        """Remove a file, durably; in the inbox also an upload that was broken off."""
        folder, name = self._place(path)
        if folder == self.layout.results:
            raise Fault(Status.DENIED, "results stay")
        if name in self._uploading and folder == self.layout.inbox:
            raise Fault(Status.FAILURE, "another connection is uploading it")
        if folder == self.layout.inbox and self._stat(folder, name) is None:
            folder = UPLOADS
        if self._stat(folder, name) is None:
            raise Fault(Status.NO_SUCH_FILE, "no such file")
        with self._opened(folder) as opened:
            os.unlink(name, dir_fd=opened)
            os.fsync(opened)

    def _sweep(self) -> None:
        """Take away the second names of uploads that were whole when the process ended: see ``move``.

        Else the next upload of the name would be written over the file that the first one became.
        """
        with self._opened(UPLOADS) as uploads, os.scandir(uploads) as entries:
            for name in [each.name for each in entries]:
                found = _regular(uploads, name)
                if found is not None and found.st_nlink > 1 and name not in self._uploading:
                    os.unlink(name, dir_fd=uploads)

    def _begun(self, name: str, how: Open) -> Upload:
        if self._stat(self.layout.inbox, name) is not None:
            raise Fault(Status.FAILURE, "it is there already; remove it, or take another name")
        begun = self._stat(UPLOADS, name)
        if begun is None and not how & Open.CREATE:
            raise Fault(Status.NO_SUCH_FILE, "no such file")
        if begun is not None and how & Open.EXCLUSIVE:
            raise Fault(Status.FAILURE, "an upload of it was broken off; go on with it, or remove it")
        self.room.measure(self._sizes(), is_new=begun is None)
        with self._opened(UPLOADS) as uploads:
            return Upload.begin(name, uploads, self.room, how)

    def _place(self, path: Path) -> tuple[Path, str]:
        """Return the folder and the name of a file that the partner may name."""
        folder, name = path[:-1], path[-1] if path else ""
        if folder not in self.layout.folders or self.layout.is_folder(path):
            raise Fault(Status.DENIED, "a file is in one of the folders " + ", ".join(map(_said, self.layout.folders)))
        if not self.layout.shows(folder, name):
            raise Fault(Status.NO_SUCH_FILE, "no such file")
        return folder, name

    def _found(self, path: Path) -> os.stat_result | None:
        if path[:-1] not in self.layout.folders or not self.layout.shows(path[:-1], path[-1]):
            return None
        found = self._stat(path[:-1], path[-1])
        if found is None and path[:-1] == self.layout.inbox:
            return self._stat(UPLOADS, path[-1])
        return found

    def _files(self, path: Path) -> Iterator[tuple[str, Attributes]]:
        with self._opened(path) as folder, os.scandir(folder) as entries:
            for number, each in enumerate(entries):
                if number > _MOST_LISTED:
                    raise Fault(Status.FAILURE, f"the folder holds more than {_MOST_LISTED} entries")
                if (path == UPLOADS or self.layout.shows(path, each.name)) and (found := _regular(folder, each.name)):
                    yield each.name, attributes_of(found)

    def _sizes(self) -> Iterator[int]:
        for path in (self.layout.inbox, UPLOADS):
            yield from (each.size for _, each in self._files(path))

    def _stat(self, folder: Path, name: str) -> os.stat_result | None:
        with self._opened(folder) as opened:
            return _regular(opened, name)

    def _free(self) -> int:
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def _move(self, source: Path, before: str, target: Path, after: str) -> None:
        """Move a file, durably. Raises ``Fault`` where there is none, or one of the new name."""
        with self._opened(source) as one, self._opened(target) as other:
            if _regular(one, before) is None:
                raise Fault(Status.NO_SUCH_FILE, "no such file")
            try:
                move(one, before, other, after)
            except FileExistsError as error:
                raise Fault(Status.FAILURE, "there is a file of that name") from error

    @contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        descriptor = os.open(self.root, _FOLDER)
        try:
            for part in path:
                below = os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


def _regular(folder: int, name: str) -> os.stat_result | None:
    """Return what is known of a regular file; all else is not there."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
            return None
        raise
    return found if stat.S_ISREG(found.st_mode) else None


def attributes_of(found: os.stat_result) -> Attributes:
    """Return what a client is told of a file or a folder."""
    return Attributes(found.st_size, found.st_mode, int(found.st_mtime) & 0xFFFF_FFFF)


def _said(path: Path) -> str:
    return "/".join(path)
