"""What the rules find in a message: by a compiled walk where the schema is clean, by a careful one elsewhere."""

from collections.abc import Set

from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.rules.compiled import Found, note, walk_of
from xinqiao.rules.rule import Breach, Metadata, Rule
from xinqiao.rules.table import Table, table_of
from xinqiao.standard import MessageType, field_at
from xinqiao.violations import Path, canonical_path, masked

__all__ = ["findings_of"]


def findings_of(message: Json, kind: MessageType, unreadable: Set[Path] = frozenset()) -> list[Finding]:
    """Return what the rules of the standard find in a message.

    ``unreadable`` names every path at or above an error of the schema; rules that would read there do not run.
    """
    found: list[Found] = []
    if unreadable:
        _walk_carefully(message, table_of(kind.name), (), unreadable, found)
    else:
        walk_of(kind.name)(message, (), found)
    return [_finding(message, kind, *each) for each in found]


def _walk_carefully(
    node: object,
    table: Table,
    path: Path,
    unreadable: Set[Path],
    found: list[Found],
) -> None:
    if not isinstance(node, dict):
        return
    sound = {name: part for name, part in node.items() if (*path, name) not in unreadable}

    _check_values(sound, table, path, found)
    for rule in table.rules:
        if not any((*path, name) in unreadable for name in (*rule.needed, *rule.further)):
            _apply(rule, sound, path, found)
    for name, below in table.parts:
        _walk_carefully(node.get(name), below, (*path, name), unreadable, found)
    for name, below in table.lists:
        parts = node.get(name)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            _walk_carefully(part, below, (*path, name, index), unreadable, found)


def _check_values(node: Json, table: Table, path: Path, found: list[Found]) -> None:
    for name, check_value, about in table.values:
        if name in node and (expected := check_value(node[name])) is not None:
            note(found, path, about, Breach((name,), expected=expected))
    for name, check_value, about in table.items:
        for index, value in enumerate(node.get(name, ())):
            if (expected := check_value(value)) is not None:
                note(found, path, about, Breach((name, index), expected=expected))


def _apply(rule: Rule, node: Json, path: Path, found: list[Found]) -> None:
    if all(name in node for name in rule.needed):
        note(found, path, rule.about, rule.run(*map(node.get, (*rule.needed, *rule.further))))


def _finding(message: Json, kind: MessageType, path: Path, about: Metadata, breach: Breach) -> Finding:
    place = (*path, *breach.at)
    field = field_at(kind.body, ".".join(step for step in place if isinstance(step, str)))
    value = _value_at(message, place) if breach.value is None else breach.value
    return Finding(
        rule=about.id,
        path=canonical_path(place),
        text=about.text,
        level=about.level_on(kind.message_class),
        value=None if value is None or isinstance(value, dict | list) else masked(value, field),
        expected=breach.expected,
        fix=about.fix,
    )


def _value_at(message: Json, path: Path) -> object:
    """Return what is at a path, None where nothing is: a rule may name what is missing."""
    value: object = message
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
