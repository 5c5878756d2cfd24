"""The XML form of a message (``schemas/xsd``): written and read without loss, by the standard library alone.

Elements are named as the fields are in canonical JSON and stand in the namespace ``urn:xinqiao:v1``; a list is its
element repeated. The JSON Schemas say what each element holds. Whether a message is valid is asked afterwards, of
``xinqiao.validation.check``; only the order of elements is the XSD's alone to check, and no matter when reading.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal
from xml.parsers import expat

from xinqiao.errors import (
    BodyTooLarge,
    ContentRefused,
    DuplicateKey,
    ForbiddenXml,
    MalformedXml,
    Rejected,
    WrongEncoding,
)
from xinqiao.expectation import shown
from xinqiao.message import Json, message_type
from xinqiao.standard import Schema, message_types, schema_of
from xinqiao.violations import Path, canonical_path

__all__ = ["NAMESPACE", "read_xml", "write_xml"]

NAMESPACE = "urn:xinqiao:v1"

_ROOT = "message"
_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<{_ROOT} xmlns="{NAMESPACE}">'
# A wall against accidents; who serves a channel sets a lower one. JSON is read to the same depth.
_LARGEST = 64 * 1024 * 1024
_DEEPEST = 200
_BLANK = " \t\r\n"

# As JSON writes whole numbers, and short enough for JSON to hold; others stay the text that they are.
_WHOLE = re.compile("-?(?:0|[1-9][0-9]{0,17})")
_OUTSIDE_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SPECIAL = re.compile("[&<>\r]|" + _OUTSIDE_XML.pattern)
# A carriage return that stands as itself is read as a line feed.
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_HINTS = {f"{_INSTANCE} schemaLocation", f"{_INSTANCE} noNamespaceSchemaLocation"}

_Kind = Literal["string", "integer", "boolean", "object", "unknown"]


class _Children(dict[str, "_Element"]):
    """Elements by the names that expat gives them; any other is unknown, and is not kept here."""

    def __missing__(self, name: str) -> "_Element":
        return _Element(_key(name), "unknown", repeated=False, children=_NONE)


@dataclass(frozen=True, slots=True, eq=False)
class _Element:
    """An element: its key in JSON, what one holds, whether it is one of a list, and what may stand in it."""

    key: str
    kind: _Kind
    repeated: bool
    children: _Children


class _Bodies(_Children):
    """The elements below the root: those of a message type are compiled when its body is first met."""

    def __missing__(self, name: str) -> _Element:
        key = _key(name)
        body = next(iter(message_types())) if key == "header" else key
        if body not in message_types():
            return super().__missing__(name)
        self[name] = _parts_of(body)[name]
        return self[name]


class _Document(_Children):
    """What a document may be: a message of this namespace."""

    def __missing__(self, name: str) -> _Element:
        raise MalformedXml(f"the root is {shown(_key(name), 60)}, not {_ROOT} in the namespace {NAMESPACE}")


def _key(name: str) -> str:
    """Return the key of an expanded name: the local name, or ``{namespace}name`` of another namespace."""
    namespace, _, local = name.rpartition(" ")
    return local if namespace == NAMESPACE else f"{{{namespace}}}{local}"


def _expanded(key: str) -> str:
    return f"{NAMESPACE} {key}"


_NONE = _Children()
_MESSAGE = _Element(_ROOT, "object", repeated=False, children=_Bodies())
_DOCUMENT = _Element("", "object", repeated=False, children=_Document({_expanded(_ROOT): _MESSAGE}))


@cache
def _parts_of(body: str) -> _Children:
    """Return the header and the body of a message type."""
    schema = schema_of(message_types()[body].name)
    return _compiled(schema, schema["$defs"], {})


def _compiled(schema: Schema, definitions: Schema, known: dict[str, _Children]) -> _Children:
    children = _Children()
    for key, part in schema["properties"].items():
        children[_expanded(key)] = _element(key, part, definitions, known)
    return children


def _element(key: str, part: Schema, definitions: Schema, known: dict[str, _Children]) -> _Element:
    value = part.get("items", part)
    reference = value.get("$ref")
    if reference is None:
        return _Element(key, value["type"], "items" in part, _NONE)
    if reference not in known:
        known[reference] = _Children()  # filled below: a message may hold messages of its own type
        known[reference].update(_compiled(definitions[reference.rpartition("/")[2]], definitions, known))
    return _Element(key, "object", "items" in part, known[reference])


def read_xml(content: bytes) -> Json:
    """Read the XML form of one message (UTF-8, with or without a byte order mark) into its canonical JSON.

    Nothing is dropped: what the standard does not know becomes a field, for ``check`` to report. An unknown element
    is a field of its name (``{namespace}name`` if it is of another namespace), holding its text or its elements; a
    second one makes a list. An attribute is a field ``element@attribute`` beside its element. What is not of the
    type stays the text that it is. Comments, processing instructions and hints at schemas are no content.

    Raises ``WrongEncoding``, ``ForbiddenXml`` (a document type, entities), ``DuplicateKey`` (two elements where the
    standard has one), ``BodyTooLarge``, or ``MalformedXml``: also for text beside elements and for more than 200
    levels. 125 µs for a message of 3.3 KB (104 elements).
    """
    if len(content) > _LARGEST:
        raise BodyTooLarge(f"{len(content)} bytes, at most {_LARGEST} are read")
    _require_utf8(content)
    reader = _Reader()
    parser = expat.ParserCreate("UTF-8", " ")
    parser.buffer_text = True
    parser.XmlDeclHandler = _require_declaration
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _syntax_error(error) from error
    except Rejected as error:
        raise type(error)(f"line {parser.CurrentLineNumber}: {error.detail}") from None
    return reader.message()


def _require_utf8(content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongEncoding(f"byte {error.start} is not UTF-8, the only encoding that is read") from error
    # expat would detect UTF-16 whatever it is told.
    if b"\0" in content:
        raise WrongEncoding(f"byte {content.index(0)} is null, as in UTF-16; only UTF-8 is read")


def _require_declaration(version: str, encoding: str | None, _standalone: int) -> None:
    if version != "1.0":
        raise MalformedXml(f"XML {version[:10]} is declared, only 1.0 is read")
    if encoding is not None and encoding.lower() != "utf-8":
        raise WrongEncoding(f"{encoding[:40]} is declared, only UTF-8 is read")


def _refuse_doctype(*_: object) -> None:
    raise ForbiddenXml("a document type")


def _syntax_error(error: expat.ExpatError) -> Rejected:
    where = f"line {error.lineno}, column {error.offset + 1}"
    kind = ForbiddenXml if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY] else MalformedXml
    return kind(f"{where}: {expat.ErrorString(error.code)}")


class _Reader:
    """Builds a message as elements open and close. An element holds either text or elements."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._element = _DOCUMENT
        # None until an element stands in the open one.
        self._fields: Json | None = None
        self._around: list[tuple[_Element, Json]] = []

    def message(self) -> Json:
        """Return what was read; attributes of the root stand in the message itself."""
        document = self._fields or {}
        message = document.pop(_ROOT)
        if not isinstance(message, dict):
            raise MalformedXml(f"{_ROOT} holds text, not elements")
        return message | document

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Open an element."""
        if self.text:
            self._require_blank()
        fields = self._fields
        if fields is None:
            fields = {}
        self._around.append((self._element, fields))
        if len(self._around) > _DEEPEST:
            raise MalformedXml(f"more than {_DEEPEST} levels of elements")
        self._element = self._element.children[name]
        self._fields = None
        for attribute, value in attributes.items() if attributes else ():
            if attribute not in _HINTS:
                _join(fields, f"{self._element.key}@{_attribute_key(attribute)}", value)

    def end(self, _name: str) -> None:
        """Close an element: what it holds becomes a field of the one around it."""
        element, value, fields = self._element, self._fields, self._around[-1][1]
        if value is not None:
            if self.text:
                self._require_blank()
            held: object = value
        else:
            text = "".join(self.text)
            self.text.clear()
            held = text if element.kind == "string" else _value(element.kind, text)
        if element.repeated:
            fields.setdefault(element.key, []).append(held)
        elif element.kind == "unknown":
            _join(fields, element.key, held)
        elif element.key in fields:
            raise DuplicateKey(f"{self._place()} stands there twice")
        else:
            fields[element.key] = held
        self._element, self._fields = self._around.pop()

    def _require_blank(self) -> None:
        if "".join(self.text).strip(_BLANK):
            raise MalformedXml(f"text beside elements in {self._place()}")
        self.text.clear()

    def _place(self) -> str:
        """Return the path of the open element."""
        steps: list[str | int] = []
        opened = [*(element for element, _ in self._around), self._element]
        for element, (_, fields) in zip(opened[2:], self._around[1:], strict=True):
            steps += [element.key, len(fields.get(element.key, ()))] if element.repeated else [element.key]
        return canonical_path(steps) if steps else _ROOT


def _attribute_key(name: str) -> str:
    return _key(name) if " " in name else name


def _join(fields: Json, key: str, value: object) -> None:
    """Add a field that the standard does not know; a second of the name makes a list."""
    if key not in fields:
        fields[key] = value
    elif isinstance(fields[key], list):
        fields[key].append(value)
    else:
        fields[key] = [fields[key], value]


def _value(kind: _Kind, text: str) -> object:
    """Return what the text of an element says; text that is not of its kind stays as it is."""
    bare = text.strip(_BLANK)
    if kind == "integer" and _WHOLE.fullmatch(bare):
        return int(bare)
    if kind == "boolean" and bare in {"true", "false"}:
        return bare == "true"
    if kind == "object" and not bare:
        return {}
    return text


def write_xml(message: Json) -> bytes:
    """Write a canonical message as XML: UTF-8, compact, elements in the order of the schema.

    A message need not be valid, but every fault must survive: raises ``ContentRefused``, naming the place, for what
    XML cannot hold or would not give back (a value of another type, null, an empty list, a character outside XML
    1.0); none of these is valid in strict mode. Fields of a later version that ``read_xml`` has kept are written
    after those that the standard knows.

    Raises ``UnknownMessageType`` or ``UnsupportedVersion`` where no schema applies.
    """
    markup = [_HEAD]
    _write_fields(_parts_of(message_type(message).body), message, (), markup)
    markup.append(f"</{_ROOT}>")
    return "".join(markup).encode()


def _write_fields(children: _Children, fields: Json, path: Path, markup: list[str]) -> None:
    present = [element for element in children.values() if element.key in fields]
    for element in present:
        value, place = fields[element.key], (*path, element.key)
        if not element.repeated:
            _write_element(element, value, place, markup)
        elif isinstance(value, list) and value:
            for index, item in enumerate(value):
                _write_element(element, item, (*place, index), markup)
        else:
            raise ContentRefused(f"{canonical_path(place)} is no list with items")
    if len(present) < len(fields):
        for key in fields:
            if _expanded(key) not in children:
                _write_unknown(key, fields[key], (*path, key), markup)


def _write_unknown(key: str, value: object, path: Path, markup: list[str]) -> None:
    """Write a field that the standard does not know, where it came from XML: text, or elements."""
    for item in value if isinstance(value, list) and len(value) > 1 else [value]:
        if not _NAME.fullmatch(key) or not isinstance(item, str | dict) or item == {}:
            raise ContentRefused(f"{canonical_path(path)} is no field of the standard, and XML would change it")
        markup.append(f"<{key}>")
        if isinstance(item, dict):
            _write_fields(_NONE, item, path, markup)
        else:
            markup.append(_escaped(item, path))
        markup.append(f"</{key}>")


def _write_element(element: _Element, value: object, path: Path, markup: list[str]) -> None:
    key = element.key
    if element.kind != "object":
        markup.append(f"<{key}>{_written(element.kind, value, path)}</{key}>")
    elif isinstance(value, dict):
        markup.append(f"<{key}>")
        _write_fields(element.children, value, path, markup)
        markup.append(f"</{key}>")
    else:
        raise ContentRefused(f"{canonical_path(path)} is {type(value).__name__}, not object")


def _written(kind: _Kind, value: object, path: Path) -> str:
    if kind == "string" and isinstance(value, str):
        return value if _SPECIAL.search(value) is None else _escaped(value, path)
    if kind == "boolean" and isinstance(value, bool):
        return "true" if value else "false"
    # JSON Schema counts 2.0 among the whole numbers.
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if kind == "integer" and isinstance(whole, int) and not isinstance(whole, bool):
        return str(whole)
    raise ContentRefused(f"{canonical_path(path)} is {type(value).__name__}, not {kind}")


def _escaped(text: str, path: Path) -> str:
    outside = _OUTSIDE_XML.search(text)
    if outside:
        raise ContentRefused(f"{canonical_path(path)} holds U+{ord(outside[0]):04X}, which XML cannot")
    return _SPECIAL.sub(lambda found: _REFERENCES[found[0]], text)
