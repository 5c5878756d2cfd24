"""SM2 signatures (GB/T 32918.2, with SM3): keys from JWK and from PEM's DER, and raw ``r‖s`` signatures.

The curve arithmetic is GmSSL's, by the wheel ``gmssl-pyx`` (``pip install 'xinqiao[sm]'``): ``cryptography`` has SM3
and SM4, and no SM2. Only the forms of keys and signatures are ours.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from xinqiao.errors import KeyUnusable

__all__ = ["DEFAULT_USER_ID", "SIGNATURE_SIZE", "Sm2PrivateKey", "Sm2PublicKey", "from_der", "new_sm2_key", "to_der"]

# GM/T 0009-2012 §10: the user id where two sides agree on none.
DEFAULT_USER_ID = b"1234567812345678"
SIGNATURE_SIZE = 64
_LONGEST_USER_ID = 8191
# GB/T 32918.5-2017: the field and the coefficient b of the curve; a is -3.
_P = 2**256 - 2**224 - 2**96 + 2**64 - 1
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
# What stands before the 64 bytes of a point in a SubjectPublicKeyInfo (RFC 5480) of the curve 1.2.156.10197.1.301.
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
# PKCS #8 (RFC 5958) with an ECPrivateKey (RFC 5915) that holds its public point: before the number, before the point.
_PKCS8 = bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
_PKCS8_POINT = bytes.fromhex("a14403420004")


@cache
def _gmssl() -> ModuleType:
    try:
        import gmssl_pyx  # noqa: PLC0415 -- an extra; who needs no SM2 does not install it
    except ImportError as error:
        raise KeyUnusable("SM2 needs a library that is not installed; run: pip install 'xinqiao[sm]'") from error
    module: ModuleType = gmssl_pyx
    return module


@dataclass(frozen=True, slots=True)
class Sm2PublicKey:
    """A point of the curve: 64 bytes, x and y."""

    point: bytes

    def __post_init__(self) -> None:
        x, y = (int.from_bytes(part, "big") for part in (self.point[:32], self.point[32:]))
        on_curve = x < _P and y < _P and (y * y - x * x * x - (_P - 3) * x - _B) % _P == 0
        if len(self.point) != 64 or not on_curve:
            raise KeyUnusable("this is no SM2 public key: its 64 bytes are no point of the curve")

    def verify(self, data: bytes, signature: bytes, user_id: bytes = DEFAULT_USER_ID) -> bool:
        """Say whether a raw signature (``r‖s``, 64 bytes) over bytes is this key's under a user id.

        Raises ``KeyUnusable`` where the user id has no usable length.
        """
        if len(signature) != SIGNATURE_SIZE:
            return False
        valid: bool = _gmssl().sm2_verify(self.point, data, to_der(signature), _checked(user_id))
        return valid

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a JWK: ``kty`` EC, ``crv`` SM2, ``x`` and ``y``. Raises ``KeyUnusable``."""
        if jwk.get("kty") != "EC" or jwk.get("crv") != "SM2":
            raise KeyUnusable("an SM2 JWK has kty EC and crv SM2")
        return cls(_number(jwk, "x") + _number(jwk, "y"))

    @classmethod
    def from_spki(cls, der: bytes) -> Self:
        """Read a SubjectPublicKeyInfo, the content of a ``PUBLIC KEY`` PEM. Raises ``KeyUnusable``."""
        if len(der) != len(_SPKI) + 64 or not der.startswith(_SPKI):
            raise KeyUnusable("this is no SM2 public key with an uncompressed point")
        return cls(der[len(_SPKI) :])

    def jwk(self) -> dict[str, str]:
        """Return the public JWK."""
        return {"kty": "EC", "crv": "SM2", "x": _encode(self.point[:32]), "y": _encode(self.point[32:])}

    def spki(self) -> bytes:
        """Return the SubjectPublicKeyInfo."""
        return _SPKI + self.point


@dataclass(frozen=True, slots=True)
class Sm2PrivateKey:
    """A private number (32 bytes) with its public key. Its representation shows nothing secret."""

    public: Sm2PublicKey
    _number: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.public.verify(b"", self.sign(b"")):
            raise KeyUnusable("the SM2 private key does not belong to the public key beside it")

    def sign(self, data: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """Return the raw signature (``r‖s``, 64 bytes) over bytes under a user id. Raises ``KeyUnusable``."""
        gmssl = _gmssl()
        try:
            return from_der(gmssl.sm2_sign(self._number, self.public.point, data, _checked(user_id)))
        except gmssl.InvalidValueError as error:
            raise KeyUnusable("this is no SM2 private key: its number is out of range") from error

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a private JWK, with ``d`` beside ``x`` and ``y``. Raises ``KeyUnusable``."""
        return cls(Sm2PublicKey.from_jwk(jwk), _number(jwk, "d"))

    @classmethod
    def from_pkcs8(cls, der: bytes) -> Self:
        """Read what OpenSSL and GmSSL write as a ``PRIVATE KEY`` PEM. Raises ``KeyUnusable``."""
        place = len(_PKCS8) + 32
        number, between, point = der[len(_PKCS8) : place], der[place:-64], der[-64:]
        if not der.startswith(_PKCS8) or between != _PKCS8_POINT:
            raise KeyUnusable("this is no SM2 private key in PKCS #8 with its public point")
        return cls(Sm2PublicKey(point), number)

    def jwk(self) -> dict[str, str]:
        """Return the private JWK: a secret."""
        return {**self.public.jwk(), "d": _encode(self._number)}

    def pkcs8(self) -> bytes:
        """Return the PKCS #8 form: a secret."""
        return _PKCS8 + self._number + _PKCS8_POINT + self.public.point


def new_sm2_key() -> Sm2PrivateKey:
    """Make a fresh key. Raises ``KeyUnusable`` where the library is not installed."""
    point, number = _gmssl().sm2_key_generate()
    return Sm2PrivateKey(Sm2PublicKey(point), number)


def to_der(signature: bytes) -> bytes:
    """Return a raw signature (``r‖s``) as ``SEQUENCE { r, s }``."""
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def from_der(signature: bytes) -> bytes:
    """Return ``SEQUENCE { r, s }`` as a raw signature. Raises ``ValueError`` for any spelling but DER."""
    r, s = decode_dss_signature(signature)
    if not (0 <= r < 2**256 and 0 <= s < 2**256):
        raise ValueError("r and s are numbers of at most 256 bits")
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _checked(user_id: bytes) -> bytes:
    if not 0 < len(user_id) <= _LONGEST_USER_ID:  # its length in bits has two bytes in Z
        raise KeyUnusable(f"an SM2 user id has 1 to {_LONGEST_USER_ID} bytes, this one has {len(user_id)}")
    return user_id


def _number(jwk: Mapping[str, Any], name: str) -> bytes:
    text = jwk.get(name)
    try:
        number = base64.b64decode(f"{text}=", altchars=b"-_", validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        number = b""
    if len(number) != 32:
        raise KeyUnusable(f"{name} of an SM2 JWK is 32 bytes in base64url")
    return number


def _encode(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode("ascii")
