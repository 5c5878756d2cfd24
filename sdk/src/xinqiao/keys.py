"""Keys: made, read from JWK files (RFC 7517), written, and found by their id.

An algorithm is one row of ``ALGORITHMS``; everything else is the same for all of them.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeGuard

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from xinqiao.errors import KeyUnusable

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "KeyRing",
    "SigningKey",
    "VerifyingKey",
    "is_kid",
    "new_key",
    "read_key_file",
    "read_signing_key",
    "read_verifying_key",
    "write_key",
]

# A key's id also names its file.
_KID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,63}")


def is_kid(value: object) -> TypeGuard[str]:
    """Say whether a value may be the id of a key: 1 to 64 letters, digits, ``. _ : -``, the first a letter or digit."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A JOSE signature algorithm: its name in ``alg`` and the kind of JWK it takes."""

    name: str
    key_type: str
    curve: Literal["Ed25519"]

    def fits(self, jwk: Mapping[str, Any]) -> bool:
        """Say whether a JWK is a key of this algorithm."""
        named = jwk.get("alg", self.name) == self.name
        return named and jwk.get("kty") == self.key_type and jwk.get("crv") == self.curve

    def generate(self) -> OKPKey:
        """Make a fresh private key."""
        return OKPKey.generate_key(self.curve)

    def sign(self, data: bytes, key: OKPKey) -> bytes:
        """Sign bytes with a private key."""
        return _REGISTRY.get_alg(self.name).sign(data, key)

    def verify(self, data: bytes, signature: bytes, key: OKPKey) -> bool:
        """Say whether a signature over bytes is the key's."""
        return _REGISTRY.get_alg(self.name).verify(data, signature, key)


