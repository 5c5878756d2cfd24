"""The dictionary of the standard, looked up by whatever people call a thing: what ``xinqiao explain`` prints.

Data in, data out: printing is the command's. A rule or a message type is found without reading every schema.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Literal, NamedTuple

import orjson

from xinqiao.expectation import expectation_of
from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.rules import metadata
from xinqiao.rules.rule import Metadata
from xinqiao.rules.table import Table, table_of
from xinqiao.standard import MessageType, Schema, message_types, schema_of

__all__ = [
    "Answer",
    "Entry",
    "Part",
    "PartRule",
    "cardinality",
    "code_lists",
    "explain",
    "fields_of_codes",
    "level_text",
    "message_rules",
    "part_rules",
    "parts",
    "reference",
    "value_rules",
]

_INDEX = re.compile(r"\[[0-9]*\]")
_NEAREST = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A definition of the schemas: a message's body, or a part that one or several message types hold.

    ``used_in`` names message types; ``path`` is one place where it stands, in the first of them.
    """

    name: str
    title: Text
    schema: Schema
    used_in: tuple[str, ...]
    path: str


class PartRule(NamedTuple):
    """A rule on a part, and those of its fields that the rule reads."""

    about: Metadata
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the dictionary says of one thing.

    ``path`` is its one name: ``Party.name``, ``KycApplication``, ``RESIDENT_ID``, ``XQ-R-010``, ``reasons.EXPIRED``.
    ``facts`` are JSON; a text in both languages is ``{"zh": …, "en": …}``.
    """

    kind: Literal["message", "part", "field", "value", "rule", "list", "code"]
    path: str
    title: Text
    facts: Json

    def as_json(self) -> Json:
        """Return the entry as one object."""
        return {"kind": self.kind, "path": self.path, "title": self.title.as_json(), **self.facts}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is found for a name; where there is nothing, the names nearest to it."""

    what: str
    entries: tuple[Entry, ...]
    nearest: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """Return the answer as JSON."""
        entries = [entry.as_json() for entry in self.entries]
        return {"what": self.what, "entries": entries, "nearest": list(self.nearest)}


def explain(what: str) -> Answer:
    """Return what the dictionary says of a path, a title, a synonym, a rule, a message type, a value or a code.

    Of several things of one name, what most message types hold comes first.
    """
    name = what.strip()
    for look in (_identified, _placed, _named):
        entries = sorted(look(name), key=lambda entry: -len(entry.facts.get("usedIn", ())))
        if entries:
            return Answer(what, tuple(entries))
    return Answer(what, (), tuple(_nearest(name)))


@cache
def parts() -> Mapping[str, Part]:
    """Return every definition of the standard once, by its name, in the order of the message types."""
    schemas = {kind.name: schema_of(kind.name) for kind in message_types().values()}
    users: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        for defined in schema["$defs"]:
            users.setdefault(defined, []).append(name)
    found: dict[str, Part] = {}
    for schema in schemas.values():
        if not found.keys() >= schema["$defs"].keys():
            for name, path in _paths(schema).items():
                found.setdefault(name, _part(name, schema["$defs"][name], users[name], path))
    return found


def _part(name: str, schema: Schema, users: Sequence[str], path: str) -> Part:
    return Part(name, Text(schema["x-xinqiao"]["titleZh"], schema["title"]), schema, tuple(users), path)


def _paths(schema: Schema) -> dict[str, str]:
    """Return a shortest path to each definition of a message type."""
    paths: dict[str, str] = {}
    level = [("", schema)]
    while level:
        below = []
        for prefix, each in level:
            for name, field in each["properties"].items():
                part = reference(field)
                if part and part not in paths:
                    paths[part] = prefix + name
                    below.append((f"{prefix}{name}.", schema["$defs"][part]))
        level = below
    return paths


def reference(field: Schema) -> str | None:
    """Return the name of the part that a field, or each item of it, holds; None where it holds values."""
    link: str = field.get("items", field).get("$ref", "")
    return link.rpartition("/")[2] or None


