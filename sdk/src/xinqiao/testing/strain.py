"""What an adapter must stand: damaged inputs, and valid messages that a partner's format may be too small for."""

import copy
import re
from collections.abc import Iterator
from random import Random

from xinqiao.finding import errors_in
from xinqiao.message import ROUTING, Json
from xinqiao.testing.places import Path, Place, follow, places_of
from xinqiao.testing.values import value_of
from xinqiao.validation import check
from xinqiao.violations import canonical_path

__all__ = ["altered", "cuts", "foreign", "strained"]

# A cut at every byte of a short input, at as many places of a long one.
_PLACES = 200
_VALUES = 3
# Four bytes in GB18030, none in GBK; the second lies outside the first plane.
_RARE = ("㐀", "𠮷")


def foreign(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield inputs, each with what it is, that say nothing of what a sample says."""
    yield "an empty input", b""
    yield "blanks", b" \r\n"
    yield "zero bytes", bytes(256)
    yield "random bytes", Random(1).randbytes(256)  # noqa: S311 -- test data
    yield "an empty JSON object", b"{}"
    yield "an empty XML element", b"<a/>"
    yield "a line of digits", b"0123456789" * 20
    yield "the sample in UTF-16", content.decode("latin-1").encode("utf-16")
    half = len(content) // 2
    yield f"byte FF, which no encoding has, at {half}", content[:half] + b"\xff" + content[half:]


def cuts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a sample's beginnings, each with what it is."""
    step = max(len(content) // _PLACES, 1)
    for length in range(0, len(content), step):
        yield f"the first {length} of {len(content)} bytes", content[:length]


def altered(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a sample with one byte changed, each with where."""
    random = Random(2)  # noqa: S311 -- test data
    for _ in range(_PLACES if content else 0):
        at, byte = random.randrange(len(content)), random.randrange(256)
        yield f"byte {byte:02X} at {at}", content[:at] + bytes([byte]) + content[at + 1 :]


def strained(message: Json) -> Iterator[tuple[str, Json]]:
    """Yield valid messages that differ from a valid one in a single value, with its canonical path.

    Every value that its objects may hold is set, also where there was none: long and short, with rare characters,
    with as many digits as the standard allows.
    """
    random = Random(3)  # noqa: S311 -- test data
    for place in places_of(message):
        for path, field in _fields(place):
            for value in _values(field, random):
                changed = copy.deepcopy(message)
                follow(changed, path[:-1])[path[-1]] = [value] if "items" in field else value
                if changed != message and not errors_in(check(changed)):
                    yield canonical_path(path), changed


def _fields(place: Place) -> Iterator[tuple[Path, Json]]:
    """Yield the path and schema of each value that an object may hold; a list's with those of its items."""
    for name, field in place.fields.items():
        whole = {**field, **field.get("items", {})}
        # What carries a message is the gateway's own.
        if "$ref" not in whole and place.path and not (place.path == ("header",) and name in ROUTING):
            yield (*place.path, name), whole


def _values(field: Json, random: Random) -> Iterator[object]:
    yield from field.get("enum", ())
    for _ in range(_VALUES):
        yield value_of(field, random)
    yield from (each for each in _long_matches(field.get("pattern")) if re.search(field["pattern"], each))
    if "maxLength" in field:
        yield "a" * field["maxLength"]
        yield from (rare * min(field["maxLength"], 3) for rare in _RARE)
        yield _RARE[1] * field["maxLength"]


def _long_matches(pattern: str | None) -> Iterator[str]:
    """Yield digits, with and without a point; those that match the pattern are about as long as it allows."""
    for length in re.findall(r"(\d+)\}", pattern or ""):
        whole = "9" * int(length)
        yield from (whole, f"9{whole}", f"{whole}.87654321", f"9{whole}.87654321")
    yield from ("1.87654321", "-1.87654321") if pattern else ()
