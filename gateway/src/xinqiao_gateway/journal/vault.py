"""Encryption of journal contents: a data key for each case, wrapped by the installation's master key.

Destroying a wrapped key erases what it protects; evidence hashes ciphertext and stays whole.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from xinqiao.errors import KeyUnusable

__all__ = ["Vault", "open_vault"]

_NONCE = 12
_CACHED = 10_000


class Vault:
    """Wraps data keys with a master key (32 bytes) and computes keyed digests with one derived from it.

    Encrypting belongs to the journal's one writer, which keeps the keys in use at hand.
    """

    def __init__(self, master: bytes) -> None:
        self._master = AESGCM(master)
        self._digest_key = HKDFExpand(hashes.SHA256(), 32, b"xinqiao journal digest").derive(master)
        self._opened: OrderedDict[str, AESGCM] = OrderedDict()

    def new_key(self, scope: str) -> bytes:
        """Make the data key of a scope and return it wrapped, to be stored in the same commit."""
        key = AESGCM.generate_key(256)
        self._remember(scope, AESGCM(key))
        return self._sealed(self._master, key, scope)

    def unwrap(self, wrapped: Mapping[str, bytes]) -> None:
        """Take stored keys into use."""
        for scope, blob in wrapped.items():
            self._remember(scope, AESGCM(self._opened_with(self._master, blob, scope)))

    def forget(self, scopes: Iterable[str]) -> None:
        """Drop keys whose commit failed."""
        for scope in scopes:
            self._opened.pop(scope, None)

    def holds(self, scope: str) -> bool:
        """Say whether the key of a scope is at hand; it stays so for the next 10,000 other scopes."""
        if scope in self._opened:
            self._opened.move_to_end(scope)
            return True
        return False

    def encrypt(self, scope: str, content: bytes, purpose: str) -> bytes:
        """Encrypt with the scope's key (AES-256-GCM); ``purpose`` is bound to the ciphertext."""
        return self._sealed(self._opened[scope], content, purpose)

    def decrypt(self, scope: str, wrapped: bytes, blob: bytes, purpose: str) -> bytes:
        """Decrypt what ``encrypt`` made, with the scope's stored key. Safe from any thread.

        Raises ``KeyUnusable`` where key or purpose do not fit.
        """
        key = AESGCM(self._opened_with(self._master, wrapped, scope))
        return self._opened_with(key, blob, purpose)

    def keyed_digest(self, value: str) -> str:
        """Return HMAC-SHA-256 (hex) of a value, to compare contents without keeping a guessable hash."""
        code = hmac.HMAC(self._digest_key, hashes.SHA256())
        code.update(value.encode())
        return code.finalize().hex()

    def _remember(self, scope: str, key: AESGCM) -> None:
        self._opened[scope] = key
        while len(self._opened) > _CACHED:
            self._opened.popitem(last=False)

    @staticmethod
    def _sealed(key: AESGCM, content: bytes, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + key.encrypt(nonce, content, purpose.encode())

    @staticmethod
    def _opened_with(key: AESGCM, blob: bytes, purpose: str) -> bytes:
        try:
            return key.decrypt(blob[:_NONCE], blob[_NONCE:], purpose.encode())
        except InvalidTag as error:
            raise KeyUnusable(f"the master key does not open {purpose}") from error


def open_vault(path: Path) -> Vault:
    """Read the master key (64 hex digits, mode 0600) or make it at first start.

    Raises ``KeyUnusable`` for a file that others may read or that holds something else.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(os.urandom(32).hex())
            file.flush()
            os.fsync(descriptor)
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} is readable by others; chmod 600 it")
    try:
        master = bytes.fromhex(path.read_text().strip())
    except ValueError as error:
        raise KeyUnusable(f"{path} does not hold 64 hex digits") from error
    if len(master) != 32:
        raise KeyUnusable(f"{path} does not hold 64 hex digits")
    return Vault(master)
