"""The walk of a message whose schema is clean, as code: a table of rules unrolled once for each message type.

Each part that has rules becomes a function that reads a field once and calls each rule by itself. For a KYC of 2.4 KB
that takes 29 µs where a loop over the table takes 52.
"""

import linecache
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from xinqiao.message import Json
from xinqiao.rules.rule import Breach, Metadata, Outcome
from xinqiao.rules.table import Table, table_of
from xinqiao.violations import Path

__all__ = ["Found", "Walk", "note", "walk_of"]

Found = tuple[Path, Metadata, Breach]
Walk = Callable[[Json, Path, list[Found]], None]


def note(found: list[Found], path: Path, about: Metadata, outcome: Outcome) -> None:
    """Add what a rule found, if anything, in the object at a path."""
    if outcome is not None:
        found += [(path, about, each) for each in (outcome if isinstance(outcome, list) else [outcome])]


@cache
def walk_of(name: str) -> Walk:
    """Return the walk of a message type by its name, e.g. ``KycApplication``; it adds what it finds to a list."""
    source = _Source()
    first = source.function(table_of(name))
    walk: Walk = source.run(name)[first]
    return walk


class _Source:
    """A module being written, and the objects that its names refer to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._objects: dict[str, Any] = {"Breach": Breach, "note": note}
        self._names: dict[int, str] = {}

    def run(self, name: str) -> dict[str, Any]:
        """Execute the module and return its names; tracebacks show its lines under ``<rules of name>``."""
        text, file = "\n".join(self._lines), f"<rules of {name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), self._objects)  # noqa: S102 -- written here, from the package's own schemas
        return self._objects

    def function(self, table: Table) -> str:
        """Add the function of a table, once, after those of its parts; return its name."""
        if id(table) not in self._names:
            body = list(self._body(table))
            self._names[id(table)] = f"walk{len(self._names)}"
            self._lines += [f"def {self._names[id(table)]}(node, path, found):", " get = node.get", *body]
        return self._names[id(table)]

    def _name(self, thing: object) -> str:
        """Return the name of a rule's function or metadata."""
        if id(thing) not in self._names:
            self._names[id(thing)] = f"o{len(self._names)}"
            self._objects[self._names[id(thing)]] = thing
        return self._names[id(thing)]

    def _body(self, table: Table) -> Iterator[str]:
        for name in dict.fromkeys(_read(table)):
            yield f" _{name} = get({name!r})"
        for name, check, about in table.values:
            yield f" if _{name} is not None and (e := {self._name(check)}(_{name})) is not None:"
            yield f"  note(found, path, {self._name(about)}, Breach(({name!r},), expected=e))"
        for name, check, about in table.items:
            yield f" for i, each in enumerate(_{name} or ()):"
            yield f"  if (e := {self._name(check)}(each)) is not None:"
            yield f"   note(found, path, {self._name(about)}, Breach(({name!r}, i), expected=e))"
        for about, run, needed, further in table.rules:
            call = f"{self._name(run)}({', '.join(f'_{name}' for name in (*needed, *further))})"
            present = "".join(f"_{name} is not None and " for name in needed)
            yield f" if {present}(outcome := {call}) is not None: note(found, path, {self._name(about)}, outcome)"
        for name, below in table.parts:
            yield f" if _{name} is not None: {self.function(below)}(_{name}, (*path, {name!r}), found)"
        for name, below in table.lists:
            yield f" for i, each in enumerate(_{name} or ()): {self.function(below)}(each, (*path, {name!r}, i), found)"


def _read(table: Table) -> Iterator[str]:
    """Yield the names of all fields that a table reads."""
    yield from (name for name, _, _ in (*table.values, *table.items))
    yield from (name for name, _ in (*table.parts, *table.lists))
    for rule in table.rules:
        yield from (*rule.needed, *rule.further)
