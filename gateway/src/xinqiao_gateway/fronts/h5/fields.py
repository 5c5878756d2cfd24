"""Form fields made from the standard: title, form, limits, values and sensitivity come from a message's definition.

A flow's file says which fields a step asks for and in what order, which of them are needed, and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import Field, Schema, field_at, message_types, schema_of
from xinqiao_gateway.fronts.h5.model import STRICT, Said
from xinqiao_gateway.fronts.h5.options import options_of

__all__ = ["FieldSpec", "FormField", "Widget", "form_field"]

Widget = Literal[
    "text", "lines", "date", "number", "tel", "email", "document", "region", "country", "money", "radio", "select",
    "checkboxes",
]  # fmt: skip

_MOST_RADIOS = 5
_LONG_TEXT = 300
_BY_NAME: Mapping[str, Widget] = {"mobile": "tel", "phone": "tel", "fax": "tel", "email": "email"}
_BY_KIND: Mapping[str, Widget] = {
    "DATE": "date", "LINES": "lines", "REGION": "region", "COUNTRY": "country", "COUNT": "number",
    "DECIMAL": "number", "QUANTITY": "number", "PERCENTAGE": "number", "RATE": "number",
}  # fmt: skip
# What browsers may fill in of the person who holds the device.
_AUTOCOMPLETE = {
    "applicant.name": "name", "applicant.contact.mobile": "tel", "applicant.contact.email": "email",
    "applicant.birthDate": "bday", "postalCode": "postal-code",
}  # fmt: skip


class FieldSpec(BaseModel):
    """One field of a step: its path, whether it is needed here, the values offered, and a title of the flow's own.

    ``unless`` names a field beside it that makes it needless where it says yes. ``open``: it is not masked on the page
    that is confirmed, such as the amount of an order. A path alone stands for the field as the standard has it.
    """

    model_config = STRICT

    field: str
    needed: bool = False
    unless: str = ""
    values: tuple[str, ...] = ()
    title: Said | None = None
    hint: Said | None = None
    currency: str = "CNY"
    open: bool = False

    @classmethod
    def read(cls, value: object) -> "FieldSpec":
        """Read a field of a flow's file."""
        return cls.model_validate({"field": value} if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as a form has it. ``path`` is that in the body, or inside the item of a repeated part."""

    path: str
    field: Field
    widget: Widget
    title: Text
    hint: Text | None
    needed: bool
    unless: str
    options: Mapping[str, Text]
    currency: str
    open: bool

    @property
    def many(self) -> bool:
        """Whether it holds several values."""
        return self.field.schema.get("type") == "array"

    @property
    def longest(self) -> int | None:
        """The most characters that it takes."""
        most: int | None = self.field.schema.get("maxLength")
        return most

    @property
    def autocomplete(self) -> str:
        """What a browser may fill in."""
        return _AUTOCOMPLETE.get(self.path, "off")


def form_field(body: str, spec: FieldSpec, each: str = "") -> FormField:
    """Return a field of a message's body; ``each`` is the path of the repeated part that it stands in.

    Raises ``ValueError`` for a path that the standard does not have, or that holds what no field can.
    """
    path = ".".join(filter(None, (body, each, spec.field)))
    field = field_at(body, path)
    if field is None:
        raise ValueError(f"{path} is no field of the standard")
    options = options_of(field)
    if unknown := [value for value in spec.values if value not in options]:
        raise ValueError(f"{path} does not take {', '.join(unknown)}")
    offered = {value: options[value] for value in spec.values} if spec.values else options
    return FormField(
        path=spec.field,
        field=field,
        widget=_widget(field, offered),
        title=spec.title.text if spec.title else field.title,
        hint=spec.hint.text if spec.hint else _description(field),
        needed=spec.needed or _is_required(body, ".".join(filter(None, (each, spec.field))), within=each),
        unless=spec.unless,
        options=offered,
        currency=spec.currency,
        open=spec.open,
    )


def _widget(field: Field, options: Mapping[str, Text]) -> Widget:
    schema = field.schema
    if schema.get("$ref", "").endswith("/Money"):
        return "money"
    if "$ref" in schema or "$ref" in schema.get("items", {}):
        raise ValueError(f"{field.path} is a part with fields of its own; name these")
    if schema.get("type") == "array":
        if not options:
            raise ValueError(f"{field.path} takes a list of free texts, for which there is no field")
        return "checkboxes"
    if options:
        return "radio" if len(options) <= _MOST_RADIOS else "select"
    return _text_widget(field)


def _text_widget(field: Field) -> Widget:
    name, schema = field.path.rpartition(".")[2], field.schema
    if field.path.endswith("documents.number"):
        return "document"
    if schema.get("type") == "integer":
        return "number"
    if (schema.get("maxLength") or 0) >= _LONG_TEXT:
        return "lines"
    return _BY_NAME.get(name) or _BY_KIND.get(field.kind or "", "text")


def _description(field: Field) -> Text | None:
    zh, en = field.schema["x-xinqiao"].get("descriptionZh"), field.schema.get("description")
    return Text(zh, en) if zh and en else None


def _is_required(body: str, path: str, within: str) -> bool:
    """Say whether the standard asks for a field wherever its message, or the item that it stands in, is there."""
    schema = schema_of(message_types()[body].name)
    definitions: Schema = schema["$defs"]
    part: Json = definitions[message_types()[body].name]
    names: Sequence[str] = [each.partition("[")[0] for each in path.split(".")]
    skipped = len(within.split(".")) if within else 0
    for number, name in enumerate(names):
        if number >= skipped and name not in part.get("required", ()):
            return False
        below = part["properties"][name]
        reference = below.get("items", below).get("$ref", "")
        part = definitions.get(reference.rpartition("/")[2], {})
    return True
