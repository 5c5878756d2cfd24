"""The sound part of a record that cannot be decoded: so that its rules are checked too, and all is said at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.validation import check
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.shapes import parse_steps, put
from xinqiao_adapters.mapping.trace import Reading

__all__ = ["rule_findings"]


def rule_findings(body: str, header: Json, readings: Iterable[Reading]) -> list[Finding]:
    """Return what the rules of the standard find in the values that could be read, in the partner's own terms.

    What is missing is not said: it may be missing because it could not be read.
    """
    places: dict[str, str] = {}
    message: Json = {"header": dict(header), body: {}}
    for reading in readings:
        value, steps = _value(reading), parse_steps(reading.path)
        if value is not None and steps is not None:
            put(message, steps, value)
            places[reading.path] = reading.place
    found = (each for each in check(message) if not each.rule.startswith("schema.") and _was_read(each.path, places))
    return [replace(each, partner_path=places.get(each.path)) for each in found]


def _was_read(path: str, places: Mapping[str, str]) -> bool:
    """Return whether a path, or something below it, holds a value that was read."""
    return path in places or any(place.startswith((f"{path}.", f"{path}[")) for place in places)


def _value(reading: Reading) -> object:
    if reading.misshapen or reading.text is None or reading.leaf.target is None:
        return None
    try:
        return reading.value
    except Unfit:
        return None
