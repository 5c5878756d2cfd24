"""YAML that remembers where each value stands, so that an error in a profile names its file and line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from xinqiao.errors import ProfileInvalid

__all__ = ["Mark", "Marked", "Where", "merge", "read_marked", "said_of", "validated"]

Where = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines count from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Marked:
    """Plain data and, for each place in it, its mark. ``()`` is the whole document."""

    value: dict[str, Any]
    marks: dict[Where, Mark]

    def mark(self, where: Where) -> Mark:
        """Return the mark of the nearest known place on the way to ``where``; unknown steps are passed over.

        pydantic puts steps of its own (the name of a union's member) between ours.
        """
        known: Where = ()
        for step in where:
            if (*known, step) in self.marks:
                known = (*known, step)
        return self.marks[known]


class _Strict(yaml.CSafeLoader):
    """YAML's core schema only: ``yes``, ``NO``, ``2026-01-20`` and ``012`` stay text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 -- PyYAML's way to replace them


# What YAML holds: texts, numbers, lists and mappings of them.
Plain = Any

_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", ["t", "f"]),
    ("tag:yaml.org,2002:int", r"^(?:0|-?[1-9][0-9]*)$", list("-0123456789")),
    ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", list("-0123456789")),
):
    _Strict.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def read_marked(path: Path) -> Marked:
    """Read a YAML file whose top is a mapping.

    Raises ``ProfileInvalid`` where it cannot be read, is no YAML, or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = _Strict(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileInvalid(f"{path}: cannot be read: {error}") from error
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProfileInvalid(f"{path}:{line}: not YAML: {error.problem}") from error
    finally:
        loader.dispose()
    if not isinstance(node, yaml.MappingNode):
        raise ProfileInvalid(f"{path}:1: a profile is a mapping of names to values")
    marks: dict[Where, Mark] = {}
    value = _plain(node, (), path, marks)
    return Marked(value, marks)


def _plain(node: yaml.Node, where: Where, path: Path, marks: dict[Where, Mark]) -> Plain:
    marks[where] = Mark(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, path, marks)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, index), path, marks) for index, item in enumerate(node.value)]
    if node.tag not in _SCALARS:
        raise ProfileInvalid(f"{marks[where]}: the tag {node.tag} has no meaning here")
    return _SCALARS[node.tag](node.value)


def _mapping(node: yaml.MappingNode, where: Where, path: Path, marks: dict[Where, Mark]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ProfileInvalid(f"{path}:{line}: a key is a name")
        key = key_node.value
        if key in found:
            first = marks[(*where, key)].line
            raise ProfileInvalid(f"{path}:{line}: {key!r} is given twice (first in line {first})")
        found[key] = _plain(value_node, (*where, key), path, marks)
        marks[(*where, key)] = Mark(path, line)
    return found


def merge(base: Marked, over: Marked) -> Marked:
    """Return ``base`` with ``over`` laid upon it: mappings key by key, all else replaced, null takes away."""
    return Marked(_merge(base.value, over.value), {**base.marks, **over.marks})


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, part in over.items():
        if part is None:
            merged.pop(key, None)
        elif isinstance(part, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], part)
        else:
            merged[key] = part
    return merged


_SAID = {
    "missing": "this key is missing; add it",
    "string_type": "a text is expected; put numbers that are codes in quotes",
    "int_parsing": "a whole number is expected",
}


def validated(marked: Marked, model: type[Model], at: Where = ()) -> Model:
    """Return what stands at a place of a file, by default all of it, as a model.

    Raises ``ProfileInvalid`` with each problem at its file and line.
    """
    value: Plain = marked.value
    for step in at:
        value = value[step]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            f"{marked.mark(place := (*at, *where))}: {'.'.join(map(str, place))}: {said}"
            for where, said in said_of(error, model, value)
        ]
        raise ProfileInvalid("\n".join(problems)) from error


def said_of(error: ValidationError, model: type[BaseModel], value: Plain) -> Iterator[tuple[Where, str]]:
    """Yield where in ``value`` something is not as a model has it, and what is expected there; each place once.

    pydantic says of a value that may be of one kind or another why it is none of each: the first reason is enough.
    """
    seen: set[Where] = set()
    for each in error.errors(include_url=False, include_input=False):
        where = _within(value, each["loc"])
        if where != each["loc"] and where in seen:
            continue
        seen.add(where)
        yield where, _said(each["type"], each["msg"], where, model)


def _within(value: Plain, where: Where) -> Where:
    """Return a place without the steps behind a single value, which are the kinds that it might have been of."""
    for length, step in enumerate(where):
        if not isinstance(value, dict | list):
            return where[:length]
        try:
            value = value[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):  # what is missing, or the name of a kind
            return where
    return where


def _said(kind: str, message: str, where: Where, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        near = get_close_matches(str(where[-1]), _keys(model), n=1, cutoff=0.75)
        return f"no such key here; {f'write {near[0]}' if near else 'check its spelling, or take it away'}"
    return _SAID.get(kind, message.removeprefix("Value error, "))


def _keys(model: type[BaseModel]) -> set[str]:
    """Return the keys that a model and the models in it have."""
    schema = model.model_json_schema()
    return {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})}
