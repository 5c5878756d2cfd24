"""From a profile's rows to a plan: parts and groups expanded, every doubt an error with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.choice import converter_for, said_converters
from xinqiao_adapters.mapping.converters import TEXT, Scalar, fixed
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Source
from xinqiao_adapters.mapping.shapes import Shape, Steps, parse_steps, shape_at, text_of_steps
from xinqiao_adapters.marked import Mark, Where
from xinqiao_adapters.profile import Drop, Interface, Row

__all__ = ["plan_of"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expansion stands: in the profile, in the standard, in the partner's document.

    ``target`` and ``base`` are the object and node of ``at`` groups, inside the list ``group`` (empty at the
    top). ``inner`` says that sources start at the record and not at the root.
    """

    where: Where
    target: Steps = ()
    base: Source = ()
    group: Steps = ()
    inner: bool = False


def plan_of(loaded: LoadedProfile, name: str, interface: Interface) -> Plan:
    """Expand the rows of an interface.

    Raises ``ProfileInvalid`` for paths that the standard does not have, partner paths given twice, converters
    that do not fit their field, and rows that say too little or too much.
    """
    expansion = _Expansion(loaded, interface.message)
    where: Where = ("interfaces", name, "map")
    rows = [made for key, row in interface.map.items() for made in expansion.expand(key, row, _Place((*where, key)))]
    if interface.case is not None and "header.caseId" not in expansion.targets:
        row = Row.model_validate({"from": interface.case})
        rows += expansion.expand("header.caseId", row, _Place(("interfaces", name, "case")))
    records = _source(interface.records or ".")
    return Plan(
        body=interface.message,
        outer=tuple(row for inner, row in rows if records and not inner),
        inner=tuple(row for inner, row in rows if inner or not records),
        rows=tuple(_moved(row, records) if inner else row for inner, row in rows),
        records=records,
        dropped=expansion.defaults | dict(expansion.dropped(name, interface)),
    )


def _source(path: str) -> Source:
    return tuple(step for step in path.split("/") if step not in ("", "."))


def _moved(row: Leaf | Repeat, base: Source) -> Leaf | Repeat:
    return row if row.source is None else replace(row, source=(*base, *row.source))


