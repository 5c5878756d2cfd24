"""The message types of the peers, each made from the standard itself, so that all of them know the same fields."""

from typing import Annotated, Any, Literal

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from protobuf import DescFile
from pydantic import BaseModel, ConfigDict, Field, create_model

from xinqiao import v1
from xinqiao.standard import Schema, schema_of

_SCALARS: dict[str, type] = {"integer": int, "boolean": bool}


def pydantic_model(name: str) -> type[BaseModel]:
    """Return the pydantic model of a message type: its schema's fields, patterns, lengths, ranges and values."""
    schema = schema_of(name)
    return _model("Message", schema, schema["$defs"], {})


def _model(name: str, schema: Schema, definitions: Schema, known: dict[str, type[BaseModel]]) -> type[BaseModel]:
    if name not in known:
        fields: dict[str, Any] = {}
        for key, part in schema["properties"].items():
            # None is only the default of what is not there: as in the schema, a null is refused.
            fields[key] = (_type(part, definitions, known), ... if key in schema.get("required", ()) else None)
        known[name] = create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
    return known[name]


def _type(part: Schema, definitions: Schema, known: dict[str, type[BaseModel]]) -> Any:
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return _model(name, definitions[name], definitions, known)
    if "items" in part:
        length = Field(min_length=part.get("minItems"), max_length=part.get("maxItems"))
        return Annotated[list[_type(part["items"], definitions, known)], length]  # type: ignore[misc]
    if "enum" in part:
        return Literal[tuple(part["enum"])]
    if part["type"] == "string":
        length = Field(min_length=part.get("minLength"), max_length=part.get("maxLength"), pattern=part.get("pattern"))
        return Annotated[str, length]
    return Annotated[_SCALARS[part["type"]], Field(ge=part.get("minimum"), le=part.get("maximum"))]


def google_message() -> Any:
    """Return the message class that Google's protobuf makes of the standard's descriptors."""
    pool = descriptor_pool.DescriptorPool()
    _add(v1.Message.desc().file, pool, set())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(v1.Message.desc().type_name))


def _add(file: DescFile, pool: Any, added: set[str]) -> None:
    for dependency in file.dependencies:
        _add(dependency, pool, added)
    if file.name not in added:
        added.add(file.name)
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(file.proto.to_binary()))
