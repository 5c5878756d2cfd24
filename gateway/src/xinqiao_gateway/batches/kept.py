"""Files of batches as they are kept: once, encrypted under the batch's own key, so that erasing that erases the file.

They lie in the store of documents beside those, as ``files/ab/cd/…``, and a backup of one holds the other.
"""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from xinqiao.errors import InternalError, KeyUnusable, NotFound, Overloaded
from xinqiao_gateway.documents import DocumentStore
from xinqiao_gateway.documents.chunks import CHUNK, Encryption, decrypted, new_content_key
from xinqiao_gateway.documents.upload import disk
from xinqiao_gateway.journal.vault import DataKey

__all__ = ["Kept"]

_ROOM = 512
_MAGIC = b"XQF1"


class Kept:
    """Keeps files by the scope of their batch. ``spare``: bytes that are left free on the disk. Methods block."""

    def __init__(self, store: DocumentStore, spare: int) -> None:
        self._store = store
        self._spare = spare

    def keep(self, key: DataKey, file: BinaryIO, size: int) -> None:
        """Keep a file, durably; one that is kept already stays. Raises ``Overloaded``, ``JournalUnavailable``."""
        name = _name(key.scope)
        with disk():
            if self._store.exists(name):
                return
            if self._store.free() - size < self._spare:
                raise Overloaded("the disk has no room for the file now")
            writing = self._store.begin(_ROOM)
            try:
                content_key = new_content_key()
                encryption = Encryption(content_key)
                while block := file.read(CHUNK):
                    writing.write(encryption.feed(block))
                writing.write(encryption.end())
                writing.keep(name, _head(key, content_key, size))
            finally:
                writing.discard()

    def content(self, key: DataKey) -> Iterator[bytes]:
        """Yield a file's content. Raises ``NotFound``, and ``InternalError`` where it was changed."""
        try:
            file = self._store.open(_name(key.scope))
        except FileNotFoundError as error:
            raise NotFound("the file of this batch is not here") from error
        with file:
            content_key, size = _opened(key, file.read(_ROOM))
            yield from decrypted(content_key, file, size)

    def remove(self, scope: str) -> None:
        """Remove what nobody can read any more."""
        with disk():
            self._store.remove(_name(scope))


def _name(scope: str) -> str:
    digest = hashlib.sha256(scope.encode()).hexdigest()
    return f"files/{digest[:2]}/{digest[2:4]}/{digest}"


def _head(key: DataKey, content_key: bytes, size: int) -> bytes:
    record = key.encrypt(orjson.dumps({"content_key": content_key.hex(), "size": size}), _name(key.scope))
    return (_MAGIC + len(record).to_bytes(2, "big") + record).ljust(_ROOM, b"\0")


def _opened(key: DataKey, head: bytes) -> tuple[bytes, int]:
    length = int.from_bytes(head[4:6], "big")
    if len(head) != _ROOM or head[:4] != _MAGIC:
        raise InternalError("the kept file of this batch was changed or cut off")
    try:
        said = orjson.loads(key.decrypt(head[6 : 6 + length], _name(key.scope)))
    except KeyUnusable as error:
        raise InternalError("the kept file of this batch was changed") from error
    return bytes.fromhex(said["content_key"]), said["size"]
