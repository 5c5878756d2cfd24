"""``schemas/vectors/sealed.json``: sealed messages, whole and tampered with, and the keys that made them.

The keys are for tests: their private parts are published.
"""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from generate.jsonschema import GENERATED
from xinqiao.keys import SigningKey
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, seal
from xinqiao.testing import vector

_AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
_CONTENT_TYPE_XML = "application/xml"


def sealed_vectors() -> Json:
    """Return the keys and the cases: content, content type, signature, the time of opening, and what comes of it."""
    return {
        "$comment": GENERATED,
        "privateKeys": [_jwk(kid) for kid in ("bank-1", "stranger-1")],
        "keys": [SigningKey.from_jwk(_jwk("bank-1")).public().jwk()],
        "cases": [*_opening(), *_refused()],
    }


def _jwk(kid: str) -> Json:
    secret = hashlib.sha256(f"xinqiao vectors {kid}".encode()).digest()
    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "Ed25519",
        "kid": kid,
        "d": _base64url(secret),
        "x": _base64url(public),
    }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _case(name: str, content: bytes, signature: str, outcome: str, *, later: int = 0, kind: str = "") -> Json:
    return {
        "name": name,
        "content": base64.b64encode(content).decode(),
        "contentType": kind or CONTENT_TYPE_JSON,
        "signature": signature,
        "at": (_AT + timedelta(seconds=later)).isoformat().replace("+00:00", "Z"),
        "outcome": outcome,
    }


_OPENS = "opens"
_INVALID = "signature_invalid"
_EXPIRED = "signature_expired"
_CONTENT = write_json(vector("kycApplication"))


def _signed(content: bytes = _CONTENT, kid: str = "bank-1", kind: str = CONTENT_TYPE_JSON) -> str:
    return seal(content, kind, SigningKey.from_jwk(_jwk(kid)), _AT).signature


def _signed_with(**change: object) -> str:
    """Return a signature by the right key over another protected header; None leaves a member out."""
    protected, _, _ = _signed().split(".")
    members = orjson.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4))) | change
    head = _base64url(orjson.dumps({name: value for name, value in members.items() if value is not None}))
    signature = SigningKey.from_jwk(_jwk("bank-1")).sign(head.encode() + b"." + _CONTENT)
    return f"{head}..{_base64url(signature)}"


def _opening() -> Iterator[Json]:
    spaced = b" " + _CONTENT
    gbk = "<姓名>䶮</姓名>".encode("gb18030")
    yield _case("a message as it was sealed", _CONTENT, _signed(), _OPENS)
    yield _case("a leading space that was sealed too", spaced, _signed(spaced), _OPENS)
    yield _case("bytes that are no UTF-8", gbk, _signed(gbk, kind=_CONTENT_TYPE_XML), _OPENS, kind=_CONTENT_TYPE_XML)
    yield _case("no bytes at all", b"", _signed(b""), _OPENS)
    yield _case("ten minutes later", _CONTENT, _signed(), _OPENS, later=600)
    yield _case("a clock that is a minute behind", _CONTENT, _signed(), _OPENS, later=-60)


def _refused() -> Iterator[Json]:
    protected, _, signature = _signed().split(".")
    changed = _CONTENT.replace(b"5000000.00", b"9000000.00", 1)
    yield _case("no signature", _CONTENT, "", "signature_missing")
    yield _case("a changed byte", _CONTENT[:-1] + b" ", _signed(), _INVALID)
    yield _case("the same JSON in other bytes", changed + b"\n", _signed(), _INVALID)
    yield _case(
        "the payload in the middle segment", _CONTENT, f"{protected}.{_base64url(_CONTENT)}.{signature}", _INVALID
    )
    yield _case("a key that nobody registered", _CONTENT, _signed(kid="stranger-1"), _INVALID)
    yield _case("a key under another's name", _CONTENT, _forged(), _INVALID)
    yield _case("padded base64url", _CONTENT, f"{_signed()}==", _INVALID)
    yield _case("another content type than was signed", _CONTENT, _signed(), _INVALID, kind=_CONTENT_TYPE_XML)
    for name, change in _HEADERS.items():
        yield _case(name, _CONTENT, _signed_with(**change), _INVALID)
    yield _case("ten minutes and a second later", _CONTENT, _signed(), _EXPIRED, later=601)
    yield _case("a clock that is more than a minute behind", _CONTENT, _signed(), _EXPIRED, later=-61)


def _forged() -> str:
    protected, _, _ = _signed().split(".")
    signature = SigningKey.from_jwk(_jwk("stranger-1")).sign(protected.encode() + b"." + _CONTENT)
    return f"{protected}..{_base64url(signature)}"


_HEADERS: dict[str, Json] = {
    "b64 is not said": {"b64": None},
    "b64 is true": {"b64": True},
    "crit does not name b64": {"crit": []},
    "the deprecated name EdDSA": {"alg": "EdDSA"},
    "no algorithm": {"alg": "none"},
    "a member that the standard does not have": {"typ": "JWT"},
    "iat with a fraction": {"iat": 1768469400.5},
    "iat is missing": {"iat": None},
}
