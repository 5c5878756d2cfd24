"""Values as people read them: with titles of codes, names of regions, units; and masked where they are sensitive."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from xinqiao.finding import Text
from xinqiao.masking import mask, mask_field
from xinqiao.standard import Field
from xinqiao_gateway.fronts.h5.fields import FormField
from xinqiao_gateway.fronts.h5.model import Row
from xinqiao_gateway.fronts.h5.money import amount_text, money_text
from xinqiao_gateway.fronts.h5.options import countries, options_of, region_name

__all__ = ["row_of", "stated_row"]

_CHINA = timezone(timedelta(hours=8))
_NUMBERS = frozenset({"DECIMAL", "QUANTITY"})


def row_of(field: FormField, value: object) -> Row:
    """Return a value of a form as a row of the page that is confirmed."""
    full = _full(field, value)
    return Row(field.title, full if field.open else _masked(field.field, value), full)


def stated_row(field: Field, value: object) -> Row:
    """Return a value that the partner states, and no form asks for."""
    return Row(field.title, _masked(field, value), _stated(field, value))


def _full(field: FormField, value: object) -> str | Text:
    if isinstance(value, list):
        return _joined(_option(field.options, each) for each in value)
    if isinstance(value, dict):
        return money_text(value)
    if field.field.kind in _NUMBERS:
        return amount_text(value)
    if field.widget == "country" and isinstance(value, str):
        return countries().get(value, value)
    if field.widget == "region" and isinstance(value, str):
        return f"{region_name(value)} {value}".strip()
    return _option(options_of(field.field), value)


def _stated(field: Field, value: object) -> str | Text:
    if field.kind == "TIMESTAMP" and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return amount_text(value) if field.kind in _NUMBERS else _option(options_of(field), value)


def _option(options: dict[str, Text] | object, value: object) -> str | Text:
    key = str(value).lower() if isinstance(value, bool) else str(value)
    return options.get(key, key) if isinstance(options, dict) else key


def _joined(texts: Iterable[str | Text]) -> Text:
    both = [each if isinstance(each, Text) else Text(each, each) for each in texts]
    return Text("、".join(each.zh for each in both), ", ".join(each.en for each in both))


def _masked(field: Field, value: object) -> str | Text:
    if field.sensitivity == "C1":
        options = options_of(field)
        return _joined(_option(options, each) for each in value) if isinstance(value, list) else _option(options, value)
    if isinstance(value, dict):
        return mask(value.get("value", ""), field.sensitivity)
    return "***" if isinstance(value, list) else mask_field(value, field)
