"""Which values of a message would tell somebody something where they are quoted, and where a text quotes them."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from urllib.parse import unquote

from xinqiao.errors import error_table
from xinqiao.message import Json
from xinqiao.recording.model import Answer, body_of
from xinqiao.rules.rule import metadata
from xinqiao.standard import Field, field_at, message_types

__all__ = ["Quotable", "free_texts", "has_form", "is_plain", "is_token", "is_usual", "leaves"]

_TOKEN = re.compile(r"masked:[0-9a-f]{20}")
# Names that a message may hold beside the standard's: words. Other names could hold what a value should.
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,59}[0-9]{0,2}")
# What every server says about the transport.
_TRANSPORT = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})
# Texts that people write or that quote what came.
_FREE = frozenset({"TEXT", "LINES"})
# Values that one of few thousand things is, or a day: to be found in a text they say nothing.
_COMMON = frozenset({"CODE", "COUNTRY", "CURRENCY", "REGION", "DATE", "TIME", "MONTH", "TIMESTAMP"})
# Longer ones are texts of their own, which nobody quotes whole; and looking for them would take time.
_LONGEST = 200
# No answer for people is longer; of a text that was made to take time the rest is not read.
_MOST_READ = 100_000


def is_token(value: object) -> bool:
    """Say whether a value is a token, of a masked recording."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def is_plain(name: str) -> bool:
    """Say whether a field's name is a word, which holds no value."""
    return _NAME.fullmatch(name) is not None


def _is_free(field: Field) -> bool:
    """Say whether a field holds what people write, and with it perhaps what another field should."""
    return field.kind in _FREE


def has_form(value: str, field: Field) -> bool:
    """Say whether a value has the form that its field prescribes, so that it can be nothing else."""
    schema = field.schema.get("items", field.schema)
    if _is_free(field):
        return False
    return value in schema["enum"] if "enum" in schema else re.search(schema.get("pattern", "(?!)"), value) is not None


def is_usual(header: str) -> bool:
    """Say whether a header of an answer is about the transport alone."""
    return header.lower() in _TRANSPORT


def leaves(part: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every scalar of a message with its path, indices included; not what is null."""
    if isinstance(part, dict):
        for name, each in part.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(part, list):
        for index, each in enumerate(part):
            yield from leaves(each, f"{path}[{index}]")
    elif part is not None:
        yield path, part


def free_texts(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the texts of an answer that could quote a value: those that people write, unknown fields, headers."""
    body = body_of(answer.message) or "ping"
    for path, value in leaves(answer.message):
        field = field_at(body, path)
        if isinstance(value, str) and (field is None or _is_free(field)):
            yield f"answer.{path}", value
    for name, value in answer.headers.items():
        if not is_usual(name):
            yield f"answer.headers.{name}", unquote(value)


class Quotable:
    """The C2 and C3 values of messages, or their tokens, that would tell somebody something when quoted.

    Not codes, countries and days, nor what also stands in a C1 field or in the standard's own texts. A name that the
    standard does not have counts as a value unless it is a plain word. Looking for all of them takes time by the
    length of a text and not by their number, which a pool of loans has in thousands.
    """

    def __init__(self, messages: Iterable[Json | None]) -> None:
        self.values = frozenset[str]().union(*map(_personal, messages))
        lengths: dict[str, set[int]] = {}
        for value in self.values:
            lengths.setdefault(value[:2], set()).add(len(value))
        self._lengths = {begin: sorted(each, reverse=True) for begin, each in lengths.items()}

    def quoted(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield where the beginning of a text quotes values, and which; of two at one place the longer."""
        place, last = 0, min(len(text), _MOST_READ) - 1
        while place < last:
            value = self._at(text, place) if text[place : place + 2] in self._lengths else None
            if value:
                yield place, value
            place += len(value or " ")

    def _at(self, text: str, place: int) -> str | None:
        parts = (text[place : place + length] for length in self._lengths[text[place : place + 2]])
        return next((part for part in parts if part in self.values), None)

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        """Return a text with something else for each value that it quotes; tokens stay."""
        parts, done = [], 0
        for place, value in self.quoted(text):
            parts += [text[done:place], value if is_token(value) else by(value)]
            done = place + len(value)
        return "".join([*parts, text[done:]])


def _personal(message: Json | None) -> set[str]:
    personal, open_to_all = set[str](), set[object]()
    body = body_of(message)
    for path, value in leaves(message):
        field = field_at(body, path) if body else None
        if field is None:
            personal.update(name for name in path.split(".") if not is_plain(_unindexed(name)) and _tells(name))
        if field is not None and field.sensitivity == "C1":
            if not isinstance(value, str) or _is_free(field) or has_form(value, field):
                open_to_all.add(value)
        elif isinstance(value, str) and not _is_common(field) and (is_token(value) or _tells(value)):
            personal.add(value)
    return personal - open_to_all


def _unindexed(name: str) -> str:
    return name.partition("[")[0]


def _is_common(field: Field | None) -> bool:
    return field is not None and (field.kind in _COMMON or "enum" in field.schema.get("items", field.schema))


def _tells(value: str) -> bool:
    """Say whether a value is no chance word; what has digits is none of the standard's."""
    if not (6 if value.isascii() else 2) <= len(value) <= _LONGEST:
        return False
    return any(map(str.isdigit, value)) or value.lower() not in _standard_texts()


@cache
def _standard_texts() -> str:
    """Return what errors, rules and titles say; a value that is part of it is no secret."""
    said = [text for error in error_table() for text in (*error.text, *error.fix)]
    said += [text for about in metadata().values() for text in (*about.text, *about.fix)]
    said += [text for kind in message_types().values() for text in (*kind.title, kind.name, kind.body)]
    return "\n".join(said).lower()
