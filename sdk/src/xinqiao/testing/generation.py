"""Generated messages: well-formed ones of any shape, and valid ones, which keep the rules too.

What a seed gives stays the same within one version of the standard.
"""

import copy
from random import Random

from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.standard import STANDARD_VERSION, schema_of
from xinqiao.testing.examples import kind_of, vectors
from xinqiao.testing.places import Place, definition_of, places_of
from xinqiao.testing.values import value_of
from xinqiao.validation import check

__all__ = ["generated", "well_formed"]

# Deeper objects hold only what they need; lists stay short, so that a message is of a size that people send.
_DEPTH = 4
_ITEMS = 3
_VARIATIONS = 12


def well_formed(body: str, seed: int | str) -> Json:
    """Return a message that the schema of its type accepts; the rules between its fields may find breaches.

    Every field of the type is reached by some seed. Raises ``KeyError`` for a body that the standard does not have.
    """
    schema = schema_of(kind_of(body).name)
    message = _object(schema, schema, Random(f"{body} {seed}"), 0)  # noqa: S311 -- test data
    message["header"]["standardVersion"] = STANDARD_VERSION
    return message


def generated(body: str, seed: int | str, *, base: Json | None = None) -> Json:
    """Return a valid message: a published example, varied at random as far as schema and rules allow.

    ``base`` is a valid message of the type to vary in its place. Raises ``KeyError`` for a body that the standard does
    not have.
    """
    random = Random(f"{body} {seed}")  # noqa: S311 -- test data
    schema = schema_of(kind_of(body).name)
    message: Json = copy.deepcopy(random.choice(vectors(body))["message"] if base is None else base)
    for _ in range(random.randint(1, _VARIATIONS)):
        varied = copy.deepcopy(message)
        _vary(random.choice(places_of(varied)), schema, random)
        if not errors_in(check(varied, strict=True)):
            message = varied
    return message


def _vary(place: Place, schema: Json, random: Random) -> None:
    name = random.choice(list(place.fields))
    if name in place.node and name not in place.required and random.random() < 0.3:
        del place.node[name]
        return
    place.node[name] = _field(place.fields[name], schema, random, len(place.path))


def _object(definition: Json, schema: Json, random: Random, depth: int) -> Json:
    chosen = _chosen(definition, random, depth)
    return {
        name: _field(field, schema, random, depth + 1)
        for name, field in definition["properties"].items()
        if name in chosen
    }


def _chosen(definition: Json, random: Random, depth: int) -> frozenset[str]:
    """Return the fields that an object gets: what it needs, one of each choice, others less often the deeper."""
    choices = definition.get("x-xinqiao", {}).get("choices", ())
    in_a_choice = {name for group in choices for name in group}
    chance = 0.0 if depth > _DEPTH else 0.8 / (depth + 1)
    free = {name for name in definition["properties"] if name not in in_a_choice and random.random() < chance}
    return frozenset(definition.get("required", ())) | free | {random.choice(group) for group in choices}


def _field(field: Json, schema: Json, random: Random, depth: int) -> object:
    if "items" in field:
        count = random.randint(1, min(_ITEMS, field["maxItems"]))
        return [_item(field, schema, random, depth) for _ in range(count)]
    return _item(field, schema, random, depth)


def _item(field: Json, schema: Json, random: Random, depth: int) -> object:
    below = definition_of(field, schema)
    if below is not None:
        return _object(below, schema, random, depth)
    return value_of({**field, **field.get("items", {})}, random)
