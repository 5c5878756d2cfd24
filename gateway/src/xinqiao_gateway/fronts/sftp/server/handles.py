"""What a session has open: uploads, downloads and listings, by the handles that its client names them with."""

import os
from collections.abc import Iterator
from itertools import islice

from xinqiao_gateway.fronts.sftp.server.layout import Path
from xinqiao_gateway.fronts.sftp.server.upload import Upload
from xinqiao_gateway.fronts.sftp.server.wire import BLOCK, Attributes, Fault, Status

__all__ = ["Download", "Handles", "Listing"]

# Names in one answer.
_PAGE = 100


class Download:
    """A file that is read; ``sent`` counts the bytes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor
        self.sent = 0

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes at an offset; none at the end."""
        content = os.pread(self._descriptor, min(size, BLOCK), offset)
        self.sent += len(content)
        return content

    def attributes(self) -> os.stat_result:
        """Return what is known of it."""
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


class Listing:
    """A folder that is listed, as it was when that began."""

    def __init__(self, entries: list[tuple[str, Attributes]]) -> None:
        self._left: Iterator[tuple[str, Attributes]] = iter(entries)

    def page(self) -> list[tuple[str, Attributes]]:
        """Return the next names; none at the end."""
        return list(islice(self._left, _PAGE))


Opened = Download | Upload | Listing


class Handles:
    """Handles, and what each stands for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._opened: dict[bytes, Opened] = {}
        self._made = 0

    def check_room(self) -> None:
        """Raise ``Fault`` where so many are open that there can be no more."""
        if len(self._opened) >= self.most:
            raise Fault(Status.FAILURE, f"{self.most} files and folders are open, the most there may be")

    def keep(self, opened: Opened) -> bytes:
        """Return a handle for what was opened."""
        self._made += 1
        handle = self._made.to_bytes(8, "big")
        self._opened[handle] = opened
        return handle

    def drop(self, handle: bytes) -> Opened:
        """Return what a handle stood for; it stands for nothing from now on."""
        opened = self._found(handle)
        del self._opened[handle]
        return opened

    def drop_all(self) -> list[Opened]:
        """Return all that was open."""
        opened = list(self._opened.values())
        self._opened.clear()
        return opened

    def upload(self, handle: bytes) -> Upload:
        """Return an upload. Raises ``Fault`` where the handle is not for one."""
        opened = self._found(handle)
        if not isinstance(opened, Upload):
            raise Fault(Status.DENIED, "it is not open to be written")
        return opened

    def download(self, handle: bytes) -> Download:
        """Return a download. Raises ``Fault`` where the handle is not for one."""
        opened = self._found(handle)
        if not isinstance(opened, Download):
            raise Fault(Status.DENIED, "it is not open to be read")
        return opened

    def listing(self, handle: bytes) -> Listing:
        """Return a listing. Raises ``Fault`` where the handle is not for one."""
        opened = self._found(handle)
        if not isinstance(opened, Listing):
            raise Fault(Status.FAILURE, "it is no folder")
        return opened

    def file(self, handle: bytes) -> Download | Upload:
        """Return a file, however it is open. Raises ``Fault`` where the handle is for a folder."""
        opened = self._found(handle)
        if isinstance(opened, Listing):
            raise Fault(Status.FAILURE, "it is no file")
        return opened

    def _found(self, handle: bytes) -> Opened:
        if (opened := self._opened.get(handle)) is None:
            raise Fault(Status.FAILURE, "no such handle")
        return opened
