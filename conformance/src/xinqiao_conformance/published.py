"""The published vectors: what the standard itself says is valid, and what is not."""

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

__all__ = ["UNKNOWN_CODE", "UNKNOWN_FIELD", "Vector", "byte_vectors", "form_vectors", "is_taken", "rules_of"]

# A vector: the message or the bytes, what is to be found in it, its name.
Vector = dict[str, Any]

UNKNOWN_FIELD, UNKNOWN_CODE = "schema.unknown_field", "XQ-R-009"


@cache
def _cases(name: str) -> list[Vector]:
    read = orjson.loads((files("xinqiao") / "schemas" / "vectors" / name).read_bytes())
    found: list[Vector] = read["cases"]
    return found


def form_vectors(body: str) -> list[Vector]:
    """Return the vectors of a message type, each with its ``body``."""
    return [{**each, "body": body} for each in _cases(f"forms/{body}.json")]


def byte_vectors() -> list[Vector]:
    """Return the vectors of bytes that are JSON or are none."""
    return _cases("json.json")


def rules_of(vector: Vector) -> set[str]:
    """Return the rules that are found in a vector."""
    return {each["rule"] for each in vector.get("findings", ())}


def is_taken(vector: Vector) -> bool:
    """Say whether whoever receives it takes it: one that is strict refuses unknown fields, a receiver keeps them."""
    return bool(vector["valid"]) or rules_of(vector) == {UNKNOWN_FIELD}
