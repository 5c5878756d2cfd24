"""From a profile's rows to a plan: parts and groups expanded, every doubt an error with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.choice import converter_for, said_converters
from xinqiao_adapters.mapping.choices import fixed
from xinqiao_adapters.mapping.converters import TEXT, Converter, Scalar
from xinqiao_adapters.mapping.layers import share_of
from xinqiao_adapters.mapping.numbers import integer
from xinqiao_adapters.mapping.places import Join, Share
from xinqiao_adapters.mapping.plan import Condition, Leaf, Plan, Repeat, Source, Total
from xinqiao_adapters.mapping.shapes import Shape, Steps, field_paths, parse_steps, shape_at, text_of_steps
from xinqiao_adapters.marked import Mark, Where
from xinqiao_adapters.problems import Problems
from xinqiao_adapters.profile import Drop, Interface, Row

__all__ = ["conditions_of", "plan_of"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expansion stands: in the profile, in the standard, in the partner's document.

    ``target`` and ``base`` are the object and node of ``at`` groups, inside the list ``group`` (empty at the
    top). ``inner`` says that sources start at the record and not at the root. ``conditions`` are those of the
    groups around.
    """

    where: Where
    target: Steps = ()
    base: Source = ()
    group: Steps = ()
    inner: bool = False
    conditions: tuple[Condition, ...] = ()


def plan_of(loaded: LoadedProfile, name: str, interface: Interface) -> Plan:
    """Expand the rows of an interface.

    Raises ``ProfileInvalid`` for paths that the standard does not have, partner paths given twice, converters
    that do not fit their field, and rows that say too little or too much.
    """
    expansion = _Expansion(loaded, interface.message, getattr(interface.format, "encoding", "UTF-8"))
    where: Where = ("interfaces", name, "map")
    problems = Problems()
    made = [
        problems.attempt(list, expansion.expand(key, row, _Place((*where, key)))) for key, row in interface.map.items()
    ]
    problems.check()
    rows = [each for several in made for each in several or ()]
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
        dropped=_everything(interface.message)
        if interface.direction == "query"
        else expansion.defaults | dict(expansion.dropped(name, interface)),
    )


def _everything(body: str) -> dict[str, tuple[Scalar, ...]]:
    """Return every path of a message type as one that may be lost: a query tells which message, not what is in it."""
    paths = (*field_paths(body, ("header",)), *field_paths(body, (body,)))
    return {".".join(path[:depth]): () for path in paths for depth in range(1, len(path) + 1)}


def conditions_of(loaded: LoadedProfile, name: str, interface: Interface) -> Iterator[Condition]:
    """Yield what an interface's ``when`` asks of messages that go out. Raises ``ProfileInvalid``."""
    expansion = _Expansion(loaded, interface.message, "UTF-8")
    return expansion.conditions(interface.when, _Place(("interfaces", name)))


def _source(path: str) -> Source:
    return tuple(step for step in path.split("/") if step not in ("", "."))


def _moved(row: Leaf | Repeat, base: Source) -> Leaf | Repeat:
    if row.source is None:
        return row
    moved = replace(row, source=(*base, *row.source))
    return replace(moved, more=tuple((*base, *each) for each in moved.more)) if isinstance(moved, Leaf) else moved


