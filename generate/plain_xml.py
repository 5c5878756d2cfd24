"""The XML form of a message as it stands, faults and all: for published vectors, and as a check on the SDK's codec."""

from lxml import etree

from xinqiao.message import Json, message_type
from xinqiao.standard import schema_of

__all__ = ["as_element"]

_NAMESPACE = "urn:xinqiao:v1"


def as_element(message: Json) -> etree._Element:
    """Return the element of a message in the order of its schema; what the schema does not have comes last."""
    schema = schema_of(message_type(message).name)
    return _element("message", message, schema, schema)


def _element(name: str, value: object, definition: Json, schema: Json) -> etree._Element:
    element = etree.Element(f"{{{_NAMESPACE}}}{name}", nsmap={None: _NAMESPACE})  # type: ignore[dict-item]
    if not isinstance(value, dict):
        element.text = str(value).lower() if isinstance(value, bool) else str(value)
        return element
    fields = definition.get("properties", {})
    for key in [*(each for each in fields if each in value), *(each for each in value if each not in fields)]:
        field = fields.get(key, {})
        reference = field.get("items", field).get("$ref", "")
        below = schema["$defs"].get(reference.rpartition("/")[2], {})
        for item in value[key] if isinstance(value[key], list) else [value[key]]:
            element.append(_element(key, item, below, schema))
    return element
