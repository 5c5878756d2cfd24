"""The section of a part: what it is, its fields, the values of its enums and its rules."""

from generate.dictionary.comments import comments
from generate.dictionary.markdown import heading
from generate.dictionary.rules import rule_table
from generate.dictionary.table import field_table, value_tables
from xinqiao.explanation import Part, part_rules
from xinqiao.standard import Schema

_AT_MOST_ONE = "以下字段至多其一 / at most one of these"


def described(part: Part, up: str) -> list[str]:
    """Return a part's heading, table of fields, values of its enums and rules; ``up`` leads to the dictionary."""
    lines = heading(part.name, f"{part.name} {part.title.zh}")
    lines += [*_said(part), *_claims(part.schema), *field_table(part, up), *value_tables(part)]
    rules = part_rules(part)
    return lines + (["", f"**{part.name} 的规则 / Rules**", "", *rule_table(rules, up)] if rules else [])


def _said(part: Part) -> list[str]:
    comment = comments().get(f"message {part.name}")
    return [comment, ""] if comment else []


def _claims(schema: Schema) -> list[str]:
    lines = []
    for choice in schema.get("allOf", ()):
        named = [each["required"][0] for each in choice["oneOf"] if "required" in each]
        said = "以下字段恰有其一 / exactly one of these" if len(named) == len(choice["oneOf"]) else _AT_MOST_ONE
        lines += [f"{said}: {'、'.join(f'`{name}`' for name in named)}", ""]
    if schema["x-xinqiao"].get("oneCurrency"):
        lines += ["其中的金额使用同一币种 / its amounts are in one currency", ""]
    return lines
