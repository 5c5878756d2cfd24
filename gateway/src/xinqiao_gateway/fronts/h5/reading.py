"""What was typed, as values of a message's body. What is none stays as it was typed, for the check to say so."""

import re
from collections.abc import Callable, Mapping

from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.fields import FormField, Widget
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.options import country_of, region_of

__all__ = ["read_field"]

_SEPARATORS = re.compile("[,，\\s]")
_INTEGER = re.compile("-?[0-9]{1,9}")


def read_field(field: FormField, name: str, form: FormData) -> object:
    """Return the value of a field that was posted under a name; None where nothing was typed."""
    if field.many:
        return form.all(name) or None
    text = form.one(name)
    if not text:
        return None
    if field.widget == "money":
        return _money(field, text)
    return _scalar(field, text)


def _money(field: FormField, text: str) -> Json:
    return {"value": _without_separators(text), "currency": field.currency}


def _scalar(field: FormField, text: str) -> object:
    kind = field.field.schema.get("type")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else text
    mended = _MENDED.get(field.widget)
    return mended(text) if mended else text


def _without_separators(text: str) -> str:
    return _SEPARATORS.sub("", text)


def _document(text: str) -> str:
    return "".join(text.split()).upper()


# What people may write in several ways, and the standard has one of.
_MENDED: Mapping[Widget, Callable[[str], str]] = {
    "number": _without_separators,
    "document": _document,
    "region": region_of,
    "country": country_of,
}
