"""``form``: fields of the message, in groups; repeated parts are added and removed by plain buttons."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao_gateway.fronts.h5.display import row_of
from xinqiao_gateway.fronts.h5.drafting import findings_about
from xinqiao_gateway.fronts.h5.fields import FieldSpec, FormField, form_field
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import (
    STRICT,
    Context,
    Problem,
    Said,
    Section,
    Shown,
    StepSpec,
    Taken,
    Value,
    Visit,
)
from xinqiao_gateway.fronts.h5.options import countries, region_name
from xinqiao_gateway.fronts.h5.problems import missing, problems_about
from xinqiao_gateway.fronts.h5.reading import read_field
from xinqiao_gateway.fronts.h5.tree import put, value_at

__all__ = ["FormStep"]

_MOST_ITEMS = 10


class Group(BaseModel):
    """Fields under one heading; with ``each`` those of every item of a repeated part, of which there are at least so
    many. ``constants`` and ``ids`` (a prefix, to be numbered) are put into each item.
    """

    model_config = STRICT

    title: Said | None = None
    note: Said | None = None
    each: str = ""
    least: int = 0
    most: int = Field(_MOST_ITEMS, ge=1, le=_MOST_ITEMS)
    constants: dict[str, Value] = {}
    ids: dict[str, str] = {}
    fields: tuple[Annotated[FieldSpec, BeforeValidator(FieldSpec.read)], ...] = Field(min_length=1)


class FormSpec(StepSpec):
    """A form in a flow's file."""

    groups: tuple[Group, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Input:
    """A field on a page: its path is its name; ``stated`` is what is shown of a value that cannot be changed."""

    path: str
    field: FormField
    values: tuple[str, ...]
    note: str | Text
    problem: Problem | None
    stated: str | Text | None

    @property
    def id(self) -> str:
        """The id of its element: one that needs no escaping in a link."""
        return "f-" + self.path.replace("[", "-").replace("]", "")

    @property
    def value(self) -> str:
        """What was typed."""
        return self.values[0] if self.values else ""


@dataclass(frozen=True, slots=True)
class Block:
    """A group on a page; of a repeated part one for each item. ``add`` and ``remove`` are what its buttons say."""

    title: Text | None
    note: Text | None
    inputs: tuple[Input, ...] = ()
    number: int = 0
    what: Text | None = None
    add: str = ""
    remove: str = ""


class FormStep:
    """A step that asks for fields."""

    def __init__(self, spec: FormSpec, body: str) -> None:
        self.spec = spec
        self._fields = [tuple(form_field(body, each, group.each) for each in group.fields) for group in spec.groups]
        self._titles = [_title(body, group) for group in spec.groups]

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body is None:
            raise ValueError("a form fills in a message; say which: body: …")
        return cls(FormSpec.model_validate(entry), body)

    @property
    def paths(self) -> tuple[str, ...]:
        """What it fills in: fields, and lists."""
        groups = zip(self.spec.groups, self._fields, strict=True)
        return tuple(
            path for group, fields in groups for path in ([group.each] if group.each else [f.path for f in fields])
        )

    def sections(self, visit: Visit) -> Sequence[Section]:
        """Return what was filled in, a section for each group and item."""
        found = []
        for block_title, fields in self._blocks(visit.body):
            values = {path: value_at(visit.body, path) for path in fields}
            rows = tuple(row_of(fields[path], value) for path, value in values.items() if value is not None)
            if rows:
                found.append(Section(block_title or self.spec.title.text, rows))
        return found

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:  # noqa: ARG002
        """Return the form with what is known."""
        beside: dict[str | None, Problem] = {each.field: each for each in problems}
        blocks = [block for number in range(len(self.spec.groups)) for block in self._shown(visit, number, beside)]
        widgets = {each.field.widget for block in blocks for each in block.inputs}
        offered = countries() if "country" in widgets else {}
        return Shown("form.html.j2", {"blocks": blocks, "countries": offered}, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Take what was typed, and add or remove an item where that was asked for."""
        body = copy.deepcopy(visit.body)
        for path, field in self._all(body).items():
            if not _is_stated(visit, path):
                put(body, path, read_field(_in_currency(visit, path, field), path, form))
        for group in self.spec.groups:
            if group.each:
                _arrange(body, group, form.act)
        return visit.with_content(body=body)

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Take and check what was typed."""
        kept = await self.keep(visit, form, context)
        if form.act.startswith(("add:", "remove:")):
            return Taken(kept, stay=True)
        return Taken(kept, tuple(self.wrong(kept, context)))

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:
        """Return what is missing, and what the standard finds of the fields."""
        fields = self._all(visit.body)
        order = list(fields)
        lacking = {
            path: missing(path, field)
            for path, field in fields.items()
            if value_at(visit.body, path) is None and _is_needed(field, path, visit.body)
        }
        found = {each.field: each for each in reversed(problems_about(findings_about(visit, context), fields))}
        merged = found | lacking
        return sorted(merged.values(), key=lambda each: order.index(each.field or ""))

    def _all(self, body: Json) -> dict[str, FormField]:
        return {path: field for _, fields in self._blocks(body) for path, field in fields.items()}

    def _blocks(self, body: Json) -> Iterator[tuple[Text | None, dict[str, FormField]]]:
        for number, group in enumerate(self.spec.groups):
            if not group.each:
                yield self._titles[number], {field.path: field for field in self._fields[number]}
            for index in range(_count(body, group) if group.each else 0):
                title = _numbered(self._titles[number], index)
                yield title, {f"{group.each}[{index}].{field.path}": field for field in self._fields[number]}

    def _shown(self, visit: Visit, number: int, beside: Mapping[str | None, Problem]) -> Iterator[Block]:
        group, what = self.spec.groups[number], self._titles[number]
        note = group.note.text if group.note else None
        if not group.each:
            yield Block(what, note, tuple(_input(visit, field.path, field, beside) for field in self._fields[number]))
            return
        count = _count(visit.body, group)
        for index in range(count):
            inputs = tuple(
                _input(visit, path, field, beside)
                for field in self._fields[number]
                for path in [f"{group.each}[{index}].{field.path}"]
            )
            remove = f"remove:{group.each}[{index}]" if count > group.least else ""
            yield Block(_numbered(what, index), note if index == 0 else None, inputs, index + 1, what, "", remove)
        if count < group.most:
            yield Block(None, None if count else note, (), 0, what, f"add:{group.each}")


def _title(body: str, group: Group) -> Text | None:
    if group.title is not None or not group.each:
        return group.title.text if group.title else None
    field = field_at(body, f"{body}.{group.each}")
    if field is None or field.schema.get("type") != "array":
        raise ValueError(f"{group.each} is no repeated part of {body}")
    return field.title


def _numbered(what: Text | None, index: int) -> Text:
    return Text(f"{what.zh} {index + 1}", f"{what.en} {index + 1}") if what else Text(str(index + 1), str(index + 1))


def _count(body: Json, group: Group) -> int:
    items = value_at(body, group.each)
    return max(len(items) if isinstance(items, list) else 0, group.least)


def _arrange(body: Json, group: Group, act: str) -> None:
    """Add or remove an item, and give each what the flow puts into it."""
    items = value_at(body, group.each)
    items = items if isinstance(items, list) else []
    if act == f"add:{group.each}" and _count(body, group) < group.most:
        items = [*items, *({} for _ in range(_count(body, group) + 1 - len(items)))]
    items = [each for index, each in enumerate(items) if act != f"remove:{group.each}[{index}]"]
    put(body, group.each, items or None)
    for item in items:
        for path, value in group.constants.items():
            put(item, path, value)
        for path, prefix in group.ids.items():
            taken = {value_at(each, path) for each in items}
            free = (f"{prefix}{number}" for number in range(1, len(items) + 1))
            if value_at(item, path) is None:
                put(item, path, next(each for each in free if each not in taken))


def _is_needed(field: FormField, path: str, body: Json) -> bool:
    beside = path.removesuffix(field.path) + field.unless
    return field.needed and not (field.unless and value_at(body, beside) is True)


def _is_stated(visit: Visit, path: str) -> bool:
    return path in visit.facts or f"{path}.value" in visit.facts


def _in_currency(visit: Visit, path: str, field: FormField) -> FormField:
    """Return a field of money in the currency that the partner states, where it states one."""
    currency = visit.facts.get(f"{path}.currency")
    return replace(field, currency=currency) if isinstance(currency, str) else field


def _input(visit: Visit, path: str, field: FormField, beside: Mapping[str | None, Problem]) -> Input:
    field = _in_currency(visit, path, field)
    value = value_at(visit.body, path)
    stated = row_of(field, value).masked if _is_stated(visit, path) else None
    return Input(path, field, _typed(value), _meaning(field, value), beside.get(path), stated)


def _meaning(field: FormField, value: object) -> str | Text:
    """Return what a code that was typed stands for."""
    if not isinstance(value, str):
        return ""
    if field.widget == "region":
        return region_name(value)
    return countries().get(value, "") if field.widget == "country" else ""


def _typed(value: object) -> tuple[str, ...]:
    """Return a value as it was typed."""
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, dict):
        return (str(value.get("value", "")),)
    if value is None:
        return ()
    return (str(value).lower() if isinstance(value, bool) else str(value),)
