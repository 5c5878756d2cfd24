"""Canonical JSON: how a message is read, written, identified and digested.

Inside Xinqiao a message is its canonical JSON, a ``dict`` with ``header`` and exactly one body.
"""

import hashlib
import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import jiter
import orjson

from xinqiao.errors import DuplicateKey, MalformedJson, UnknownMessageType, UnsupportedVersion, WrongEncoding
from xinqiao.standard import STANDARD_VERSION, MessageType, message_types

__all__ = [
    "NOBODY",
    "ROUTING",
    "Header",
    "Json",
    "content_digest",
    "derived_message_id",
    "message_type",
    "new_message_id",
    "read_json",
    "read_value",
    "timestamp",
    "write_json",
]

Json = dict[str, Any]

# Who an answer is for where nobody is known: formally a valid institution code that nobody has.
NOBODY = "0" * 18

# Header fields that carry a message and say nothing of the business: they need no place in a partner's document.
ROUTING = frozenset({"messageId", "standardVersion", "sender", "receiver", "channelId", "createdAt", "test"})
# The header fields that say what a message is about, beside its body.
_CONTENT = ("receiver", "caseId", "correlationId", "revision", "replaces", "test")
_INTEGERS = range(-(2**63), 2**64)


def read_json(raw: bytes) -> Json:
    """Parse one canonical message strictly, as ``read_value`` does (18 µs for 2.4 KB).

    Raises ``WrongEncoding``, ``DuplicateKey`` or ``MalformedJson``.
    """
    value = read_value(raw)
    if not isinstance(value, dict):
        raise MalformedJson(f"a message is a JSON object, this is {type(value).__name__}")
    return value


def read_value(raw: bytes) -> Any:  # noqa: ANN401 -- JSON is any of six kinds
    """Parse any one JSON value strictly (jiter): no key twice, at most 200 levels deep, and only what can be written.

    That is: integers from -2⁶³ to 2⁶⁴-1, finite numbers, no lone surrogates. A whole number written with a fraction or
    an exponent (``2.0``) is the integer that it is, so that a message says the same in every form.

    Raises ``WrongEncoding`` (not UTF-8), ``DuplicateKey`` or ``MalformedJson`` (with line and column, or with the
    path of a number out of range).
    """
    try:
        value = jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="lossless-float")
    except ValueError as error:
        raise _json_error(raw, str(error)) from error
    try:
        orjson.dumps(value)
    except TypeError:
        # Numbers with a fraction or an exponent, which orjson does not write as they were read; a message has none.
        value = _with_plain_numbers(value)
        _require_writable(value)
    return value


# Up to here a float tells each whole number from the next.
_EXACT = 2.0**53


def _with_plain_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_plain_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(each) for each in value]
    if not isinstance(value, jiter.LosslessFloat):
        return value
    number = float(value)
    return int(number) if abs(number) <= _EXACT and number.is_integer() else number


def _require_writable(value: object) -> None:
    try:
        written = orjson.dumps(value)
    except TypeError as error:
        raise MalformedJson(f"{_out_of_range(value) or 'a value'} cannot be written: {error}") from error
    # A number beyond 64-bit floats is read as infinite and written as null; a message seldom holds a null.
    if b"null" in written and (path := _out_of_range(value)):
        raise MalformedJson(f"{path} is a number beyond the range of 64-bit floating point")


