"""Where rules apply: for each message type, a tree of only those parts that have rules, made once."""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import cache, partial

from xinqiao.message import Json
from xinqiao.rules.rule import CODE_RULES, CURRENCY_RULES, PART_RULES, VALUE_RULES, Metadata, Outcome, Rule
from xinqiao.standard import Schema, schema_of

__all__ = ["Check", "Table", "table_of"]

# The name of a value, what looks at it, and the rule that it is.
Check = tuple[str, Callable[[str], str | None], Metadata]


@dataclass(frozen=True, slots=True)
class Table:
    """What to do at an object: rules on its values, on its lists of values, on itself; then its parts."""

    values: tuple[Check, ...] = ()
    items: tuple[Check, ...] = ()
    rules: tuple[Rule, ...] = ()
    parts: tuple[tuple[str, "Table"], ...] = ()
    lists: tuple[tuple[str, "Table"], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.items or self.rules or self.parts or self.lists)


@cache
def table_of(name: str) -> Table:
    """Return the table of a message type by its name, e.g. ``KycApplication``."""
    schema = schema_of(name)
    return _table(schema, "Message", schema["$defs"], {})


def _table(schema: Schema, name: str, definitions: Schema, known: dict[str, Table], sign: str | None = None) -> Table:
    """``sign`` is what the field that holds this object says of its ``value``."""
    values: list[Check] = []
    items: list[Check] = []
    parts: list[tuple[str, Table]] = []
    lists: list[tuple[str, Table]] = []
    for key, field in schema["properties"].items():
        about = {**field["x-xinqiao"], **({"sign": sign} if sign and key == "value" else {})}
        repeats = "items" in field
        reference = field.get("items", field).get("$ref")
        if reference:
            below = _referred(reference.rpartition("/")[2], definitions, known, about.get("sign"))
            if below:
                (lists if repeats else parts).append((key, below))
        else:
            (items if repeats else values).extend((key, *check) for check in _checks(about))
    return Table(tuple(values), tuple(items), tuple(_rules(schema, name)), tuple(parts), tuple(lists))


def _referred(name: str, definitions: Schema, known: dict[str, Table], sign: str | None) -> Table:
    key = f"{name} {sign}" if sign else name
    if key not in known:
        known[key] = _table(definitions[name], name, definitions, known, sign)
    return known[key]


def _checks(about: Schema) -> Iterator[tuple[Callable[[str], str | None], Metadata]]:
    claims = {about.get("kind", "").lower(), about.get("sign")}
    for each in VALUE_RULES.values():
        if claims.intersection(each.about.applies_to):
            yield each.run, each.about
    if "codes" in about:
        for code in CODE_RULES.values():
            yield partial(_look_up, code.run, about["codes"]), code.about


def _look_up(run: Callable[[str, str], str | None], name: str, value: str) -> str | None:
    return run(value, name)


def _rules(schema: Schema, name: str) -> Iterator[Rule]:
    properties = schema["properties"].keys()
    for rule in PART_RULES.values():
        if name in rule.about.applies_to or (rule.about.applies_to == ("*",) and _fits(rule, properties)):
            yield rule
    if schema.get("x-xinqiao", {}).get("oneCurrency"):
        amounts = tuple(key for key, field in schema["properties"].items() if field.get("$ref") == "#/$defs/Money")
        for each in CURRENCY_RULES.values():
            yield Rule(each.about, partial(_compare, each.run, amounts), (), amounts)


def _fits(rule: Rule, properties: Set[str]) -> bool:
    """Return whether a definition has what a rule reads: all that it needs and, where it reads more, some of that."""
    return properties >= set(rule.needed) and (not rule.further or not properties.isdisjoint(rule.further))


def _compare(run: Callable[..., Outcome], names: tuple[str, ...], *amounts: Json | None) -> Outcome:
    present = {name: amount for name, amount in zip(names, amounts, strict=True) if amount is not None}
    return run(present) if len(present) > 1 else None
