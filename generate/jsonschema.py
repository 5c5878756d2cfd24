"""JSON Schema 2020-12, one self-contained schema for each message type.

A schema describes the whole message (header and one body) and is open: unknown fields pass, because
a receiver keeps what a later 1.x may have added. The strict form is derived at load time (``xinqiao.validation``).
What JSON Schema has no word for travels under ``x-xinqiao``: class, Chinese title, sensitivity, kind, synonyms.
``index.json`` names the message types, so that nobody reads every schema to know them.
"""

import re
from pathlib import Path
from typing import Any

import orjson
from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    DescOneof,
    ScalarType,
)

from generate.descriptors import (
    field_annotation,
    field_rules,
    is_required,
    message_annotation,
    repeated_rules,
    value_annotation,
    values_of,
)
from xinqiao.buf.validate.validate_pb import FieldRules, Int32Rules, RepeatedRules, StringRules
from xinqiao.v1 import annotations_pb, message_pb

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Patterns name characters that nobody sees, and some that turn the text around them: these are written as escapes.
_INVISIBLE = re.compile(
    "[\u0300-\u036f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164\ufeff\uffa0\ufffe\uffff]"
)
GENERATED = "Generated from schemas/proto by make generate. Do not edit."


def write_schemas(folder: Path) -> None:
    """Write ``<MessageType>.schema.json`` for each body of ``Message``; remove what is stale."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = {f"{_message_of(body).name}.schema.json": message_schema(body) for body in bodies()}
    for stale in folder.glob("*.schema.json"):
        if stale.name not in fresh:
            stale.unlink()
    for name, schema in (fresh | {"index.json": _index()}).items():
        text = orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()
        escaped = _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        (folder / name).write_text(escaped + "\n", encoding="utf-8")


def _index() -> Schema:
    kinds = [(body.json_name, _message_of(body)) for body in bodies()]
    return {
        "$comment": GENERATED,
        "messages": [
            {
                "name": kind.name,
                "body": name,
                "class": message_annotation(kind).class_.name,
                "titleZh": message_annotation(kind).title_zh,
                "titleEn": message_annotation(kind).title_en,
            }
            for name, kind in kinds
        ],
    }


def bodies() -> list[DescField]:
    """Return the body fields of ``Message`` in the order of their numbers."""
    (oneof,) = (o for o in _message().oneofs if o.name == "body")
    return sorted(oneof.fields, key=lambda field: field.number)


def _message() -> DescMessage:
    return next(m for m in message_pb.desc().messages if m.name == "Message")


def _message_of(field: DescField) -> DescMessage:
    if not isinstance(field.value, DescFieldValueMessage):
        raise TypeError(f"{field.name} is not a message")
    return field.value.message


def message_schema(body: DescField) -> Schema:
    """Return the schema of ``{"header": …, "<body>": …}``."""
    kind = _message_of(body)
    definitions: dict[str, Schema] = {}
    header = next(field for field in _message().fields if field.name == "header")
    about = message_annotation(kind)
    schema = {
        "$schema": DIALECT,
        "$id": f"urn:xinqiao:v1:{kind.name}",
        "$comment": GENERATED,
        "title": about.title_en,
        "x-xinqiao": {"titleZh": about.title_zh, "class": about.class_.name, "body": body.json_name},
        "type": "object",
        "properties": {
            header.json_name: _field(header, definitions),
            body.json_name: _field(body, definitions),
        },
        "required": [header.json_name, body.json_name],
    }
    schema["$defs"] = dict(sorted(definitions.items()))
    return schema


def _object(message: DescMessage, definitions: dict[str, Schema]) -> Schema:
    """Return a reference to the definition of a message, defining it on the way."""
    if message.name not in definitions:
        definitions[message.name] = {}  # a placeholder ends the recursion of self-containing messages
        definitions[message.name] = _definition(message, definitions)
    return {"$ref": f"#/$defs/{message.name}"}


def _definition(message: DescMessage, definitions: dict[str, Schema]) -> Schema:
    about = message_annotation(message)
    schema: Schema = {
        "title": about.title_en,
        "x-xinqiao": {"titleZh": about.title_zh} | ({"oneCurrency": True} if about.one_currency else {}),
        "type": "object",
        "properties": {field.json_name: _field(field, definitions) for field in message.fields},
    }
    required = [field.json_name for field in message.fields if field_rules(field).required]
    if required:
        schema["required"] = required
    if message.oneofs:
        schema["x-xinqiao"]["choices"] = [[field.json_name for field in oneof.fields] for oneof in message.oneofs]
        schema["allOf"] = [_choice(oneof) for oneof in message.oneofs]
    return schema


def _choice(oneof: DescOneof) -> Schema:
    """Return the schema of a oneof: exactly one field, or at most one where none is needed."""
    present: list[Schema] = [{"required": [field.json_name]} for field in oneof.fields]
    return {"oneOf": present if is_required(oneof) else [*present, {"not": {"anyOf": present}}]}


def _field(field: DescField, definitions: dict[str, Schema]) -> Schema:
    about = field_annotation(field)
    schema: Schema = {"title": about.title_en}
    if about.description_en:
        schema["description"] = about.description_en
    schema["x-xinqiao"] = _extra(about)
    if isinstance(field.value, DescFieldValueList):
        schema |= _list(field.value, repeated_rules(field), definitions)
    else:
        schema |= _value(field.value, field_rules(field), definitions)
    if about.example:
        kind = schema.get("items", schema).get("type")
        schema["examples"] = [_example(about.example, kind, isinstance(field.value, DescFieldValueList))]
    return schema


def _extra(about: annotations_pb.FieldAnnotation) -> Schema:
    extra: Schema = {"titleZh": about.title_zh, "sensitivity": about.sensitivity.name}
    if about.description_zh:
        extra["descriptionZh"] = about.description_zh
    if about.kind:
        extra["kind"] = about.kind.name
    if about.codes:
        extra["codes"] = about.codes
    if about.sign:
        extra["sign"] = about.sign.name
    if about.synonyms:
        extra["synonyms"] = {name: each.source.name for each in about.synonyms for name in each.names}
    return extra


def _list(value: DescFieldValueList, rules: RepeatedRules, definitions: dict[str, Schema]) -> Schema:
    element = value.element
    if isinstance(element, DescMessage):
        items = _object(element, definitions)
    elif isinstance(element, DescEnum):
        items = _enum(element)
    else:
        items = _scalar(element, rules.items or FieldRules())
    # A repeated field that is present holds at least one item: an empty list has no binary form.
    return {"type": "array", "items": items, "minItems": 1, "maxItems": rules.max_items}


def _value(
    value: DescFieldValueScalar | DescFieldValueEnum | DescFieldValueMessage | DescFieldValueMap,
    rules: FieldRules,
    definitions: dict[str, Schema],
) -> Schema:
    if isinstance(value, DescFieldValueMessage):
        return _object(value.message, definitions)
    if isinstance(value, DescFieldValueEnum):
        return _enum(value.enum)
    if isinstance(value, DescFieldValueMap):
        raise TypeError("the standard has no maps")
    return _scalar(value.scalar, rules)


def _enum(enum: DescEnum) -> Schema:
    """Return the names of an enum, without the zero value, with their Chinese and English titles."""
    titles = {value.name: value_annotation(value) for value in values_of(enum)}
    return {
        "type": "string",
        "enum": list(titles),
        "x-values": {name: {"zh": about.title_zh, "en": about.title_en} for name, about in titles.items()},
    }


def _scalar(scalar: ScalarType, rules: FieldRules) -> Schema:
    constraint = rules.type.value if rules.type is not None else None
    if scalar is ScalarType.BOOL:
        return {"type": "boolean"}
    if scalar is ScalarType.STRING and isinstance(constraint, StringRules):
        schema: Schema = {"type": "string"}
        if constraint.min_len:
            schema["minLength"] = constraint.min_len
        if constraint.max_len:
            schema["maxLength"] = constraint.max_len
        return schema | {"pattern": constraint.pattern}
    if scalar is ScalarType.INT32 and isinstance(constraint, Int32Rules):
        low, high = constraint.greater_than, constraint.less_than
        if low is not None and high is not None:
            return {"type": "integer", "minimum": low.value, "maximum": high.value}
    raise ValueError(f"no JSON Schema for {scalar} with {rules}")


def _example(text: str, kind: str | None, repeated: bool) -> object:
    value = orjson.loads(text) if kind in {"boolean", "integer"} else text
    return [value] if repeated else value
