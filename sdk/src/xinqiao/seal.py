"""The seal: a detached JWS (RFC 7515) over the exact bytes of a message (RFC 7797, ``b64: false``).

The signing input is built here and not by joserfc, whose detached form takes a non-empty middle segment for
the payload, cannot carry bytes that are no UTF-8 and stops at 128,000 bytes (1.8.0).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jiter
import orjson
from joserfc import jwt
from joserfc.errors import JoseError

from xinqiao.errors import NotAuthorized, SealExpired, SealInvalid, SealMissing
from xinqiao.keys import (
    ALGORITHMS,
    KeyRing,
    SigningKey,
    VerifyingKey,
    is_kid,
    new_key,
    read_signing_key,
    read_verifying_key,
    write_key,
)

__all__ = [
    "ALGORITHMS",
    "CONTENT_TYPE_JSON",
    "NEXT_SIGNATURE_HEADER",
    "SIGNATURE_HEADER",
    "KeyRing",
    "Sealed",
    "SigningKey",
    "VerifyingKey",
    "access_token",
    "check_access_token",
    "kid_of",
    "new_key",
    "open_either",
    "open_seal",
    "open_stored",
    "open_token",
    "read_signing_key",
    "read_verifying_key",
    "seal",
    "sign_token",
    "write_key",
]

CONTENT_TYPE_JSON = "application/json"
SIGNATURE_HEADER = "Xinqiao-Signature"
# While a gateway changes its key: the new key's signature; that of the key of before stays where it was.
NEXT_SIGNATURE_HEADER = "Xinqiao-Signature-Next"

_MEMBERS = {"alg", "kid", "b64", "crit", "cty", "iat"}
_LONGEST = 4096
_TOKEN_LIFE = timedelta(minutes=5)
_MAX_AGE = timedelta(minutes=10)
_LEEWAY = timedelta(minutes=1)
# Whole seconds that a float holds exactly, in every language that reads them.
_SECONDS = range(2**53)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The exact bytes of a message, their content type and a detached JWS ``header..signature`` over them."""

    content: bytes
    content_type: str
    signature: str


def seal(content: bytes, content_type: str, key: SigningKey, at: datetime | None = None) -> Sealed:
    """Sign bytes as they will travel."""
    header = {
        "alg": key.algorithm,
        "kid": key.kid,
        "b64": False,
        "crit": ["b64"],
        "cty": content_type,
        "iat": int((at or datetime.now(UTC)).timestamp()),
    }
    protected = _encode(orjson.dumps(header))
    signature = _encode(key.sign(_signing_input(protected, content)))
    return Sealed(content, content_type, f"{protected}..{signature}")


def open_seal(
    sealed: Sealed,
    keys: KeyRing,
    *,
    at: datetime | None = None,
    max_age: timedelta | None = _MAX_AGE,
    leeway: timedelta = _LEEWAY,
) -> str:
    """Verify a seal and return the id of the key that made it.

    ``leeway`` is how far the signer's clock may be ahead; ``max_age`` None verifies a seal of any age, for
    what was stored or is pulled later. Raises ``SealMissing``, ``SealInvalid`` or ``SealExpired``.
    """
    if not sealed.signature:
        raise SealMissing(f"the content came without {SIGNATURE_HEADER}")
    protected, signature = _parts(sealed.signature)
    header = _header(protected)
    key = _key_of(header, keys)
    if _media_type(header["cty"]) != _media_type(sealed.content_type):
        raise SealInvalid(f"signed as {header['cty'][:80]!r}, came as {sealed.content_type[:80]!r}")
    if not key.verify(_signing_input(protected, sealed.content), _decode(signature, "signature")):
        raise SealInvalid(f"the signature is not key {key.kid}'s over these {len(sealed.content)} bytes")
    _check_time(header["iat"], at or datetime.now(UTC), max_age, leeway)
    return key.kid


def open_either(
    sealed: Sealed,
    next_signature: str,
    keys: KeyRing,
    *,
    at: datetime | None = None,
    max_age: timedelta | None = _MAX_AGE,
) -> str:
    """Verify a seal that may come with a second signature over the same bytes, by the key that follows.

    One that is good suffices: a receiver has the key of before, the new one, or both. Returns the id of the key that
    made it. Raises as ``open_seal``, of the first.
    """
    try:
        return open_seal(sealed, keys, at=at, max_age=max_age)
    except (SealInvalid, SealMissing):
        if not next_signature:
            raise
        try:
            return open_seal(Sealed(sealed.content, sealed.content_type, next_signature), keys, at=at, max_age=max_age)
        except (SealInvalid, SealMissing):
            pass
        raise


def open_stored(sealed: Sealed, keys: KeyRing) -> str:
    """Verify the seal of evidence that was stored, of whatever time, and return the id of the key that made it.

    A clock that was ahead has signed, too. Raises ``SealMissing`` or ``SealInvalid``.
    """
    return open_seal(sealed, keys, max_age=None, leeway=timedelta.max)


def kid_of(sealed: Sealed) -> str:
    """Return the id of the key that a seal names. It proves nothing. Raises ``SealInvalid`` for what is no seal."""
    kid: str = _header(_parts(sealed.signature)[0])["kid"]
    return kid


