"""What a rule is: a plain function over the fields it names, and its metadata in ``schemas/requirements/rules``.

A rule on a definition (``IdentityDocument``) takes that object's fields as its parameters, in snake_case. It runs
where every parameter without a default is present. So it cannot read what it does not name, and a part that is
missing or malformed keeps only those rules from running that read it.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

import orjson

from xinqiao.finding import Level, Text
from xinqiao.standard import MessageClass

__all__ = [
    "CODE_RULES",
    "CURRENCY_RULES",
    "PART_RULES",
    "VALUE_RULES",
    "Breach",
    "Metadata",
    "Outcome",
    "Rule",
    "ValueRule",
    "code_rule",
    "currency_rule",
    "metadata",
    "rule",
    "value_rule",
]


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a rule is broken, below the object it looked at.

    ``value`` (masked before anybody sees it) is by default what is at that place. ``expected`` never holds a
    value of the message.
    """

    at: tuple[str | int, ...] = ()
    value: str | None = None
    expected: str | None = None


Outcome = Breach | list[Breach] | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """A rule's entry in ``schemas/requirements/rules``.

    ``applies_to`` names definitions (``IdentityDocument``; ``*`` is each that has the fields), kinds of value
    (``date``) or what fields and definitions say of themselves (``POSITIVE``, ``oneCurrency``).
    """

    id: str
    level: Level
    on_fact: Level
    source: str
    applies_to: tuple[str, ...]
    text: Text
    fix: Text

    def level_on(self, message_class: MessageClass) -> Level:
        """Return the level on a message of a class: what has happened is refused for less, an order never."""
        if message_class == "DIRECTIVE":
            return "WARNING"
        return self.on_fact if message_class == "FACT" else self.level


class Rule(NamedTuple):
    """A rule on the objects of some definitions, and the fields it reads (a tuple: the walk takes it apart)."""

    about: Metadata
    run: Callable[..., Outcome]
    needed: tuple[str, ...]
    further: tuple[str, ...]


class ValueRule(NamedTuple):
    """A rule on every value of a kind (``date``) or sign; ``run`` returns what it expects, None where it is kept."""

    about: Metadata
    run: Callable[[str], str | None]


class CodeRule(NamedTuple):
    """A rule on every code; ``run`` takes it and the name of its list."""

    about: Metadata
    run: Callable[[str, str], str | None]


class CurrencyRule(NamedTuple):
    """A rule on the amounts of a definition that says they are in one currency; ``run`` takes names and amounts."""

    about: Metadata
    run: Callable[..., Outcome]


PartFunction = TypeVar("PartFunction", bound=Callable[..., Outcome])
ValueFunction = TypeVar("ValueFunction", bound=Callable[[str], str | None])
CodeFunction = TypeVar("CodeFunction", bound=Callable[[str, str], str | None])

PART_RULES: dict[str, Rule] = {}
VALUE_RULES: dict[str, ValueRule] = {}
CODE_RULES: dict[str, CodeRule] = {}
CURRENCY_RULES: dict[str, CurrencyRule] = {}


@cache
def metadata() -> Mapping[str, Metadata]:
    """Return the metadata of every rule of the standard by its id."""
    folder = files("xinqiao") / "schemas" / "requirements" / "rules"
    entries = [entry for family in folder.iterdir() for entry in orjson.loads(family.read_bytes())]
    return {entry["id"]: _metadata(entry) for entry in sorted(entries, key=lambda each: each["id"])}


def _metadata(entry: dict[str, Any]) -> Metadata:
    return Metadata(
        id=entry["id"],
        level=entry["level"],
        on_fact=entry.get("onFact", entry["level"]),
        source=entry["source"],
        applies_to=tuple(entry["appliesTo"]),
        text=Text(**entry["text"]),
        fix=Text(**entry["fix"]),
    )


def rule(rule_id: str) -> Callable[[PartFunction], PartFunction]:
    """Register a function as the rule of that id on the definitions that its metadata names."""

    def register(function: PartFunction) -> PartFunction:
        parameters = inspect.signature(function).parameters.values()
        needed = tuple(_camel(each.name) for each in parameters if each.default is inspect.Parameter.empty)
        further = tuple(_camel(each.name) for each in parameters if each.default is None)
        PART_RULES[rule_id] = Rule(metadata()[rule_id], function, needed, further)
        return function

    return register


def value_rule(rule_id: str) -> Callable[[ValueFunction], ValueFunction]:
    """Register a function as the rule of that id on the kind of value that its metadata names."""

    def register(function: ValueFunction) -> ValueFunction:
        VALUE_RULES[rule_id] = ValueRule(metadata()[rule_id], function)
        return function

    return register


def code_rule(rule_id: str) -> Callable[[CodeFunction], CodeFunction]:
    """Register a function as the rule of that id on every code of a list."""

    def register(function: CodeFunction) -> CodeFunction:
        CODE_RULES[rule_id] = CodeRule(metadata()[rule_id], function)
        return function

    return register


def currency_rule(rule_id: str) -> Callable[[PartFunction], PartFunction]:
    """Register a function as the rule of that id on the amounts that are in one currency."""

    def register(function: PartFunction) -> PartFunction:
        CURRENCY_RULES[rule_id] = CurrencyRule(metadata()[rule_id], function)
        return function

    return register


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
