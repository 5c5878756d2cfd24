"""What the tests of documents share: contents of each kind, a store in a folder, and one upload."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from xinqiao_gateway.documents import (
    Announced,
    Directory,
    DocumentDigest,
    Documents,
    DocumentSettings,
    DocumentStore,
    Sizes,
    Stored,
)
from xinqiao_gateway.journal.vault import Vault

NOW = 1_795_390_000.0
VAULT = Vault(bytes(range(32)))
PDF = "application/pdf"
CHUNK = 65_536


def pdf(size: int) -> bytes:
    """Return a content of a size, no two of its chunks alike, that begins as a PDF does."""
    blocks = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size // 32 + 1))
    return (b"%PDF-1.7\n" + blocks)[:size]


def sha256(content: bytes) -> DocumentDigest:
    return DocumentDigest("SHA256", hashlib.sha256(content).hexdigest())


def sm3(content: bytes) -> DocumentDigest:
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return DocumentDigest("SM3", digest.finalize().hex())


def documents_in(
    folder: Path,
    *,
    store: DocumentStore | None = None,
    channel_sizes: Callable[[str], Sizes] = lambda _: {},
    **settings: object,
) -> Documents:
    limits = DocumentSettings.model_validate({"spare": 0} | settings)
    return Documents(store or Directory(folder / "documents"), VAULT, limits, channel_sizes, lambda: NOW)


def put(
    documents: Documents,
    content: bytes,
    *,
    channel: str = "bank",
    media_type: str = PDF,
    digest: DocumentDigest | None = None,
    announced: int | None = None,
    pieces: Iterable[bytes] | None = None,
) -> Stored:
    with documents.begin(Announced(channel, digest or sha256(content), media_type, announced)) as upload:
        for piece in (content,) if pieces is None else pieces:
            upload.write(piece)
        return upload.finish()


def got(documents: Documents, digest: DocumentDigest) -> bytes:
    with documents.open(digest) as opened:
        return b"".join(opened.pieces())


def files(folder: Path) -> list[str]:
    """Return every file of a store."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def blob(folder: Path, digest: DocumentDigest) -> Path:
    value = digest.value
    return folder / "documents" / "content" / value[:2] / value[2:4] / value


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
