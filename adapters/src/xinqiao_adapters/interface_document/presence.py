"""When a field has to be there, after the standard's schema: always, with its group, or at will."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from xinqiao.explanation import reference
from xinqiao.finding import Text
from xinqiao.message import ROUTING
from xinqiao.standard import field_at, message_types, schema_of
from xinqiao_adapters.listing import ListedRow

__all__ = ["Presence", "is_money_value", "presence_of", "required_steps"]


class Presence(NamedTuple):
    """``with`` the group of the title ``group`` and the canonical path ``names``: required where that is there."""

    need: Literal["always", "with", "optional"]
    group: Text | None = None
    names: tuple[str, ...] = ()


def required_steps(body: str, names: Sequence[str]) -> list[bool]:
    """Return for each step of a canonical path whether the schema requires it in the object that holds it."""
    schema = schema_of(message_types()[body].name)
    part, found = schema, []
    for name in names:
        found.append(name in part.get("required", ()))
        below = reference(part["properties"][name])
        part = schema["$defs"][below] if below else {"properties": {}}
    return found


def is_money_value(body: str, names: tuple[str, ...]) -> bool:
    """Say whether a path ends in the number of an amount, which stands for the amount as a whole."""
    group = field_at(body, ".".join(names[:-1])) if names[-1:] == ("value",) else None
    return group is not None and reference(group.schema) == "Money"


def presence_of(body: str, row: ListedRow, others: Iterable[ListedRow], *, incoming: bool) -> Presence:
    """Return when a row's value has to be there; ``others`` are all rows of its interface.

    A field that its group requires is at will where nothing else of the partner's fills the group; so is what only
    carries a message, which the profile or the intake fills in.
    """
    names, leaf = row.names, row.item
    if is_money_value(body, names):
        names = names[:-1]
    if not names:
        return Presence("always")
    if (leaf and leaf.default is not None) or (incoming and names[0] == "header" and names[1] in ROUTING):
        return Presence("optional")
    required = required_steps(body, names)
    if all(required):
        return Presence("always")
    depth = max(place for place, said in enumerate(required) if not said) + 1
    group = names[:depth]
    if depth == len(names) or not _filled_by_others(row, group, others):
        return Presence("optional")
    field = field_at(body, ".".join(group))
    return Presence("with", field.title if field else None, group)


def _filled_by_others(row: ListedRow, group: tuple[str, ...], others: Iterable[ListedRow]) -> bool:
    return any(
        other is not row and other.names[: len(group)] == group and other.place is not None and other.names != group
        for other in others
    )
