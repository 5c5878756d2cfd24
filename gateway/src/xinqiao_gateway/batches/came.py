"""What came: a finished file with what came with it, and what it is answered."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes

__all__ = ["Answer", "Came", "Content", "content_of", "sm3_of"]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Came:
    """A finished file. ``path`` is where its bytes are until it is taken, ``manifest`` what came with it.

    ``sealed``: the manifest must bear the partner's seal; else ``origin`` stands for the partner, which is what the
    front verified of where it comes from, one line without personal data. ``interface`` is the one that its name
    belongs to, empty where that is not said: what an empty file is of.
    """

    channel_id: str
    name: str
    path: Path
    manifest: bytes | None
    origin: str
    sealed: bool = True
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a file is answered: the result for the partner, and whether all of it was refused.

    ``repeat``: it was answered before, as the batch of that number.
    """

    batch_no: str
    refused: bool
    result: bytes
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """Size in bytes and digest (hex) of a content."""

    size: int
    sha256: str


def content_of(path: Path) -> Content:
    """Read a file to its end once."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(file.tell(), sha256)


def sm3_of(path: Path) -> str:
    """Return the other digest (hex) that a manifest may name."""
    sm3 = hashes.Hash(hashes.SM3())
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sm3.update(block)
    return sm3.finalize().hex()
