"""The standard as mappings see it: what stands at a canonical path, and what an object may hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from jsonschema_rs import Draft202012Validator

from xinqiao.standard import Schema, message_types, schema_of

__all__ = [
    "Kind",
    "Shape",
    "Step",
    "Steps",
    "field_paths",
    "names_in",
    "parse_steps",
    "put",
    "shape_at",
    "text_of_steps",
]

Kind = Literal["object", "text", "date", "datetime", "decimal", "integer", "boolean", "enum", "month", "time", "count"]
# A step of a canonical path: a name, and an index, "[]" for every item, or nothing.
Step = tuple[str, int | Literal["[]"] | None]
Steps = tuple[Step, ...]

_STEP = re.compile(r"([a-z][A-Za-z0-9]*)(?:\[([0-9]*)\])?")


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: its kind, whether it repeats, its sensitivity and, for an enum, its names."""

    kind: Kind
    repeats: bool
    sensitivity: str
    names: tuple[str, ...]
    schema: Schema = field(repr=False, compare=False)

    def allows(self, value: object) -> bool:
        """Whether the standard's schema of the field, or of its items, takes a value."""
        return self.kind != "object" and Draft202012Validator(self.schema).is_valid(value)


def parse_steps(path: str) -> Steps | None:
    """Read ``applicant.documents[0].number``; None where it is no canonical path."""
    steps: list[Step] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            return None
        index = match[2]
        steps.append((match[1], None if index is None else "[]" if index == "" else int(index)))
    return tuple(steps)


def text_of_steps(steps: Steps) -> str:
    """Write a path as ``parse_steps`` reads it."""
    return ".".join(f"{name}{_index(index)}" for name, index in steps)


def _index(index: int | str | None) -> str:
    return "" if index is None else "[]" if index == "[]" else f"[{index}]"


@cache
def shape_at(body: str, names: tuple[str, ...]) -> Shape | None:
    """Return the field of a message type at a path of names (indices left out), or None."""
    schema = _schema_at(body, names)
    if schema is None or not names:
        return None
    item = schema.get("items", schema)
    about = schema["x-xinqiao"]
    names = tuple(item.get("enum", ()))
    return Shape(_kind(item, about.get("kind")), "items" in schema, about["sensitivity"], names, item)


@cache
def names_in(body: str, names: tuple[str, ...]) -> frozenset[str]:
    """Return the names that the standard defines in the object at a path."""
    whole = schema_of(message_types()[body].name)
    schema = _schema_at(body, names)
    return frozenset(_followed(schema, whole).get("properties", ())) if schema is not None else frozenset()


def field_paths(body: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all values below an object of a message type."""
    for name in sorted(names_in(body, path)):
        shape = shape_at(body, (*path, name))
        if shape is not None and shape.kind == "object":
            yield from field_paths(body, (*path, name))
        else:
            yield (*path, name)


def _schema_at(body: str, names: tuple[str, ...]) -> Schema | None:
    whole = schema_of(message_types()[body].name)
    schema: Any = whole
    for name in names:
        schema = _followed(schema, whole).get("properties", {}).get(name)
        if schema is None:
            return None
    found: Schema = schema
    return found


def _followed(schema: Schema, whole: Schema) -> Schema:
    item = schema.get("items", schema)
    if "$ref" in item:
        found: Schema = whole["$defs"][item["$ref"].rpartition("/")[2]]
        return found
    return schema


# What a mapping converts; every other kind of string is text to it.
_CONVERTED: dict[str, Kind] = {
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "DECIMAL": "decimal",
    "QUANTITY": "decimal",
    "PERCENTAGE": "decimal",
    "RATE": "decimal",
    "FACTOR": "decimal",
    "MONTH": "month",
    "TIME": "time",
    "COUNT": "count",
}


def _kind(item: Schema, kind: str | None) -> Kind:
    if "$ref" in item:
        return "object"
    if "enum" in item:
        return "enum"
    if item["type"] in ("integer", "boolean"):
        simple: Kind = item["type"]
        return simple
    return _CONVERTED.get(kind or "", "text")


def put(node: dict[str, Any], steps: Steps, value: object) -> None:
    """Set a value at a path, making the objects and lists on the way."""
    for depth, (name, index) in enumerate(steps):
        last = depth == len(steps) - 1
        if not isinstance(index, int):
            if last:
                node[name] = value
            else:
                node = node.setdefault(name, {})
            continue
        items = node.setdefault(name, [])
        items.extend({} for _ in range(index + 1 - len(items)))
        if last:
            items[index] = value
        else:
            node = items[index]
