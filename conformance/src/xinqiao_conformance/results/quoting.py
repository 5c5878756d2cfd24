"""What a report shows of a finding: the parts of a message that it is about, and values as people read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from xinqiao.finding import Text
from xinqiao_conformance.results.model import Finding

__all__ = ["Part", "Quote", "is_repeated", "parts_of", "quotes_of", "readable", "text_in"]

# Characters: of what is short enough to be shown as it is, of one part, and of the whole of a message.
_SHORT = 600
_MOST_PART = 400
_MOST_WHOLE = 3_000
_MOST_PARTS = 3
_STEPS = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, slots=True)
class Part:
    """What of a message is at a path, or without one its beginning; where nothing is, which members are beside it."""

    path: str
    text: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """What was sent or seen: its parts at the places of the finding, and the ``whole`` where it is shown.

    ``short``: the whole is so little that there is nothing to look for in it.
    """

    name: Text
    parts: tuple[Part, ...]
    whole: str | None
    short: bool


def quotes_of(finding: Finding, *, in_full: bool) -> Iterator[Quote]:
    """Yield what was sent and what was seen; without ``in_full`` no whole that is long."""
    for name, document in (
        (Text("所发送（已脱敏）", "Sent, masked"), finding.sent),
        (Text("所见（已脱敏）", "Seen, masked"), None if is_repeated(finding) else finding.seen),
    ):
        if document is None:
            continue
        whole = readable(document)
        if len(whole) <= _SHORT:
            yield Quote(name, (), whole, short=True)
        else:
            parts = parts_of(document, finding)
            if not parts and not finding.difference:
                parts = (Part("", _cut(whole, _MOST_PART)),)
            yield Quote(name, parts, _cut(whole, _MOST_WHOLE) if in_full else None, short=False)


def is_repeated(finding: Finding) -> bool:
    """Say whether what was seen is no more than a place of the difference."""
    return any(finding.seen == each.model_dump() for each in finding.difference)


def parts_of(document: dict[str, Any], finding: Finding) -> tuple[Part, ...]:
    """Return what a message has at the places of a finding, and what its ``note`` says was done to it.

    What the difference shows already is left out.
    """
    note = document.get("note")
    found = [Part("note", _cut(note, _MOST_PART))] if isinstance(note, str) else []
    for each in finding.difference[:_MOST_PARTS]:
        part = _part(document, each.path)
        if part and part not in found and part.text not in (readable(each.expected), readable(each.seen)):
            found.append(part)
    return tuple(found)


def _part(document: dict[str, Any], path: str) -> Part | None:
    """Return the part at a path, of the message or of what one of its members holds."""
    steps = _STEPS.findall(path)
    walks = [_walk(root, steps) for root in (document, *document.values())]
    reached, value = max(walks, key=lambda walk: walk[0])
    if reached == len(steps) > 0:
        return Part(path, _cut(readable(value), _MOST_PART))
    if not reached or not isinstance(value, dict):
        return None
    return Part(".".join(steps[:reached]), _cut(", ".join(value), _MOST_PART), missing=True)


def _walk(value: Any, steps: list[str]) -> tuple[int, Any]:  # noqa: ANN401 -- JSON
    """Return how many steps lead somewhere, and where to."""
    for reached, step in enumerate(steps):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return reached, value
    return len(steps), value


def _flat(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if text := text_in(value):
        return text.zh if text.zh == text.en else f"{text.zh} / {text.en}"
    if isinstance(value, dict):
        return {name: _flat(each) for name, each in value.items()}
    return [_flat(each) for each in value] if isinstance(value, list) else value


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def readable(value: object, *, on_one_line: bool = False) -> str:
    """Return JSON as people read it, a text in both languages as one string."""
    flat = _flat(value)
    if isinstance(flat, str):
        return flat
    return orjson.dumps(flat, option=None if on_one_line else orjson.OPT_INDENT_2).decode()


def text_in(value: object) -> Text | None:
    """Return a text in both languages where JSON is one."""
    if (
        isinstance(value, dict)
        and value.keys() == {"zh", "en"}
        and all(isinstance(each, str) for each in value.values())
    ):
        return Text(value["zh"], value["en"])
    return None
