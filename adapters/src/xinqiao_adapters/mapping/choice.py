"""Which converter a row asks for, and whether it fits the field."""

from collections.abc import Callable

from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.converters import (
    TEXT,
    Converter,
    boolean,
    codes,
    date_pattern,
    datetime_iso,
    datetime_pattern,
    decimal,
    fen,
    integer,
)
from xinqiao_adapters.mapping.shapes import Shape
from xinqiao_adapters.marked import Where
from xinqiao_adapters.profile import Digits, Row

__all__ = ["converter_for", "said_converters"]


def _datetime(row: Row) -> Converter:
    if row.zone is None:
        raise ValueError('a datetime needs its zone, e.g. zone: "+08:00"')
    if row.datetime == "iso":
        if row.fraction is not None:
            raise ValueError("iso holds fractions: leave fraction out")
        return datetime_iso(row.zone)
    return datetime_pattern(str(row.datetime), row.zone, drop_fraction=row.fraction == "drop")


def _decimal(row: Row) -> Converter:
    if isinstance(row.decimal, Digits):
        return decimal(row.decimal.most, row.decimal.least)
    return decimal(row.decimal or 0)


def _boolean(row: Row) -> Converter:
    codes_of = {name: [said] if isinstance(said, str) else said for name, said in (row.boolean or {}).items()}
    return boolean(codes_of["true"], codes_of["false"])


_MAKERS: dict[str, Callable[[Row], Converter]] = {
    "date": lambda row: date_pattern(str(row.date)),
    "datetime": _datetime,
    "amount": lambda row: fen() if row.amount == "fen" else decimal(2, 2),
    "decimal": _decimal,
    "integer": lambda row: integer(),  # noqa: ARG005 -- one shape for all makers
    "boolean": _boolean,
}


def said_converters(row: Row) -> list[str]:
    """Return the names of the converters that a row gives; one is enough."""
    return [name for name in (*_MAKERS, "codes") if getattr(row, name) is not None]


def converter_for(loaded: LoadedProfile, row: Row, where: Where, shape: Shape, path: str) -> Converter:
    """Return the converter of a row for the field at ``path``.

    Raises ``ProfileInvalid`` where the row gives more than one, a wrong pattern, or one that does not fit.
    """
    said = said_converters(row)
    if len(said) > 1:
        loaded.fail(where, f"one converter is enough, here are {' and '.join(said)}")
    if row.datetime is None and (row.zone is not None or row.fraction is not None):
        loaded.fail(where, "zone and fraction belong to datetime")
    if said == ["codes"]:
        converter = _code_table(loaded, row, where, shape, path)
    else:
        try:
            converter = _MAKERS[said[0]](row) if said else TEXT
        except ValueError as error:
            loaded.fail((*where, *said), str(error))
    if shape.kind not in converter.fits:
        name = said[0] if said else "a row without converter"
        loaded.fail(where, f"{name} does not fit {path}, which is of kind {shape.kind}")
    return converter


def _code_table(loaded: LoadedProfile, row: Row, where: Where, shape: Shape, path: str) -> Converter:
    tables = loaded.profile.codes
    name = str(row.codes)
    if name not in tables:
        loaded.fail((*where, "codes"), f"there is no code table {name!r}; known: {', '.join(tables) or 'none'}")
    table = tables[name]
    strange = set(table.values.values()) - set(shape.names)
    if shape.names and strange:
        problem = f"{', '.join(sorted(strange))}: no value of {path}; known: {', '.join(shape.names)}"
        loaded.fail(("codes", name), problem)
    try:
        return codes(table.values, table.send)
    except ValueError as error:
        loaded.fail(("codes", name), str(error))
