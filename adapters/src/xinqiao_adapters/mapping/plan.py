"""The plan of a mapping: rows whose every path is whole and whose converters are made. Data for the compiler."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xinqiao_adapters.mapping.converters import Converter, Scalar
from xinqiao_adapters.mapping.shapes import Steps
from xinqiao_adapters.marked import Mark

__all__ = ["ROUTING", "Leaf", "Plan", "Repeat", "Rows", "Source"]

# Header fields that carry a message and say nothing of the business: they need no place in the partner's document.
ROUTING = frozenset({"messageId", "standardVersion", "sender", "receiver", "channelId", "createdAt", "test"})

# A partner path, step by step; ``@name`` is an attribute.
Source = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. ``target`` and ``source`` start at the group's own object and node.

    ``target`` is empty for the items of a list of scalars, None for a fixed value of the partner's own;
    ``source`` is None for a constant of the standard.
    """

    target: Steps | None
    source: Source | None
    converter: Converter
    sensitivity: str
    mark: Mark
    constant: Scalar | None = None
    default: Scalar | None = None
    oneway: Literal["in", "out"] | None = None

    @property
    def reads(self) -> bool:
        """Whether decoding uses the row."""
        return self.oneway != "out"

    @property
    def writes(self) -> bool:
        """Whether encoding uses the row."""
        return self.oneway != "in"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A list: each node at ``source`` becomes an item of ``target``. ``scalar`` says that items are values."""

    target: Steps
    source: Source
    rows: "Rows"
    scalar: bool
    mark: Mark


Rows = tuple[Leaf | Repeat, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All rows of an interface. Targets start at the message (``header.caseId``, ``navReport.navDate``).

    One message is read from each node at ``records``: ``outer`` rows start at the root, ``inner`` rows at that
    node. ``rows`` are both in the partner's order, with sources from the root. ``dropped`` are canonical paths
    that outgoing messages lose by decision, and the values that may be lost (none listed: all).
    """

    body: str
    outer: Rows
    inner: Rows
    rows: Rows
    records: Source
    dropped: Mapping[str, tuple[Scalar, ...]]
