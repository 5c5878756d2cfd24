"""Messages with a single fault each, and what a validator has to say about it."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from xinqiao.message import Json
from xinqiao.testing.places import Path, Place, follow, places_of
from xinqiao.violations import canonical_path

__all__ = ["Fault", "faults_of"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A message that its schema refuses, for one reason.

    ``finding`` is the rule and path that strict validation reports. ``xml`` says whether the XML form can express the
    fault: it has no types, no null and no empty list.
    """

    name: str
    message: Json
    finding: tuple[str, str]
    xml: bool = True


def faults_of(message: Json, seed: int | str) -> Iterator[Fault]:
    """Yield one fault of each sort that a valid message has room for, each at a place chosen by the seed."""
    random = Random(f"{seed}")  # noqa: S311 -- test data
    for sort in _SORTS:
        found = [each for place in places_of(message) for each in sort(place)]
        if found:
            name, path, rule, change, xml = random.choice(found)
            yield _fault(message, name, path, rule, change, xml)


# What one sort of fault may do at a place: name, path of what is wrong, rule, how to do it, whether XML can say it.
Change = Callable[[Json], None]
Possible = tuple[str, Path, str, Change, bool]


def _fault(message: Json, name: str, path: Path, rule: str, change: Change, xml: bool) -> Fault:
    changed = copy.deepcopy(message)
    change(changed)
    return Fault(name, changed, (f"schema.{rule}", canonical_path(path)), xml)


def _set(path: Path, value: object) -> Change:
    def change(message: Json) -> None:
        follow(message, path[:-1])[path[-1]] = value

    return change


def _without(path: Path) -> Change:
    def change(message: Json) -> None:
        del follow(message, path[:-1])[path[-1]]

    return change


def _missing(place: Place) -> Iterator[Possible]:
    for name in sorted(place.required & place.node.keys()):
        # A message without its body or header has no type to check it by.
        if place.path:
            path = (*place.path, name)
            yield f"{name} is missing", path, "required", _without(path), True


def _unknown(place: Place) -> Iterator[Possible]:
    if place.path:
        path = (*place.path, "colour")
        yield "a field that the standard does not have", path, "unknown_field", _set(path, "red"), True


def _values(place: Place) -> Iterator[tuple[Path, Json, Any]]:
    """Yield every value of a place: its path, its schema (of a list's items merged in) and itself."""
    for name, field in place.fields.items():
        if name not in place.node or "$ref" in field.get("items", field) or (*place.path, name) == _VERSION:
            continue
        schema = {**field, **field.get("items", {})}
        if "items" in field:
            yield from (((*place.path, name, index), schema, each) for index, each in enumerate(place.node[name]))
        else:
            yield (*place.path, name), schema, place.node[name]


# Another version of the standard has no schema at all.
_VERSION = ("header", "standardVersion")
# Characters that patterns refuse: one of them breaks any pattern that a value keeps, and XML can hold it.
_STRANGE = ("\u0085", "~", "龘")


def _enum(place: Place) -> Iterator[Possible]:
    for path, schema, _ in _values(place):
        if "enum" in schema:
            yield f"{path[-1]} is none of its values", path, "enum", _set(path, "NO_SUCH_VALUE"), True


def _pattern(place: Place) -> Iterator[Possible]:
    for path, schema, value in _values(place):
        for strange in _STRANGE:
            wrong = f"{strange}{value[1:]}" if isinstance(value, str) else ""
            if "pattern" in schema and not re.search(schema["pattern"], wrong):
                yield f"{path[-1]} has not its form", path, "pattern", _set(path, wrong), True
                break


def _too_long(place: Place) -> Iterator[Possible]:
    for path, schema, _ in _values(place):
        if "maxLength" in schema and _fits_text(schema):
            # Characters outside the first plane: a length counts characters, not code units.
            wrong = "𠮷" * (schema["maxLength"] + 1)
            yield f"{path[-1]} is one character too long", path, "max_length", _set(path, wrong), True


def _fits_text(schema: Json) -> bool:
    return re.search(schema["pattern"], "𠮷") is not None


def _empty(place: Place) -> Iterator[Possible]:
    for path, schema, _ in _values(place):
        if schema.get("minLength") == 1:
            yield f"{path[-1]} is empty", path, "min_length", _set(path, ""), True


def _range(place: Place) -> Iterator[Possible]:
    for path, schema, _ in _values(place):
        if schema.get("type") == "integer":
            yield f"{path[-1]} is too small", path, "minimum", _set(path, schema["minimum"] - 1), True
            if schema["maximum"] < 2**31 - 1:
                yield f"{path[-1]} is too large", path, "maximum", _set(path, schema["maximum"] + 1), True


def _too_many(place: Place) -> Iterator[Possible]:
    for name, field in place.fields.items():
        # A hundred items show it as well as ten thousand.
        if name in place.node and 0 < field.get("maxItems", 0) <= 100:
            path = (*place.path, name)
            items = [place.node[name][0]] * (field["maxItems"] + 1)
            yield f"{name} has an item too many", path, "max_items", _set(path, items), True


def _choice(place: Place) -> Iterator[Possible]:
    for group in place.choices:
        present = [name for name in group if name in place.node]
        for other in group:
            if present and other not in present:
                # Whatever stands there, two are one too many; a copy of the first is well-formed often enough.
                same = place.fields[other].get("$ref") == place.fields[present[0]].get("$ref")
                if same and "$ref" in place.fields[other]:
                    path = (*place.path, other)
                    yield f"{present[0]} and {other}", place.path, "one_of", _set(path, place.node[present[0]]), True


def _no_choice(place: Place) -> Iterator[Possible]:
    for group in place.choices:
        needed = any(len(each["oneOf"]) == len(group) for each in place.definition["allOf"] if _is_of(each, group))
        for name in group:
            if needed and name in place.node:
                path = (*place.path, name)
                yield f"none of {', '.join(group)}", place.path, "one_of", _without(path), True


def _is_of(choice: Json, group: tuple[str, ...]) -> bool:
    return bool(choice["oneOf"][0]["required"] == [group[0]])


def _structure(place: Place) -> Iterator[Possible]:
    for name, field in place.fields.items():
        if name in place.node and "items" not in field and place.path:
            path = (*place.path, name)
            wrong: Any = "text" if "$ref" in field else {"value": "1"}
            yield f"{name} is of another structure", path, "type", _set(path, wrong), True


def _type(place: Place) -> Iterator[Possible]:
    for path, schema, value in _values(place):
        wrong = {"string": 7, "integer": str(value), "boolean": str(value).lower()}[schema["type"]]
        # An enum's schema speaks of its values before it speaks of types.
        rule = "enum" if "enum" in schema else "type"
        yield f"{path[-1]} is of another type", path, rule, _set(path, wrong), False


def _null(place: Place) -> Iterator[Possible]:
    for name, field in place.fields.items():
        if name in place.node and place.path:
            path = (*place.path, name)
            rule = "enum" if "enum" in field else "type"
            yield f"{name} is null", path, rule, _set(path, None), False


def _empty_list(place: Place) -> Iterator[Possible]:
    for name, field in place.fields.items():
        if name in place.node and "items" in field:
            path = (*place.path, name)
            yield f"{name} is an empty list", path, "min_items", _set(path, []), False


_SORTS: tuple[Callable[[Place], Iterator[Possible]], ...] = (
    *(_missing, _unknown, _enum, _pattern, _too_long, _empty, _range, _too_many),
    *(_choice, _no_choice, _structure, _type, _null, _empty_list),
)
