"""What a browser posts: the fields of a form, read within limits."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from xinqiao.errors import MalformedRequest, UnsupportedMediaType
from xinqiao.finding import Text
from xinqiao.message import Json

__all__ = ["LARGEST_FORM", "FormData", "ReceivedFile", "read_form_data"]

LARGEST_FORM = 262_144
_MOST_FIELDS = 1_000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that was chosen: the reference to its content in the store, or why it was not taken."""

    name: str
    reference: Json | None
    problem: Text | None


@dataclass(frozen=True, slots=True)
class FormData:
    """The fields of a form by name, each with its values as they were typed, and the files that came with it."""

    fields: dict[str, list[str]]
    files: dict[str, list[ReceivedFile]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return a field's value without blanks around it; empty where it was not sent."""
        values = self.fields.get(name)
        return values[-1].replace("\r\n", "\n").strip() if values else ""

    def all(self, name: str) -> list[str]:
        """Return the values of a field that may have several, each once."""
        return list(dict.fromkeys(each.strip() for each in self.fields.get(name, []) if each.strip()))

    @property
    def act(self) -> str:
        """What the button that was pressed says: ``next`` where it says nothing."""
        return self.one("do") or "next"

    @property
    def version(self) -> int:
        """The version of the visit that the page was made from; 0 where it says none."""
        text = self.one("version")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def read_form_data(content: bytes, content_type: str) -> FormData:
    """Read the body of a POST. Raises ``UnsupportedMediaType``, and ``MalformedRequest`` for what no page sends."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaType(f"a form is sent as {_FORM}")
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise MalformedRequest("the form cannot be read") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return FormData(fields)
