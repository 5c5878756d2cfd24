"""The leaves of a plan with their whole canonical names, and what they do with a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source

__all__ = ["PlacedLeaf", "PlanLeaves"]

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """A leaf, its canonical names from the message (none: the partner's own value) and its places from the root."""

    leaf: Leaf
    names: Names
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class PlanLeaves:
    """The leaves of one plan."""

    plan: Plan

    @cached_property
    def leaves(self) -> tuple[PlacedLeaf, ...]:
        """All of them, in the partner's order."""
        return tuple(_placed(self.plan.rows, (), ()))

    @cached_property
    def by_names(self) -> Mapping[Names, tuple[Leaf, ...]]:
        """The leaves of each field."""
        found: dict[Names, tuple[Leaf, ...]] = {}
        for each in self.leaves:
            if each.names:
                found[each.names] = (*found.get(each.names, ()), each.leaf)
        return found

    @cached_property
    def unread(self) -> frozenset[Names]:
        """Fields that no row reads."""
        return frozenset(names for names, leaves in self.by_names.items() if not any(each.reads for each in leaves))

    @cached_property
    def unwritten(self) -> frozenset[Names]:
        """Fields that no row writes."""
        return frozenset(names for names, leaves in self.by_names.items() if not any(each.writes for each in leaves))


def _placed(rows: Rows, names: Names, base: Source) -> Iterator[PlacedLeaf]:
    for row in rows:
        whole = (*names, *(name for name, _ in row.target or ()))
        if isinstance(row, Repeat):
            yield from _placed(row.rows, whole, (*base, *row.source))
        else:
            sources = tuple((*base, *source) for source in row.sources)
            yield PlacedLeaf(row, whole if row.target is not None else (), sources)