@dataclass(slots=True)
class _Expansion:
    """One interface being expanded, and which paths were used on the way."""

    loaded: LoadedProfile
    body: str
    targets: dict[str, Mark] = field(default_factory=dict)
    sources: dict[str, Mark] = field(default_factory=dict)
    defaults: dict[str, tuple[Scalar, ...]] = field(default_factory=dict)

    def expand(self, key: str, row: Row, place: _Place) -> Iterator[tuple[bool, Leaf | Repeat]]:
        """Yield the leaves and lists that one row stands for, and whether each starts at the record."""
        paths = [path for path in (row.source, row.each, row.at) if path is not None]
        place = replace(place, inner=place.inner or (key if "/" in key else "".join(paths)).startswith("./"))
        if "/" in key:
            yield place.inner, self._fixed(key, row, place)
            return
        steps = self._steps(key, row, place)
        if row.constant is not None and not paths:
            yield place.inner, self._constant(row, steps, place)
        elif len(paths) != 1:
            self.loaded.fail(place.where, "a row says one of from, each, at or constant")
        elif row.source is not None:
            yield place.inner, self._leaf(row, steps, place)
        elif row.each is not None:
            yield place.inner, self._repeat(row, steps, place)
        else:
            base = (*place.base, *_source(paths[0]))
            for name, part, where in self._nested(row, place.where):
                inside = replace(place, where=where, target=steps, base=base)
                yield from self.expand(name, part, inside)

    def dropped(self, name: str, interface: Interface) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        """Yield the canonical paths that the interface drops and the values, checked against the standard."""
        shared = self.loaded.profile.dropped
        for path, drop in shared.items():
            if not path.startswith("header."):
                self.loaded.fail(("dropped", path), "a channel drops fields of the header; others: in the interface")
            yield self._dropped(path, drop, ("dropped", path))
        for path, drop in interface.dropped.items():
            yield self._dropped(path, drop, ("interfaces", name, "dropped", path))

    def _dropped(self, path: str, drop: Drop, where: Where) -> tuple[str, tuple[Scalar, ...]]:
        names = tuple(step for step, _ in parse_steps(path) or ())
        if names[:1] != ("header",):
            names = (self.body, *names)
        shape = shape_at(self.body, names)
        if shape is None or len(names) == 1:
            self.loaded.fail(where, "the standard has no such field")
        for value in drop.only:
            self._check_value((*where, "only"), shape, value)
        return ".".join(names), tuple(drop.only)

    def _nested(self, row: Row, where: Where) -> list[tuple[str, Row, Where]]:
        """Return the rows of the part that is used, overlaid by the row's own."""
        parts = self.loaded.profile.parts
        if row.use is not None and row.use not in parts:
            known = ", ".join(parts) or "none"
            self.loaded.fail((*where, "use"), f"there is no part {row.use!r}; known: {known}")
        used: Mapping[str, Row] = parts[row.use] if row.use is not None else {}
        nested: dict[str, tuple[Row, Where]] = {
            name: (part, ("parts", str(row.use), name)) for name, part in used.items()
        }
        nested |= {name: (part, (*where, "map", name)) for name, part in (row.map or {}).items()}
        if not nested:
            self.loaded.fail(where, "a group says map or use")
        return [(name, part, part_where) for name, (part, part_where) in nested.items()]

    def _steps(self, key: str, row: Row, place: _Place) -> Steps:
        """Return the canonical path from the group's object, checked against the standard."""
        steps: Steps | None = () if key == "." else parse_steps(key)
        if steps is None:
            self.loaded.fail(place.where, "neither a canonical path nor a partner's path with a /")
        whole = (*place.target, *steps)
        if not place.group and not place.target and not (whole and whole[0][0] == "header"):
            whole = ((self.body, None), *whole)
        path = (*place.group, *whole)
        for depth in range(1, len(path) + 1):
            self._check_step(place.where, path[:depth])
        ends_in_list = bool(whole) and whole[-1][1] == "[]"
        if ends_in_list != (row.each is not None):
            self.loaded.fail(place.where, "a list is written name[] and has each; other rows have neither")
        return whole

    def _check_step(self, where: Where, path: Steps) -> None:
        names = tuple(name for name, _ in path)
        shape = shape_at(self.body, names)
        if shape is None:
            self.loaded.fail(where, f"the standard has no field {'.'.join(names)}")
        if shape.repeats != (path[-1][1] is not None):
            said = "is a list: write [0] or []" if shape.repeats else "is no list: leave out the index"
            self.loaded.fail(where, f"{'.'.join(names)} {said}")

    def _claim(self, row: Row, place: _Place, target: Steps, source: Source | None) -> None:
        """Note paths as used: a field is read from one place, a place is written from one field."""
        group = text_of_steps(place.group)
        claims = []
        if row.oneway != "out" and target:
            claims.append((self.targets, text_of_steps((*place.group, *target))))
        if row.oneway != "in" and source is not None:
            start = "./" if place.inner else ""
            claims.append((self.sources, f"{group}{':' if group else start}{'/'.join(source)}"))
        for seen, path in claims:
            if path in seen:
                self.loaded.fail(place.where, f"{path} is mapped twice (first at {seen[path]})")
            seen[path] = self.loaded.mark(place.where)

    def _shape(self, path: Steps, where: Where) -> Shape:
        shape = shape_at(self.body, tuple(name for name, _ in path))
        if shape is None or shape.kind == "object":
            said = f"{text_of_steps(path)} is a group: name a field in it, or use at and map"
            self.loaded.fail(where, said)
        return shape

    def _fixed(self, key: str, row: Row, place: _Place) -> Leaf:
        if not isinstance(row.constant, str) or row.model_fields_set - {"constant", "oneway"}:
            self.loaded.fail(place.where, "a row named by a partner's path has a constant text and nothing else")
        source = (*place.base, *_source(key))
        self._claim(row, place, (), source)
        mark = self.loaded.mark(place.where)
        return Leaf(None, source, fixed(row.constant), "C1", mark, row.constant, None, row.oneway)

    def _constant(self, row: Row, steps: Steps, place: _Place) -> Leaf:
        if said_converters(row):
            self.loaded.fail(place.where, "a constant of the standard has no converter")
        shape = self._shape((*place.group, *steps), place.where)
        self._claim(row, place, steps, None)
        self._check_value(place.where, shape, row.constant)
        mark = self.loaded.mark(place.where)
        return Leaf(steps, None, TEXT, shape.sensitivity, mark, row.constant, None, row.oneway)

    def _check_value(self, where: Where, shape: Shape, value: object) -> None:
        if not shape.allows(value):
            self.loaded.fail(where, f"{value!r} is no value of this field")

    def _leaf(self, row: Row, steps: Steps, place: _Place) -> Leaf:
        path = (*place.group, *steps)
        shape = self._shape(path, place.where)
        source = (*place.base, *_source(row.source or ""))
        self._claim(row, place, steps, source)
        converter = converter_for(self.loaded, row, place.where, shape, text_of_steps(path))
        if row.default is not None:
            if row.oneway != "in":
                self.loaded.fail(place.where, "a default would be sent as if it had been said: add oneway: in")
            self._check_value((*place.where, "default"), shape, row.default)
            self.defaults[".".join(name for name, _ in path)] = (row.default,)
        mark = self.loaded.mark(place.where)
        return Leaf(steps, source, converter, shape.sensitivity, mark, None, row.default, row.oneway)

    def _repeat(self, row: Row, steps: Steps, place: _Place) -> Repeat:
        source = (*place.base, *_source(row.each or ""))
        if not source:
            self.loaded.fail(place.where, "each names the node that repeats")
        path = (*place.group, *steps)
        shape = shape_at(self.body, tuple(name for name, _ in path))
        mark = self.loaded.mark(place.where)
        if shape is not None and shape.kind != "object":
            self._claim(row, place, steps, source)
            converter = converter_for(self.loaded, row, place.where, shape, text_of_steps(path))
            item = Leaf((), (), converter, shape.sensitivity, mark)
            return Repeat(steps, source, (item,), True, mark)
        self._claim(row, place, (), source)
        rows = tuple(
            made
            for name, part, where in self._nested(row, place.where)
            for _, made in self.expand(name, part, _Place(where, group=path))
        )
        return Repeat(steps, source, rows, False, mark)