def _parts(signature: str) -> tuple[str, str]:
    parts = signature.split(".") if len(signature) <= _LONGEST and signature.isascii() else []
    if len(parts) != 3:
        raise SealInvalid("a detached JWS has the form header..signature")
    if parts[1]:
        raise SealInvalid("the middle segment must be empty: the payload is the content itself")
    return parts[0], parts[2]


def _header(protected: str) -> dict[str, Any]:
    try:
        header = jiter.from_json(_decode(protected, "header"), catch_duplicate_keys=True)
    except ValueError as error:
        raise SealInvalid("the protected header is not a JSON object") from error
    if not isinstance(header, dict) or header.keys() != _MEMBERS:
        raise SealInvalid(f"the protected header has exactly {', '.join(sorted(_MEMBERS))}")
    if header["b64"] is not False or header["crit"] != ["b64"]:
        raise SealInvalid('the protected header must say "b64": false and "crit": ["b64"]')
    if not all(isinstance(header[name], str) for name in ("alg", "kid", "cty")) or type(header["iat"]) is not int:
        raise SealInvalid("alg, kid and cty are strings, iat is whole seconds")
    if header["iat"] not in _SECONDS:
        raise SealInvalid("iat is whole seconds since 1970, from 0 to 2⁵³-1")
    return header


def _key_of(header: dict[str, Any], keys: KeyRing) -> VerifyingKey:
    if header["alg"] not in ALGORITHMS:
        raise SealInvalid(f"alg {header['alg'][:40]!r} is not one of {', '.join(ALGORITHMS)}")
    if not is_kid(header["kid"]):
        raise SealInvalid("kid is not the id of a key")
    key = keys.find(header["kid"])
    if key is None:
        raise SealInvalid(f"kid {header['kid'][:80]!r} is not a registered key")
    if key.algorithm != header["alg"]:
        raise SealInvalid(f"key {key.kid} is for {key.algorithm}, the header says {header['alg']}")
    return key


def _check_time(issued: int, now: datetime, max_age: timedelta | None, leeway: timedelta) -> None:
    age = now.timestamp() - issued
    if age < -leeway.total_seconds():
        raise SealExpired(f"signed {-age:.0f} s in the future")
    if max_age is not None and age > max_age.total_seconds():
        raise SealExpired(f"signed {age:.0f} s ago, at most {max_age.total_seconds():.0f} s are allowed")


def _signing_input(protected: str, content: bytes) -> bytes:
    return protected.encode("ascii") + b"." + content


def _media_type(content_type: str) -> str:
    return "".join(content_type.split()).lower()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(segment: str, name: str) -> bytes:
    try:
        data = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise SealInvalid(f"the {name} is not base64url") from error
    # Unused bits of the last character would give one signature several spellings.
    if _encode(data) != segment:
        raise SealInvalid(f"the {name} is not canonical base64url")
    return data


def access_token(key: SigningKey, audience: str, at: datetime | None = None) -> str:
    """Return a bearer token (compact JWS, five minutes) for calls without a body to seal."""
    issued = at or datetime.now(UTC)
    claims = {"aud": audience, "iat": int(issued.timestamp()), "exp": int((issued + _TOKEN_LIFE).timestamp())}
    return sign_token(claims, key)


def check_access_token(
    token: str, keys: KeyRing, audience: str, *, at: datetime | None = None, leeway: timedelta = _LEEWAY
) -> str:
    """Verify a bearer token for ``audience`` and return the id of its key. Raises ``NotAuthorized``."""
    if not token:
        raise NotAuthorized("the request has no bearer token")
    kid, claims = open_token(token, keys)
    _check_claims(claims, audience, (at or datetime.now(UTC)).timestamp(), leeway.total_seconds())
    return kid


def sign_token(claims: dict[str, Any], key: SigningKey) -> str:
    """Return claims as a compact JWS."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, claims, key.jose(), algorithms=[key.algorithm])


def open_token(token: str, keys: KeyRing) -> tuple[str, dict[str, Any]]:
    """Verify who signed a compact JWS, at most 4,096 characters; return the id of the key and the claims.

    What the claims say is for the caller to judge. Raises ``NotAuthorized``.
    """
    try:
        key = _key_of(_token_header(token), keys)
        return key.kid, jwt.decode(token, key.jose(), algorithms=[key.algorithm]).claims
    except (SealInvalid, JoseError, ValueError, RecursionError) as error:
        said = error.detail if isinstance(error, SealInvalid) else "it is not a token signed by a registered key"
        raise NotAuthorized(said) from error


def _token_header(token: str) -> dict[str, Any]:
    first = token.split(".", maxsplit=1)[0] if len(token) <= _LONGEST and token.isascii() else ""
    header = jiter.from_json(_decode(first, "token header"), catch_duplicate_keys=True)
    if not isinstance(header, dict) or not all(isinstance(header.get(name), str) for name in ("alg", "kid")):
        raise SealInvalid("the token's header names no alg and kid")
    return header


def _check_claims(claims: dict[str, Any], audience: str, now: float, leeway: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:
        raise NotAuthorized("the token has no iat and exp in whole seconds")
    if claims.get("aud") != audience:
        raise NotAuthorized(f"the token is not for {audience}")
    if issued > now + leeway or expires < now - leeway or expires - issued > _TOKEN_LIFE.total_seconds():
        raise NotAuthorized("the token is outside its time; at most five minutes, clocks may differ by one")
