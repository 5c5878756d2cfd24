"""What can be chosen or named: values of enums, codes of lists, countries, and regions by name or code."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from xinqiao.explanation import code_lists
from xinqiao.finding import Text
from xinqiao.standard import Field

__all__ = ["YES_NO", "countries", "country_of", "options_of", "region_name", "region_of"]

YES_NO: Mapping[str, Text] = {"true": Text("是", "Yes"), "false": Text("否", "No")}


def options_of(field: Field) -> dict[str, Text]:
    """Return the values that a field may take, with their titles; none for one that takes any text."""
    item = field.schema.get("items", field.schema)
    if item.get("type") == "boolean":
        return dict(YES_NO)
    if "x-values" in item:
        return {value: Text(title["zh"], title["en"]) for value, title in item["x-values"].items()}
    if field.codes and field.kind == "CODE":
        codes = code_lists()[field.codes]["codes"]
        return {code: Text(title.get("zh", code), title.get("en", code)) for code, title in codes.items()}
    return {}


@cache
def countries() -> Mapping[str, Text]:
    """Return the countries and regions that most people name, with their titles; any other is typed as its code."""
    read = yaml.safe_load((files("xinqiao_gateway.fronts.h5") / "countries.yaml").read_bytes())
    return {code: Text(**title) for code, title in read.items()}


def country_of(text: str) -> str:
    """Return the code of a country that was typed as code or name; what is neither as it is."""
    typed = text.split(" ", maxsplit=1)[0] if " " in text and text[:2].isupper() and text[2] == " " else text
    if len(typed) == 2 and typed.isascii():
        return typed.upper()
    wanted = text.casefold()
    return next((code for code, title in countries().items() if wanted in {each.casefold() for each in title}), text)


@cache
def _regions() -> Mapping[str, str]:
    """Return the full names of the regions in force by their codes, as people write them in an address."""
    codes = code_lists()["gbt2260"]["codes"]
    names: dict[str, str] = {}
    for code, about in codes.items():
        if "until" in about:
            continue
        above = [codes.get(each, {}).get("zh", "") for each in (f"{code[:2]}0000", f"{code[:4]}00")]
        parts = [*above, about["zh"]]
        # 市辖区 and the like are no names that anybody writes.
        said = [each for each in dict.fromkeys(parts) if each and not each.startswith(("市辖", "省直辖", "自治区直辖"))]
        names[code] = "".join(said) or about["zh"]
    return names


@cache
def _codes() -> Mapping[str, str]:
    """Return the codes by full name; of two regions of one name the more exact one."""
    return {name: code for code, name in sorted(_regions().items()) if len(name) > 1}


def region_of(text: str) -> str:
    """Return the code of a region that was typed as code or full name; what is neither as it is."""
    return text if text.isdecimal() else _codes().get("".join(text.split()), text)


def region_name(code: str) -> str:
    """Return the full name of a region; empty where the code is of none."""
    return _regions().get(code, "")
