"""The recorded business: what one customer of a partner does, message by message, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from xinqiao.message import Json

__all__ = ["Recorded", "recorded"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message: its type, its body, and how it comes to be where somebody enters it at a page.

    ``facts`` are stated by the partner, ``implied`` are the paths that nobody types: constants and what follows.
    ``by_api``: no customer enters it, and it comes by API whatever the package. ``until`` is the state that the case
    is in after it, where the next message waits for that.
    """

    kind: str
    flow: str
    body: Json
    facts: Mapping[str, Any]
    implied: Sequence[str]
    by_api: bool
    until: str


@cache
def recorded() -> Mapping[str, tuple[Recorded, ...]]:
    """Return the business: each story with its messages, in order."""
    said = orjson.loads((files(__package__) / "business.json").read_bytes())
    return {story: tuple(Recorded(**each) for each in messages) for story, messages in said.items()}
