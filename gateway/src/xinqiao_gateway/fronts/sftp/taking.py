"""What a poller hands on, and to whom: the port between folders, which know files, and batches, which know what is in
them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

__all__ = ["Arrived", "Facts", "Result", "Settlement", "Taken", "Taker"]

Settlement = Literal["accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Facts:
    """By what a file is known again where it lies: a file that was written anew differs in one of them.

    ``modified`` is by the clock of whoever keeps the file.
    """

    channel_id: str
    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file that was fetched: its bytes are at ``spool`` until ``take`` returns, ``sha256`` is over them.

    ``interface`` is the one whose pattern of names it fits, empty where the profile has one pattern for all.
    ``manifest`` is what came with it, None where nothing did. ``origin`` is what the front verified of where it comes
    from, one line: ``sftp bank@host host key SHA256:…``.
    """

    facts: Facts
    spool: Path
    sha256: str
    interface: str
    manifest: bytes | None
    origin: str


@dataclass(frozen=True, slots=True)
class Result:
    """A file to write back: ``name`` without folder, and where its bytes are."""

    name: str
    content: Path


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file. It is put into the archive, or where it was ``refused`` into the error folder."""

    settlement: Settlement
    results: tuple[Result, ...] = ()


class Taker(Protocol):
    """Takes files. All of it may be called again for the same file, after a crash or a lost connection."""

    async def settled(self, facts: Facts) -> Settlement | None:
        """Say what became of a file that was settled before; None where it was not."""

    async def take(self, arrived: Arrived) -> Taken:
        """Take a file, durably; the same file again gives the same answer, and nothing is done twice.

        Files of results stay until ``settle``. Raises a ``Retryable`` where nothing can be promised now: the file stays
        where it lies, and comes again. Raises a ``ConfigurationError`` where a person has to act first.
        """

    async def settle(self, arrived: Arrived) -> None:
        """Record that the results are written: from now on the file is settled, and what it left here may go."""
