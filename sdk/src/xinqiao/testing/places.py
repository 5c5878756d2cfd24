"""Where things stand in a message: every object with the definition of the standard that it follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xinqiao.message import Json, message_type
from xinqiao.standard import schema_of

__all__ = ["Path", "Place", "definition_of", "follow", "places_of"]

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An object of a message: its path, itself, and its definition."""

    path: Path
    node: Json
    definition: Json

    @property
    def fields(self) -> Json:
        """The fields that the definition has, by name."""
        fields: Json = self.definition["properties"]
        return fields

    @property
    def required(self) -> frozenset[str]:
        """The fields that have to be there, apart from choices."""
        return frozenset(self.definition.get("required", ()))

    @property
    def choices(self) -> list[tuple[str, ...]]:
        """The groups of fields of which one may be there, whether or not one has to."""
        return [tuple(group) for group in self.definition.get("x-xinqiao", {}).get("choices", ())]


def definition_of(field: Json, schema: Json) -> Json | None:
    """Return the definition of what a field, or each item of a list, holds; None of a value."""
    reference = field.get("items", field).get("$ref")
    if reference is None:
        return None
    found: Json = schema["$defs"][reference.rpartition("/")[2]]
    return found


def places_of(message: Json) -> list[Place]:
    """Return every object of a message that follows the standard, the message itself first."""
    schema = schema_of(message_type(message).name)
    return list(_places(message, schema, (), schema))


def _places(node: Json, definition: Json, path: Path, schema: Json) -> Iterator[Place]:
    yield Place(path, node, definition)
    for name, field in definition["properties"].items():
        below = definition_of(field, schema)
        if below is None or name not in node:
            continue
        if "items" in field:
            for index, item in enumerate(node[name]):
                yield from _places(item, below, (*path, name, index), schema)
        else:
            yield from _places(node[name], below, (*path, name), schema)


def follow(message: Json, path: Path) -> Any:  # noqa: ANN401 -- whatever the message holds
    """Return what is at a path."""
    value: Any = message
    for step in path:
        value = value[step]
    return value
