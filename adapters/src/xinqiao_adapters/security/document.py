"""The content that is signed, as far as signing has to see into it: fields by their place, and its bytes again.

Fields of a form stay bytes, so that a form in any encoding is signed and carried on without being read.
"""

from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any, Protocol, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

from xinqiao.errors import ContentRefused, MalformedJson
from xinqiao_adapters.formats.form import FORM_FIELD
from xinqiao_adapters.formats.json.strict import read_value, scalar_text

__all__ = ["DOCUMENTS", "Document", "FormDocument", "JsonDocument", "RawDocument"]

_MOST_FIELDS = 1000
# WHATWG URL §5: everything else is escaped by those that write a form.


class Document(Protocol):
    """A parsed content. Places are names of a form's fields, or paths of JSON (``signature/sigdat``)."""

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a content. Raises the ``Rejected`` that says why it cannot be read."""
        ...

    def get(self, place: str) -> bytes | None:
        """Return the text at a place in UTF-8 (a form's: as it came), None where there is none."""
        ...

    def put(self, place: str, text: str) -> None:
        """Write a text at a place. Raises ``ContentRefused`` where another one stands there, or nothing can."""
        ...

    def take(self, place: str) -> bytes | None:
        """Return the text at a place and take it away, with what held nothing else."""
        ...

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield names and values in order. Raises ``ContentRefused`` where a value is no text."""
        ...

    def content(self) -> bytes:
        """Return the bytes of the document; JSON with the keys of every object sorted."""
        ...


class RawDocument:
    """Bytes that nobody looks into."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Take the content as it is."""
        return cls(content)

    def get(self, place: str) -> bytes | None:  # noqa: ARG002 -- the protocol's shape
        """Return None: there are no places."""
        return None

    def put(self, place: str, text: str) -> None:  # noqa: ARG002
        """Raise ``ContentRefused``."""
        raise ContentRefused(f"a raw body has no {place}")

    def take(self, place: str) -> bytes | None:  # noqa: ARG002
        """Return None."""
        return None

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Raise ``ContentRefused``."""
        raise ContentRefused("a raw body has no fields")

    def content(self) -> bytes:
        """Return the bytes as they came."""
        return self._content


class FormDocument:
    """A form (``application/x-www-form-urlencoded``), strictly: no name twice, every ``%`` an escape."""

    def __init__(self, fields: dict[str, bytes]) -> None:
        self._fields = fields

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a form. Raises ``ContentRefused``."""
        fields: dict[str, bytes] = {}
        parts = content.split(b"&", _MOST_FIELDS) if content else []
        for part in parts:
            name, equals, value = part.partition(b"=")
            is_field = name and equals and FORM_FIELD.fullmatch(name) and FORM_FIELD.fullmatch(value)
            if not is_field or len(parts) > _MOST_FIELDS:
                raise ContentRefused("the body is no form (name=value&…, percent-encoded)")
            key = _unquoted(name).decode("latin-1")
            if key in fields:
                raise ContentRefused(f"the form has the field {key[:60]!r} twice")
            fields[key] = _unquoted(value)
        return cls(fields)

    def names(self) -> list[str]:
        """Return the names of the fields, in order."""
        return list(self._fields)

    def get(self, place: str) -> bytes | None:
        """Return a field's bytes."""
        return self._fields.get(place)

    def put(self, place: str, text: str) -> None:
        """Write a field. Raises ``ContentRefused`` where it has another value."""
        if self._fields.setdefault(place, text.encode("utf-8")) != text.encode("utf-8"):
            raise ContentRefused(f"{place} has a value already, and is for the signing to write")

    def take(self, place: str) -> bytes | None:
        """Take a field away."""
        return self._fields.pop(place, None)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the fields."""
        for name, value in self._fields.items():
            yield name.encode("latin-1"), value

    def content(self) -> bytes:
        """Return the form, its fields in order."""
        return b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in self.pairs())


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _quoted(text: bytes) -> bytes:
    return quote_from_bytes(text, safe=" ").replace(" ", "+").encode("ascii")


class JsonDocument:
    """A JSON object, read strictly; numbers keep the digits that were sent."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read an object. Raises what ``strict_json.read_value`` raises."""
        value = read_value(content)
        if not isinstance(value, dict):
            raise MalformedJson(f"a document is a JSON object, this is {type(value).__name__}")
        return cls(value)

    def get(self, place: str) -> bytes | None:
        """Return the text of a scalar."""
        node: object = self._value
        for step in place.split("/"):
            node = node.get(step) if isinstance(node, dict) else None
        return _scalar(node, place)

    def put(self, place: str, text: str) -> None:
        """Write a text, and the objects on the way to it."""
        *steps, name = place.split("/")
        node = self._value
        for step in steps:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise ContentRefused(f"{step} on the way to {place} is no object")
        if node.setdefault(name, text) != text:
            raise ContentRefused(f"{place} has a value already, and is for the signing to write")

    def take(self, place: str) -> bytes | None:
        """Take a value away, and objects that are empty then."""
        found = self.get(place)
        _remove(self._value, place.split("/"))
        return found

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the members. Raises ``ContentRefused`` where one is an object or a list."""
        for name, value in self._value.items():
            yield name.encode(), _scalar(value, name) or b""

    def content(self) -> bytes:
        """Return the JSON without blanks, the keys of every object sorted."""
        return _sorted_json(self._value).encode()


def _scalar(node: object, place: str) -> bytes | None:
    try:
        text = scalar_text(node)
    except TypeError as error:
        raise ContentRefused(f"{place} is an object or a list, and should be a text") from error
    return None if text is None else text.encode()


def _remove(node: object, steps: list[str]) -> None:
    if not isinstance(node, dict) or steps[0] not in node:
        return
    if len(steps) == 1:
        del node[steps[0]]
        return
    _remove(node[steps[0]], steps[1:])
    if node[steps[0]] == {}:
        del node[steps[0]]


def _sorted_json(value: object) -> str:
    if isinstance(value, dict):
        members = (f"{_quoted_text(name)}:{_sorted_json(value[name])}" for name in sorted(value, key=_java_order))
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_sorted_json, value))}]"
    if isinstance(value, str):
        return _quoted_text(value)
    return scalar_text(value) or "null"


def _quoted_text(text: str) -> str:
    return encode_basestring(text)


def _java_order(name: str) -> bytes:
    """Sort as RFC 8785 and Java do: by UTF-16 units, which differs from Unicode beyond U+FFFF."""
    return name.encode("utf-16-be")


DOCUMENTS: Mapping[str, type[RawDocument] | type[FormDocument] | type[JsonDocument]] = {
    "raw": RawDocument,
    "form": FormDocument,
    "json": JsonDocument,
}
