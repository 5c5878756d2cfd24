"""The standard as a partner's names are looked up in it: every field of every message type with all that names it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xinqiao.standard import Schema, message_types, schema_of
from xinqiao.testing import vectors
from xinqiao_adapters.mapping.shapes import Kind
from xinqiao_adapters.onboarding.words import initials, is_chinese, like, words, words_of

__all__ = ["Dictionary", "Form", "Named", "Target"]

Form = tuple[str, ...]
_NAME = 3
# What the profile or the gateway says, and no partner.
_NOT_PARTNERS = frozenset({"standardVersion", "channelId", "test", "sender", "receiver"})


@dataclass(frozen=True)
class Named:
    """All that names a field: words of its English names, Chinese names, spellings that partners use."""

    forms: tuple[Form, ...]
    chinese: tuple[str, ...]
    spellings: frozenset[str]


@dataclass(frozen=True)
class Target:
    """A field, or a list, of a message type.

    ``steps`` are its names from the top, each with whether it is a list; ``group`` are the words of what is around,
    ``groups`` all that names the groups around, the nearest first, ``body`` the words of the message type.
    ``kind`` is that of shapes, ``meaning`` the standard's own (``CURRENCY``); ``usual`` says that a published example
    has it, ``required`` that a message of its type cannot be without it.
    """

    steps: tuple[tuple[str, bool], ...]
    named: Named
    group: Form
    groups: tuple[Named, ...]
    body: Form
    kind: Kind
    meaning: str | None
    title: str
    schema: Schema
    usual: bool
    required: bool

    @property
    def path(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(name for name, _ in self.steps)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self.steps[-1][1]

    @property
    def values(self) -> Mapping[str, Mapping[str, str]]:
        """The titles of an enum's values."""
        found: Mapping[str, Mapping[str, str]] = self.schema.get("x-values", {})
        return found


class Dictionary:
    """All message types.

    ``hidden`` are synonyms that are looked at as if the standard did not have them; those whose source is one of
    ``kept`` stay.
    """

    def __init__(self, hidden: frozenset[str] = frozenset(), kept: frozenset[str] = frozenset()) -> None:
        self._hidden = frozenset(each.lower() for each in hidden)
        self._kept = kept
        self._named: dict[tuple[str, ...], Named] = {}

    @cached_property
    def messages(self) -> Mapping[str, tuple[Target, ...]]:
        """The fields of each message type by its body key, groups left out, in order of the standard."""
        return {body: tuple(self._fields(body)) for body in message_types()}

    @cached_property
    def _postings(self) -> Mapping[str, frozenset[Form]]:
        found: dict[str, set[Form]] = {}
        for targets in self.messages.values():
            for target in targets:
                for form in target.named.forms:
                    for word in form:
                        found.setdefault(word, set()).add(form)
        return {word: frozenset(forms) for word, forms in found.items()}

    @cached_property
    def bodies(self) -> Mapping[Form | str, frozenset[str]]:
        """The message types in which a form, or a Chinese name, names a field."""
        found: dict[Form | str, set[str]] = {}
        for body, targets in self.messages.items():
            names: set[Form | str] = {form for each in targets for form in each.named.forms}
            names |= {name for each in targets for name in each.named.chinese}
            for name in names:
                found.setdefault(name, set()).add(body)
        return {name: frozenset(those) for name, those in found.items()}

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """How much each word tells: the more forms have it, the less."""
        found = {word: 1 / (1 + 0.03 * len(forms) ** 0.7) for word, forms in self._postings.items()}
        return {word: each * (0.5 if word in words().general else 1) for word, each in found.items()}

    @cached_property
    def _nearest(self) -> dict[Form, Mapping[Form, float]]:
        return {}

    def related(self, form: Form) -> frozenset[str]:
        """Return the words of fields that mean about the same as one of a partner's."""
        return frozenset(word for each in form for word in self._postings if like(each, word))

    def nearest(self, form: Form) -> Mapping[Form, float]:
        """Return the forms of fields that share meaning with a partner's, and how much, 0 to 1."""
        if form not in self._nearest:
            related = [{word: much for word in self._postings if (much := like(each, word))} for each in form]
            touched = {found for near in related for word in near for found in self._postings[word]}
            self._nearest[form] = {each: self._likeness(form, related, each) for each in touched}
        return self._nearest[form]

    def _likeness(self, form: Form, related: list[dict[str, float]], other: Form) -> float:
        """Weigh the words that have a counterpart on the other side; an average of both sides."""
        weights = self.weights
        theirs = [weights.get(word, 1.0) for word in form]
        met = sum(
            weight * max(near.get(word, 0.0) for word in other) for weight, near in zip(theirs, related, strict=True)
        )
        ours = sum(weights[word] for word in other)
        answered = sum(weights[word] * max(near.get(word, 0.0) for near in related) for word in other)
        return (met + answered) / (sum(theirs) + ours)

    def _fields(self, body: str) -> Iterator[Target]:
        whole = schema_of(message_types()[body].name)
        usual = {path for example in vectors(body) for path in _paths(example["message"])}
        for name in ("header", body):
            part = whole["properties"][name]
            title = words_of(message_types()[body].name) if name == body else ()
            around = _Around(whole["$defs"], title, usual, ((name, False),), (), (), True, frozenset())
            yield from self._inside(part, around)

    def _inside(self, schema: Schema, around: "_Around") -> Iterator[Target]:
        definition, reference = _followed(schema, around.definitions)
        if reference in around.inside:
            return
        required = definition.get("required", ())
        for name, part in definition.get("properties", {}).items():
            if around.steps == (("header", False),) and name in _NOT_PARTNERS:
                continue
            steps = (*around.steps, (name, "items" in part))
            must = around.required and name in required
            item = part.get("items", part)
            is_group = "$ref" in item
            named = self._names(name, part, around)
            yield Target(
                steps,
                named,
                around.group,
                around.groups,
                around.title,
                "object" if is_group else _kind(item, part),
                part["x-xinqiao"].get("kind"),
                part["x-xinqiao"]["titleZh"],
                item,
                tuple(each for each, _ in steps) in around.usual,
                must,
            )
            if is_group:
                yield from self._inside(part, around.within(steps, part, named, must, reference))

    def _names(self, name: str, part: Schema, around: "_Around") -> Named:
        own = self._named_alone(name, part)
        # A value with its currency is what the group around it is; its own name says nothing.
        if around.outer is not None and around.is_money:
            if name == "value":
                return _as_amount(around.outer)
            return _with_word(around.outer, own)
        return own

    def _named_alone(self, name: str, part: Schema) -> Named:
        about = part["x-xinqiao"]
        said = about.get("synonyms", {})
        synonyms = [each for each in said if each.lower() not in self._hidden or said[each] in self._kept]
        key = (name, part["title"], about["titleZh"], *synonyms)
        if key not in self._named:
            usual = words().header.get(name, ())
            english = [name, part["title"], *usual, *(each for each in synonyms if not is_chinese(each))]
            chinese = [about["titleZh"], *(each for each in synonyms if is_chinese(each))]
            self._named[key] = Named(
                tuple(dict.fromkeys(form for each in english if (form := words_of(each)))),
                tuple(dict.fromkeys(chinese)),
                frozenset({each.lower() for each in synonyms} | {initials(each) for each in chinese if len(each) > 1}),
            )
        return self._named[key]


