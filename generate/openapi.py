"""``schemas/openapi/v1.json``: OpenAPI 3.1 components, every definition of the standard once.

For who describes an API of their own that carries the messages: ``$ref: v1.json#/components/schemas/KycApplication``
is a body, ``…/KycApplication.Message`` the whole message with its header, ``…/Message`` any of them.
"""

from pathlib import Path

import orjson

from generate.jsonschema import GENERATED, Schema, bodies, message_schema

_DEFINED = "#/$defs/"
_COMPONENT = "#/components/schemas/"


def write_openapi(path: Path) -> None:
    """Write the document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(_document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _document() -> Schema:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Xinqiao 信桥",
            "version": "1.0",
            "summary": "The messages of the standard, for other API descriptions to refer to.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "x-generated": GENERATED,
        "components": {"schemas": dict(sorted(_components().items()))},
    }


def _components() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    messages = []
    for body in bodies():
        schema = message_schema(body)
        name = schema["$id"].rpartition(":")[2]
        for defined, part in schema["$defs"].items():
            found.setdefault(defined, _referring(part))
        whole = {key: part for key, part in schema.items() if not key.startswith("$")}
        found[f"{name}.Message"] = _referring(whole)
        messages.append({"$ref": f"{_COMPONENT}{name}.Message"})
    return found | {"Message": {"title": "Message", "oneOf": messages}}


def _referring(schema: Schema) -> Schema:
    """Return a schema whose references point to components."""
    text = orjson.dumps(schema).replace(_DEFINED.encode(), _COMPONENT.encode())
    referring: Schema = orjson.loads(text)
    return referring
