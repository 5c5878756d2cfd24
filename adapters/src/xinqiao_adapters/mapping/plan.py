"""The plan of a mapping: rows whose every path is whole and whose converters are made. Data for the compiler."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xinqiao_adapters.mapping.converters import Converter, Scalar
from xinqiao_adapters.mapping.places import Join, Share
from xinqiao_adapters.mapping.shapes import Steps
from xinqiao_adapters.marked import Mark

__all__ = ["Condition", "Leaf", "Plan", "Repeat", "Rows", "Source", "Total"]

# A partner path, step by step; ``@name`` is an attribute.
Source = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A row that acts only where the value at ``path`` (from the group's own object) is one of ``values``."""

    path: Steps
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """A value of the partner's own that the message gives: the number of values at ``path``, or their sum.

    ``path`` starts at the message; every list on the way is walked.
    """

    kind: Literal["count", "sum"]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. ``target`` and ``source`` start at the group's own object and node.

    ``target`` is empty for the items of a list of scalars, None for a value of the partner's own (fixed, or a
    ``total``); ``source`` is None for a constant of the standard. With ``join`` the text stands in several places:
    ``source`` and ``more``. With ``share`` several rows stand in one place. ``filler`` is what is written where the
    group is there and the value is not.
    """

    target: Steps | None
    source: Source | None
    converter: Converter
    sensitivity: str
    mark: Mark
    constant: Scalar | None = None
    default: Scalar | None = None
    oneway: Literal["in", "out"] | None = None
    conditions: tuple[Condition, ...] = ()
    more: tuple[Source, ...] = ()
    join: Join | None = None
    share: Share | None = None
    total: Total | None = None
    filler: str | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every place where the partner has the value."""
        return () if self.source is None else (self.source, *self.more)

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
    """A list: each node at ``source`` becomes an item of ``target``.

    ``scalar`` says that items are values, ``single`` that one node at most becomes the object ``target`` itself.
    ``where`` chooses the nodes: the texts that stand at paths below them, which are written as well.
    """

    target: Steps
    source: Source
    rows: "Rows"
    scalar: bool
    mark: Mark
    single: bool = False
    where: tuple[tuple[Source, str], ...] = ()
    conditions: tuple[Condition, ...] = ()


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