def cardinality(part: Schema, name: str) -> str:
    """Return how often a field stands in its part: ``1``, ``0..1``, ``0..20``."""
    required, most = name in part.get("required", ()), part["properties"][name].get("maxItems", 1)
    return "1" if required and most == 1 else f"{int(required)}..{most}"


def part_rules(part: Part) -> list[PartRule]:
    """Return the rules on a part as such; those on single values are ``value_rules``."""
    table: Table | None = table_of(part.used_in[0])
    for step in part.path.split("."):
        table = dict((*table.parts, *table.lists)).get(step) if table else None
    return _listed(table, part.schema["properties"]) if table else []


def message_rules(kind: MessageType) -> list[PartRule]:
    """Return the rules on a message as a whole, header and body."""
    return _listed(table_of(kind.name), schema_of(kind.name)["properties"])


def _listed(table: Table, fields: Schema) -> list[PartRule]:
    """Return rules with what they read here: one that many parts share may name fields that this one lacks."""
    read = [(rule.about, (*rule.needed, *rule.further)) for rule in table.rules]
    return [PartRule(about, tuple(name for name in names if name in fields)) for about, names in read]


def value_rules(field: Schema) -> list[Metadata]:
    """Return the rules on the values of a field: those of its kind, of its sign and of codes."""
    about = field["x-xinqiao"]
    claims = {about.get("kind", "").lower(), about.get("sign"), "code" if "codes" in about else None}
    return [rule for rule in metadata().values() if claims.intersection(rule.applies_to)]


@cache
def code_lists() -> Mapping[str, Json]:
    """Return the code lists by their file's name: ``title``, ``source``, ``provenance``, ``codes`` with their titles.

    A list that gives codes only, as those of ISO do, has no titles of them; its own title is its standard's name.
    """
    folder = files("xinqiao") / "schemas" / "codes"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda each: each.name)
    return {entry.name.removesuffix(".json"): _code_list(orjson.loads(entry.read_bytes())) for entry in entries}


def fields_of_codes(name: str) -> list[tuple[Part, str]]:
    """Return the fields whose codes are of a list."""
    fields = ((part, field, schema) for part in parts().values() for field, schema in part.schema["properties"].items())
    return [(part, field) for part, field, schema in fields if schema["x-xinqiao"].get("codes") == name]


def _code_list(read: Json) -> Json:
    codes = read["codes"]
    return {
        "title": read.get("title") or {"zh": read["standard"], "en": read["standard"]},
        "source": read.get("source") or read["standard"],
        "provenance": read["provenance"],
        "codes": codes if isinstance(codes, dict) else {code: {} for code in codes},
    }


def _identified(name: str) -> Iterator[Entry]:
    """Find a rule, a message type, a part or a code list by its very name."""
    if name.upper() in metadata():
        yield _rule_entry(metadata()[name.upper()])
        return
    for kind in message_types().values():
        if name in (kind.name, kind.body):
            yield _message_entry(kind)
            return
    listed, _, code = name.partition(".")
    if name in parts():
        yield _part_entry(parts()[name])
    elif name in code_lists():
        yield _list_entry(name)
    elif code in code_lists().get(listed, {}).get("codes", ()):
        yield _code_entry(listed, code)


def _placed(name: str) -> Iterator[Entry]:
    """Find a field by a path that begins with a body key, the beginning of one, ``header`` or a part's name."""
    first, *steps = _INDEX.sub("", name).split(".")
    if not steps:
        return
    found: dict[tuple[str, str], list[str]] = {}
    for prefix, part in _roots(first):
        place = _follow(part, steps)
        if place:
            found.setdefault(place, []).append(".".join((prefix, *steps)))
    for (part, field), paths in found.items():
        yield _field_entry(parts()[part], field, None if first in parts() else paths)


