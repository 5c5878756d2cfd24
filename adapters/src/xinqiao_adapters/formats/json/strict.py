"""JSON of partners, read strictly: UTF-8, one value, no key twice, numbers with the digits that were sent."""

import re
from typing import Any

import jiter
import orjson

from xinqiao.errors import MalformedJson
from xinqiao.message import read_json
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters, Charset, translated

__all__ = ["read_own_value", "read_value", "scalar_text"]

# An escape that may stand for a private-use character: the first area, or the first half of the other two.
_PRIVATE_ESCAPE = re.compile(rb"\\u(?:[eE]|[fF][0-8]|[dD][bB][89a-fA-F])")


def read_value(raw: bytes) -> Any:  # noqa: ANN401 -- JSON is any of six kinds
    """Return the one JSON value of a partner's text; a number with a point is a ``jiter.LosslessFloat``.

    Raises what ``xinqiao.message.read_json`` raises: ``WrongEncoding``, ``DuplicateKey``, ``MalformedJson``.
    """
    try:
        return jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="lossless-float")
    except ValueError as error:
        read_json(raw)  # raises, and says what in the project's own errors
        raise MalformedJson(str(error)) from error


def read_own_value(raw: bytes, characters: Characters = NO_CHARACTERS) -> Any:  # noqa: ANN401
    """Return what ``read_value`` does, with the partner's own characters translated, in keys as well.

    Raises ``WrongEncoding`` as well for a private-use character that ``characters`` lack: with its byte, or with its
    key where it was escaped.
    """
    if not raw.isascii():
        raw = Charset("UTF-8", characters).decode(raw).encode("utf-8")
    value = read_value(raw)
    return _translated(value, characters, "the document") if _PRIVATE_ESCAPE.search(raw) else value


def _translated(value: Any, characters: Characters, place: str) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return translated(value, characters, place)
    if isinstance(value, list):
        return [_translated(each, characters, place) for each in value]
    if isinstance(value, dict):
        return {translated(key, characters, place): _translated(each, characters, key) for key, each in value.items()}
    return value


def scalar_text(value: object) -> str | None:
    """Return a scalar as the text that was sent (or goes out), None for null.

    Raises ``TypeError`` for a list or an object.
    """
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, jiter.LosslessFloat)):
        return str(value)
    if isinstance(value, orjson.Fragment):
        return orjson.dumps(value).decode()
    raise TypeError(f"no scalar: {type(value).__name__}")
