"""JSON of partners, read strictly: UTF-8, one value, no key twice, numbers with the digits that were sent."""

from typing import Any

import jiter

from xinqiao.errors import MalformedJson
from xinqiao.message import read_json

__all__ = ["read_value", "scalar_text"]


def read_value(raw: bytes) -> Any:  # noqa: ANN401 -- JSON is any of six kinds
    """Return the one JSON value of a partner's text; a number with a point is a ``jiter.LosslessFloat``.

    Raises what ``xinqiao.message.read_json`` raises: ``WrongEncoding``, ``DuplicateKey``, ``MalformedJson``.
    """
    try:
        return jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="lossless-float")
    except ValueError as error:
        read_json(raw)  # raises, and says what in the project's own errors
        raise MalformedJson(str(error)) from error


def scalar_text(value: object) -> str | None:
    """Return a scalar as the text that was sent, None for null; ``TypeError`` for a list or an object."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, jiter.LosslessFloat)):
        return str(value)
    raise TypeError(f"no scalar: {type(value).__name__}")
