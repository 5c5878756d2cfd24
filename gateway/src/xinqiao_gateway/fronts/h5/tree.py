"""Values in a message's body by their canonical paths (``applicant.documents[0].number``): read, put, taken out."""

import re
from itertools import pairwise
from typing import Any

from xinqiao.message import Json

__all__ = ["parts_of", "put", "take_out", "value_at"]

_PART = re.compile(r"([A-Za-z0-9]+)|\[([0-9]{1,3})\]")


def parts_of(path: str) -> list[str | int]:
    """Return the steps of a path: names, and the numbers of items."""
    return [name or int(index) for name, index in _PART.findall(path)]


def value_at(tree: Json, path: str) -> Any:  # noqa: ANN401 -- JSON is any of six kinds
    """Return the value at a path; None where there is none."""
    value: Any = tree
    for part in parts_of(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def put(tree: Json, path: str, value: object) -> None:
    """Put a value at a path, with the parts around it that are not there yet; None takes it out."""
    if value is None:
        take_out(tree, path)
        return
    here: Any = tree
    parts = parts_of(path)
    for part, following in pairwise(parts):
        below: Any = [] if isinstance(following, int) else {}
        if isinstance(part, int):
            here.extend({} for _ in range(part + 1 - len(here)))
            if not isinstance(here[part], type(below)):
                here[part] = below
        elif not isinstance(here.get(part), type(below)):
            here[part] = below
        here = here[part]
    if isinstance(parts[-1], int):
        here.extend({} for _ in range(parts[-1] + 1 - len(here)))
    here[parts[-1]] = value


def take_out(tree: Json, path: str) -> None:
    """Take out what is at a path, and the objects around it that hold nothing else; items of a list stay."""
    *around, last = parts_of(path)
    here: Any = tree
    passed: list[tuple[Any, str | int]] = []
    for part in around:
        try:
            below = here[part]
        except (KeyError, IndexError, TypeError):
            return
        passed.append((here, part))
        here = below
    try:
        del here[last]
    except (KeyError, IndexError, TypeError):
        return
    for holder, part in reversed(passed):
        if holder[part] or isinstance(holder, list):
            return
        del holder[part]