def _roots(first: str) -> list[tuple[str, str]]:
    """Return the paths that a first step may mean, each with the part that stands there."""
    types = message_types()
    if first in types:
        return [(first, types[first].name)]
    if first in parts():
        return [(first, first)]
    envelope = schema_of(next(iter(types.values())).name)["properties"]
    keys = {body: kind.name for body, kind in types.items()}
    keys |= {key: part for key, field in envelope.items() if key not in types and (part := reference(field))}
    return [(key, part) for key, part in keys.items() if first and key.lower().startswith(first.lower())]


def _follow(part: str, steps: Sequence[str]) -> tuple[str, str] | None:
    """Return the part and the field at the end of a path inside a part."""
    *before, last = steps
    for step in before:
        below = reference(parts()[part].schema["properties"].get(step, {}))
        if below is None:
            return None
        part = below
    return (part, last) if last in parts()[part].schema["properties"] else None


def _named(name: str) -> Iterator[Entry]:
    """Find all that has a name: message types, parts and fields, their values, codes; capitals do not matter."""
    wanted = name.casefold()
    bodies = {kind.name: kind for kind in message_types().values()}
    for part in parts().values():
        if wanted in _folded(part.name, part.path if part.name in bodies else "", *part.title):
            yield _message_entry(bodies[part.name]) if part.name in bodies else _part_entry(part)
        for field, schema in part.schema["properties"].items():
            if wanted in _folded(*_names(field, schema)):
                yield _field_entry(part, field)
    yield from (_value_entry(*each) for each in _values() if wanted in _folded(each[0], *each[1]))
    for listed, about in code_lists().items():
        if wanted in _folded(*about["title"].values()):
            yield _list_entry(listed)
        for code, title in about["codes"].items():
            if wanted in _folded(code, *_title(title)):
                yield _code_entry(listed, code)


def _folded(*names: str) -> set[str]:
    return {name.casefold() for name in names if name}


def _names(field: str, schema: Schema) -> tuple[str, ...]:
    about = schema["x-xinqiao"]
    return (field, about["titleZh"], schema["title"], *about.get("synonyms", ()))


def _title(title: Mapping[str, str]) -> Text:
    return Text(title.get("zh", ""), title.get("en", ""))


@cache
def _values() -> list[tuple[str, Text, tuple[str, ...]]]:
    """Return the values of enums, each with its title and the fields that take it."""
    found: dict[tuple[str, Text], list[str]] = {}
    for part in parts().values():
        for name, field in part.schema["properties"].items():
            for value, title in field.get("items", field).get("x-values", {}).items():
                found.setdefault((value, _title(title)), []).append(f"{part.name}.{name}")
    return [(value, title, tuple(fields)) for (value, title), fields in found.items()]


def _message_entry(kind: MessageType) -> Entry:
    definition = schema_of(kind.name)["$defs"][kind.name]
    part = _part(kind.name, definition, [kind.name], kind.body)
    facts = {"class": kind.message_class, "body": kind.body, **_contents(part)}
    return Entry("message", kind.name, kind.title, facts)


def _part_entry(part: Part) -> Entry:
    return Entry("part", part.name, part.title, {**_contents(part), **_use([part.path], part)})


def _contents(part: Part) -> Json:
    schema = part.schema
    fields = {
        name: {"title": _field_title(field).as_json(), "cardinality": cardinality(schema, name)}
        for name, field in schema["properties"].items()
    }
    rules = [_rule(rule.about) for rule in part_rules(part)]
    return {"fields": fields, **({"rules": rules} if rules else {})}


def _use(paths: Sequence[str], part: Part) -> Json:
    return {"paths": list(paths), "usedIn": list(part.used_in)}


def _field_title(field: Schema) -> Text:
    return Text(field["x-xinqiao"]["titleZh"], field["title"])


