"""The first page: every message type and shared part, and how to read the others."""

from itertools import groupby

from generate.dictionary.body import bodies
from generate.dictionary.comments import comments
from generate.dictionary.markdown import GENERATED, both, cell, columns, heading
from generate.dictionary.place import is_shared, link
from generate.dictionary.rules import rule_link
from generate.dictionary.titles import CLASSES, FAMILIES, SENSITIVITIES, titles_of
from xinqiao.expectation import expectation_of
from xinqiao.explanation import parts, value_rules
from xinqiao.v1.annotations_pb import FieldAnnotation, Synonym

_WELCOME = """\
# 数据字典 / Data dictionary

{generated}

标准共有 {count} 种消息。每种消息一页：类别、结构图、各部分的字段、规则和一条示例；多种消息共用的部分各有一页。

The standard has {count} message types. Each has a page: its class, a diagram, the fields of its parts, the rules and an
example. Parts that several message types hold have pages of their own.

[消息 messages](#messages) · [共用部分 shared parts](#parts) · [读法 how to read](#reading) ·
[取值种类 kinds of value](#kinds) · [敏感级别 sensitivity](#sensitivity) · [同义名 synonyms](#synonyms) ·
[规则 rules](rules.md) · [代码表 code lists](codes.md)"""
_READING = """\
* 消息由消息头 `header` 和恰好一个消息体组成。字段名即规范 JSON 中的名称，路径写作 `body.part.list[0].field`。<br>
  A message is a `header` and exactly one body. Fields have their names of canonical JSON, paths are written like
  `body.part.list[0].field`.
* 次数：`1` 必填，`0..1` 可选，`1..20` 和 `0..20` 为数组；数组出现时至少一项。<br>
  How often: `1` is required, `0..1` optional, `1..20` and `0..20` are arrays; one that is present has an item.
* 金额和数量是十进制字符串，日期为 ISO 8601。<br>
  Money and quantities are decimal strings, dates are ISO 8601.
* 同样的内容可用命令查询：`xinqiao explain 证件号码`。<br>
  A command prints the same: `xinqiao explain CertNo`.

| 类别 class | 含义 means |
|---|---|"""


def index_page() -> list[str]:
    """Return the lines of ``README.md``."""
    return [
        _WELCOME.format(generated=GENERATED, count=len(bodies())),
        *_message_index(),
        *_part_index(),
        *heading("reading", "读法 / How to read"),
        _READING,
        *(f'| <a id="{name}"></a>`{name}` | {cell(*said)} |' for name, said in CLASSES.items()),
        *_kinds(),
        *_sensitivities(),
        *_synonym_sources(),
    ]


def _message_index() -> list[str]:
    lines = heading("messages", "消息 / Messages")
    for family, members in groupby(bodies(), key=lambda body: body.family):
        lines += heading(f"family-{family}", both(FAMILIES[family]), level=3)
        lines += ["| 消息 message | 中文 | English | 类别 class | 编号 number |", "|---|---|---|---|---|"]
        lines += [
            f"| [{each.kind.name}]({each.kind.name}.md) | {columns(each.kind.title)} "
            f"| [{each.kind.message_class}](#{each.kind.message_class}) | {each.number} |"
            for each in members
        ]
    return lines


def _part_index() -> list[str]:
    lines = heading("parts", "共用部分 / Shared parts")
    lines += ["| 部分 part | 中文 | English | 用于消息 used in |", "|---|---|---|---|"]
    shared = sorted((part for part in parts().values() if is_shared(part)), key=lambda part: part.name)
    return lines + [f"| {link(part, '')} | {columns(part.title)} | {len(part.used_in)} |" for part in shared]


def _kinds() -> list[str]:
    lines = heading("kinds", "取值种类 / Kinds of value")
    lines += ["| 种类 kind | 中文 | English | 形式 form | 规则 rules |", "|---|---|---|---|---|"]
    for kind, title in titles_of(FieldAnnotation.Kind.desc()).items():
        schema = {"pattern": "", "x-xinqiao": {"kind": kind}}
        rules = " ".join(rule_link(rule, "") for rule in value_rules(schema))
        form = cell(*expectation_of(schema))
        lines.append(f'| <a id="{kind}"></a>`{kind}` | {columns(title)} | {form} | {rules} |')
    return lines


def _sensitivities() -> list[str]:
    lines = heading("sensitivity", "敏感级别（JR/T 0171-2020）/ Sensitivity (JR/T 0171-2020)")
    lines += ["| 级别 level | 含义 means |", "|---|---|"]
    return lines + [f"| {name} | {cell(*said)} |" for name, said in SENSITIVITIES.items()]


def _synonym_sources() -> list[str]:
    lines = heading("synonyms", "同义名的来源 / Where synonyms come from")
    lines += ["| 来源 source | 中文 | English | 说明 note |", "|---|---|---|---|"]
    return lines + [
        f'| <a id="{source}"></a>`{source}` | {columns(title)} | {comments().get(f"annotations {source}", "")} |'
        for source, title in titles_of(Synonym.Source.desc()).items()
    ]
