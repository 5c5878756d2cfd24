"""A plan compiled: bytes are the formats' business, here a parsed record becomes a message and back.

The code is generated once, when the profile is loaded; ``source`` shows it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao_adapters.mapping.access import Access, Node
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.decoder import write_decoder
from xinqiao_adapters.mapping.encoder import write_encoder
from xinqiao_adapters.mapping.plan import Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading, decode_findings, encode_findings, readings, targets, walk

__all__ = ["Mapping", "Record"]


def _without_tail(items: list[Json]) -> list[Json]:
    while items and not items[-1]:
        items.pop()
    return items


def _needed(text: str | None) -> str:
    if text is None:
        raise Unfit  # an item of a list that says nothing
    return text


@dataclass(frozen=True)
class Record:
    """One message's part of a parsed document: ``place`` is its number (from 0) where a document holds several."""

    root: Node
    node: Node
    place: int | None


class Mapping:
    """A mapping, ready to run in both directions."""

    def __init__(self, name: str, plan: Plan, access: Access) -> None:
        self.plan = plan
        self.access = access
        code = Code()
        code.constants |= {
            "Unfit": Unfit,
            "NONE": {},
            "needed": _needed,
            "without_tail": _without_tail,
            **access.constants(),
        }
        write_decoder(code, plan, access)
        write_encoder(code, plan, access)
        self.source = code.source()
        names = code.run(name)
        self._read_outer: Callable[[Node], tuple[Any, ...]] = names["read_outer"]
        self._decode_record: Callable[[Node, tuple[Any, ...], Json], Json] = names["decode_record"]
        self._encode_record: Callable[[Json], Any] = names["encode_record"]

    def records(self, root: Node) -> list[Record]:
        """Return the records of a document: itself, or the nodes at ``records``.

        Raises ``Unfit`` where the way to them is of another structure.
        """
        way = self.plan.records
        if not way:
            return [Record(root, root, None)]
        node = walk(self.access, root, way[:-1])
        found = self.access.node_children(node, way[-1]) if node is not None else []
        return [Record(root, each, place) for place, each in enumerate(found)]

    def decode(self, records: list[Record], header: Json) -> list[Json]:
        """Return the message of each record; ``header`` is what the profile knows of it.

        Raises ``ContentRefused`` with every finding of every record.
        """
        if not records:
            return []
        try:
            outer = self._read_outer(records[0].root)
            return [self._decode_record(record.node, outer, header) for record in records]
        except Unfit:
            findings = [finding for each in records for finding in decode_findings(self.readings(each))]
            raise _refusal(findings) from None

    def readings(self, record: Record) -> Iterator[Reading]:
        """Yield what every row finds in a record."""
        return readings(self.plan, self.access, record.root, record.node, record.place)

    def encode(self, message: Json) -> Node:
        """Return the partner's document for a message that passed the schema.

        Raises ``ContentRefused`` with a finding for every value that the format cannot hold.
        """
        try:
            return self._encode_record(message)
        except Unfit:
            raise _refusal(encode_findings(self.plan, self.access, message)) from None

    @cached_property
    def partner_paths(self) -> frozenset[tuple[str, ...]]:
        """Return every partner path that a row reads, lists without places."""
        return frozenset(_paths(self.plan.rows, ()))

    @cached_property
    def targets(self) -> dict[str, Source]:
        """Return the partner path of every canonical path, lists written ``name[]``."""
        return {path: source for path, _, source in targets(self.plan.rows)}


def _paths(rows: Rows, base: Source) -> Iterator[Source]:
    for row in rows:
        if isinstance(row, Repeat):
            yield from _paths(row.rows, (*base, *row.source))
        elif row.source is not None and row.reads:
            yield (*base, *row.source)


def _refusal(findings: list[Finding]) -> ContentRefused:
    if not findings:
        raise AssertionError("the compiled mapping refuses what its rows accept")
    return ContentRefused(f"{len(findings)} value(s) do not fit", findings=findings)