@dataclass(frozen=True)
class _Around:
    definitions: Mapping[str, Any]
    title: Form
    usual: set[tuple[str, ...]]
    steps: tuple[tuple[str, bool], ...]
    group: Form
    groups: tuple[Named, ...]
    required: bool
    inside: frozenset[str]
    outer: Named | None = None
    is_money: bool = False

    def within(
        self, steps: tuple[tuple[str, bool], ...], part: Schema, named: Named, required: bool, reference: str
    ) -> "_Around":
        name = part.get("items", part)["$ref"].rpartition("/")[2]
        # A title that is a sentence has words that name something else.
        group = (*self.group, *(word for form in named.forms if len(form) <= _NAME for word in form))
        return _Around(
            self.definitions,
            self.title,
            self.usual,
            steps,
            tuple(dict.fromkeys(group)),
            (named, *self.groups),
            required,
            self.inside | ({reference} if reference else frozenset()),
            named,
            name == "Money",
        )


def _as_amount(outer: Named) -> Named:
    """Name a value as the group around it, with and without the word."""
    forms = (*outer.forms, *((*form, "amount") for form in outer.forms if "amount" not in form))
    return Named(tuple(dict.fromkeys(forms)), outer.chinese, outer.spellings)


def _with_word(outer: Named, own: Named) -> Named:
    forms = (*(tuple(dict.fromkeys((*form, "currency"))) for form in outer.forms), *own.forms)
    chinese = (*(f"{each}币种" for each in outer.chinese), *own.chinese)
    return Named(tuple(dict.fromkeys(forms)), chinese, own.spellings)


def _followed(schema: Schema, definitions: Mapping[str, Any]) -> tuple[Schema, str]:
    item = schema.get("items", schema)
    name = item.get("$ref", "").rpartition("/")[2]
    return (definitions[name], name) if name else (item, "")


def _kind(item: Schema, part: Schema) -> Kind:
    if "enum" in item:
        return "enum"
    if item["type"] in ("integer", "boolean"):
        simple: Kind = item["type"]
        return simple
    kinds: dict[str, Kind] = {"DATE": "date", "TIMESTAMP": "datetime"}
    numbers = ("DECIMAL", "QUANTITY", "PERCENTAGE", "RATE", "FACTOR")
    said = part["x-xinqiao"].get("kind") or ""
    return "decimal" if said in numbers else kinds.get(said, "text")


def _paths(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*path, name)
            yield from _paths(part, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, path)
