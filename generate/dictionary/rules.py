"""The page of rules, and the tables of the rules on a part or a message."""

from collections.abc import Iterable

from generate.dictionary.markdown import GENERATED, cell, code, escape
from generate.dictionary.place import link
from generate.dictionary.titles import titles_of
from xinqiao.explanation import PartRule, level_text, parts
from xinqiao.finding import Text
from xinqiao.rules import metadata
from xinqiao.rules.rule import Metadata
from xinqiao.v1.annotations_pb import FieldAnnotation

# What rules apply to that is no part, no kind and no sign.
_ELSEWHERE = {
    "*": Text("凡有其所读字段之处", "wherever the fields that it reads are"),
    "Message": Text("整条消息", "the whole message"),
    "oneCurrency": Text("声明金额币种相同的部分", "parts that say their amounts are in one currency"),
}
# An id is one word: browsers break at a plain hyphen.
_HYPHEN = "&#8209;"
_HEAD = """\
# 规则 / Rules

{generated}

[数据字典 / Data dictionary](README.md)

结构之外的要求：校验位、合计、日期次序、币种等。`ERROR` 使消息无效，`WARNING` 只作提示。括号中为事实类消息的级别；
对指令类消息一律只作提示。

What no schema says: check digits, sums, the order of dates, currencies. An `ERROR` makes a message invalid, a
`WARNING` does not. The level on facts stands in brackets where it is another; on directives every rule only warns.

| 规则 rule | 级别 level | 适用于 where | 内容 says | 修正 fix | 来源 source |
|---|---|---|---|---|---|"""


def rules_page() -> list[str]:
    """Return the lines of ``rules.md``."""
    return [_HEAD.format(generated=GENERATED), *map(_rule_row, metadata().values())]


def _rule_row(rule: Metadata) -> str:
    unbroken = f'<a id="{rule.id}"></a>{rule.id.replace("-", _HYPHEN)}'
    says = f"{cell(*rule.text)} | {cell(*rule.fix)} | {escape(rule.source)}"
    return f"| {unbroken} | {level_text(rule)} | {_where(rule)} | {says} |"


def _where(rule: Metadata) -> str:
    return "<br>".join(_applicable(name) for name in rule.applies_to)


def _applicable(name: str) -> str:
    signs = titles_of(FieldAnnotation.Sign.desc())
    if name in parts():
        return link(parts()[name], "")
    if name in signs:
        return cell(*signs[name])
    if name.upper() in titles_of(FieldAnnotation.Kind.desc()):
        return f"[`{name.upper()}`](README.md#{name.upper()})"
    return cell(*_ELSEWHERE[name])


def rule_table(rules: Iterable[PartRule], up: str) -> list[str]:
    """Return the table of rules with the fields that they read."""
    rows = [
        f"| {rule_link(rule.about, up)} | {level_text(rule.about)} | {' '.join(code(each) for each in rule.fields)} "
        f"| {cell(*rule.about.text)} |"
        for rule in rules
    ]
    return ["| 规则 rule | 级别 level | 字段 fields | 内容 says |", "|---|---|---|---|", *rows]


def rule_link(about: Metadata, up: str) -> str:
    """Return a link to a rule; ``up`` leads to the folder of the dictionary."""
    return f"[{about.id}]({up}rules.md#{about.id})"
