"""Lineage of one decoded record: from canonical paths to the partner's own, and the leaves that nobody read."""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import takewhile

from xinqiao_adapters.mapping.compiled import Mapping, Record
from xinqiao_adapters.mapping.plan import Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading

__all__ = ["Lineage", "unmapped_leaves"]


class Lineage:
    """Where the fields of one message stand in the partner's document. Worked out when first asked."""

    def __init__(self, mapping: Mapping, record: Record) -> None:
        self._mapping = mapping
        self._record = record

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        return {reading.path: reading for reading in self._mapping.readings(self._record) if reading.path}

    def place(self, path: str) -> str | None:
        """Return the partner's own name of a canonical path, with the line where something stands there.

        An object is named by what its fields have in common; a field that no row reads has no place.
        """
        found = self._readings.get(path)
        if found is not None:
            return found.place
        below = [each for known, each in self._readings.items() if known.startswith((f"{path}.", f"{path}["))]
        if not below:
            return self._by_pattern(path)
        ways = zip(*(each.partner_path.split("/") for each in below), strict=False)
        shared = [steps[0] for steps in takewhile(lambda steps: len(set(steps)) == 1, ways)]
        return self._at("/".join(shared) or below[0].partner_path)

    def _by_pattern(self, path: str) -> str | None:
        """Name the place of an item that is not there by the path that its list has."""
        wanted = re.sub(r"\[[0-9]+\]", "[]", path)
        for target, source in self._mapping.targets.items():
            known = re.sub(r"\[[0-9]+\]", "[]", target)
            if source and (known == wanted or target.startswith((f"{wanted}.", f"{wanted}["))):
                return self._at(self._mapping.access.shown(source))
        return self._record.at

    def _at(self, path: str) -> str:
        return path if self._record.at is None else f"{path}, {self._record.at}"


def unmapped_leaves(mapping: Mapping, record: Record) -> Iterator[tuple[str, str]]:
    """Yield the path and text of every leaf that no row reads; leaves of other records are theirs to tell."""
    read = {place for reading in mapping.readings(record) for place in reading.places}
    base = mapping.plan.records if record.of_file else ()
    repeats = {mapping.plan.records, *_repeats(mapping.plan.rows, ())} - {()}
    for trail, text in mapping.access.leaves(record.node if record.of_file else record.root):
        steps = (*base, *(step for step, _ in trail))
        places = {steps[: len(base) + depth + 1]: place for depth, (_, place) in enumerate(trail)}
        at = places.get(mapping.plan.records)
        if at is not None and at != record.place:
            continue
        names = mapping.access.shown(steps[len(base) :]).split("/") if trail else ["."]
        numbered = [
            f"{name}[{place + 1}]" if place or prefix in repeats else name
            for name, (prefix, place) in zip(names, places.items(), strict=False)
        ]
        path = "/".join(numbered) or "."
        if path not in read:
            yield path, text


def _repeats(rows: Rows, base: Source) -> Iterator[Source]:
    for row in rows:
        if isinstance(row, Repeat):
            yield (*base, *row.source)
            yield from _repeats(row.rows, (*base, *row.source))
