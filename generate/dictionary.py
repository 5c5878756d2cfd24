"""``docs/dictionary``: the standard for people who read it, in Chinese and English, with a page a message type.

Written from the generated schemas, the rules, the code lists and the vectors: run it after ``write_schemas``. A part
that several message types hold has a page of its own; another stands on the page of its message type.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from protobuf import DescEnum, DescFieldValueMessage

from generate import PROTO
from generate.jsonschema import bodies
from xinqiao.expectation import expectation_of
from xinqiao.explanation import (
    Part,
    PartRule,
    cardinality,
    code_lists,
    fields_of_codes,
    message_rules,
    part_rules,
    parts,
    reference,
    value_rules,
)
from xinqiao.finding import Text
from xinqiao.rules import metadata
from xinqiao.rules.rule import Metadata
from xinqiao.standard import MessageType, Schema, message_types
from xinqiao.testing import vector
from xinqiao.v1 import annotations_pb

GENERATED = "<!-- Generated from schemas by make generate. Do not edit. -->"
_MOST_CODES = 100
_LONGEST_WORD = 32
_COMMENT = re.compile(r"((?:^ *//.*\n)+) *(message(?= )|)\s*([A-Za-z0-9_]+)(?: =| \{)", re.MULTILINE)

# By the name of a family's proto file.
_FAMILIES = {
    "kyc": Text("客户尽职调查", "Customer due diligence"),
    "contract": Text("信托合同", "Trust contract"),
    "delivery": Text("信托财产交付", "Delivery of trust property"),
    "insurance": Text("保险金信托", "Insurance trust"),
    "payment": Text("资金收付", "Payment"),
    "valuation": Text("估值", "Valuation"),
    "disclosure": Text("信息披露", "Disclosure"),
    "trade": Text("交易", "Trade"),
    "distribution": Text("信托利益分配", "Distribution"),
    "prepaid": Text("预付资金服务信托", "Prepaid funds"),
    "securitisation": Text("资产证券化", "Securitisation"),
    "lending": Text("贷款", "Lending"),
    "registry": Text("信托登记", "Trust registration"),
    "annuity": Text("年金", "Annuity"),
    "collateral": Text("担保品", "Collateral"),
    "resolution": Text("风险处置", "Resolution"),
    "person": Text("人员事件", "Person events"),
    "reconciliation": Text("对账", "Reconciliation"),
    "control": Text("控制", "Control"),
}
_CLASSES = {
    "REQUEST": Text(
        "请求：要求办理某事，可因次序或政策被拒绝", "request: asks for something, may be refused for order or policy"
    ),
    "FACT": Text(
        "事实：告知已发生之事，有效者不因次序被拒绝", "fact: says what has happened, never refused for its order"
    ),
    "DIRECTIVE": Text(
        "指令：有权机关的命令，优先于排队中的事项", "directive: an authority's order, outranks what is queued"
    ),
}
_SENSITIVITIES = {
    "C1": Text("机构内部信息：机构代码、产品代码、状态", "internal: institution codes, product codes, states"),
    "C2": Text(
        "可识别个人或其财产：加密存储，展示时脱敏",
        "identifies a person or their property: encrypted at rest, masked on display",
    ),
    "C3": Text(
        "用于身份鉴别（口令、验证码、生物特征）：不存储，不记日志",
        "authenticates a person (passwords, one-time codes, biometrics): never stored, never logged",
    ),
}
# What rules apply to that is no part, no kind and no sign.
_ELSEWHERE = {
    "*": Text("凡有其所读字段之处", "wherever the fields that it reads are"),
    "Message": Text("整条消息", "the whole message"),
    "oneCurrency": Text("声明金额币种相同的部分", "parts that say their amounts are in one currency"),
}
# An id is one word: browsers break at a plain hyphen.
_HYPHEN = "&#8209;"
_TABLE = [
    "| 字段 field | 名称 name | 形式 form | 次数 count | 敏感 sensitivity | 示例 example | 说明与同义名 notes |",
    "|---|---|---|---|---|---|---|",
]

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

_RULES = """\
# 规则 / Rules

{generated}

[数据字典 / Data dictionary](README.md)

结构之外的要求：校验位、合计、日期次序、币种等。`ERROR` 使消息无效，`WARNING` 只作提示。

What no schema says: check digits, sums, the order of dates, currencies. An `ERROR` makes a message invalid, a
`WARNING` does not.

