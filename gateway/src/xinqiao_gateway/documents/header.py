"""The first 1,024 bytes of a stored document: what it is, and the key of its chunks, encrypted and authenticated.

``XQD1``, the length of what follows (2 bytes), a data key wrapped by the vault for this very document, the facts sealed
with it, zeros. Every bit counts: one that was changed is found when the header is read.
"""

from dataclasses import asdict, dataclass

import orjson

from xinqiao.errors import InternalError, KeyUnusable
from xinqiao_gateway.journal.vault import Vault

__all__ = ["ROOM", "Facts", "Header", "read_header", "sealed_record", "unsealed_record", "write_header"]

ROOM = 1024
_MAGIC = b"XQD1"
# A nonce, a key of 32 bytes, a tag.
_WRAPPED = 12 + 32 + 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document is: media type, size in bytes, both digests (hex), and when it came (Unix seconds)."""

    media_type: str
    size: int
    sha256: str
    sm3: str
    stored_at: float


@dataclass(frozen=True, slots=True)
class Header:
    """The facts, and the key of the chunks."""

    facts: Facts
    content_key: bytes


def sealed_record(vault: Vault, scope: str, content: bytes) -> bytes:
    """Return a small content encrypted under a data key of its own, that key wrapped before it."""
    key = vault.new_key(scope)
    return key.wrapped + key.encrypt(content, scope)


def unsealed_record(vault: Vault, scope: str, record: bytes) -> bytes:
    """Return what ``sealed_record`` was given. Raises ``KeyUnusable`` where anything was changed."""
    return vault.open_key(scope, record[:_WRAPPED]).decrypt(record[_WRAPPED:], scope)


def write_header(vault: Vault, header: Header) -> bytes:
    """Return the header's ``ROOM`` bytes."""
    said = orjson.dumps(asdict(header.facts) | {"content_key": header.content_key.hex()})
    record = sealed_record(vault, _scope(header.facts.sha256), said)
    return (_MAGIC + len(record).to_bytes(2, "big") + record).ljust(ROOM, b"\0")


def read_header(vault: Vault, sha256: str, content: bytes) -> Header:
    """Read the header of the document that is kept under a digest.

    Raises ``InternalError`` where it was changed, is another document's, or the vault's key does not open it.
    """
    length = int.from_bytes(content[4:6], "big")
    rest = content[6 + length :]
    if len(content) != ROOM or content[:4] != _MAGIC or rest.strip(b"\0"):
        raise InternalError(f"document {sha256}: its header was changed or cut off")
    try:
        said = orjson.loads(unsealed_record(vault, _scope(sha256), content[6 : 6 + length]))
    except (KeyUnusable, ValueError) as error:
        raise InternalError(f"document {sha256}: its header was changed, or the master key is another") from error
    return Header(content_key=bytes.fromhex(said.pop("content_key")), facts=Facts(**said))


def _scope(sha256: str) -> str:
    return f"document:{sha256}"
