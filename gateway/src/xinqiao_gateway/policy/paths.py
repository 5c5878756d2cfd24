"""Canonical paths of conditions: checked against the standard at load, compiled to a closure each."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from xinqiao.standard import Field, field_at, names_beside

__all__ = ["Getter", "Place", "place"]

# The values at a path of a message or a list's element: none, one, or several where a step is a list.
Getter = Callable[[Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """A path of one message type: how it is written from the message's root, its field, and how it is read.

    ``get`` reads from the message, or from the element of a list where the path was taken from one (``inside``).
    """

    written: str
    field: Field
    get: Getter

    @property
    def is_money(self) -> bool:
        """Whether an amount with its currency stands here."""
        return str(self.field.schema.get("$ref", "")).endswith("/Money")


def place(body: str, path: str, inside: str | None = None, *, whole_list: bool = False) -> Place:
    """Find a path of a message type: from its body, from ``header.``, or from an element of the list ``inside``.

    A step that is a list is written with ``[]``; only where ``whole_list`` may its last step be a list itself.
    Raises ``ValueError`` that says what the standard has there.
    """
    steps = path.split(".")
    if inside is None and steps[0] != "header":
        steps = [body, *steps]
    around = inside.split(".") if inside else []
    for number in range(1, len(steps) + 1):
        _check_step(body, [*around, *steps[:number]], is_last=whole_list and number == len(steps))
    written = ".".join([*around, *steps])
    field = field_at(body, written)
    if field is None:
        raise ValueError(f"{path} is no path of {body}")
    return Place(written, field, _getter(tuple(steps)))


def _check_step(body: str, steps: list[str], *, is_last: bool) -> None:
    path = ".".join(steps)
    name = steps[-1].removesuffix("[]")
    field = field_at(body, path)
    if field is None:
        near = get_close_matches(name, names_beside(body, path), n=3) or sorted(names_beside(body, path))[:8]
        raise ValueError(f"{body} has no {path}; there are: {', '.join(near) or 'none below'}")
    is_list = field.schema.get("type") == "array"
    if is_list != steps[-1].endswith("[]") and not (is_list and is_last):
        raise ValueError(f"{path} is {'a list: write it with []' if is_list else 'no list: write it without []'}")


def _getter(steps: tuple[str, ...]) -> Getter:
    if any(step.endswith("[]") for step in steps):
        return _many(tuple((step.removesuffix("[]"), step.endswith("[]")) for step in steps))
    *parents, last = steps

    def get(root: Any) -> tuple[Any, ...]:  # noqa: ANN401
        for name in parents:
            root = root.get(name)
            if root is None:
                return ()
        return (root[last],) if last in root else ()

    return get


def _many(steps: tuple[tuple[str, bool], ...]) -> Getter:
    def get(root: Any) -> tuple[Any, ...]:  # noqa: ANN401
        nodes = [root]
        for name, is_list in steps:
            found = [node[name] for node in nodes if name in node]
            nodes = [each for items in found for each in items] if is_list else found
        return tuple(nodes)

    return get
