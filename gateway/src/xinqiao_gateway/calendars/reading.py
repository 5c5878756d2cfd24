"""Reading of ``DATA/calendars/*.yaml``, with errors that name file and line and say what to write instead."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from xinqiao.errors import ProfileInvalid, SettingsInvalid
from xinqiao_adapters.marked import Marked, read_marked
from xinqiao_gateway.calendars.calendar import Calendars
from xinqiao_gateway.calendars.years import Announced, CalendarFile, ProductCalendar, Year

__all__ = ["read_calendars", "read_model"]

Model = TypeVar("Model", bound=BaseModel)

_SAID = {
    "missing": "this key is missing; add it",
    "string_type": "a text is expected; put codes that are numbers in quotes",
    "int_parsing": "a whole number is expected",
}


def read_calendars(data: Path) -> Calendars:
    """Read the calendars of an installation folder; without files there are the bank's and the exchange's.

    Raises ``SettingsInvalid`` with file and line, also where two files name the same year or calendar.
    """
    years: dict[int, Year] = {}
    products: dict[str, ProductCalendar] = {}
    for path in sorted((data / "calendars").glob("*.yaml")):
        found, marked = read_model(path, CalendarFile)
        for year, days in found.years.items():
            _check_year(marked, year, days, years)
            years[year] = days
        for name, product in found.products.items():
            if name in products or name in {"bank", "exchange"}:
                mark = marked.mark(("products", name))
                raise SettingsInvalid(f"{mark}: {name} is there already; give it another name")
            products[name] = product
    return Calendars(Announced(years), products)


def _check_year(marked: Marked, year: int, days: Year, known: dict[int, Year]) -> None:
    mark = marked.mark(("years", str(year)))
    if year in known:
        raise SettingsInvalid(f"{mark}: {year} is in another file already; name each year once")
    other = sorted(day for day in days.holidays | days.workdays if day.year != year)
    if other:
        raise SettingsInvalid(f"{mark}: {other[0]} is not in {year}; put it under its own year")
    both = sorted(days.holidays & days.workdays)
    if both:
        raise SettingsInvalid(f"{mark}: {both[0]} is a holiday and a workday; leave it in one of them")


def read_model(path: Path, model: type[Model]) -> tuple[Model, Marked]:
    """Read a YAML file as a model; return it and where each part of it stands. Raises ``SettingsInvalid``."""
    try:
        marked = read_marked(path)
    except ProfileInvalid as error:
        raise SettingsInvalid(error.detail) from error
    try:
        return model.model_validate(marked.value), marked
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise SettingsInvalid("\n".join(_problem(marked, model, dict(each)) for each in errors)) from error


def _problem(marked: Marked, model: type[BaseModel], error: dict[str, Any]) -> str:
    where = tuple(error["loc"])
    said = _SAID.get(error["type"], error["msg"].removeprefix("Value error, "))
    if error["type"] == "extra_forbidden":
        near = get_close_matches(str(where[-1]), _keys(model), n=1)
        said = f"no such key here; write {near[0]}" if near else "no such key here; take it away"
    return f"{marked.mark(where)}: {'.'.join(map(str, where))}: {said}"


def _keys(model: type[BaseModel]) -> set[str]:
    """Return the keys that a model and the models in it have."""
    schema = model.model_json_schema()
    return {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})}
