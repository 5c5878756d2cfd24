"""What is known of documents beside their contents: SM3 digests, which channels have them, which were removed.

Each is a small blob of the same store, so that a copy of the store is whole::

    content/ab/cd/SHA256          the document                    sm3/ab/cd/SM3               the SHA-256 it belongs to
    holders/ab/cd/SHA256/CHANNEL  that the channel has seen it    removed/ab/cd/SHA256        when, by whom and why
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import orjson

from xinqiao.errors import InternalError, KeyUnusable
from xinqiao_gateway.documents.digests import Digests, DocumentDigest
from xinqiao_gateway.documents.header import sealed_record, unsealed_record
from xinqiao_gateway.documents.store import DocumentStore
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Catalogue", "Removed"]


@dataclass(frozen=True, slots=True)
class Removed:
    """The tombstone of a document: what it was (media type, bytes), when it was removed (Unix s), by whom, why."""

    sha256: str
    media_type: str
    size: int
    removed_at: float
    by: str
    reason: str


class Catalogue:
    """Reads and writes these records; all writing is idempotent and raises ``OSError`` where the disk fails."""

    def __init__(self, store: DocumentStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def sha256_of(self, digest: DocumentDigest) -> str | None:
        """Return the SHA-256 of the document that a digest means; None where an SM3 digest is not known."""
        if digest.algorithm == "SHA256":
            return digest.value
        said = self._read(_path("sm3", digest.value))
        return None if said is None else said.decode("ascii", "replace")

    def link(self, digests: Digests) -> None:
        """Let an SM3 digest lead to its document."""
        self._put(_path("sm3", digests.sm3), digests.sha256.encode("ascii"))

    def hold(self, sha256: str, channel_id: str) -> None:
        """Record that a channel has a document: it sent the content, or was given it."""
        if not self.holds(sha256, channel_id):
            self._put(f"{_path('holders', sha256)}/{channel_id}", self._proof(sha256, channel_id))

    def holds(self, sha256: str, channel_id: str) -> bool:
        """Say whether a channel has a document; a record that the vault did not make does not count."""
        said = self._read(f"{_path('holders', sha256)}/{channel_id}")
        return said is not None and secrets.compare_digest(said, self._proof(sha256, channel_id))

    def holders(self, sha256: str) -> list[str]:
        """Return the channels that have a document."""
        names = (name.rpartition("/")[2] for name in self._store.list(_path("holders", sha256)))
        return [name for name in names if self.holds(sha256, name)]

    def bury(self, removed: Removed) -> None:
        """Record that a document was removed."""
        record = sealed_record(self._vault, _tombstone(removed.sha256), orjson.dumps(asdict(removed)))
        self._put(_path("removed", removed.sha256), record)

    def removed(self, sha256: str) -> Removed | None:
        """Return a document's tombstone. Raises ``InternalError`` where it was changed."""
        record = self._read(_path("removed", sha256))
        if record is None:
            return None
        try:
            return Removed(**orjson.loads(unsealed_record(self._vault, _tombstone(sha256), record)))
        except KeyUnusable as error:
            raise InternalError(f"document {sha256}: its tombstone was changed") from error

    def contents(self) -> Iterator[str]:
        """Yield the SHA-256 of every document that is here."""
        return (name.rpartition("/")[2] for name in self._store.list("content"))

    def tombstones(self) -> Iterator[str]:
        """Yield the SHA-256 of every document that was removed."""
        return (name.rpartition("/")[2] for name in self._store.list("removed"))

    def content(self, sha256: str) -> str:
        """Return the name of a document's content in the store."""
        return _path("content", sha256)

    def _proof(self, sha256: str, channel_id: str) -> bytes:
        return self._vault.keyed_digest(f"document {sha256} {channel_id}").encode("ascii")

    def _put(self, name: str, content: bytes) -> None:
        writing = self._store.begin()
        try:
            writing.write(content)
            writing.keep(name)
        finally:
            writing.discard()

    def _read(self, name: str) -> bytes | None:
        try:
            with self._store.open(name) as file:
                return file.read()
        except FileNotFoundError:
            return None


def _path(part: str, value: str) -> str:
    return f"{part}/{value[:2]}/{value[2:4]}/{value}"


def _tombstone(sha256: str) -> str:
    return f"removed:{sha256}"
