"""Which converter a row asks for, and whether it fits the field."""

from collections.abc import Callable

from xinqiao.finding import Text
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.choices import boolean, codes, only
from xinqiao_adapters.mapping.converters import TEXT, Converter
from xinqiao_adapters.mapping.dates import date_pattern, datetime_iso, datetime_pattern, month_pattern, time_pattern
from xinqiao_adapters.mapping.layers import layered
from xinqiao_adapters.mapping.numbers import decimal, fen, implied, integer, scaled
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


def _digits(row: Row, most: int, least: int = 0) -> tuple[int, int]:
    """Return the most and the least digits after the partner's point; those given where the row says none."""
    if isinstance(row.decimal, Digits):
        return row.decimal.most, row.decimal.least
    return (row.decimal, 0) if row.decimal is not None else (most, least)


def _amount(row: Row) -> Converter:
    if row.amount == "fen":
        if row.decimal is not None:
            raise ValueError("fen are whole: leave decimal out")
        return fen()
    if row.amount == "wan":
        return scaled(4, *_digits(row, 6), Text("金额，单位万元", "an amount in units of 10,000"))
    return decimal(*_digits(row, 2, 2))


def _percent(row: Row) -> Converter:
    if row.percent == "sign":
        return decimal(*_digits(row, 8))
    return scaled(2, *_digits(row, 8), Text("比率，1 为百分之百", "a ratio, 1 is a hundred per cent"))


def _boolean(row: Row) -> Converter:
    codes_of = {name: [said] if isinstance(said, str) else said for name, said in (row.boolean or {}).items()}
    return boolean(codes_of["true"], codes_of["false"])


_MAKERS: dict[str, Callable[[Row], Converter]] = {
    "only": lambda row: only(row.only or {}),
    "date": lambda row: date_pattern(str(row.date)),
    "datetime": _datetime,
    "time": lambda row: time_pattern(str(row.time)),
    "amount": _amount,
    "percent": _percent,
    "implied": lambda row: implied(row.implied or 0),
    "decimal": lambda row: decimal(*_digits(row, 0)),
    "integer": lambda row: integer(),  # noqa: ARG005 -- one shape for all makers
    "boolean": _boolean,
}


def said_converters(row: Row) -> list[str]:
    """Return the names of the converters that a row gives; one is enough (digits go with an amount or per cent)."""
    said = [name for name in (*_MAKERS, "codes") if getattr(row, name) is not None]
    return [name for name in said if name != "decimal" or not {"amount", "percent"} & set(said)]


def converter_for(loaded: LoadedProfile, row: Row, where: Where, shape: Shape, path: str, encoding: str) -> Converter:
    """Return the converter of a row for the field at ``path``; ``encoding`` is that of the format.

    Raises ``ProfileInvalid`` where the row gives more than one, a wrong pattern, or one that does not fit.
    """
    said = said_converters(row)
    if len(said) > 1:
        loaded.fail(where, f"one converter is enough, here are {' and '.join(said)}")
    if row.datetime is None and (row.zone is not None or row.fraction is not None):
        loaded.fail(where, "zone and fraction belong to datetime")
    try:
        converter = _code_table(loaded, row, where, shape, path) if said == ["codes"] else _made(row, said, shape)
        whole = layered(converter, row, encoding)
    except ValueError as error:
        loaded.fail((*where, *said), str(error))
    if shape.kind not in converter.fits:
        name = said[0] if said else "a row without converter"
        loaded.fail(where, f"{name} does not fit {path}, which is of kind {shape.kind}")
    for value in (row.only or {}).values():
        if not shape.allows(value):
            loaded.fail((*where, "only"), f"{value!r} is no value of {path}")
    return whole


def _made(row: Row, said: list[str], shape: Shape) -> Converter:
    if said == ["date"] and shape.kind == "month":
        return month_pattern(str(row.date))
    return _MAKERS[said[0]](row) if said else TEXT


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
