"""Seals made by hand, so that they can be wrong in one way: the cases of the published ``sealed.json``, made anew.

The published ones are of a day that is long over; a receiver that runs looks at its own clock.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import orjson

from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, SigningKey, new_key

__all__ = [
    "FOREIGN",
    "FORGERIES",
    "FORM",
    "IN_TIME",
    "MEMBERS",
    "MISSING",
    "OUT_OF_TIME",
    "RIGHT",
    "Forge",
    "seal_said",
    "signed",
]

# Content and the right key in, what travels out.
Forge = Callable[[bytes, SigningKey], Sealed]

_TEN_MINUTES = 600
_MINUTE = 60
# Seconds within which a message travels, so that an edge is met on the right side.
_ON_THE_WAY = 20


def signed(
    content: bytes,
    key: SigningKey,
    members: Mapping[str, object] = MappingProxyType({}),
    *,
    middle: bytes = b"",
    without: str = "",
) -> str:
    """Return a detached JWS whose header has other members than it must, or lacks one, or holds the payload."""
    header = {"alg": key.algorithm, "kid": key.kid, "b64": False, "crit": ["b64"], "cty": CONTENT_TYPE_JSON}
    said = {**header, "iat": int(time.time()), **members}
    said.pop(without, None)
    protected = _encoded(orjson.dumps(said))
    signature = _encoded(key.sign(protected.encode() + b"." + content))
    return f"{protected}.{_encoded(middle)}.{signature}"


def seal_said(sealed: Sealed) -> str:
    """Return the header of a seal as a report shows it: JSON, or that there is none."""
    protected = sealed.signature.partition(".")[0]
    return base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)).decode() or "no seal"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _with(**members: object) -> Forge:
    return lambda content, key: Sealed(content, CONTENT_TYPE_JSON, signed(content, key, members))


def _lacking(member: str) -> Forge:
    return lambda content, key: Sealed(content, CONTENT_TYPE_JSON, signed(content, key, without=member))


def _aged(seconds: int) -> Forge:
    return lambda content, key: Sealed(
        content, CONTENT_TYPE_JSON, signed(content, key, {"iat": int(time.time()) - seconds})
    )


def _right(content: bytes, key: SigningKey) -> Sealed:
    return Sealed(content, CONTENT_TYPE_JSON, signed(content, key))


def _led_by_a_space(content: bytes, key: SigningKey) -> Sealed:
    return _right(b" " + content, key)


def _without_seal(content: bytes, key: SigningKey) -> Sealed:
    return replace(_right(content, key), signature="")


def _changed(content: bytes, key: SigningKey) -> Sealed:
    changed = content.replace(b'"standardVersion":"1.0"', b'"standardVersion":"1.1"', 1)
    return replace(_right(content, key), content=changed)


def _in_other_bytes(content: bytes, key: SigningKey) -> Sealed:
    return replace(_right(content, key), content=content + b"\n")


def _by_a_stranger(content: bytes, key: SigningKey) -> Sealed:
    return _right(content, new_key("stranger-1", key.algorithm))


def _under_anothers_name(content: bytes, key: SigningKey) -> Sealed:
    return _right(content, new_key(key.kid, key.algorithm))


def _padded(content: bytes, key: SigningKey) -> Sealed:
    sealed = _right(content, key)
    return replace(sealed, signature=sealed.signature + "=" * (-len(sealed.signature.rpartition(".")[2]) % 4))


def _as_another_type(content: bytes, key: SigningKey) -> Sealed:
    return replace(_right(content, key), content_type="application/xml")


def _middle(content: bytes, key: SigningKey) -> Sealed:
    return Sealed(content, CONTENT_TYPE_JSON, signed(content, key, middle=content))


def _with_a_fraction(content: bytes, key: SigningKey) -> Sealed:
    return Sealed(content, CONTENT_TYPE_JSON, signed(content, key, {"iat": int(time.time()) + 0.5}))


# By the names of the published cases: whoever adds one there finds it missing here.
FORGERIES: Mapping[str, Forge] = {
    "a message as it was sealed": _right,
    "a leading space that was sealed too": _led_by_a_space,
    "ten minutes later": _aged(_TEN_MINUTES - _ON_THE_WAY),
    "a clock that is a minute behind": _aged(-(_MINUTE - _ON_THE_WAY)),
    "no signature": _without_seal,
    "a changed byte": _changed,
    "the same JSON in other bytes": _in_other_bytes,
    "the payload in the middle segment": _middle,
    "a key that nobody registered": _by_a_stranger,
    "a key under another's name": _under_anothers_name,
    "padded base64url": _padded,
    "another content type than was signed": _as_another_type,
    "b64 is not said": _lacking("b64"),
    "b64 is true": _with(b64=True),
    "crit does not name b64": _with(crit=["exp"]),
    "the deprecated name EdDSA": _with(alg="EdDSA"),
    "no algorithm": _with(alg="none"),
    "a member that the standard does not have": _with(jku="https://example.com/keys"),
    "iat with a fraction": _with_a_fraction,
    "iat is missing": _lacking("iat"),
    "ten minutes and a second later": _aged(_TEN_MINUTES + 1),
    "a clock that is more than a minute behind": _aged(-(_MINUTE + _ON_THE_WAY)),
}

# What is right or wrong about them, by name.
RIGHT = ("a message as it was sealed", "a leading space that was sealed too")
IN_TIME = ("ten minutes later", "a clock that is a minute behind")
FOREIGN = (
    "a changed byte",
    "the same JSON in other bytes",
    "a key that nobody registered",
    "a key under another's name",
    "another content type than was signed",
)
FORM = (
    "the payload in the middle segment",
    "b64 is not said",
    "b64 is true",
    "crit does not name b64",
    "the deprecated name EdDSA",
    "no algorithm",
)
MEMBERS = (
    "padded base64url",
    "a member that the standard does not have",
    "iat with a fraction",
    "iat is missing",
)
OUT_OF_TIME = ("ten minutes and a second later", "a clock that is more than a minute behind")
MISSING = ("no signature",)