| 规则 rule | 级别 level | 适用于 where | 内容 says | 修正 fix | 来源 source |
|---|---|---|---|---|---|"""


class _Body(NamedTuple):
    """A message type with its number in ``Message`` and its family."""

    kind: MessageType
    number: int
    family: str


def write_dictionary(folder: Path) -> None:
    """Write every page; remove what is stale."""
    fresh = dict(_pages())
    for stale in set(folder.rglob("*.md")) - {folder / name for name in fresh}:
        stale.unlink()
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    for name, lines in fresh.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pages() -> Iterator[tuple[str, list[str]]]:
    yield "README.md", _index()
    yield "rules.md", _rules_page()
    yield "codes.md", _codes_page()
    for body in _bodies():
        yield f"{body.kind.name}.md", _message_page(body)
    for part in parts().values():
        if _is_shared(part):
            yield f"parts/{part.name}.md", _part_page(part)


@cache
def _bodies() -> tuple[_Body, ...]:
    return tuple(
        _Body(message_types()[field.json_name], field.number, Path(field.value.message.file.name).stem)
        for field in bodies()
        if isinstance(field.value, DescFieldValueMessage)
    )


@cache
def _comments() -> Mapping[str, str]:
    """Return what the proto files say, in English, above ``message NAME`` and above a value: ``FILE NAME``."""
    found = {}
    for path in sorted(PROTO.rglob("*.proto")):
        for said, word, name in _COMMENT.findall(path.read_text(encoding="utf-8")):
            words = re.sub(r"^ *// ?", "", said, flags=re.MULTILINE).split()
            found[f"{word or path.stem} {name}"] = _escape(" ".join(words))
    return found


def _said(part: Part) -> list[str]:
    comment = _comments().get(f"message {part.name}")
    return [comment, ""] if comment else []


def _is_message(part: Part) -> bool:
    return any(kind.name == part.name for kind in message_types().values())


def _is_shared(part: Part) -> bool:
    return len(part.used_in) > 1 and not _is_message(part)


def _page_of(part: Part) -> str:
    """Return the page that describes a part, relative to the folder of the dictionary."""
    if _is_shared(part):
        return f"parts/{part.name}.md"
    return f"{part.name if _is_message(part) else part.used_in[0]}.md"


def _link(part: Part, up: str) -> str:
    return f"[{part.name}]({up}{_page_of(part)}#{part.name})"


def _index() -> list[str]:
    return [
        _WELCOME.format(generated=GENERATED, count=len(_bodies())),
        *_message_index(),
        *_part_index(),
        *_heading("reading", "读法 / How to read"),
        _READING,
        *(f'| <a id="{name}"></a>`{name}` | {_cell(*said)} |' for name, said in _CLASSES.items()),
        *_kinds(),
        *_sensitivities(),
        *_synonym_sources(),
    ]


def _heading(anchor: str, title: str, level: int = 2) -> list[str]:
    return ["", f'<a id="{anchor}"></a>', "", f"{'#' * level} {title}", ""]


def _message_index() -> list[str]:
    lines = _heading("messages", "消息 / Messages")
    for family, members in groupby(_bodies(), key=lambda body: body.family):
        lines += _heading(f"family-{family}", _both(_FAMILIES[family]), level=3)
        lines += ["| 消息 message | 中文 | English | 类别 class | 编号 number |", "|---|---|---|---|---|"]
        lines += [
            f"| [{each.kind.name}]({each.kind.name}.md) | {_columns(each.kind.title)} "
            f"| [{each.kind.message_class}](#{each.kind.message_class}) | {each.number} |"
            for each in members
        ]
    return lines


def _part_index() -> list[str]:
    lines = _heading("parts", "共用部分 / Shared parts")
    lines += ["| 部分 part | 中文 | English | 用于消息 used in |", "|---|---|---|---|"]
    shared = sorted((part for part in parts().values() if _is_shared(part)), key=lambda part: part.name)
    return lines + [f"| {_link(part, '')} | {_columns(part.title)} | {len(part.used_in)} |" for part in shared]


def _kinds() -> list[str]:
    lines = _heading("kinds", "取值种类 / Kinds of value")
    lines += ["| 种类 kind | 中文 | English | 形式 form | 规则 rules |", "|---|---|---|---|---|"]
    for kind, title in _titles("FieldAnnotation", "Kind").items():
        schema = {"pattern": "", "x-xinqiao": {"kind": kind}}
        rules = " ".join(_rule_link(rule, "") for rule in value_rules(schema))
        form = _cell(*expectation_of(schema))
        lines.append(f'| <a id="{kind}"></a>`{kind}` | {_columns(title)} | {form} | {rules} |')
    return lines


def _sensitivities() -> list[str]:
    lines = _heading("sensitivity", "敏感级别（JR/T 0171-2020）/ Sensitivity (JR/T 0171-2020)")
    lines += ["| 级别 level | 含义 means |", "|---|---|"]
    return lines + [f"| {name} | {_cell(*said)} |" for name, said in _SENSITIVITIES.items()]


def _synonym_sources() -> list[str]:
    lines = _heading("synonyms", "同义名的来源 / Where synonyms come from")
    lines += ["| 来源 source | 中文 | English | 说明 note |", "|---|---|---|---|"]
    return lines + [
        f'| <a id="{source}"></a>`{source}` | {_columns(title)} | {_comments().get(f"annotations {source}", "")} |'
        for source, title in _titles("Synonym", "Source").items()
    ]


def _titles(message: str, enum: str) -> dict[str, Text]:
    """Return the titles of the values of an enum of the annotations, without the zero value."""
    holder = next(each for each in annotations_pb.desc().messages if each.name == message)
    found: DescEnum = next(each for each in holder.nested_enums if each.name == enum)
    options = {value.name: value.proto.options for value in found.values if value.number}
    said = {name: each[annotations_pb.ext_value] for name, each in options.items() if each is not None}
    return {name: Text(each.title_zh, each.title_en) for name, each in said.items()}


def _message_page(body: _Body) -> list[str]:
    kind, family = body.kind, body.family
    schemas = "../../schemas"
    return [
        f"# {_both(kind.title)}",
        "",
        GENERATED,
        "",
        f"[数据字典 / Data dictionary](README.md) › [{_both(_FAMILIES[family])}](README.md#family-{family})",
        "",
        f"| 消息 message | `{kind.name}` |",
        "|---|---|",
        f"| 消息体 body | `{kind.body}`，编号 number {body.number} |",
        f"| 类别 class | {_cell(*_CLASSES[kind.message_class])} |",
        f"| 定义 defined in | [{family}.proto]({schemas}/proto/xinqiao/v1/{family}.proto)"
        f" · [JSON Schema]({schemas}/json/v1/{kind.name}.schema.json) |",
        *_heading("structure", "结构 / Structure"),
        *_diagram(kind),
        *_message_rules(kind),
        *(line for part in _own_parts(parts()[kind.name]) for line in _described(part, "")),
        *_example(kind),
    ]


def _own_parts(part: Part) -> list[Part]:
    """Return a part and those below it that have no page of their own, each once."""
    found = {part.name: part}
    waiting = [part]
    while waiting:
        below = [each for each in _held(waiting.pop(0)) if each.name not in found and not _stands_alone(each)]
        found |= {each.name: each for each in below}
        waiting += below
    return list(found.values())


def _stands_alone(part: Part) -> bool:
    return _is_shared(part) or _is_message(part)


def _held(part: Part) -> list[Part]:
    names = (reference(field) for field in part.schema["properties"].values())
    return [parts()[name] for name in dict.fromkeys(name for name in names if name)]


def _diagram(kind: MessageType) -> list[str]:
    """Return the structure: the parts of this page as boxes, those with pages of their own as rounded ones."""
    drawn = _own_parts(parts()[kind.name])
    envelope = Part("Message", Text("消息", "Message"), _envelope(kind), (kind.name,), "")
    boxes = {part.name: part for each in (envelope, *drawn) for part in (each, *_held(each))}
    lines = ["```mermaid", "flowchart LR"]
    for part in boxes.values():
        start, end = ('(["', '"])') if _is_shared(part) else ('["', '"]')
        lines.append(f"  {part.name}{start}{part.name}<br>{part.title.zh}{end}")
    for part in (envelope, *drawn):
        lines += [f'  {part.name} -->|"{label}"| {held}' for held, label in _edges(part).items()]
    return [*lines, "```", "", "圆角框为多种消息共用的部分。Rounded boxes are parts that several message types hold."]


def _envelope(kind: MessageType) -> Schema:
    header = {"title": "Header", "$ref": "#/$defs/Header"}
    return {
        "properties": {"header": header, kind.body: {"$ref": f"#/$defs/{kind.name}"}},
        "required": ["header", kind.body],
    }


def _edges(part: Part) -> dict[str, str]:
    """Return each part that a part holds, with the fields that hold it and how often."""
    edges: dict[str, list[str]] = {}
    for name, field in part.schema["properties"].items():
        held = reference(field)
        if held:
            edges.setdefault(held, []).append(f"{name} {cardinality(part.schema, name)}")
    return {held: "<br>".join(names) for held, names in edges.items()}


def _message_rules(kind: MessageType) -> list[str]:
    rules = message_rules(kind)
    if not rules:
        return []
    return [*_heading("message-rules", "整条消息的规则 / Rules on the whole message"), *_rule_table(rules, "")]


def _example(kind: MessageType) -> list[str]:
    """Return the first vector; a message type that is being written may not have one yet."""
    try:
        message = vector(kind.body)
    except FileNotFoundError:
        return []
    shown = json.dumps(message, ensure_ascii=False, indent=2)
    return [*_heading("example", "示例 / Example"), "```json", shown, "```"]


def _part_page(part: Part) -> list[str]:
    return [
        f"# {_both(part.title)}",
        "",
        GENERATED,
        "",
        "[数据字典 / Data dictionary](../README.md) › [共用部分 / Shared parts](../README.md#parts)",
        *_described(part, "../"),
        *_heading("used-in", "用于 / Used in"),
        *_users(part),
    ]


def _users(part: Part) -> list[str]:
    if len(part.used_in) == len(message_types()):
        return ["所有消息。Every message."]
    titles = {kind.name: kind.title for kind in message_types().values()}
    return [f"* [{name}](../{name}.md) {_both(titles[name])}" for name in part.used_in]


def _described(part: Part, up: str) -> list[str]:
    """Return a part's heading, table of fields, values of its enums and rules; ``up`` leads to the dictionary."""
    fields = part.schema["properties"]
    lines = _heading(part.name, f"{part.name} {part.title.zh}")
    lines += [*_said(part), *_claims(part.schema), *_TABLE]
    lines += [_row(part, name, up) for name in fields]
    lines += _values(part)
    rules = part_rules(part)
    return lines + (["", f"**{part.name} 的规则 / Rules**", "", *_rule_table(rules, up)] if rules else [])


