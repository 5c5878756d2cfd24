"""What a mapping covers of the standard: field by field, what becomes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.message import ROUTING
from xinqiao.standard import message_types, schema_of
from xinqiao_adapters.mapping.converters import ONLY
from xinqiao_adapters.mapping.plan import Leaf, Plan
from xinqiao_adapters.mapping.shapes import field_paths, names_in, shape_at
from xinqiao_adapters.plan_leaves import PlanLeaves

__all__ = ["TREATMENTS", "Coverage", "coverage_of", "open_required"]

# What may become of a field: the attributes of ``Coverage``, in the order in which people read them.
TREATMENTS = ("mapped", "constant", "derived", "dropped", "open")

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The fields of one message type (the header's too), by what the mapping does with them.

    ``derived`` are those that follow from other places: texts joined, values read off a text that has a row of its
    own, defaults, and what the profile and the gateway know of the header.
    """

    mapped: tuple[str, ...]
    constant: tuple[str, ...]
    derived: tuple[str, ...]
    dropped: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def fields(self) -> int:
        """How many fields the message type has."""
        return sum(len(getattr(self, name)) for name in TREATMENTS)

    def counts(self) -> dict[str, int]:
        """Return how many fields there are of each treatment."""
        return {name: len(getattr(self, name)) for name in TREATMENTS}

    def as_json(self) -> dict[str, Any]:
        """Return numbers, the share that is not open in per cent, and the open fields by name."""
        covered = round(100 * (self.fields - len(self.open)) / self.fields, 1) if self.fields else 100.0
        return {**self.counts(), "fields": self.fields, "covered": covered, "open": list(self.open)}

    def cells(self) -> list[str]:
        """Return a row of a table for people: the number of fields, then each treatment with its per cent."""
        whole = self.fields or 1
        return [str(self.fields), *(f"{count} ({count / whole:.0%})" for count in self.counts().values())]

    def open_groups(self) -> list[str]:
        """Return what is open, a group by its own name (``contact.*``) where nothing of it is covered."""
        covered = {path for name in TREATMENTS if name != "open" for path in getattr(self, name)}
        known = {".".join(steps[:depth]) for steps in map(_steps, covered) for depth in range(1, len(steps) + 1)}
        return list(dict.fromkeys(_widest(_steps(path), known) for path in self.open))

    def as_text(self) -> str:
        """Return one line for people."""
        said = ", ".join(f"{count} {name}" for name, count in self.counts().items())
        return f"{self.fields} fields: {said}"


def _steps(path: str) -> list[str]:
    return path.split(".")


def _widest(steps: list[str], known: set[str]) -> str:
    """Return the widest group around a path that holds none of the known paths, or the path itself."""
    groups = (".".join(steps[:depth]) for depth in range(1, len(steps)))
    group = next((each for each in groups if each not in known), None)
    return ".".join(steps) if group is None else f"{group}.*"


def coverage_of(plan: Plan) -> Coverage:
    """Sort the fields of a plan's message type."""
    leaves = PlanLeaves(plan).by_names
    found: dict[str, list[str]] = {name: [] for name in TREATMENTS}
    header = (("header", name) for name in sorted(names_in(plan.body, ("header",))))
    for names in (*header, *field_paths(plan.body, (plan.body,))):
        shown = ".".join(names if names[0] == "header" else names[1:])
        found[_treatment(plan, names, leaves.get(names, ()))].append(shown)
    return Coverage(**{name: tuple(paths) for name, paths in found.items()})


def _treatment(plan: Plan, names: Names, leaves: Sequence[Leaf]) -> str:
    if leaves and all(each.source is None for each in leaves):
        return "constant"
    if leaves:
        return "derived" if all(_is_derived(each) for each in leaves) else "mapped"
    if names[0] == "header" and names[1] in ROUTING:
        return "derived"
    ways = {".".join(names[:depth]) for depth in range(1, len(names) + 1)}
    return "dropped" if ways & plan.dropped.keys() else "open"


def _is_derived(leaf: Leaf) -> bool:
    return leaf.join is not None or leaf.default is not None or leaf.converter.rule == ONLY or leaf.source is None


def open_required(plan: Plan) -> Iterator[str]:
    """Yield the fields that every message, or every group of which something is read, has to have and no row reads."""
    read = {names for names, leaves in PlanLeaves(plan).by_names.items() if any(each.reads for each in leaves)}
    known = {names[:depth] for names in read for depth in range(1, len(names) + 1)}
    yield from _open_required(plan.body, (plan.body,), known)


def _open_required(body: str, path: Names, known: set[Names]) -> Iterator[str]:
    for name in sorted(names_in(body, path)):
        names = (*path, name)
        if names in known:
            shape = shape_at(body, names)
            if shape is not None and shape.kind == "object":
                yield from _open_required(body, names, known)
        elif name in _required(body, path):
            yield ".".join(names[1:])


def _required(body: str, path: Names) -> frozenset[str]:
    """Return the names that an object of the standard has to have."""
    whole = schema_of(message_types()[body].name)
    definition = whole
    for name in path:
        field = definition["properties"][name]
        reference = field.get("items", field)["$ref"]
        definition = whole["$defs"][reference.rpartition("/")[2]]
    return frozenset(definition.get("required", ()))
