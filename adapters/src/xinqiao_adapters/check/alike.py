"""Rows that samples and cases may not tell apart: were their places swapped, would anybody see?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from xinqiao_adapters.check.profile_rows import said_rows
from xinqiao_adapters.mapping.compiled import Record
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows
from xinqiao_adapters.mapping.shapes import text_of_steps
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.marked import Mark
from xinqiao_adapters.profile import Profile

__all__ = ["Alike", "alike_rows", "with_swapped"]

Names = tuple[str, ...]
# Texts of one row by the instance of its group: the record, and the group's own path in it.
Texts = dict[tuple[int, str], str]
# What a row says besides where: rows that say the same could be swapped by a slip of the hand.
_OF_THE_PLACE = {"source", "proposed"}
RowId = tuple[Mark, object]


@dataclass(frozen=True, slots=True)
class Alike:
    """Two rows of one table and one kind that have the same texts in every sample."""

    one: Leaf
    other: Leaf

    def __str__(self) -> str:
        """Name both by path and line."""
        return " and ".join(f"{text_of_steps(each.target or ())} ({each.mark.line})" for each in (self.one, self.other))


def alike_rows(
    profile: Profile, interface: str, plan: Plan, found: Iterable[tuple[Record, Reading]]
) -> Iterator[Alike]:
    """Yield pairs of rows whose texts no sample tells apart; ``found`` is what samples say."""
    texts: dict[int, Texts] = defaultdict(dict)
    for record, reading in found:
        group = reading.path.removesuffix(text_of_steps(reading.leaf.target or ()))
        texts[id(reading.leaf)][id(record), group] = (reading.text or "").strip()
    kinds = _kinds(profile, interface)
    seen: set[tuple[RowId, RowId]] = set()
    for names, leaves in (each for part in (plan.outer, plan.inner) for each in _groups(part, ())):
        for one, other in _pairs(names, leaves, kinds):
            pair = (_id(one), _id(other))
            if pair not in seen and texts.get(id(one)) and texts[id(one)] == texts.get(id(other)):
                seen.add(pair)
                yield Alike(one, other)


def _kinds(profile: Profile, interface: str) -> Mapping[Names, Sequence[tuple[str, str]]]:
    """Return, for each field, the tables that its rows stand in and what the rows say besides where."""
    found: dict[Names, list[tuple[str, str]]] = defaultdict(list)
    for each in said_rows(profile, interface):
        if each.row.source is not None:
            said = each.row.model_dump(exclude=_OF_THE_PLACE, exclude_defaults=True)
            found[each.names].append((each.table, repr(said)))
    return found


def _groups(rows: Rows, names: Names) -> Iterator[tuple[Names, Sequence[Leaf]]]:
    yield names, [row for row in rows if isinstance(row, Leaf) and row.target and row.source and row.reads]
    for row in rows:
        if isinstance(row, Repeat) and not row.scalar:
            yield from _groups(row.rows, (*names, *(name for name, _ in row.target)))


def _pairs(
    group: Names, leaves: Sequence[Leaf], kinds: Mapping[Names, Sequence[tuple[str, str]]]
) -> Iterator[tuple[Leaf, Leaf]]:
    said = [set(kinds.get((*group, *(name for name, _ in each.target or ())), ())) for each in leaves]
    for place, one in enumerate(leaves):
        for later, other in enumerate(leaves[place + 1 :], start=place + 1):
            if said[place] & said[later] and one.sources != other.sources and _id(one) != _id(other):
                yield one, other


def _id(leaf: Leaf) -> RowId:
    """Return what tells a row of the profile: its line, and the field that it is for."""
    return leaf.mark, (leaf.target or (None,))[-1]


def with_swapped(plan: Plan, alike: Alike) -> Plan:
    """Return the plan as it would be with the places of two rows swapped, wherever they are used."""
    pair = (_id(alike.one), _id(alike.other))
    rows, inner, outer = (_swapped(each, pair) for each in (plan.rows, plan.inner, plan.outer))
    return replace(plan, rows=rows, inner=inner, outer=outer)


def _swapped(rows: Rows, pair: tuple[RowId, RowId]) -> Rows:
    made = [
        replace(row, rows=_swapped(row.rows, pair)) if isinstance(row, Repeat) and not row.scalar else row
        for row in rows
    ]
    ones, others = ([place for place, row in enumerate(rows) if _is(row, each)] for each in pair)
    for one, other in zip(ones, others, strict=False):
        left, right = rows[one], rows[other]
        if isinstance(left, Leaf) and isinstance(right, Leaf):
            made[one] = replace(left, source=right.source, more=right.more)
            made[other] = replace(right, source=left.source, more=left.more)
    return tuple(made)


def _is(row: Leaf | Repeat, wanted: RowId) -> bool:
    return isinstance(row, Leaf) and bool(row.target) and _id(row) == wanted
