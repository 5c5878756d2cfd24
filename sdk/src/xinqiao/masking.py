"""Masks for values that people see: findings, logs, pages (JR/T 0171-2020)."""

from xinqiao.message import Json
from xinqiao.standard import Field, field_at

__all__ = ["mask", "mask_field", "mask_message"]


def mask(value: object, sensitivity: str) -> str:
    """Return what may be shown of a value.

    C1 as it is; C2 its ends at most (``110***********007X``); C3 nothing. Unknown fields count as C2.
    """
    text = str(value)
    if sensitivity == "C1":
        return text
    # The ends of a word from a short list would tell which one it is.
    if sensitivity == "C3" or isinstance(value, bool):
        return "***"
    shown = len(text) // 4 if len(text) < 12 else 3
    if shown == 0:
        return "*" * min(len(text), 3)
    hidden = max(len(text) - 2 * shown, 1)
    return f"{text[:shown]}{'*' * min(hidden, 40)}{text[len(text) - shown :]}"


def mask_field(value: object, field: Field | None) -> str:
    """Return what may be shown of a field's value; of a code or a flag nothing unless it is C1."""
    sensitivity = field.sensitivity if field else "C2"
    schema = field.schema.get("items", field.schema) if field else {}
    coded = "enum" in schema or schema.get("type") == "boolean"
    return "***" if coded and sensitivity != "C1" else mask(value, sensitivity)


def mask_message(message: Json, body: str) -> Json:
    """Return a copy of a message for display: every C2 and C3 scalar masked, unknown fields too."""

    def visit(value: object, path: str) -> object:
        if isinstance(value, dict):
            return {name: visit(part, f"{path}.{name}" if path else name) for name, part in value.items()}
        if isinstance(value, list):
            return [visit(part, path) for part in value]
        field = field_at(body, path)
        return value if field and field.sensitivity == "C1" else mask_field(value, field)

    masked = visit(message, "")
    assert isinstance(masked, dict)  # noqa: S101 -- a message is an object
    return masked