# ``EdDSA`` is deprecated by RFC 9864 and not listed. Another algorithm is another row.
ALGORITHMS: Mapping[str, Algorithm] = {"Ed25519": Algorithm("Ed25519", "OKP", "Ed25519")}
_REGISTRY = JWSRegistry(algorithms=list(ALGORITHMS))


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key and its id."""

    kid: str
    algorithm: str
    _key: OKPKey = field(repr=False, compare=False)

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Say whether a signature over bytes is this key's."""
        return ALGORITHMS[self.algorithm].verify(data, signature, self._key)

    def jose(self) -> OKPKey:
        """Return the key as joserfc knows it."""
        return self._key

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a public JWK; a private part is ignored. Raises ``KeyUnusable``."""
        public = {name: part for name, part in jwk.items() if name != "d"}
        return cls(*_import(public))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its id. Its representation shows nothing secret."""

    kid: str
    algorithm: str
    _key: OKPKey = field(repr=False, compare=False)

    def public(self) -> VerifyingKey:
        """Return the key that verifies what this one signs."""
        public = self._key.as_dict(private=False)
        return VerifyingKey.from_jwk({**public, "kid": self.kid, "alg": self.algorithm})

    def sign(self, data: bytes) -> bytes:
        """Sign bytes."""
        return ALGORITHMS[self.algorithm].sign(data, self._key)

    def jose(self) -> OKPKey:
        """Return the key as joserfc knows it."""
        return self._key

    def private_jwk(self) -> dict[str, Any]:
        """Return the private JWK: a secret."""
        return {**self._key.as_dict(private=True), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a private JWK. Raises ``KeyUnusable``."""
        if "d" not in jwk:
            raise KeyUnusable("a private JWK is needed, this one has no private part (d)")
        return cls(*_import(jwk))


def _import(jwk: Mapping[str, Any]) -> tuple[str, str, OKPKey]:
    kid = jwk.get("kid")
    if not is_kid(kid):
        raise KeyUnusable("the JWK has no usable kid (1 to 64 letters, digits, . _ : -, a letter or digit first)")
    row = next((each for each in ALGORITHMS.values() if each.fits(jwk)), None)
    if row is None:
        said = {name: jwk[name] for name in ("kty", "crv", "alg") if name in jwk}
        raise KeyUnusable(f"key {kid} is {said}; algorithms here: {', '.join(ALGORITHMS)}")
    try:
        key = OKPKey.import_key({**jwk, "alg": row.name})
        key.get_op_key("sign" if "d" in jwk else "verify")
    except (JoseError, ValueError, TypeError) as error:
        raise KeyUnusable(f"key {kid} cannot be read as a {row.name} JWK") from error
    return kid, row.name, key


class KeyRing:
    """The public keys that are trusted for one purpose; several at once, so that keys can rotate."""

    def __init__(self, keys: Iterable[VerifyingKey] = ()) -> None:
        self._keys: dict[str, VerifyingKey] = {}
        for key in keys:
            known = self._keys.setdefault(key.kid, key)
            if known.jwk() != key.jwk():
                raise KeyUnusable(f"two different keys are named {key.kid}")

    def find(self, kid: str) -> VerifyingKey | None:
        """Return the key of that id, or None."""
        return self._keys.get(kid)

    def __iter__(self) -> Iterator[VerifyingKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def jwks(self) -> dict[str, Any]:
        """Return the keys as a JWK set."""
        return {"keys": [key.jwk() for key in self]}

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any], *, former: bool = False) -> Self:
        """Read a JWK set, e.g. the answer of ``GET /v1/keys``. Raises ``KeyUnusable``.

        A key that the set marks as ``former`` was retired, or leaked: it verifies evidence of the past, such as an old
        receipt, and nothing that comes now. It is left out unless ``former`` asks for it.
        """
        keys = jwks.get("keys")
        if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
            raise KeyUnusable("a JWK set is an object with an array named keys")
        return cls(VerifyingKey.from_jwk(each) for each in keys if former or not each.get("former"))


def new_key(kid: str, algorithm: str = "Ed25519") -> SigningKey:
    """Make a fresh key. Raises ``KeyUnusable`` for an algorithm that is not listed."""
    if algorithm not in ALGORITHMS:
        raise KeyUnusable(f"algorithm {algorithm} is not one of {', '.join(ALGORITHMS)}")
    key = ALGORITHMS[algorithm].generate()
    return SigningKey.from_jwk({**key.as_dict(private=True), "kid": kid, "alg": algorithm})


def read_signing_key(path: Path | str) -> SigningKey:
    """Read a private JWK file.

    Raises ``KeyUnusable`` where the file is missing, malformed, a public key, or may be read by its group or others.
    """
    place = Path(path)
    content, mode = _opened(place)
    jwk = _jwk(content, place)
    # Before its mode: to close a public key to others would mend nothing.
    if "d" not in jwk:
        raise KeyUnusable(f"{place} is a public JWK, with no private part (d); name the file of the private key")
    _require_closed(place, mode)
    return SigningKey.from_jwk(jwk)


def read_verifying_key(path: Path | str) -> VerifyingKey:
    """Read a public JWK file. The private part of a private one is ignored. Raises ``KeyUnusable``."""
    place = Path(path)
    return VerifyingKey.from_jwk(_jwk(_opened(place)[0], place))


def read_key_file(path: Path, *, secret: bool) -> bytes:
    """Return the content of a file that holds a key, at most 64,000 bytes.

    Raises ``KeyUnusable`` where it is missing, or is ``secret`` and may be read by its group or others.
    """
    content, mode = _opened(path)
    if secret:
        _require_closed(path, mode)
    return content


def _opened(path: Path) -> tuple[bytes, int]:
    """Return the content of a key's file, and its mode."""
    try:
        with path.open("rb") as file:
            return file.read(64_000), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from error


def _require_closed(path: Path, mode: int) -> None:
    if os.name == "posix" and mode & 0o077:
        raise KeyUnusable(f"{path} may be read by others (mode {mode & 0o777:o}); run: chmod 600 {path}")


def _jwk(content: bytes, path: Path) -> dict[str, Any]:
    try:
        jwk = json.loads(content)
    except ValueError as error:
        raise KeyUnusable(f"{path} is not JSON") from error
    if not isinstance(jwk, dict):
        raise KeyUnusable(f"{path} is not a JWK (a JSON object)")
    return jwk


def write_key(key: SigningKey | VerifyingKey, path: Path | str) -> None:
    """Write a JWK file: a private key with mode 0600, a public one with 0644. Never overwrites.

    Raises ``KeyUnusable`` where the file is there already or cannot be written.
    """
    secret = isinstance(key, SigningKey)
    jwk = key.private_jwk() if isinstance(key, SigningKey) else key.jwk()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(jwk, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise KeyUnusable(f"{path} is there already; a key is never overwritten") from error
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from error
