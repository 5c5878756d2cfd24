"""Encryption of journal contents: a data key for each case, wrapped by the installation's master key.

Destroying a wrapped key erases what it protects; evidence hashes ciphertext and stays whole.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from xinqiao.errors import KeyUnusable

__all__ = ["DataKey", "Vault", "open_vault"]

_NONCE = 12
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one scope, in use; ``wrapped`` is what is stored of it."""

    scope: str
    wrapped: bytes
    _cipher: AESGCM

    def encrypt(self, content: bytes, purpose: str) -> bytes:
        """Encrypt (AES-256-GCM); ``purpose`` is bound to the ciphertext."""
        return _sealed(self._cipher, content, purpose)

    def decrypt(self, blob: bytes, purpose: str) -> bytes:
        """Decrypt what ``encrypt`` made. Raises ``KeyUnusable`` where key or purpose do not fit."""
        return _opened(self._cipher, blob, purpose)


class Vault:
    """Wraps data keys with a master key (32 bytes) and computes keyed digests with one derived from it."""

    def __init__(self, master: bytes) -> None:
        self._master = AESGCM(master)
        self._digest_key = HKDFExpand(hashes.SHA256(), 32, b"xinqiao journal digest").derive(master)
        self._kept: OrderedDict[str, DataKey] = OrderedDict()

    def new_key(self, scope: str) -> DataKey:
        """Make the data key of a scope; nobody else knows it until it is committed and kept."""
        key = AESGCM.generate_key(256)
        return DataKey(scope, _sealed(self._master, key, scope), AESGCM(key))

    def open_key(self, scope: str, wrapped: bytes) -> DataKey:
        """Take a stored key into use. Raises ``KeyUnusable`` where the master key does not open it."""
        return DataKey(scope, wrapped, AESGCM(_opened(self._master, wrapped, scope)))

    def kept(self, scopes: Iterable[str]) -> dict[str, DataKey]:
        """Return the keys that are at hand; for the journal's one writer."""
        return {scope: self._kept[scope] for scope in scopes if scope in self._kept}

    def keep(self, keys: Iterable[DataKey]) -> None:
        """Keep keys at hand, the 10,000 used last. Only keys that are durably stored may be kept."""
        for key in keys:
            self._kept[key.scope] = key
            self._kept.move_to_end(key.scope)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def keyed_digest(self, value: str) -> str:
        """Return HMAC-SHA-256 (hex) of a value, to compare contents without keeping a guessable hash."""
        code = hmac.HMAC(self._digest_key, hashes.SHA256())
        code.update(value.encode())
        return code.finalize().hex()


def _sealed(cipher: AESGCM, content: bytes, purpose: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, content, purpose.encode())


def _opened(cipher: AESGCM, blob: bytes, purpose: str) -> bytes:
    try:
        return cipher.decrypt(blob[:_NONCE], blob[_NONCE:], purpose.encode())
    except InvalidTag as error:
        raise KeyUnusable(f"the key does not open {purpose}; is keys/master.key the one of this journal?") from error


def open_vault(path: Path, *, is_new: bool) -> Vault:
    """Read the master key (64 hex digits, mode 0600), or make it for a journal that is new.

    Raises ``KeyUnusable`` for a file that is missing, readable by others, or holds something else.
    """
    if is_new and not path.exists():
        _make_master_key(path)
    if not path.exists():
        raise KeyUnusable(f"{path} is missing; the journal cannot be read without it: restore it from the backup")
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} is readable by others; chmod 600 it")
    try:
        master = bytes.fromhex(path.read_text().strip())
    except ValueError as error:
        raise KeyUnusable(f"{path} does not hold 64 hex digits") from error
    if len(master) != 32:
        raise KeyUnusable(f"{path} does not hold 64 hex digits")
    return Vault(master)


def _make_master_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(32).hex())
        file.flush()
        os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
