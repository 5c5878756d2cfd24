"""Encryption of journal contents: a data key for each case, wrapped by the installation's master key.

Destroying a wrapped key erases what it protects; evidence hashes ciphertext and stays whole. The master key is a local
file, or stays in a key management service behind the port ``MasterKey``.
"""

import hmac
import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from xinqiao.errors import KeyUnusable

__all__ = ["DataKey", "LocalKey", "MasterKey", "Vault", "named_master_key", "open_vault"]

_NONCE = 12
_KEPT = 10_000
_PORT = "xinqiao.master_key"


@runtime_checkable
class MasterKey(Protocol):
    """The port for whoever keeps the master key: wraps data keys and answers for the digest key.

    Called from the writer's thread and from readers, several at once. An implementation raises ``KeyUnusable`` where
    it is not the key of what it is given, ``JournalUnavailable`` where it cannot be reached now.
    """

    def wrap(self, key: bytes, scope: str) -> bytes:
        """Return a data key (32 bytes) as it is stored, at most 500 bytes, bound to its scope."""
        ...

    def unwrap(self, wrapped: bytes, scope: str) -> bytes:
        """Return the data key that ``wrap`` was given for this scope."""
        ...

    def digest_key(self) -> bytes:
        """Return the key (32 bytes) of keyed digests: always the same, and of no use to unwrap anything."""
        ...


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


class LocalKey:
    """A master key (32 bytes) that is at hand; data keys are wrapped with AES-256-GCM."""

    def __init__(self, master: bytes) -> None:
        self._cipher = AESGCM(master)
        self._digest_key = HKDFExpand(hashes.SHA256(), 32, b"xinqiao journal digest").derive(master)

    def wrap(self, key: bytes, scope: str) -> bytes:
        """Return the data key encrypted."""
        return _sealed(self._cipher, key, scope)

    def unwrap(self, wrapped: bytes, scope: str) -> bytes:
        """Return the data key. Raises ``KeyUnusable``."""
        return _opened(self._cipher, wrapped, scope)

    def digest_key(self) -> bytes:
        """Return a key derived from the master key (HKDF)."""
        return self._digest_key


class Vault:
    """Makes and opens data keys with a master key (32 bytes, or whoever keeps it), and computes keyed digests."""

    def __init__(self, master: bytes | MasterKey) -> None:
        self._master: MasterKey = LocalKey(master) if isinstance(master, bytes) else master
        self._digest_key = self._master.digest_key()
        self._kept: OrderedDict[str, DataKey] = OrderedDict()
        self._erasure = 0

    def new_key(self, scope: str) -> DataKey:
        """Make the data key of a scope; nobody else knows it until it is committed and kept."""
        key = AESGCM.generate_key(256)
        return DataKey(scope, self._master.wrap(key, scope), AESGCM(key))

    def open_key(self, scope: str, wrapped: bytes) -> DataKey:
        """Take a stored key into use. Raises ``KeyUnusable`` where the master key does not open it."""
        return DataKey(scope, wrapped, AESGCM(self._master.unwrap(wrapped, scope)))

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

    def forget_before(self, erasure: int) -> None:
        """Forget all keys at hand where one was destroyed, perhaps by another node; ``erasure`` numbers the last."""
        if erasure != self._erasure:
            self._kept.clear()
            self._erasure = erasure

    def keyed_digest(self, value: str) -> str:
        """Return HMAC-SHA-256 (hex) of a value, to compare contents without keeping a guessable hash."""
        return hmac.digest(self._digest_key, value.encode(), "sha256").hex()


def _sealed(cipher: AESGCM, content: bytes, purpose: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, content, purpose.encode())


def _opened(cipher: AESGCM, blob: bytes, purpose: str) -> bytes:
    try:
        return cipher.decrypt(blob[:_NONCE], blob[_NONCE:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyUnusable(f"the key does not open {purpose}; is keys/master.key the one of this journal?") from error


def named_master_key(name: str) -> MasterKey:
    """Return the master key that an installed package offers under a name (entry-point group ``xinqiao.master_key``).

    The entry point is a function of no arguments. Raises ``KeyUnusable`` where there is none, or more than one.
    """
    offered = [each for each in entry_points(group=_PORT) if each.name == name]
    if len(offered) != 1:
        known = ", ".join(sorted({each.name for each in entry_points(group=_PORT)})) or "none"
        raise KeyUnusable(f"master_key: {len(offered)} packages offer {name!r} as {_PORT}; offered: {known}")
    made = offered[0].load()()
    if not isinstance(made, MasterKey):
        raise KeyUnusable(f"master_key: what {name!r} offers has not wrap, unwrap and digest_key")
    return made


def open_vault(master: Path | MasterKey, *, is_new: bool) -> Vault:
    """Open the vault of a master key: a file (64 hex digits, mode 0600), made for a journal that is new, or its keeper.

    Raises ``KeyUnusable`` for a file that is missing, readable by others, or holds something else.
    """
    return Vault(LocalKey(_read_master_key(master, is_new=is_new)) if isinstance(master, Path) else master)


def _read_master_key(path: Path, *, is_new: bool) -> bytes:
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
    return master


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