_AT_MOST_ONE = "以下字段至多其一 / at most one of these"


def _claims(schema: Schema) -> list[str]:
    lines = []
    for choice in schema.get("allOf", ()):
        named = [each["required"][0] for each in choice["oneOf"] if "required" in each]
        said = "以下字段恰有其一 / exactly one of these" if len(named) == len(choice["oneOf"]) else _AT_MOST_ONE
        lines += [f"{said}: {'、'.join(f'`{name}`' for name in named)}", ""]
    if schema["x-xinqiao"].get("oneCurrency"):
        lines += ["其中的金额使用同一币种 / its amounts are in one currency", ""]
    return lines


def _row(part: Part, name: str, up: str) -> str:
    field = part.schema["properties"][name]
    about = field["x-xinqiao"]
    cells = (
        f'<a id="{part.name}.{name}"></a>`{name}`',
        _cell(about["titleZh"], field["title"]),
        _form(part, name, up),
        cardinality(part.schema, name),
        about["sensitivity"],
        "".join(_code(_shown(example)) for example in field.get("examples", ())),
        _cell(*_notes(field, up), escaped=True),
    )
    return f"| {' | '.join(cells)} |"


def _form(part: Part, name: str, up: str) -> str:
    field = part.schema["properties"][name]
    about, item, held = field["x-xinqiao"], field.get("items", field), reference(field)
    if held:
        return _cell(_link(parts()[held], up), *_sign(about), escaped=True)
    if "enum" in item:
        return f"[枚举值 values](#{part.name}.{name}.values)"
    kind = [f"[`{about['kind']}`]({up}README.md#{about['kind']})"] if "kind" in about else []
    codes = [f"[{about['codes']}]({up}codes.md#{about['codes']})"] if "codes" in about else []
    words = [_escape(each) for each in expectation_of(field, item=True)]
    return _cell(" ".join((*kind, *codes)), *words, *_sign(about), escaped=True)


