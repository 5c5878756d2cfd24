"""The port for where batch files lie: a folder of this machine, or one on a partner's SFTP server.

It moves bytes and names, and knows nothing of what is in a file, or when one is finished. Methods block: call them in a
thread, one at a time for each folder. A name is a path below the folder, ``in/orders.csv``, without ``..``.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["BLOCK", "UNSURE", "Entry", "Folder", "Kind", "Sink", "Source"]

# As many bytes as are worth asking for at once; larger blocks broke OpenSSH at 256 KiB.
BLOCK = 255 * 1024
# As many bytes are under way at once: the last ones of a write that broke may have holes.
UNSURE = 4 * 1024 * 1024

Kind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing: ``name`` without its folder, ``size`` in bytes.

    ``modified`` is by the clock of whoever keeps the file: it is good for telling a change, never for telling an age.
    Only a ``file`` may be read: a link could lead anywhere.
    """

    name: str
    size: int
    modified: int
    kind: Kind = "file"


class Source(Protocol):
    """A file that is being read."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at its end. Raises as ``Folder``."""


class Sink(Protocol):
    """A file that is being written."""

    def write(self, data: bytes, /) -> None:
        """Append bytes, all of them. Raises as ``Folder``."""


class Folder(Protocol):
    """A folder.

    Every method raises ``FileNotFoundError``, ``FileExistsError``, ``PermissionError`` or another ``OSError`` for what
    is wrong with one file, ``FileRefused`` for a name that is never touched, ``DestinationDown`` where the server is
    away (the next call connects anew), and a ``ConfigurationError`` where it is not the server that the profile pins
    or refuses the login. Every wait has a bound.
    """

    @property
    def origin(self) -> str:
        """From whom what is read here comes, as far as it was verified: one line that stands as evidence."""
        ...

    def entries(self, path: str = "") -> list[Entry]:
        """List a folder, sorted by name; ``.`` and ``..`` are left out, what is no file is said to be none."""

    def stat(self, name: str) -> Entry:
        """Return what is known of one file, links not followed."""

    def read(self, name: str, offset: int = 0) -> AbstractContextManager[Source]:
        """Open a regular file to read, from an offset on."""

    def write(self, name: str, offset: int = 0) -> AbstractContextManager[Sink]:
        """Open a file to write; use a temporary name, then ``rename``.

        With ``offset`` 0 it is made anew; else the first ``offset`` bytes stay and are continued. What was written is
        durable, as far as the server tells, once the context ends without an error. After one, what is there stays, and
        of that all but the last ``UNSURE`` bytes is as it was written: a write goes on from ``size - UNSURE``.
        """

    def rename(self, old: str, new: str) -> None:
        """Move a file. Raises ``FileExistsError`` where there is one of the new name: nothing is ever replaced."""

    def remove(self, name: str) -> None:
        """Remove a file. Raises ``FileNotFoundError``."""

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it, where they are missing."""

    def close(self) -> None:
        """End the connection, where there is one; the next call makes another."""
