"""One document on its way in: checked, hashed and encrypted as it comes; nothing is there before ``finish``."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from xinqiao.errors import ContentGone, DocumentRefused, InternalError, JournalUnavailable
from xinqiao_gateway.documents.catalogue import Catalogue
from xinqiao_gateway.documents.chunks import Encryption, decrypted, encrypted_size, new_content_key
from xinqiao_gateway.documents.digests import Digests, DocumentDigest, Hashing
from xinqiao_gateway.documents.header import ROOM, Facts, Header, read_header, write_header
from xinqiao_gateway.documents.inspection import Inspection
from xinqiao_gateway.documents.kinds import Kind
from xinqiao_gateway.documents.room import Room
from xinqiao_gateway.documents.store import DocumentStore
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Announced", "Shelf", "Stored", "Upload", "disk"]


@dataclass(frozen=True, slots=True)
class Announced:
    """What is said of a document before it comes: who sends it, what it is, its digest and size where known.

    A browser knows no digest; a partner's system gives one.
    """

    channel_id: str
    digest: DocumentDigest | None
    media_type: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored; ``new`` says whether this channel sends or has it for the first time."""

    facts: Facts
    new: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where documents are kept, and with what."""

    store: DocumentStore
    vault: Vault
    catalogue: Catalogue
    room: Room
    now: Callable[[], float] = time.time


@contextmanager
def disk() -> Iterator[None]:
    """Turn what a disk says (full, gone, read-only) into ``JournalUnavailable``: it may pass, nothing is promised."""
    try:
        yield
    except OSError as error:
        raise JournalUnavailable(f"documents cannot be stored now: {error.strerror or error}") from error


class Upload:
    """``write`` the content, then ``finish``; as a context manager it leaves nothing behind when it is left before."""

    def __init__(self, shelf: Shelf, announced: Announced, kind: Kind) -> None:
        self._shelf = shelf
        self._announced = announced
        self._promise = kind.largest if announced.size is None else announced.size
        if self._promise > kind.largest:
            said = f"{self._promise} bytes; {announced.media_type} may have {kind.largest}"
            raise DocumentRefused(said)
        self._inspection = Inspection(announced.media_type, kind)
        self._hashing, self._size, self._kept = Hashing(), 0, 0
        self._key = new_content_key()
        self._encryption = Encryption(self._key)
        with disk():
            shelf.room.promise(self._promise)
        try:
            with disk():
                self._writing = shelf.store.begin(ROOM)
        except JournalUnavailable:
            shelf.room.release(self._promise)
            raise

    def write(self, data: bytes) -> None:
        """Take the next bytes. Raises ``DocumentRefused`` or ``JournalUnavailable``; nothing is kept then."""
        self._size += len(data)
        if self._announced.size is not None and self._size > self._announced.size:
            raise DocumentRefused(f"more than the {self._announced.size} bytes that were announced")
        self._inspection.feed(data)
        self._hashing.update(data)
        with disk():
            self._writing.write(self._encryption.feed(data))

    def finish(self) -> Stored:
        """Check the whole and make it durable. Raises ``DocumentRefused`` or ``JournalUnavailable``."""
        if self._announced.size not in {None, self._size}:
            raise DocumentRefused(f"{self._size} bytes came of the {self._announced.size} that were announced")
        self._inspection.end()
        digests = self._hashing.result()
        announced = self._announced.digest
        if announced is not None and not digests.matches(announced):
            raise DocumentRefused(f"the content is not that of {announced}")
        now = self._shelf.now()
        facts = Facts(self._announced.media_type, self._size, digests.sha256, digests.sm3, now)
        with disk():
            return self._keep(facts, digests)

    def _keep(self, facts: Facts, digests: Digests) -> Stored:
        """Write the content last: once it is there, so is all that belongs to it."""
        catalogue, channel_id = self._shelf.catalogue, self._announced.channel_id
        held = catalogue.holds(facts.sha256, channel_id)
        catalogue.hold(facts.sha256, channel_id)
        there = _whole(self._shelf, facts.sha256)
        if self._announced.digest is None and held and there is None and catalogue.removed(facts.sha256):
            raise ContentGone("the document was removed")
        if there is not None:
            # Nothing tells that somebody else sent it before, perhaps as another type.
            return Stored(replace(there, media_type=facts.media_type), new=not held)
        self._writing.write(self._encryption.end())
        catalogue.link(digests)
        head = write_header(self._shelf.vault, Header(facts, self._key))
        name, store = catalogue.content(facts.sha256), self._shelf.store
        damaged = store.size(name) if store.exists(name) else 0
        self._writing.keep(name, head)
        self._kept = ROOM + encrypted_size(facts.size) - damaged
        return Stored(facts, new=True)

    def close(self) -> None:
        """Leave nothing behind that was not finished."""
        self._writing.discard()
        self._shelf.room.release(self._promise, self._kept)
        self._promise = self._kept = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _whole(shelf: Shelf, sha256: str) -> Facts | None:
    """Return the facts of a document that is here, read to its end; None for none, or one that is damaged.

    So whoever sends a damaged document again repairs it; that costs a read, and documents are seldom sent twice.
    """
    try:
        with shelf.store.open(shelf.catalogue.content(sha256)) as file:
            header = read_header(shelf.vault, sha256, file.read(ROOM))
            for _ in decrypted(header.content_key, file, header.facts.size):
                pass
    except (FileNotFoundError, InternalError):
        return None
    return header.facts