def _sign(about: Schema) -> Text | tuple[()]:
    return _titles("FieldAnnotation", "Sign")[about["sign"]] if "sign" in about else ()


def _shown(example: object) -> str:
    value = example[0] if isinstance(example, list) else example
    return value if isinstance(value, str) else json.dumps(value)


def _notes(field: Schema, up: str) -> Iterator[str]:
    about = field["x-xinqiao"]
    yield from (_escape(said) for said in (about.get("descriptionZh"), field.get("description")) if said)
    by_source: dict[str, list[str]] = {}
    for name, source in about.get("synonyms", {}).items():
        by_source.setdefault(source, []).append(_code(name))
    for source, names in by_source.items():
        yield f"[{source}]({up}README.md#{source}): {' '.join(names)}"


def _values(part: Part) -> Iterator[str]:
    for name, field in part.schema["properties"].items():
        values = field.get("items", field).get("x-values")
        if values:
            yield from ("", f'<a id="{part.name}.{name}.values"></a>', "")
            yield f"**`{name}` 的取值 / Values of `{name}`**"
            yield from ("", "| 值 value | 中文 | English |", "|---|---|---|")
            yield from (
                f"| `{each}` | {_escape(said['zh'])} | {_escape(said['en'])} |" for each, said in values.items()
            )


