"""Digests that name documents: SHA-256, under which they are kept, and SM3, by which they can be found too."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, Self

from cryptography.hazmat.primitives import hashes

from xinqiao.errors import MalformedQuery

__all__ = ["Digests", "DocumentDigest", "Hashing"]

Algorithm = Literal["SHA256", "SM3"]
_ALGORITHMS: dict[str, Algorithm] = {"sha256": "SHA256", "sm3": "SM3"}
_WRITTEN = re.compile(r"(?:(sha256|sm3):)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class DocumentDigest:
    """One digest (摘要) as messages carry it: an algorithm, and 64 lower-case hexadecimal digits."""

    algorithm: Algorithm
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sha256:…``, ``sm3:…``, or 64 digits alone, which are SHA-256. Raises ``MalformedQuery``."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise MalformedQuery("a document is named by sha256:… or sm3:… and 64 lower-case hexadecimal digits")
        return cls(_ALGORITHMS[found[1] or "sha256"], found[2])

    def __str__(self) -> str:
        return f"{self.algorithm.lower()}:{self.value}"


@dataclass(frozen=True, slots=True)
class Digests:
    """Both digests (hex) of one content."""

    sha256: str
    sm3: str

    def matches(self, digest: DocumentDigest) -> bool:
        """Say whether a digest is this content's."""
        return digest.value == (self.sha256 if digest.algorithm == "SHA256" else self.sm3)


class Hashing:
    """Computes both digests over a stream."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._sha256.update(data)
        self._sm3.update(data)

    def result(self) -> Digests:
        """Return the digests; nothing can be added after it."""
        return Digests(self._sha256.hexdigest(), self._sm3.finalize().hex())
