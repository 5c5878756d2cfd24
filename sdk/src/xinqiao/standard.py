"""The standard as data: the generated JSON Schemas, the message types they describe and their fields.

Read once from the package's own ``schemas`` folder. Nothing here imports protobuf.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import orjson

from xinqiao.finding import Text

__all__ = [
    "STANDARD_VERSION",
    "Field",
    "MessageClass",
    "MessageType",
    "field_at",
    "message_types",
    "names_beside",
    "schema_of",
    "strict_schema_of",
]

STANDARD_VERSION = "1.0"

MessageClass = Literal["REQUEST", "FACT", "DIRECTIVE"]
Schema = dict[str, Any]

_INDEX = re.compile(r"\[[0-9]*\]")


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message type: its name (``KycApplication``), its key in JSON (``kycApplication``), class and title."""

    name: str
    body: str
    message_class: MessageClass
    title: Text


@dataclass(frozen=True, slots=True)
class Field:
    """A field's dictionary entry, by its canonical path without indices.

    ``kind`` is what a string holds (``DATE``), ``codes`` the list that a ``CODE`` is of, ``synonyms`` the names that
    partners use, each with where it was seen (``{"CertificateNo": "OFD"}``).
    """

    path: str
    title: Text
    sensitivity: str
    kind: str | None
    codes: str | None
    synonyms: Mapping[str, str]
    example: Any
    schema: Schema


@cache
def message_types() -> Mapping[str, MessageType]:
    """Return the message types of the standard by their body key."""
    index = files("xinqiao") / "schemas" / "json" / "v1" / "index.json"
    return {
        each["body"]: MessageType(each["name"], each["body"], each["class"], Text(each["titleZh"], each["titleEn"]))
        for each in orjson.loads(index.read_bytes())["messages"]
    }


@cache
def schema_of(name: str) -> Schema:
    """Return the JSON Schema of a message type by its name, e.g. ``KycApplication``."""
    resource = files("xinqiao") / "schemas" / "json" / "v1" / f"{name}.schema.json"
    schema: Schema = orjson.loads(resource.read_bytes())
    return schema


@cache
def _fields_of(body: str) -> dict[str, Field]:
    schema = schema_of(message_types()[body].name)
    fields: dict[str, Field] = {}
    _collect(schema, "", schema["$defs"], fields, frozenset())
    return fields


def _collect(
    schema: Schema, prefix: str, definitions: Schema, fields: dict[str, Field], inside: frozenset[str]
) -> None:
    for name, part in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        about = part["x-xinqiao"]
        example = part.get("examples", [None])[0]
        title = Text(about["titleZh"], part["title"])
        fields[path] = Field(
            path,
            title,
            about["sensitivity"],
            about.get("kind"),
            about.get("codes"),
            about.get("synonyms", {}),
            example,
            part,
        )
        reference = part.get("items", part).get("$ref")
        if reference and reference not in inside:
            definition = definitions[reference.rpartition("/")[2]]
            _collect(definition, f"{path}.", definitions, fields, inside | {reference})


def strict_schema_of(name: str) -> Schema:
    """Return the strict form of a message type's JSON Schema: a field that the standard does not have fails it."""
    schema = schema_of(name)
    closed = {key: {**part, "additionalProperties": False} for key, part in schema["$defs"].items()}
    return {**schema, "$defs": closed, "additionalProperties": False}


def names_beside(body: str, path: str) -> list[str]:
    """Return the names that the standard has where the last step of a path stands."""
    around = _INDEX.sub("", path).rpartition(".")[0]
    return [each.rpartition(".")[2] for each in _fields_of(body) if each.rpartition(".")[0] == around]


def field_at(body: str, path: str) -> Field | None:
    """Return the field at a canonical path of a message type, or None where the standard has none.

    ``path`` is that of a finding: ``kycApplication.applicant.documents[0].number``; indices do not matter.
    """
    return _fields_of(body).get(_INDEX.sub("", path))