def _rule_table(rules: Iterable[PartRule], up: str) -> list[str]:
    rows = [
        f"| {_rule_link(rule.about, up)} | {rule.about.level} | {' '.join(_code(each) for each in rule.fields)} "
        f"| {_cell(*rule.about.text)} |"
        for rule in rules
    ]
    return ["| 规则 rule | 级别 level | 字段 fields | 内容 says |", "|---|---|---|---|", *rows]


def _rule_link(about: Metadata, up: str) -> str:
    return f"[{about.id}]({up}rules.md#{about.id})"


def _rules_page() -> list[str]:
    return [_RULES.format(generated=GENERATED), *map(_rule_row, metadata().values())]


def _rule_row(rule: Metadata) -> str:
    unbroken = f'<a id="{rule.id}"></a>{rule.id.replace("-", _HYPHEN)}'
    says = f"{_cell(*rule.text)} | {_cell(*rule.fix)} | {_escape(rule.source)}"
    return f"| {unbroken} | {rule.level} | {_where(rule)} | {says} |"


def _where(rule: Metadata) -> str:
    return "<br>".join(_applicable(name) for name in rule.applies_to)


def _applicable(name: str) -> str:
    signs = _titles("FieldAnnotation", "Sign")
    if name in parts():
        return _link(parts()[name], "")
    if name in signs:
        return _cell(*signs[name])
    if name.upper() in _titles("FieldAnnotation", "Kind"):
        return f"[`{name.upper()}`](README.md#{name.upper()})"
    return _cell(*_ELSEWHERE[name])


def _codes_page() -> list[str]:
    lines = ["# 代码表 / Code lists", "", GENERATED, "", "[数据字典 / Data dictionary](README.md)"]
    for name, about in code_lists().items():
        lines += _code_list(name, about)
    return lines


def _code_list(name: str, about: Mapping[str, Any]) -> list[str]:
    codes = about["codes"]
    fields = [f"[{part.name}.{field}]({_page_of(part)}#{part.name}.{field})" for part, field in fields_of_codes(name)]
    title = dict.fromkeys(about["title"].values())
    lines = [
        *_heading(name, " / ".join(title)),
        f"* 文件 file: [{name}.json](../../schemas/codes/{name}.json)，{len(codes)} 个代码 codes",
        f"* 来源 source: {about['source']}",
        f"* 取得方式 provenance: {about['provenance']}",
        *([f"* 使用字段 fields: {', '.join(fields)}"] if fields else []),
    ]
    if len(codes) > _MOST_CODES:
        return lines
    rows = [
        f"| `{code}` | {_escape(said.get('zh', ''))} | {_escape(said.get('en', ''))} |" for code, said in codes.items()
    ]
    return [*lines, "", "| 代码 code | 中文 | English |", "|---|---|---|", *rows]


def _both(text: Text) -> str:
    return " / ".join(dict.fromkeys(text))


def _columns(text: Text) -> str:
    return f"{_escape(text.zh)} | {_escape(text.en)}"


def _cell(*lines: str, escaped: bool = False) -> str:
    """Return lines as one cell of a table."""
    return "<br>".join(line if escaped else _escape(line) for line in dict.fromkeys(lines) if line)


def _escape(text: str) -> str:
    """Return text that means itself in a cell of a table."""
    text = re.sub(r"([\\`*_\[\]~|])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def _code(text: str) -> str:
    """Return text as code in a cell of a table; GitHub takes ``\\|`` there too. What is long may be broken."""
    if len(text) <= _LONGEST_WORD:
        return f"`{text.replace('|', chr(92) + '|')}`"
    pieces = (text[start : start + _LONGEST_WORD] for start in range(0, len(text), _LONGEST_WORD))
    return f"<code>{'<wbr>'.join(map(_escape, pieces))}</code>"
