"""The partner's code tables, with what each code means in both languages."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from xinqiao.finding import Text
from xinqiao.standard import field_at
from xinqiao_adapters.listing import ListedRow
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.converters import Converter
from xinqiao_adapters.mapping.shapes import Shape, shape_at

__all__ = ["CodeList", "CodeValue", "code_lists_of", "meanings", "table_name"]

_FLAGS = {"True": Text("是", "yes"), "False": Text("否", "no")}


@dataclass(frozen=True, slots=True)
class CodeValue:
    """A code and its meaning; ``sent`` is false for one that is read only, because another one goes out."""

    code: str
    meaning: Text
    sent: bool = True


@dataclass(slots=True)
class CodeList:
    """A table of the profile: its codes, the partner's paths that use it, and values without a code."""

    name: str
    title: Text
    values: list[CodeValue]
    missing: list[tuple[Text, str]]
    used_at: list[str] = field(default_factory=list)


def table_name(loaded: LoadedProfile, row: ListedRow) -> str | None:
    """Return the name of the code table that a row uses."""
    leaf = row.item
    if leaf is None or not leaf.converter.table:
        return None
    if row.said is not None and row.said.codes is not None:
        return row.said.codes
    tables = loaded.profile.codes.items()
    return next((name for name, each in tables if each.values == leaf.converter.table), None)


def meanings(converter: Converter, shape: Shape | None) -> list[CodeValue]:
    """Return what the codes of a converter mean."""
    return [CodeValue(code, _meaning(value, shape)) for code, value in converter.table.items()]


def _meaning(value: str, shape: Shape | None) -> Text:
    if value in _FLAGS:
        return _FLAGS[value]
    said = shape.schema.get("x-values", {}).get(value) if shape else None
    return Text(said["zh"], said["en"]) if said else Text(value, value)


def code_lists_of(loaded: LoadedProfile, body: str, rows: Iterable[ListedRow], found: dict[str, CodeList]) -> None:
    """Add the code tables that the rows of an interface use to ``found``."""
    for row in rows:
        name = table_name(loaded, row)
        if name is None:
            continue
        if name not in found:
            found[name] = _code_list(loaded, name, body, row)
        if row.partner_path not in found[name].used_at:
            found[name].used_at.append(row.partner_path)


def _code_list(loaded: LoadedProfile, name: str, body: str, row: ListedRow) -> CodeList:
    table, shape, field_of = loaded.profile.codes[name], shape_at(body, row.names), field_at(body, ".".join(row.names))
    values = [
        CodeValue(code, _meaning(value, shape), sent=table.send.get(value, code) == code)
        for code, value in table.values.items()
    ]
    missing = [(_meaning(value, shape), reason) for value, reason in table.missing.items()]
    return CodeList(name, field_of.title if field_of else Text(name, name), values, missing)