def _out_of_range(value: object) -> str | None:
    """Return the path of a number that cannot be written, or None."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, dict):
            waiting += [(f"{path}.{name}" if path else name, each) for name, each in part.items()]
        elif isinstance(part, list):
            waiting += [(f"{path}[{index}]", each) for index, each in enumerate(part)]
        elif (isinstance(part, int) and part not in _INTEGERS) or (isinstance(part, float) and math.isinf(part)):
            return path[:300] or "the number"
    return None


def _json_error(raw: bytes, said: str) -> Exception:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return WrongEncoding(f"byte {error.start} is not UTF-8")
    if raw.startswith(b"\xef\xbb\xbf"):
        return MalformedJson("it begins with a byte order mark, which JSON does not have: save it without")
    if "duplicate key" in said.lower():
        return DuplicateKey(said)
    return MalformedJson(said)


def write_json(message: Json) -> bytes:
    """Serialise a message (orjson, UTF-8, no spaces)."""
    return orjson.dumps(message)


def message_type(message: Json) -> MessageType:
    """Return the type of a message.

    Raises ``UnknownMessageType`` unless exactly one body of the standard is there, ``UnsupportedVersion``
    where the header names another major version.
    """
    header = message.get("header")
    version = header.get("standardVersion") if isinstance(header, dict) else None
    if isinstance(version, str) and not version.startswith("1."):
        raise UnsupportedVersion(f"header.standardVersion is {version[:20]!r}, spoken here: {STANDARD_VERSION}")
    known = message_types()
    bodies = [key for key in message if key in known]
    if len(bodies) == 1:
        return known[bodies[0]]
    if bodies:
        raise UnknownMessageType(f"one body expected, found {', '.join(sorted(bodies))}")
    others = ", ".join(sorted(str(key)[:40] for key in message if key != "header")) or "none"
    raise UnknownMessageType(f"no body that the standard defines; found {others}")


@dataclass(frozen=True, slots=True)
class Header:
    """The header fields that carrying a message needs, beside its canonical JSON."""

    message_id: str
    sender: str
    receiver: str
    channel_id: str | None
    case_id: str | None
    correlation_id: str | None
    partner_serial: str | None
    business_date: str | None
    replaces: str | None
    created_at: str
    test: bool

    @classmethod
    def of(cls, message: Json) -> Self:
        """Read the header of a message that passed the schema."""
        header = message["header"]
        return cls(
            message_id=header["messageId"],
            sender=header["sender"],
            receiver=header["receiver"],
            channel_id=header.get("channelId"),
            case_id=header.get("caseId"),
            correlation_id=header.get("correlationId"),
            partner_serial=header.get("partnerSerial"),
            business_date=header.get("businessDate"),
            replaces=header.get("replaces"),
            created_at=header["createdAt"],
            test=header.get("test", False),
        )


def content_digest(message: Json) -> str:
    """Return the SHA-256 (hex) of what a message says; it tells a repeat from a conflict.

    Over the message's JSON as orjson writes it (UTF-8, no spaces, keys sorted by their bytes) with its body, and
    with a header cut down to those of ``receiver``, ``caseId``, ``correlationId``, ``revision``, ``replaces`` and
    ``test`` that are present, as they are.

    Not in it, because a retry may write them anew or a gateway may add them: ``messageId``, ``standardVersion``,
    ``sender``, ``channelId``, ``partnerSerial``, ``businessDate``, ``branch``, ``operator``, ``createdAt``.
    """
    header = message["header"]
    said = {**message, "header": {name: header[name] for name in _CONTENT if name in header}}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def new_message_id() -> str:
    """Return a fresh UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then random."""
    return _uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def derived_message_id(at: str, seed: str) -> str:
    """Return the UUID version 7 of an instant (as ``timestamp`` writes it) that a seed always leads to.

    For answers that must be the same when they are given again.
    """
    milliseconds = int(datetime.fromisoformat(at).timestamp() * 1000)
    return _uuid7(milliseconds, hashlib.sha256(seed.encode()).digest()[:10])


def _uuid7(milliseconds: int, rest: bytes) -> str:
    value = int.from_bytes(milliseconds.to_bytes(6, "big") + rest, "big")
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    written = value.to_bytes(16, "big").hex()
    return f"{written[:8]}-{written[8:12]}-{written[12:16]}-{written[16:20]}-{written[20:]}"


def timestamp(at: datetime | None = None) -> str:
    """Return an instant (now by default) as the standard writes it: UTC with microseconds and ``Z``."""
    moment = datetime.now(UTC) if at is None else at.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"
