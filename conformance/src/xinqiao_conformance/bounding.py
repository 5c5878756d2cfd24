"""What a report can hold of what a subject says: no more, no deeper and no other characters than can be written, and no
number that tells who a person is.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_conformance.personal import shown_text

__all__ = ["bounded", "bounded_place", "bounded_text"]

_MOST_CHARACTERS = 20_000
_MOST_ENTRIES = 1_000
_MOST_BYTES = 60_000
_DEEPEST = 20
# A number that JSON's readers take for what it is.
_LARGEST = 2**53
_LONGEST_TEXT = 1_000
_LONGEST_NAME = 200


def _writable(text: str) -> str:
    """Return a text without halves of characters, which bytes of a name that is no UTF-8 become."""
    return text.encode("utf-8", "replace").decode()


def bounded(part: Json) -> Json:
    """Return a part of a finding as it can be written and read again; of one that is too large its beginning."""
    made = {_writable(str(name))[:_LONGEST_NAME]: _part(value, 1) for name, value in part.items()}
    written = orjson.dumps(made)
    return made if len(written) <= _MOST_BYTES else {"beginning": written[:_MOST_BYTES].decode("utf-8", "ignore")}


def bounded_place(place: Mapping[str, Any]) -> Json:
    """Return a place of a difference, each member of which is short."""
    made = {name: _part(value, 1) for name, value in place.items()}
    return {
        name: value if len(orjson.dumps(value)) <= _LONGEST_TEXT else _beginning(value) for name, value in made.items()
    }


def _beginning(value: Any) -> str:  # noqa: ANN401 -- whatever a subject says
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:_LONGEST_TEXT]


def bounded_text(text: Text) -> Text:
    """Return what was expected; it may name a value of the subject's."""
    return Text(*(shown_text(_writable(each[:_LONGEST_TEXT])) for each in text))


def _part(value: Any, depth: int) -> Any:  # noqa: ANN401 -- whatever a subject says
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    if isinstance(value, dict | list | tuple) and depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        names = list(value)[:_MOST_ENTRIES]
        return {_writable(str(name))[:_LONGEST_NAME]: _part(value[name], depth + 1) for name in names}
    if isinstance(value, list | tuple):
        return [_part(each, depth + 1) for each in value[:_MOST_ENTRIES]]
    return shown_text(_writable(str(value)[:_MOST_CHARACTERS]))
