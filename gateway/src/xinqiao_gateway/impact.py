"""What a field of the standard touches: message types, channels, rules, requirements and vectors.

The first question about a change: a partner asks for a longer name, and somebody has to know who reads it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.errors import NotFound
from xinqiao.explanation import explain, part_rules, parts, reference, value_rules
from xinqiao.message import Json
from xinqiao.standard import STANDARD_VERSION, message_types
from xinqiao.testing import vectors
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.coverage import TREATMENTS, coverage_of

__all__ = ["ChannelUse", "Impact", "impact_of"]

Place = tuple[str, str]
_SOURCE = re.compile(r"xinqiao\.v1\.(\w+)(?: \(([a-z_, ]+)\))?")


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """What one interface of a channel does with a field: the canonical paths it maps, writes as constants or drops."""

    channel: str
    interface: str
    message: str
    treatment: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that one field touches.

    ``rules`` read the field, or the part that it stands in; ``vectors`` are names of published messages that hold it.
    """

    field: str
    messages: tuple[str, ...]
    channels: tuple[ChannelUse, ...]
    rules: tuple[str, ...]
    requirements: tuple[str, ...]
    vectors: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


def impact_of(what: str, channels: Sequence[Channel]) -> list[Impact]:
    """Return what each field that a name means touches; ``what`` is all that ``xinqiao explain`` takes.

    Raises ``NotFound`` where the standard has no field of that name.
    """
    answer = explain(what)
    fields = [entry.path for entry in answer.entries if entry.kind == "field"]
    if not fields:
        near = ", ".join(answer.nearest) or "no field"
        raise NotFound(f"{what!r} is no field of the standard; near to it: {near}")
    return [_impact(path, channels) for path in fields]


def _impact(path: str, channels: Sequence[Channel]) -> Impact:
    part_name, name = path.split(".")
    part = parts()[part_name]
    names = set(part.used_in)
    bodies = [body for body, kind in message_types().items() if kind.name in names]
    rules = _rules(part_name, name)
    return Impact(
        field=path,
        messages=tuple(bodies),
        channels=tuple(use for channel in channels for use in _uses(channel, (part_name, name), bodies)),
        rules=rules,
        requirements=tuple(_requirements((part_name, name), rules)),
        vectors=tuple(f"{body}: {each}" for body in bodies for each in _holding(body, (part_name, name))),
    )


def _rules(part_name: str, name: str) -> tuple[str, ...]:
    part = parts()[part_name]
    on_part = {rule.about.id for rule in part_rules(part) if name in rule.fields}
    on_value = {about.id for about in value_rules(part.schema["properties"][name])}
    return tuple(sorted(on_part | on_value | _rules_above(part_name)))


def _rules_above(part_name: str) -> set[str]:
    """Return the rules that read a field which holds the part, and so may read into it."""
    found: set[str] = set()
    for part in parts().values():
        holding = {name for name, field in part.schema["properties"].items() if reference(field) == part_name}
        found |= {rule.about.id for rule in part_rules(part) if holding & set(rule.fields)} if holding else set()
        found |= {about.id for name in holding for about in value_rules(part.schema["properties"][name])}
    return found


def _uses(channel: Channel, place: Place, bodies: Sequence[str]) -> Iterator[ChannelUse]:
    for name, interface in channel.profile.interfaces.items():
        if name not in channel.compiled:
            for body in bodies if interface.message == "*" else {interface.message} & set(bodies):
                yield ChannelUse(channel.channel_id, name, body, "carried", ())
            continue
        covered = coverage_of(channel.compiled[name].mapping.plan)
        for treatment in TREATMENTS:
            paths = tuple(_touching(getattr(covered, treatment), interface.message, place))
            if paths:
                yield ChannelUse(channel.channel_id, name, interface.message, treatment, paths)


def _touching(paths: Iterable[str], body: str, place: Place) -> Iterator[str]:
    """Yield the canonical paths that pass the field: below it too, where it holds a part."""
    for path in paths:
        steps = path.split(".")
        if place in _places(steps if steps[0] == "header" else [body, *steps]):
            yield path


def _places(steps: Sequence[str]) -> Iterator[Place]:
    first, *others = steps
    part: str | None = "Header" if first == "header" else message_types()[first].name
    for step in others:
        if part is None:
            return
        yield part, step
        part = reference(parts()[part].schema["properties"].get(step, {}))


def _requirements(place: Place, rules: Iterable[str]) -> Iterator[str]:
    part_name, name = place
    for each in _all_requirements():
        named = {
            (part, field)
            for part, fields in _SOURCE.findall(each["source"])
            for field in (_camel(one.strip()) for one in fields.split(","))
        }
        if {(part_name, name), (part_name, "")} & named or any(rule in each["source"] for rule in rules):
            yield each["id"]


@cache
def _all_requirements() -> list[Json]:
    resource = files("xinqiao") / "schemas" / "requirements" / f"{STANDARD_VERSION}.yaml"
    found: list[Json] = yaml.safe_load(resource.read_bytes())["requirements"]
    return found


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _holding(body: str, place: Place) -> Iterator[str]:
    for each in vectors(body):
        if place in set(_filled(each["message"], body)):
            yield each["name"]


def _filled(message: Json, body: str) -> Iterator[Place]:
    for key in ("header", body):
        yield from _filled_below(message.get(key, {}), "Header" if key == "header" else message_types()[body].name)


def _filled_below(node: Json, part: str) -> Iterator[Place]:
    for name, value in node.items():
        yield part, name
        below = reference(parts()[part].schema["properties"].get(name, {}))
        if below is not None:
            for item in value if isinstance(value, list) else [value]:
                yield from _filled_below(item, below)
