"""Scenarios: every path through a business, as data; walked against a bench by ``walking``."""

from functools import cache

from xinqiao_conformance.scenarios.composing import ACCEPTED, PARKED, Nothing, Pause, Send, Side, Step
from xinqiao_conformance.scenarios.disorder import disordered
from xinqiao_conformance.scenarios.reading import BUSINESSES, HAPPY, Business, Path, business_named
from xinqiao_conformance.scenarios.walking import Walker, walk

__all__ = [
    "ACCEPTED",
    "BUSINESSES",
    "HAPPY",
    "PARKED",
    "Business",
    "Nothing",
    "Path",
    "Pause",
    "Send",
    "Side",
    "Step",
    "Walker",
    "business_named",
    "happy_path",
    "paths",
    "walk",
]


@cache
def paths(business: str) -> list[Path]:
    """Return every path of a business: those that are written for it, then those out of order.

    Raises ``ValueError`` for a business that there is not.
    """
    known = business_named(business)
    return [*known.paths, *disordered(known)]


def happy_path(business: str) -> Path:
    """Return the path of a business that goes as it should."""
    return business_named(business).happy
