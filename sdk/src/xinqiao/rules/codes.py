"""The code lists that rules look values up in, from ``schemas/codes``."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

__all__ = ["codes", "minor_digits"]


@cache
def _list(name: str) -> Mapping[str, Any]:
    resource = files("xinqiao") / "schemas" / "codes" / f"{name}.json"
    found: Mapping[str, Any] = orjson.loads(resource.read_bytes())
    return found


@cache
def codes(name: str) -> frozenset[str]:
    """Return the codes of a list by its file, e.g. ``iso4217``."""
    return frozenset(_list(name)["codes"])


@cache
def minor_digits(currency: str) -> int:
    """Return how many digits after the point a currency's minor unit has: 2 for CNY, 0 for JPY (ISO 4217)."""
    units = _list("iso4217")["minorUnits"]
    digits: int = units.get(currency, units["default"])
    return digits