@dataclass(slots=True)
class _Expansion:
    """One interface being expanded, and which paths were used on the way."""

    loaded: LoadedProfile
    body: str
    encoding: str
    targets: dict[str, Mark] = field(default_factory=dict)
    sources: dict[str, Mark] = field(default_factory=dict)
    defaults: dict[str, tuple[Scalar, ...]] = field(default_factory=dict)

    def expand(self, key: str, row: Row, place: _Place) -> Iterator[tuple[bool, Leaf | Repeat]]:
        """Yield the leaves and lists that one row stands for, and whether each starts at the record."""
        sources = [row.source] if isinstance(row.source, str) else row.source or []
        paths = [*sources, *(path for path in (row.each, row.at) if path is not None)]
        own = "/" in key
        place = replace(place, inner=place.inner or (key if own else "".join(paths)).startswith("./"))
        place = replace(place, conditions=(*place.conditions, *self.conditions(row.when, place)))
        if own:
            yield place.inner, self._of_the_partner(key, row, place)
            return
        steps = self._steps(key, row, place)
        if row.constant is not None and not paths:
            yield place.inner, self._constant(row, steps, place)
        elif sum(said is not None for said in (row.source, row.each, row.at)) != 1:
            self.loaded.fail(place.where, "a row says one of from, each, at or constant")
        elif row.source is not None:
            yield place.inner, self._leaf(row, sources, steps, place)
        elif row.each is not None or row.where:
            yield place.inner, self._repeat(row, steps, place)
        else:
            base = (*place.base, *_source(paths[0]))
            for name, part, where in self._nested(row, place.where):
                inside = replace(place, where=where, target=steps, base=base)
                yield from self.expand(name, part, inside)

    def conditions(self, when: Mapping[str, list[Scalar]], place: _Place) -> Iterator[Condition]:
        """Yield what ``when`` asks for, checked against the standard."""
        for path, values in when.items():
            where = (*place.where, "when", path)
            steps = self._checked_steps(path, where, place)
            shape = self._shape((*place.group, *steps), where)
            for value in values:
                self._check_value(where, shape, value)
            yield Condition(steps, tuple(values))

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
        whole = self._checked_steps(key, place.where, place)
        if whole and isinstance(whole[-1][1], int) and whole[-1][1] > 0:
            self.loaded.fail(place.where, "values of a list are name[] with each, or the first of them name[0]")
        ends_in_list = bool(whole) and whole[-1][1] == "[]"
        if ends_in_list != (row.each is not None):
            self.loaded.fail(place.where, "a list is written name[] and has each; other rows have neither")
        return whole

    def _checked_steps(self, key: str, where: Where, place: _Place) -> Steps:
        steps: Steps | None = () if key == "." else parse_steps(key)
        if steps is None:
            self.loaded.fail(where, "neither a canonical path nor a partner's path with a /")
        whole = (*place.target, *steps)
        if not place.group and not place.target and not (whole and whole[0][0] == "header"):
            whole = ((self.body, None), *whole)
        path = (*place.group, *whole)
        for depth in range(1, len(path) + 1):
            self._check_step(where, path[:depth])
        return whole

    def _check_step(self, where: Where, path: Steps) -> None:
        names = tuple(name for name, _ in path)
        shape = shape_at(self.body, names)
        if shape is None:
            self.loaded.fail(where, f"the standard has no field {'.'.join(names)}")
        if shape.repeats != (path[-1][1] is not None):
            said = "is a list: write [0] or []" if shape.repeats else "is no list: leave out the index"
            self.loaded.fail(where, f"{'.'.join(names)} {said}")

    def _claim(self, row: Row, place: _Place, target: Steps, sources: tuple[Source, ...]) -> None:
        """Note paths as used: a field is read from one place, a place is written from one field.

        Rows with conditions, and those that say they share a place, answer for that themselves: what then does not
        go together is refused when a message comes.
        """
        group = text_of_steps(place.group)
        claims = []
        if row.oneway != "out" and target and not place.conditions:
            claims.append((self.targets, text_of_steps((*place.group, *target))))
        if row.oneway != "in" and not place.conditions and not row.split and not row.only and not row.where:
            start = f"{group}:" if group else "./" if place.inner else ""
            taken = sources if not row.nothing else ()
            claims += [(self.sources, f"{start}{'/'.join(source)}") for source in taken]
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

    def _of_the_partner(self, key: str, row: Row, place: _Place) -> Leaf:
        """Return the row of a value that is the partner's own: fixed, or a total of the message."""
        source = (*place.base, *_source(key))
        self._claim(row, place, (), (source,))
        mark = self.loaded.mark(place.where)
        if row.count is not None or row.sum is not None:
            converter, total = self._total(row, place)
            made = Leaf(None, source, converter, "C1", mark, oneway=row.oneway, conditions=place.conditions)
            return replace(made, total=total)
        if not isinstance(row.constant, str) or row.model_fields_set - {"constant", "oneway", "when", "proposed"}:
            self.loaded.fail(place.where, "a row named by a partner's path has a constant text, a count or a sum")
        value = row.constant
        return Leaf(None, source, fixed(value), "C1", mark, value, None, row.oneway, place.conditions)

    def _total(self, row: Row, place: _Place) -> tuple[Converter, Total]:
        if (row.count is None) == (row.sum is None) or place.group:
            self.loaded.fail(place.where, "a total of the message says count or sum, outside lists")
        path = str(row.count if row.sum is None else row.sum)
        names = (self.body, *(step for step, _ in parse_steps(path) or ()))
        shape = shape_at(self.body, names)
        if shape is None or (row.sum is not None and shape.kind != "decimal"):
            self.loaded.fail(place.where, f"the standard has no {'number' if row.sum else 'field'} {path}")
        if row.count is not None:
            return integer(), Total("count", names)
        return converter_for(self.loaded, row, place.where, shape, path, self.encoding), Total("sum", names)

    def _constant(self, row: Row, steps: Steps, place: _Place) -> Leaf:
        if said_converters(row):
            self.loaded.fail(place.where, "a constant of the standard has no converter")
        shape = self._shape((*place.group, *steps), place.where)
        self._claim(row, place, steps, ())
        self._check_value(place.where, shape, row.constant)
        mark = self.loaded.mark(place.where)
        return Leaf(steps, None, TEXT, shape.sensitivity, mark, row.constant, None, row.oneway, place.conditions)

    def _check_value(self, where: Where, shape: Shape, value: object) -> None:
        if not shape.allows(value):
            self.loaded.fail(where, f"{value!r} is no value of this field")

    def _leaf(self, row: Row, paths: list[str], steps: Steps, place: _Place) -> Leaf:
        path = (*place.group, *steps)
        shape = self._shape(path, place.where)
        join = self._join(row, paths, place.where)
        if join is not None and join.minus is not None and row.sign is not None:
            paths = [str(row.sign.source), *paths]
        sources = tuple((*place.base, *_source(each)) for each in paths)
        self._claim(row, place, steps, sources)
        converter = converter_for(self.loaded, row, place.where, shape, text_of_steps(path), self.encoding)
        if row.default is not None:
            if row.oneway != "in":
                self.loaded.fail(place.where, "a default would be sent as if it had been said: add oneway: in")
            self._check_value((*place.where, "default"), shape, row.default)
            self.defaults[".".join(name for name, _ in path)] = (row.default,)
        return Leaf(
            target=steps,
            source=sources[0],
            converter=converter,
            sensitivity=shape.sensitivity,
            mark=self.loaded.mark(place.where),
            default=row.default,
            oneway=row.oneway,
            conditions=place.conditions,
            more=sources[1:],
            join=join,
            share=self._share(row, place.where),
            filler=row.nothing.write if row.nothing is not None else None,
        )

    def _share(self, row: Row, where: Where) -> Share | None:
        share = share_of(row)
        if share is not None and row.nothing is not None and row.nothing.write is not None:
            self.loaded.fail(where, "what is written for nothing does not go with split")
        return share

    def _join(self, row: Row, paths: list[str], where: Where) -> Join | None:
        if row.sign is not None and row.sign.source is not None:
            if len(paths) != 1:
                self.loaded.fail(where, "a sign in a field of its own goes with one number")
            return Join(2, minus=row.sign.minus, plus=row.sign.plus)
        if len(paths) == 1:
            if row.join is not None or row.lengths is not None:
                self.loaded.fail(where, "join and lengths go with several places: from: [A, B]")
            return None
        if row.nothing is not None and row.nothing.write is not None:
            self.loaded.fail(where, "what is written for nothing goes with one place")
        if (row.join or None) is None == row.lengths is None or len(row.lengths or paths) != len(paths):
            self.loaded.fail(where, "several places say join (what stands between) or lengths (one for each)")
        silent = frozenset(row.nothing.read) if row.nothing is not None else frozenset[str]()
        return Join(len(paths), row.join or "", tuple(row.lengths or ()), silent=silent)

    def _repeat(self, row: Row, steps: Steps, place: _Place) -> Repeat:
        source = (*place.base, *_source(str(row.each if row.each is not None else row.at)))
        if not source:
            self.loaded.fail(place.where, "each names the node that repeats")
        path = (*place.group, *steps)
        shape = shape_at(self.body, tuple(name for name, _ in path))
        mark = self.loaded.mark(place.where)
        if shape is not None and shape.kind != "object":
            return self._scalars(row, steps, place, source, shape)
        if shape is None or not steps or path == ((self.body, None),):
            self.loaded.fail(place.where, "where goes with a field of its own")
        self._claim(row, place, steps, (source,))
        chosen = tuple((_source(each), text) for each, text in row.where.items())
        rows = tuple(
            made
            for name, part, where in self._nested(row, place.where)
            for _, made in self.expand(name, part, _Place(where, group=path))
        )
        own = {each.source for each in rows if isinstance(each, Leaf) and each.target is None}
        # Written before the rows, but where one of them gives the place in the partner's order.
        mark_texts = (Leaf(None, each, fixed(text), "C1", mark, text) for each, text in chosen if each not in own)
        return Repeat(steps, source, (*mark_texts, *rows), False, mark, row.each is None, chosen, place.conditions)

    def _scalars(self, row: Row, steps: Steps, place: _Place, source: Source, shape: Shape) -> Repeat:
        path = text_of_steps((*place.group, *steps))
        if row.where or row.only or row.nothing or row.split or row.sign or row.lengths:
            self.loaded.fail(place.where, "values of a list are converted one by one: no where, only, nothing, split")
        self._claim(row, place, steps, (source,))
        converter = converter_for(self.loaded, row, place.where, shape, path, self.encoding)
        mark = self.loaded.mark(place.where)
        item = Leaf((), (), converter, shape.sensitivity, mark)
        return Repeat(steps, source, (item,), True, mark, conditions=place.conditions)
