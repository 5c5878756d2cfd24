"""What a mapping covers of the standard, and whether code tables say something about every value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.plan import ROUTING, Leaf, Plan, Repeat, Rows
from xinqiao_adapters.mapping.shapes import names_in, shape_at
from xinqiao_adapters.profile import Profile

__all__ = ["Coverage", "coverage_of", "unexplained_codes"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The fields of one message type (body, and the header's of the business), by what the mapping does with them."""

    mapped: tuple[str, ...]
    constant: tuple[str, ...]
    dropped: tuple[str, ...]
    open: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return numbers, and the open fields by name."""
        numbers = {name: len(getattr(self, name)) for name in ("mapped", "constant", "dropped")}
        return {**numbers, "open": list(self.open)}

    def as_text(self) -> str:
        """Return one line for people."""
        whole = len(self.mapped) + len(self.constant) + len(self.dropped) + len(self.open)
        return (
            f"{whole} fields: {len(self.mapped)} mapped, {len(self.constant)} constant, "
            f"{len(self.dropped)} dropped with a reason, {len(self.open)} open"
        )


def coverage_of(plan: Plan) -> Coverage:
    """Sort the fields of a plan's message type."""
    rows = dict(_targets(plan.rows, ()))
    found: dict[str, list[str]] = {"mapped": [], "constant": [], "dropped": [], "open": []}
    business = (("header", name) for name in sorted(names_in(plan.body, ("header",)) - ROUTING))
    for names in (*business, *_fields(plan.body, (plan.body,))):
        shown = ".".join(names if names[0] == "header" else names[1:])
        leaf = rows.get(names)
        prefixes = {".".join(names[:depth]) for depth in range(1, len(names) + 1)}
        if leaf is not None:
            found["constant" if leaf.source is None else "mapped"].append(shown)
        else:
            found["dropped" if prefixes & plan.dropped.keys() else "open"].append(shown)
    return Coverage(**{name: tuple(paths) for name, paths in found.items()})


def _targets(rows: Rows, base: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    for row in rows:
        names = (*base, *(name for name, _ in row.target or ()))
        if isinstance(row, Repeat):
            yield from _targets(row.rows, names)
        elif row.target is not None:
            yield names, row


def _fields(body: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name in sorted(names_in(body, path)):
        shape = shape_at(body, (*path, name))
        if shape is not None and shape.kind == "object":
            yield from _fields(body, (*path, name))
        else:
            yield (*path, name)


def unexplained_codes(profile: Profile, compiled: Mapping[str, CompiledInterface]) -> list[str]:
    """Return a problem for each value of an enum that a code table neither holds nor lists under ``missing``."""
    problems = set()
    for interface in compiled.values():
        plan = interface.mapping.plan
        for names, leaf in _targets(plan.rows, ()):
            shape = shape_at(plan.body, names)
            table = next((name for name, each in profile.codes.items() if each.values == leaf.converter.table), None)
            if table is None or shape is None or not shape.names:
                continue
            left = set(shape.names) - set(leaf.converter.table.values()) - set(profile.codes[table].missing)
            problems |= {f"codes.{table}: {name} ({'.'.join(names)}) has no code and no reason" for name in left}
    return sorted(problems)
