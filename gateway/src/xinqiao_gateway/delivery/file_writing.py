"""Writing one file into a folder, so that who looks there sees nothing of it, or all: the steps, each by itself.

Runs in a thread, since folders block. What a step raises says that it has not come through: ``OSError``,
``FileRefused``, ``DestinationDown`` or a ``ConfigurationError``; see ``Folder``.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from xinqiao.errors import Conflict, DestinationDown
from xinqiao_adapters.docking.login import Permissions
from xinqiao_adapters.docking.push import OutgoingFiles
from xinqiao_gateway.fronts.sftp.folder import BLOCK, Folder
from xinqiao_gateway.journal.outgoing import OutgoingFile

__all__ = ["FileWriting", "Look"]

# What is under a file's name: it itself, nothing while it still has its temporary name, something else, or nothing.
Look = Literal["there", "unnamed", "other", "gone"]
# Bytes a second: who is slower than this is down.
_SLOWEST = 65_536


@dataclass(frozen=True, slots=True)
class FileWriting:
    """How one channel's files are written. ``below`` is the folder within ``folder``, ``timeout`` that of a push."""

    folder: Folder
    below: str
    files: OutgoingFiles
    permissions: Permissions
    timeout: float
    ticks: Callable[[], float] = time.monotonic

    def allowed(self, size: int) -> float:
        """Return how many seconds one step with a file of a size may take."""
        return self.timeout + size / _SLOWEST

    @property
    def in_place(self) -> bool:
        """Whether files are written under their own name, since nothing can be renamed there."""
        return not self.permissions.rename

    def look(self, file: OutgoingFile) -> Look:
        """Return what is under a file's name; what may not be looked at is not seen to be there."""
        try:
            found = self.folder.stat(self._path(file.name))
            if found.kind != "file" or found.size != file.size:
                return "other"
            return "there" if self._digest(self._path(file.name), file.size) == file.digest else "other"
        except FileNotFoundError:
            return "unnamed" if not self.in_place and self._is_there(self._temporary(file)) else "gone"
        except PermissionError:
            return "gone"

    def is_gone(self, file: OutgoingFile) -> bool:
        """Say whether nothing has the file's name any more."""
        return not self._is_there(self._path(file.name))

    def write(self, file: OutgoingFile, parts: Sequence[bytes]) -> None:
        """Write the bytes, under a temporary name where that can be."""
        self.folder.make_folder(self.below)
        self._write(self._path(file.name) if self.in_place else self._temporary(file), parts, file.size)

    def name(self, file: OutgoingFile) -> None:
        """Give what was written its name. Raises ``Conflict`` where something has it already."""
        if not self.in_place:
            self._rename(self._temporary(file), self._path(file.name))

    def tell(self, file: OutgoingFile, manifest: bytes | None) -> None:
        """Write what is in the file, then that it is finished. Done again, it changes nothing."""
        if manifest is not None and self.files.manifest:
            self._place(file.name + self.files.manifest, manifest)
        if self.files.mark:
            self._place(file.name + self.files.mark, b"")

    def _place(self, name: str, content: bytes) -> None:
        """Put a small file under its name. Raises ``Conflict`` where another one has it."""
        self.folder.make_folder(self.below)
        path = self._path(name)
        if self._is_there(path):
            if self._digest(path, len(content)) != hashlib.sha256(content).hexdigest():
                raise Conflict(f"there is another {name}")
            return
        if self.in_place:
            self._write(path, [content], len(content))
            return
        temporary = path + self.files.temporary
        self._write(temporary, [content], len(content))
        self._rename(temporary, path)

    def _rename(self, old: str, new: str) -> None:
        try:
            self.folder.rename(old, new)
        except FileExistsError as error:
            raise Conflict(f"there is another {new.rpartition('/')[2]}") from error

    def _write(self, path: str, parts: Sequence[bytes], size: int) -> None:
        ends = self.ticks() + self.allowed(size)
        with self.folder.write(path) as sink:
            for part in parts:
                for at in range(0, len(part), BLOCK):
                    if self.ticks() > ends:
                        raise DestinationDown(f"writing took longer than {self.allowed(size):.0f} s")
                    sink.write(part[at : at + BLOCK])

    def _digest(self, path: str, size: int) -> str:
        """Return the digest of what is there, of one byte more than there should be at the most."""
        digest, left = hashlib.sha256(), size + 1
        ends = self.ticks() + self.allowed(size)
        with self.folder.read(path) as source:
            while left > 0 and (block := source.read(min(BLOCK, left))):
                if self.ticks() > ends:
                    raise DestinationDown(f"reading back took longer than {self.allowed(size):.0f} s")
                digest.update(block)
                left -= len(block)
        return digest.hexdigest()

    def _is_there(self, path: str) -> bool:
        with suppress(FileNotFoundError):
            self.folder.stat(path)
            return True
        return False

    def _path(self, name: str) -> str:
        return f"{self.below}/{name}" if self.below else name

    def _temporary(self, file: OutgoingFile) -> str:
        return self._path(file.name) + self.files.temporary
