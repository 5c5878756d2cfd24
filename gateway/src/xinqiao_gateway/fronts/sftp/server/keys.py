"""The keys of the SFTP server: its own, and those that partners log in with.

DATA/keys/ssh_host_ed25519        the server's private key (0600, OpenSSH's form), made at first start; .pub beside it
DATA/channels/<id>/ssh/*.pub      public keys of the partner, as its ``id_ed25519.pub``; several while they rotate
DATA/channels/<id>/ssh/*.ca.pub   keys of those who issue certificates to the partner's people and machines
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from xinqiao.errors import KeyUnusable, NotFound
from xinqiao.keys import read_key_file

__all__ = ["HostKey", "LoginKey", "allow_key", "host_key", "login_keys", "revoke_key"]

_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class LoginKey:
    """A public key that a partner logs in with, or, for ``issuer``, one that signs its certificates."""

    kind: str
    blob: bytes
    issuer: bool = False

    @property
    def fingerprint(self) -> str:
        """What ``ssh-keygen -l`` shows."""
        return fingerprint_of(self.blob)

    @property
    def line(self) -> str:
        """The key as its file holds it, without the comment: that is often a person's name."""
        return f"{self.kind} {base64.b64encode(self.blob).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class HostKey:
    """The server's own key. ``private`` is its file's content."""

    private: bytes
    line: str
    fingerprint: str


def fingerprint_of(blob: bytes) -> str:
    """Return the fingerprint of a public key in SSH's form."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def host_key(data: Path) -> HostKey:
    """Read the server's key, made where it is missing. Raises ``KeyUnusable``."""
    path = data / "keys" / "ssh_host_ed25519"
    if not path.exists():
        _make_host_key(path)
    content = read_key_file(path, secret=True)
    try:
        private = serialization.load_ssh_private_key(content, password=None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(
            f"{path} is no private key in OpenSSH's form; remove it and the next start makes one"
        ) from error
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise KeyUnusable(f"{path} is not for Ed25519; remove it and the next start makes one that is")
    line = _public_line(private)
    _write_public(path.with_suffix(".pub"), line)
    return HostKey(content, line, fingerprint_of(base64.b64decode(line.split()[1])))


def login_keys(folder: Path) -> tuple[LoginKey, ...]:
    """Read the keys in a channel's folder ``ssh``; where it is missing there are none.

    Raises ``KeyUnusable`` that names file and line of what is no key.
    """
    return tuple(key for path in _key_files(folder) for key in _read(path))


def allow_key(folder: Path, file: Path, *, issuer: bool = False) -> list[LoginKey]:
    """Take the public keys in a file into a channel's folder ``ssh``; return the new ones. Raises ``KeyUnusable``."""
    known = set(login_keys(folder))
    found = [LoginKey(each.kind, each.blob, issuer) for each in _read(file)]
    new = [each for each in dict.fromkeys(found) if each not in known]
    if len(known) + len(new) > _MOST_KEYS:
        raise KeyUnusable(f"{folder} would hold more than {_MOST_KEYS} keys; revoke those that are not used")
    folder.mkdir(mode=0o700, exist_ok=True)
    for each in new:
        _write_public(folder / _file_name(each), each.line)
    return new


def revoke_key(folder: Path, fingerprint: str) -> None:
    """Take a key out of a channel's folder ``ssh``.

    Raises ``NotFound``, and ``KeyUnusable`` where others share its file.
    """
    for path in _key_files(folder):
        keys = _read(path)
        if fingerprint in {each.fingerprint for each in keys}:
            if len(keys) > 1:
                raise KeyUnusable(f"{path} holds {len(keys)} keys; take the line of {fingerprint} out by hand")
            path.unlink()
            return
    raise NotFound(f"{folder} holds no key {fingerprint}; sftp keys lists those that are there")


def _key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.pub")) if folder.is_dir() else []


def _read(path: Path) -> list[LoginKey]:
    text = read_key_file(path, secret=False).decode("utf-8", "replace")
    keys = list(_keys_in(text, path, issuer=path.name.endswith(".ca.pub")))
    if not keys:
        raise KeyUnusable(f"{path} holds no public key; it is a line such as: ssh-ed25519 AAAA…")
    return keys


def _keys_in(text: str, path: Path, *, issuer: bool) -> Iterator[LoginKey]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2 or words[0] not in _KINDS:
            known = ", ".join(_KINDS)
            raise KeyUnusable(
                f"{path}:{number} is no public key of SSH: a line begins with one of {known}, without options"
            )
        yield _checked(words[0], words[1], f"{path}:{number}", issuer=issuer)


def _checked(kind: str, encoded: str, where: str, *, issuer: bool) -> LoginKey:
    try:
        blob = base64.b64decode(encoded, validate=True)
        key = serialization.load_ssh_public_key(f"{kind} {encoded}".encode("ascii"))
    except (ValueError, UnsupportedAlgorithm, binascii.Error) as error:
        raise KeyUnusable(f"{where} cannot be read as {kind}; send the file again as ssh-keygen made it") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        raise KeyUnusable(f"{where} is RSA of {key.key_size} bits; take Ed25519, or {_LEAST_RSA_BITS} bits and more")
    return LoginKey(kind, blob, issuer)


def _file_name(key: LoginKey) -> str:
    digest = hashlib.sha256(key.blob).hexdigest()[:16]
    return f"{digest}.ca.pub" if key.issuer else f"{digest}.pub"


def _make_host_key(path: Path) -> None:
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from error


def _public_line(private: ed25519.Ed25519PrivateKey) -> str:
    form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.public_key().public_bytes(*form).decode("ascii")


def _write_public(path: Path, line: str) -> None:
    try:
        if not path.exists() or path.read_text(encoding="utf-8", errors="replace") != line + "\n":
            fresh = path.with_suffix(".new")  # whoever reads keys meanwhile, or after a crash, finds no half of one
            fresh.write_text(line + "\n", encoding="ascii")
            fresh.replace(path)
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from error
