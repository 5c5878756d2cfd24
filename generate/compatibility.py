"""Whether a message that a released version of the standard accepts is accepted by this one, and read the same.

``buf breaking`` compares names, numbers and types on the wire. This compares what it does not see: constraints,
which may loosen within 1.x and not tighten, enums, which are closed, and sensitivity, which may not fall.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["breaks", "changed_requirements", "stricter_rules"]

Schema = dict[str, Any]

# keyword -> whether a change from the first to the second refuses what was accepted
_TIGHTER: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda old, new: new > old,
    "maxLength": lambda old, new: new < old,
    "minimum": lambda old, new: new > old,
    "maximum": lambda old, new: new < old,
    "maxItems": lambda old, new: new < old,
    "pattern": lambda old, new: new != old,
    "enum": lambda old, new: set(new) != set(old),
    "type": lambda old, new: new != old,
    "$ref": lambda old, new: new != old,
}
_NUMBERS = {"minLength": 0, "maxLength": 1 << 31, "minimum": -(1 << 31), "maximum": 1 << 31, "maxItems": 1 << 31}


def breaks(released: dict[str, Schema], now: dict[str, Schema]) -> list[str]:
    """Return what this version does to the messages of a released one, a sentence each.

    Both map the name of a message type to its JSON Schema.
    """
    gone = [f"{name}: the message type is gone" for name in released if name not in now]
    changed = {
        text
        for name, schema in released.items()
        if name in now
        for text in _changes(schema["$defs"], now[name]["$defs"])
    }
    return [*gone, *sorted(changed)]


def stricter_rules(released: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the rules, id to level, that refuse what a release let pass: a new rule within 1.x only warns."""
    return [f"{rule}: an error now" for rule, level in now.items() if level == "ERROR" != released.get(rule)]


def changed_requirements(released: list[Schema], now: list[Schema]) -> list[str]:
    """Return the requirements of a release that are gone or say something else: a set is frozen with its release."""
    present = {each["id"]: _said(each) for each in now}
    return [f"{each['id']}: gone or changed" for each in released if present.get(each["id"]) != _said(each)]


def _said(requirement: Schema) -> Schema:
    """Return a requirement without how it is shown: a test may come later."""
    return {name: part for name, part in requirement.items() if name != "shown_by"}


def _changes(released: Schema, now: Schema) -> Iterator[str]:
    for name, old in released.items():
        new = now.get(name)
        if new is None:
            yield f"{name}: the definition is gone"
            continue
        yield from (f"{name}.{field}: now required" for field in _required(new) - _required(old))
        if old.get("x-xinqiao", {}).get("choices") != new.get("x-xinqiao", {}).get("choices"):
            yield f"{name}: other choices"
        for field, part in old["properties"].items():
            if field not in new["properties"]:
                yield f"{name}.{field}: the field is gone"
            else:
                yield from (f"{name}.{field}: {said}" for said in _field_changes(part, new["properties"][field]))


def _required(definition: Schema) -> set[str]:
    return set(definition.get("required", ()))


def _field_changes(old: Schema, new: Schema) -> Iterator[str]:
    if ("items" in old) != ("items" in new):
        yield "a list became a single value, or the other way round"
        return
    yield from _tighter(old, new)
    yield from _tighter(old.get("items", {}), new.get("items", {}))
    if new["x-xinqiao"]["sensitivity"] < old["x-xinqiao"]["sensitivity"]:
        yield "less sensitive than it was"


def _tighter(old: Schema, new: Schema) -> Iterator[str]:
    for keyword, narrows in _TIGHTER.items():
        default = _NUMBERS.get(keyword)
        before, after = old.get(keyword, default), new.get(keyword, default)
        if before == after:
            continue
        if before is None or after is None or narrows(before, after):
            yield f"{keyword} was {before}, is {after}"