def _field_entry(part: Part, name: str, paths: Sequence[str] | None = None) -> Entry:
    field = part.schema["properties"][name]
    about, item = field["x-xinqiao"], field.get("items", field)
    on_part = (rule.about for rule in part_rules(part) if name in rule.fields)
    facts = {
        "type": reference(field) or about.get("kind") or item["type"],
        "form": None if "enum" in item or "$ref" in item else expectation_of(field, item=True).as_json(),
        "cardinality": cardinality(part.schema, name),
        "sensitivity": about["sensitivity"],
        "example": next(iter(field.get("examples", ())), None),
        "description": _description(field),
        "values": item.get("x-values"),
        "codes": about.get("codes"),
        "sign": about.get("sign"),
        "synonyms": about.get("synonyms"),
        "rules": [_rule(each) for each in (*on_part, *value_rules(field))] or None,
        **_use(paths or [f"{part.path}.{name}"], part),
    }
    kept = {key: fact for key, fact in facts.items() if fact is not None}
    return Entry("field", f"{part.name}.{name}", _field_title(field), kept)


def _description(field: Schema) -> Json | None:
    text = Text(field["x-xinqiao"].get("descriptionZh", ""), field.get("description", ""))
    return text.as_json() if any(text) else None


def _value_entry(value: str, title: Text, fields: Sequence[str]) -> Entry:
    return Entry("value", value, title, {"valueOf": list(fields)})


def level_text(about: Metadata) -> str:
    """Return the level, and that on facts where it is another: ``ERROR (FACT: WARNING)``."""
    return about.level if about.on_fact == about.level else f"{about.level} (FACT: {about.on_fact})"


def _rule(about: Metadata) -> Json:
    return {"id": about.id, "level": level_text(about), "text": about.text.as_json()}


def _rule_entry(about: Metadata) -> Entry:
    facts = {
        "level": level_text(about),
        "source": about.source,
        "appliesTo": list(about.applies_to),
        "fix": about.fix.as_json(),
    }
    return Entry("rule", about.id, about.text, facts)


def _list_entry(name: str) -> Entry:
    about = code_lists()[name]
    facts = {"source": about["source"], "provenance": about["provenance"], "count": len(about["codes"])}
    fields = [f"{part.name}.{field}" for part, field in fields_of_codes(name)]
    return Entry("list", name, _title(about["title"]), {**facts, "codesOf": fields} if fields else facts)


def _code_entry(listed: str, code: str) -> Entry:
    about = code_lists()[listed]
    said: dict[str, Any] = about["codes"][code]
    further = {key: fact for key, fact in said.items() if key not in ("zh", "en")}
    facts = {"list": listed, "source": about["source"], **further}
    return Entry("code", f"{listed}.{code}", _title(said), facts)


def _nearest(name: str) -> list[str]:
    """Return names that hold the one looked for, or are spelt like it; of a path, where its first wrong step is."""
    first, *steps = _INDEX.sub("", name).split(".")
    roots = _roots(first) if steps else []
    near = [each for prefix, part in roots for each in _nearest_steps(prefix, part, steps)]
    return list(dict.fromkeys(near if roots else _alike(name, _all_names())))[:_NEAREST]


def _nearest_steps(prefix: str, part: str, steps: Sequence[str]) -> Iterator[str]:
    names = parts()[part].schema["properties"]
    step, *further = steps
    below = reference(names.get(step, {}))
    if below and further:
        yield from _nearest_steps(f"{prefix}.{step}", below, further)
    elif step in names:
        yield f"{prefix}.{step}"
    else:
        yield from (f"{prefix}.{name}" for name in _alike(step, names))


def _alike(name: str, names: Iterable[str]) -> list[str]:
    wanted = name.casefold()
    folded = {each.casefold(): each for each in names}
    holding = sorted((each for each in folded if wanted and wanted in each), key=len)
    comparable = [each for each in folded if abs(len(each) - len(wanted)) <= len(wanted) // 2]
    spelt = get_close_matches(wanted, comparable, n=_NEAREST, cutoff=0.6)
    return [folded[each] for each in (*holding[:_NEAREST], *spelt)]


def _all_names() -> list[str]:
    types = message_types().values()
    names = [*(kind.body for kind in types), *(kind.name for kind in types), *metadata(), *code_lists()]
    for part in parts().values():
        names += [part.name, *part.title]
        names += chain.from_iterable(_names(*each) for each in part.schema["properties"].items())
    names += chain.from_iterable((value, *title) for value, title, _ in _values())
    return names
