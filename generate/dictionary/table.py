"""The tables of a part: its fields, and the values of its enums."""

import json
from collections.abc import Iterator

from generate.dictionary.markdown import cell, code, escape
from generate.dictionary.place import link
from generate.dictionary.titles import titles_of
from xinqiao.expectation import expectation_of
from xinqiao.explanation import Part, cardinality, parts, reference
from xinqiao.finding import Text
from xinqiao.standard import Schema
from xinqiao.v1.annotations_pb import FieldAnnotation

_HEAD = [
    "| 字段 field | 名称 name | 形式 form | 次数 count | 敏感 sensitivity | 示例 example | 说明与同义名 notes |",
    "|---|---|---|---|---|---|---|",
]


def field_table(part: Part, up: str) -> list[str]:
    """Return the table of a part's fields; ``up`` leads to the folder of the dictionary."""
    return [*_HEAD, *(_row(part, name, up) for name in part.schema["properties"])]


def _row(part: Part, name: str, up: str) -> str:
    field = part.schema["properties"][name]
    about = field["x-xinqiao"]
    cells = (
        f'<a id="{part.name}.{name}"></a>`{name}`',
        cell(about["titleZh"], field["title"]),
        _form(part, name, up),
        cardinality(part.schema, name),
        about["sensitivity"],
        "".join(code(_first(example)) for example in field.get("examples", ())),
        cell(*_notes(field, up), escaped=True),
    )
    return f"| {' | '.join(cells)} |"


def _form(part: Part, name: str, up: str) -> str:
    field = part.schema["properties"][name]
    about, item, held = field["x-xinqiao"], field.get("items", field), reference(field)
    if held:
        return cell(link(parts()[held], up), *_sign(about), escaped=True)
    if "enum" in item:
        return f"[枚举值 values](#{part.name}.{name}.values)"
    kind = [f"[`{about['kind']}`]({up}README.md#{about['kind']})"] if "kind" in about else []
    codes = [f"[{about['codes']}]({up}codes.md#{about['codes']})"] if "codes" in about else []
    words = [escape(each) for each in expectation_of(field, item=True)]
    return cell(" ".join((*kind, *codes)), *words, *_sign(about), escaped=True)


def _sign(about: Schema) -> Text | tuple[()]:
    return titles_of(FieldAnnotation.Sign.desc())[about["sign"]] if "sign" in about else ()


def _first(example: object) -> str:
    value = example[0] if isinstance(example, list) else example
    return value if isinstance(value, str) else json.dumps(value)


def _notes(field: Schema, up: str) -> Iterator[str]:
    about = field["x-xinqiao"]
    yield from (escape(said) for said in (about.get("descriptionZh"), field.get("description")) if said)
    by_source: dict[str, list[str]] = {}
    for name, source in about.get("synonyms", {}).items():
        by_source.setdefault(source, []).append(code(name))
    for source, names in by_source.items():
        yield f"[{source}]({up}README.md#{source}): {' '.join(names)}"


def value_tables(part: Part) -> Iterator[str]:
    """Yield the lines of a table of values for each field that holds an enum."""
    for name, field in part.schema["properties"].items():
        values = field.get("items", field).get("x-values")
        if values:
            yield from ("", f'<a id="{part.name}.{name}.values"></a>', "")
            yield f"**`{name}` 的取值 / Values of `{name}`**"
            yield from ("", "| 值 value | 中文 | English |", "|---|---|---|")
            yield from (f"| `{each}` | {escape(said['zh'])} | {escape(said['en'])} |" for each, said in values.items())
