"""A plan compiled: bytes are the formats' business, here a parsed record becomes a message and back.

The code is generated once, when the profile is loaded; ``source`` shows it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao_adapters.mapping.access import Access, Node, walk
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.decoder import write_decoder, write_texts_reader
from xinqiao_adapters.mapping.encoder import write_encoder
from xinqiao_adapters.mapping.losses import encode_findings
from xinqiao_adapters.mapping.plan import Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading, decode_findings, readings, targets

__all__ = ["Mapping", "Record", "record_place", "texts_reader"]


def _without_tail(items: list[Json]) -> list[Json]:
    while items and not items[-1]:
        items.pop()
    return items


def _single(items: list[Json]) -> Json | None:
    if len(items) > 1:
        raise Unfit  # one node at most is the object
    return items[0] if items else None


def _alone(item: Json | None) -> tuple[Json, ...]:
    return () if item is None else (item,)


def _needed(text: str | None) -> str:
    if text is None:
        raise Unfit  # an item of a list that says nothing
    return text


def record_place(number: int, span: tuple[int, int] | None, row: int | None = None) -> str:
    """Name a record of a file: by its row in a sheet, or by its number, from 1, and its bytes."""
    if row is not None:
        return f"row {row}"
    return f"record {number}" if span is None else f"record {number}, bytes {span[0]}–{span[1]}"


Texts = Callable[[Node, Node], tuple[str | None, ...]]


def texts_reader(access: Access, paths: Sequence[tuple[bool, Source]]) -> Texts:
    """Return compiled code that reads texts at paths, each from the root or (True) from the record."""
    code = Code()
    code.constants |= {"Unfit": Unfit, "NONE": {}, **access.constants()}
    write_texts_reader(code, access, paths)
    read: Texts = code.run("texts")["read_texts"]
    return read


@dataclass(frozen=True, slots=True)
class Record:
    """One message's part of a parsed document: ``place`` is its number (from 0) where a document holds several.

    ``of_file`` says that it is a record of a file; ``span`` are its first byte and the one after its last, ``row``
    its number in a sheet, None where they are not known.
    """

    root: Node
    node: Node
    place: int | None
    of_file: bool = False
    span: tuple[int, int] | None = None
    row: int | None = None

    @property
    def at(self) -> str | None:
        """Return where a record of a file stands, for people: ``record 17, bytes 5120–5420``."""
        if not self.of_file or self.place is None:
            return None
        return record_place(self.place + 1, self.span, self.row)


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
            "single": _single,
            "alone": _alone,
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

    def outer(self, root: Node) -> tuple[Any, ...]:
        """Return what the records of a document share. Raises ``Unfit`` where it cannot be read."""
        return self._read_outer(root)

    def decode(self, record: Record, outer: tuple[Any, ...], header: Json) -> Json:
        """Return the message of a record; ``header`` is what the profile knows of it.

        Raises ``Unfit`` for the first value that does not fit; ``findings`` has them all.
        """
        return self._decode_record(record.node, outer, header)

    def findings(self, record: Record) -> list[Finding]:
        """Return a finding for each value of a record that does not fit."""
        return decode_findings(self.plan, self.readings(record))

    def readings(self, record: Record) -> Iterator[Reading]:
        """Yield what every row finds in a record."""
        return readings(self.plan, self.access, record.root, record.node, record.place, record.at)

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
        elif row.reads:
            for source in row.sources:
                yield (*base, *source)


def _refusal(findings: list[Finding]) -> ContentRefused:
    if not findings:
        raise AssertionError("the compiled mapping refuses what its rows accept")
    return ContentRefused(f"{len(findings)} value(s) do not fit", findings=findings)
