"""Whether a message that a released version of the standard accepts is accepted by this one, and read the same.

``buf breaking`` compares names, numbers and types on the wire. This compares what it does not see: constraints,
which may loosen within 1.x and not tighten, enums, which are closed, and sensitivity, which may not fall.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["breaks", "changed_requirements", "lost_codes", "stricter_rules"]

Schema = dict[str, Any]

# keyword -> whether a change from the first to the second refuses what was accepted
_TIGHTER: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda old, new: new > old,
    "maxLength": lambda old, new: new < old,
    "minimum": lambda old, new: new > old,
    "maximum": lambda old, new: new < old,
    "minItems": lambda old, new: new > old,
    "maxItems": lambda old, new: new < old,
    "pattern": lambda old, new: new != old,
    "enum": lambda old, new: set(new) != set(old),
    "type": lambda old, new: new != old,
    "$ref": lambda old, new: new != old,
}
_NUMBERS = {
    "minLength": 0,
    "minItems": 0,
    "maxLength": 1 << 31,
    "minimum": -(1 << 31),
    "maximum": 1 << 31,
    "maxItems": 1 << 31,
}


def breaks(released: dict[str, Schema], now: dict[str, Schema]) -> list[str]:
    """Return what this version does to the messages of a released one, a sentence each.

    Both map the name of a message type to its JSON Schema.
    """
    gone = [f"{name}: the message type is gone" for name in released if name not in now]
    other = [
        f"{name}: another {said}"
        for name, schema in released.items()
        for said in ("class", "body")
        if name in now and now[name]["x-xinqiao"][said] != schema["x-xinqiao"][said]
    ]
    changed = {
        text
        for name, schema in released.items()
        if name in now
        for text in _changes(schema["$defs"], now[name]["$defs"])
    }
    return [*gone, *other, *sorted(changed)]


def stricter_rules(released: Mapping[str, Schema], now: Mapping[str, Schema]) -> list[str]:
    """Return the rules that refuse what a release let pass: a new rule within 1.x, or on more, only warns.

    Both map a rule's id to its ``level``, its level ``onFact`` and what it ``appliesTo``.
    """
    return [f"{rule}: an error now" for rule, about in now.items() if _is_stricter(released.get(rule), about)]


def _is_stricter(old: Schema | None, new: Schema) -> bool:
    if old is None:
        return bool(new["level"] == "ERROR")
    levels = [(old[name], new[name]) for name in ("level", "onFact")]
    wider = set(new["appliesTo"]) - set(old["appliesTo"])
    return any(before != "ERROR" == after for before, after in levels) or (new["level"] == "ERROR" and bool(wider))


def lost_codes(released: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> list[str]:
    """Return the codes of a release that a list no longer has."""
    return [
        f"{name}: {code} is no code any more"
        for name, codes in released.items()
        for code in codes
        if code not in now.get(name, ())
    ]


def changed_requirements(released: list[Schema], now: list[Schema]) -> list[str]:
    """Return the requirements of a release that are gone or say something else: a set is frozen with its release."""
    present = {each["id"]: _said(each) for each in now}
    return [f"{each['id']}: gone or changed" for each in released if present.get(each["id"]) != _said(each)]


def _said(requirement: Schema) -> Schema:
    """Return a requirement without how it is shown, and why not by a test: a test may come later."""
    return {name: part for name, part in requirement.items() if name not in ("shown_by", "reason")}


def _changes(released: Schema, now: Schema) -> Iterator[str]:
    for name, old in released.items():
        new = now.get(name)
        if new is None:
            yield f"{name}: the definition is gone"
            continue
        yield from (f"{name}.{field}: now required" for field in _required(new) - _required(old))
        if old.get("allOf") != new.get("allOf"):
            yield f"{name}: other choices"
        if new["x-xinqiao"].get("oneCurrency") and not old["x-xinqiao"].get("oneCurrency"):
            yield f"{name}: now in one currency"
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
    before, after = old["x-xinqiao"], new["x-xinqiao"]
    if after["sensitivity"] < before["sensitivity"]:
        yield "less sensitive than it was"
    yield from (f"another {said}" for said in ("kind", "codes") if after.get(said) != before.get(said))
    if "sign" in after and after["sign"] != before.get("sign"):
        yield "another sign"


def _tighter(old: Schema, new: Schema) -> Iterator[str]:
    for keyword, narrows in _TIGHTER.items():
        default = _NUMBERS.get(keyword)
        before, after = old.get(keyword, default), new.get(keyword, default)
        if before == after:
            continue
        if before is None or after is None or narrows(before, after):
            yield f"{keyword} was {before}, is {after}"
