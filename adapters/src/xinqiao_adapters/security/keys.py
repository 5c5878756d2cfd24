"""The keys of a channel that signs in its partner's way: files of the installation, read once.

``channels/<id>/keys/``:

partner*.pem, partner*.jwk    the partner's public keys or certificates; several while they rotate
issuer*.pem                   certificates of those who may issue the partner's
own.pem or own.jwk            our private key (0600)
own-certificate.pem           our certificate
secret.jwk                    the secret that both sides sign with (kty oct, 0600)
cipher.jwk                    the key of the body's encryption (kty oct, 0600)

Names that begin with ``sftp-`` or ``mail-`` are secrets for those ways in, and not read here.

A PEM is PKCS #8, SubjectPublicKeyInfo or X.509; a JWK is RSA, or EC with ``crv`` SM2.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from xinqiao.errors import KeyUnusable
from xinqiao.keys import read_key_file
from xinqiao.sm2 import Sm2PrivateKey, Sm2PublicKey

__all__ = ["LEAST_RSA_BITS", "Keys", "PartnerKey", "PrivateKey", "PublicKey", "read_keys"]

PublicKey = rsa.RSAPublicKey | Sm2PublicKey
PrivateKey = rsa.RSAPrivateKey | Sm2PrivateKey
LEAST_RSA_BITS = 2048
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END \1-----\s*")


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """A public key of the partner's, with its certificate where it came in one."""

    key: PublicKey
    certificate: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What a channel has of keys. Its representation shows nothing secret; ``folder`` is for messages."""

    folder: Path
    partner: tuple[PartnerKey, ...] = ()
    issuers: tuple[x509.Certificate, ...] = ()
    own: PrivateKey | None = field(default=None, repr=False)
    certificate: x509.Certificate | None = None
    secret: bytes | None = field(default=None, repr=False)
    cipher: bytes | None = field(default=None, repr=False)

    def lack(self, what: str, name: str) -> KeyUnusable:
        """Return the error for a key that the channel needs and has not."""
        return KeyUnusable(f"{self.folder} lacks {what}: put it there as {name}")


def read_keys(folder: Path) -> Keys:
    """Read the keys of a channel; a folder that is missing holds none.

    Raises ``KeyUnusable`` for a file of an unknown name, one that cannot be read, and a secret that
    others may read.
    """
    keys = Keys(folder)
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.name.startswith(_OTHERS):
            keys = _with_file(keys, path)
    if keys.certificate is not None and keys.own is not None and _key_in(keys.certificate) != _public(keys.own):
        raise KeyUnusable(f"{folder}: own-certificate.pem is not for the private key beside it")
    return keys


def _with_file(keys: Keys, path: Path) -> Keys:
    reader = next((read for pattern, read in _FILES.items() if fnmatch(path.name, pattern)), None)
    if reader is None:
        raise KeyUnusable(f"{path} has no meaning here; known: {', '.join(_FILES)}")
    try:
        return reader(keys, path)
    except KeyUnusable as error:
        said = error.detail if str(path) in error.detail else f"{path}: {error.detail}"
        raise KeyUnusable(said) from error
    except (ValueError, TypeError, UnsupportedAlgorithm, JoseError) as error:
        raise KeyUnusable(f"{path} cannot be read as what its name says") from error


def _with_partner(keys: Keys, path: Path) -> Keys:
    return replace(keys, partner=(*keys.partner, _partner_key(read_key_file(path, secret=False), path)))


def _with_issuer(keys: Keys, path: Path) -> Keys:
    return replace(keys, issuers=(*keys.issuers, x509.load_pem_x509_certificate(read_key_file(path, secret=False))))


def _with_own(keys: Keys, path: Path) -> Keys:
    if keys.own is not None:
        raise KeyUnusable("own.jwk and own.pem are there both; keep one")
    return replace(keys, own=_private_key(read_key_file(path, secret=True), path))


def _with_certificate(keys: Keys, path: Path) -> Keys:
    return replace(keys, certificate=x509.load_pem_x509_certificate(read_key_file(path, secret=False)))


def _with_secret(keys: Keys, path: Path) -> Keys:
    return replace(keys, secret=_octets(path))


def _with_cipher(keys: Keys, path: Path) -> Keys:
    return replace(keys, cipher=_octets(path))


_OTHERS = ("sftp-", "mail-")
_FILES: Mapping[str, Callable[[Keys, Path], Keys]] = {
    "partner*.pem": _with_partner,
    "partner*.jwk": _with_partner,
    "issuer*.pem": _with_issuer,
    "own-certificate.pem": _with_certificate,
    "own.pem": _with_own,
    "own.jwk": _with_own,
    "secret.jwk": _with_secret,
    "cipher.jwk": _with_cipher,
}


def _partner_key(content: bytes, path: Path) -> PartnerKey:
    if path.suffix == ".jwk":
        return PartnerKey(_jwk_public(_jwk(content)))
    label, der = _pem(content)
    if label == b"CERTIFICATE":
        certificate = x509.load_der_x509_certificate(der)
        return PartnerKey(_key_in(certificate), certificate)
    return PartnerKey(_spki(der))


def _spki(der: bytes) -> PublicKey:
    try:
        key = serialization.load_der_public_key(der)
    except UnsupportedAlgorithm:
        return Sm2PublicKey.from_spki(der)
    return _rsa_public(key)


def _private_key(content: bytes, path: Path) -> PrivateKey:
    if path.suffix == ".jwk":
        return _jwk_private(_jwk(content))
    label, der = _pem(content)
    if label != b"PRIVATE KEY":
        raise KeyUnusable("a PKCS #8 PEM is needed; run: openssl pkcs8 -topk8 -nocrypt -in … -out own.pem")
    try:
        key = serialization.load_der_private_key(der, password=None)
    except UnsupportedAlgorithm:
        return Sm2PrivateKey.from_pkcs8(der)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnusable("the key is neither RSA nor SM2")
    _rsa_public(key.public_key())
    return key


def _pem(content: bytes) -> tuple[bytes, bytes]:
    found = _PEM.fullmatch(content)
    if found is None:
        raise KeyUnusable("the file is not one PEM block")
    try:
        return found[1], base64.b64decode(b"".join(found[2].split()), validate=True)
    except binascii.Error as error:
        raise KeyUnusable("the PEM's content is no base64") from error


def _jwk(content: bytes) -> dict[str, Any]:
    jwk = json.loads(content)
    if not isinstance(jwk, dict):
        raise KeyUnusable("a JWK is a JSON object")
    return jwk


def _jwk_public(jwk: dict[str, Any]) -> PublicKey:
    if jwk.get("kty") == "EC":
        return Sm2PublicKey.from_jwk(jwk)
    return _rsa_public(RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e") if name in jwk}).public_key)


def _jwk_private(jwk: dict[str, Any]) -> PrivateKey:
    if jwk.get("kty") == "EC":
        return Sm2PrivateKey.from_jwk(jwk)
    key = RSAKey.import_key(jwk).private_key
    if key is None:
        raise KeyUnusable("a private JWK is needed, this one has no private part (d)")
    _rsa_public(key.public_key())
    return key


def _rsa_public(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyUnusable("the key is neither RSA nor SM2")
    if key.key_size < LEAST_RSA_BITS:
        raise KeyUnusable(f"an RSA key has at least {LEAST_RSA_BITS} bits, this one has {key.key_size}")
    return key


def _key_in(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    try:
        return _rsa_public(certificate.public_key())
    except UnsupportedAlgorithm as error:
        said = "of certificates only RSA ones are read; for SM2 give the public key: openssl x509 -pubkey -noout"
        raise KeyUnusable(said) from error


def _public(key: PrivateKey) -> PublicKey:
    return key.public if isinstance(key, Sm2PrivateKey) else key.public_key()


def _octets(path: Path) -> bytes:
    jwk = _jwk(read_key_file(path, secret=True))
    text = jwk.get("k")
    if jwk.get("kty") != "oct" or not isinstance(text, str):
        raise KeyUnusable("a secret is a JWK with kty oct and k, its bytes in base64url")
    secret = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if not secret:
        raise KeyUnusable("the secret is empty: anybody could sign with it")
    return secret
