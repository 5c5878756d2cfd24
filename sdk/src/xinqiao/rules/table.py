"""Where rules apply: for each message type, a tree of only those parts that have rules, made once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from xinqiao.expectation import COUNTRY, CURRENCY, DATE, INSTITUTION_CODE, ISIN, TIMESTAMP
from xinqiao.rules.rule import PART_RULES, VALUE_RULES, Metadata, Rule
from xinqiao.standard import Schema, schema_of

__all__ = ["VALUE_KINDS", "Table", "table_of"]

# A kind of value is known by the one constraint that the standard writes for it.
VALUE_KINDS: Mapping[str, str] = {
    DATE: "date",
    TIMESTAMP: "timestamp",
    CURRENCY: "currency",
    COUNTRY: "country",
    INSTITUTION_CODE: "institution code",
    ISIN: "isin",
}


@dataclass(frozen=True, slots=True)
class Table:
    """What to do at an object: rules on its values, rules on itself, then its parts and lists of parts."""

    values: tuple[tuple[str, Callable[[str], str | None], Metadata], ...]
    rules: tuple[Rule, ...]
    parts: tuple[tuple[str, "Table"], ...]
    lists: tuple[tuple[str, "Table"], ...]

    def __bool__(self) -> bool:
        return bool(self.values or self.rules or self.parts or self.lists)


@cache
def table_of(name: str) -> Table:
    """Return the table of a message type by its name, e.g. ``KycApplication``."""
    schema = schema_of(name)
    return _table(schema, "Message", schema["$defs"], {})


def _table(schema: Schema, name: str, definitions: Schema, known: dict[str, Table]) -> Table:
    values: list[tuple[str, Callable[[str], str | None], Metadata]] = []
    parts: list[tuple[str, Table]] = []
    lists: list[tuple[str, Table]] = []
    for key, field in schema["properties"].items():
        kind = VALUE_KINDS.get(field.get("pattern"))
        values += [(key, rule.run, rule.about) for rule in VALUE_RULES.values() if kind in rule.about.applies_to]
        reference = field.get("items", field).get("$ref")
        if reference:
            below = _referred(reference.rpartition("/")[2], definitions, known)
            if below:
                (lists if "items" in field else parts).append((key, below))
    rules = tuple(rule for rule in PART_RULES.values() if name in rule.about.applies_to)
    return Table(tuple(values), rules, tuple(parts), tuple(lists))


def _referred(name: str, definitions: Schema, known: dict[str, Table]) -> Table:
    if name not in known:
        known[name] = _table(definitions[name], name, definitions, known)
    return known[name]
