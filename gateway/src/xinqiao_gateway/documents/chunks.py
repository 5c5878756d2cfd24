"""The encrypted form of a content: AES-256-GCM in chunks of 64 KiB, under a key that no other content has.

A chunk's nonce is its number (11 bytes) and a byte that marks the last one. So a chunk that was changed, moved, left
out or cut off does not decrypt, and memory does not grow with the document. The construction is STREAM's (Hoang,
Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015).
"""

from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xinqiao.errors import InternalError

__all__ = ["CHUNK", "TAG", "Encryption", "Source", "decrypted", "encrypted_size", "new_content_key"]

CHUNK = 65_536
TAG = 16


class Source(Protocol):
    """What bytes are read from; fewer come only at its end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""


def new_content_key() -> bytes:
    """Return a new key (32 bytes). One content only: nonces are counters."""
    return AESGCM.generate_key(256)


def encrypted_size(size: int) -> int:
    """Return how many bytes the chunks of a content take."""
    return size + _count(size) * TAG


def _count(size: int) -> int:
    return max(1, -(-size // CHUNK))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class Encryption:
    """Encrypts one stream; what it holds back is at most one chunk, since only the end tells which one is last."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._held = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the chunks that are complete."""
        self._held += data
        complete = (len(self._held) - 1) // CHUNK if self._held else 0
        whole = memoryview(bytes(self._held[: complete * CHUNK]))
        del self._held[: complete * CHUNK]
        return b"".join(self._next(whole[at : at + CHUNK], last=False) for at in range(0, len(whole), CHUNK))

    def end(self) -> bytes:
        """Return the last chunk."""
        return self._next(self._held, last=True)

    def _next(self, content: bytes | bytearray | memoryview, *, last: bool) -> bytes:
        blob = self._cipher.encrypt(_nonce(self._number, last=last), bytes(content), None)
        self._number += 1
        return blob


def decrypted(key: bytes, source: Source, size: int) -> Iterator[bytes]:
    """Yield a content of ``size`` bytes, a chunk at a time, each one checked.

    Raises ``InternalError`` at the first chunk that is not what was written, and where anything follows the last.
    """
    cipher, count = AESGCM(key), _count(size)
    for number in range(count):
        length = min(CHUNK, size - number * CHUNK)
        blob, said = source.read(length + TAG), f"chunk {number + 1} of {count} was changed, moved or cut off"
        if len(blob) != length + TAG:
            raise InternalError(said)
        try:
            yield cipher.decrypt(_nonce(number, last=number == count - 1), blob, None)
        except InvalidTag as error:
            raise InternalError(said) from error
    if source.read(1):
        raise InternalError(f"something follows the last of {count} chunks")
