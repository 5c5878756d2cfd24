"""The documents of an installation: what every front, the command line and the journal's views call."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Self

from xinqiao.errors import ContentGone, InternalError, NotFound, SettingsInvalid
from xinqiao.message import Json
from xinqiao_gateway.documents.catalogue import Catalogue, Removed
from xinqiao_gateway.documents.chunks import decrypted
from xinqiao_gateway.documents.digests import DocumentDigest, Hashing
from xinqiao_gateway.documents.header import ROOM, Facts, Header, read_header
from xinqiao_gateway.documents.kinds import Kinds, Sizes, shipped_kinds
from xinqiao_gateway.documents.references import attachments
from xinqiao_gateway.documents.room import DocumentSettings, Room
from xinqiao_gateway.documents.store import DocumentStore
from xinqiao_gateway.documents.upload import Announced, Shelf, Upload, disk
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Documents", "Opened"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A document that is being read; ``close`` it, or use it as a context manager."""

    facts: Facts
    _header: Header
    _file: BinaryIO

    def pieces(self) -> Iterator[bytes]:
        """Yield the content, 64 KiB at a time, once. Raises ``InternalError`` where it was tampered with."""
        try:
            yield from decrypted(self._header.content_key, self._file, self.facts.size)
        except InternalError as error:
            raise InternalError(f"document {self.facts.sha256}: {error.detail}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Documents:
    """Documents (影像、合同、录音录像): put in once, named by digest, encrypted, never changed. Safe in threads."""

    def __init__(
        self,
        store: DocumentStore,
        vault: Vault,
        settings: DocumentSettings,
        channel_sizes: Callable[[str], Sizes] = lambda _: {},
        now: Callable[[], float] = time.time,
    ) -> None:
        """``channel_sizes`` says what a channel's profile changes of the largest sizes; see ``Kinds.with_sizes``.

        Raises ``SettingsInvalid`` where the settings name a media type that is not known.
        """
        self.settings = settings
        self._kinds = _with_sizes(shipped_kinds(), settings.largest, "documents.largest")
        self._channel_sizes = channel_sizes
        self._store = store
        store.sweep()
        self._catalogue = Catalogue(store, vault)
        self._room = Room(settings, sum(map(self._size, store.list("content"))), store.free)
        self._shelf = Shelf(store, vault, self._catalogue, self._room, now)

    def _size(self, name: str) -> int:
        try:
            return self._store.size(name)
        except FileNotFoundError:  # another process removed it since it was listed
            return 0

    def transfer(self, channel_id: str) -> AbstractContextManager[None]:
        """Count an upload or download of a channel while it runs. Raises ``Overloaded`` for one too many."""
        return self._room.transfer(channel_id)

    def kinds(self, channel_id: str) -> Kinds:
        """Return what a channel may send. Raises ``SettingsInvalid`` where its profile names an unknown kind."""
        return _with_sizes(self._kinds, self._channel_sizes(channel_id), f"channel {channel_id}: limits.documents")

    def begin(self, announced: Announced, *, restore: bool = False) -> Upload:
        """Begin an upload, after all that can be refused without the content is.

        ``restore`` brings back what was removed; it is for operators, so that a partner's retry undoes no erasure.

        Raises ``DocumentRefused`` for a kind or size that is not taken, ``ContentGone`` where the channel sent it
        before and it was removed since, ``Overloaded`` or ``JournalUnavailable`` where there is no room now.
        """
        kind = self.kinds(announced.channel_id).find(announced.media_type)
        with disk():
            sha256 = self._catalogue.sha256_of(announced.digest) if announced.digest else None
            if not restore and sha256 is not None and self._catalogue.holds(sha256, announced.channel_id):
                self._refuse_removed(sha256)
        return Upload(self._shelf, announced, kind)

    def open(self, digest: DocumentDigest) -> Opened:
        """Open a document. Raises ``NotFound``, ``ContentGone`` where it was removed, ``InternalError`` if damaged."""
        sha256 = self._catalogue.sha256_of(digest)
        if sha256 is None:
            raise NotFound(f"no document {digest}")
        try:
            file = self._store.open(self._catalogue.content(sha256))
        except FileNotFoundError as error:
            self._refuse_removed(sha256)
            raise NotFound(f"no document {digest}") from error
        try:
            header = read_header(self._shelf.vault, sha256, file.read(ROOM))
            _check_digest(header.facts, digest)
        except InternalError:
            file.close()
            raise
        return Opened(header.facts, header, file)

    def _refuse_removed(self, sha256: str) -> None:
        if self._catalogue.removed(sha256) and not self._store.exists(self._catalogue.content(sha256)):
            raise ContentGone("the document was removed")

    def exists(self, digest: DocumentDigest) -> bool:
        """Say whether a document is here."""
        return self.kept_as(digest) is not None

    def kept_as(self, digest: DocumentDigest) -> DocumentDigest | None:
        """Return the SHA-256 digest of a document that is here, damaged or not; None where it is not here."""
        sha256 = self._catalogue.sha256_of(digest)
        if sha256 is None or not self._store.exists(self._catalogue.content(sha256)):
            return None
        return DocumentDigest("SHA256", sha256)

    def missing(self, message: Json) -> list[str]:
        """Return the digests (``sha256:…``, ``sm3:…``) of the files that a message refers to and that are not here."""
        return [str(digest) for digest in attachments(message) if not self.exists(digest)]

    def same(self, one: DocumentDigest, other: DocumentDigest) -> bool:
        """Say whether two digests, perhaps of two algorithms, mean one document."""
        return one == other or self._catalogue.sha256_of(one) == (self._catalogue.sha256_of(other) or "")

    def holds(self, digest: DocumentDigest, channel_id: str) -> bool:
        """Say whether a channel has a document, since it sent it or was given it."""
        sha256 = self._catalogue.sha256_of(digest)
        return sha256 is not None and self._catalogue.holds(sha256, channel_id)

    def hold(self, digest: DocumentDigest, channel_id: str) -> None:
        """Record that a channel was given a document. Raises ``JournalUnavailable``."""
        sha256 = self._catalogue.sha256_of(digest)
        if sha256 is not None:
            with disk():
                self._catalogue.hold(sha256, channel_id)

    def holders(self, digest: DocumentDigest) -> list[str]:
        """Return the channels that have a document."""
        sha256 = self._catalogue.sha256_of(digest)
        return [] if sha256 is None else self._catalogue.holders(sha256)

    def digests(self) -> Iterator[DocumentDigest]:
        """Yield the digest of every document that is here."""
        return (DocumentDigest("SHA256", sha256) for sha256 in self._catalogue.contents())

    def removed(self) -> Iterator[Removed]:
        """Yield the tombstones of the documents that were removed."""
        return (found for sha256 in self._catalogue.tombstones() if (found := self._catalogue.removed(sha256)))

    def verify(self, digest: DocumentDigest) -> Facts:
        """Read a document to its end. Raises ``InternalError`` where it is not, to the bit, what its digest says."""
        with self.open(digest) as opened:
            hashing = Hashing()
            for piece in opened.pieces():
                hashing.update(piece)
            if not hashing.result().matches(DocumentDigest("SHA256", opened.facts.sha256)):
                raise InternalError(f"document {opened.facts.sha256}: the content has another digest")
            return opened.facts

    def remove(self, digest: DocumentDigest, *, by: str, reason: str) -> Removed:
        """Erase a document, damaged or not; a tombstone says that it was there, who removed it and why.

        Raises ``NotFound``, ``ContentGone`` where it was removed before, ``JournalUnavailable``.
        """
        try:
            with self.open(digest) as opened:
                facts = opened.facts
        except InternalError:
            sha256 = self._catalogue.sha256_of(digest) or ""
            facts = Facts("", 0, sha256, "", 0.0)
        name = self._catalogue.content(facts.sha256)
        removed = Removed(facts.sha256, facts.media_type, facts.size, self._shelf.now(), by, reason)
        with disk():
            size = self._store.size(name)
            self._catalogue.bury(removed)
            self._store.remove(name)
        self._room.release(0, -size)
        return removed


def _check_digest(facts: Facts, digest: DocumentDigest) -> None:
    """Refuse what an SM3 digest was made to lead to; that of SHA-256 is in the header's scope."""
    if digest.algorithm == "SM3" and facts.sm3 != digest.value:
        raise InternalError(f"document {facts.sha256}: it is not that of {digest}")


def _with_sizes(kinds: Kinds, sizes: Mapping[str, int], where: str) -> Kinds:
    try:
        return kinds.with_sizes(sizes)
    except KeyError as error:
        raise SettingsInvalid(f"{where}: {error.args[0]!r} is not a media type of documents") from error
