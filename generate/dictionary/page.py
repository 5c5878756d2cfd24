"""The page of a message type, and that of a part that several message types hold."""

import json

from generate.dictionary.body import Body
from generate.dictionary.diagram import diagram
from generate.dictionary.markdown import GENERATED, both, cell, heading
from generate.dictionary.place import own_parts
from generate.dictionary.rules import rule_table
from generate.dictionary.section import described
from generate.dictionary.titles import CLASSES, FAMILIES
from xinqiao.explanation import Part, message_rules, parts
from xinqiao.standard import MessageType, message_types
from xinqiao.testing import vector


def message_page(body: Body) -> list[str]:
    """Return the lines of the page of a message type."""
    kind, family = body.kind, body.family
    schemas = "../../schemas"
    return [
        f"# {both(kind.title)}",
        "",
        GENERATED,
        "",
        f"[数据字典 / Data dictionary](README.md) › [{both(FAMILIES[family])}](README.md#family-{family})",
        "",
        f"| 消息 message | `{kind.name}` |",
        "|---|---|",
        f"| 消息体 body | `{kind.body}`，编号 number {body.number} |",
        f"| 类别 class | {cell(*CLASSES[kind.message_class])} |",
        f"| 定义 defined in | [{family}.proto]({schemas}/proto/xinqiao/v1/{family}.proto)"
        f" · [JSON Schema]({schemas}/json/v1/{kind.name}.schema.json) |",
        *heading("structure", "结构 / Structure"),
        *diagram(kind),
        *_message_rules(kind),
        *(line for part in own_parts(parts()[kind.name]) for line in described(part, "")),
        *_example(kind),
    ]


def _message_rules(kind: MessageType) -> list[str]:
    rules = message_rules(kind)
    if not rules:
        return []
    return [*heading("message-rules", "整条消息的规则 / Rules on the whole message"), *rule_table(rules, "")]


def _example(kind: MessageType) -> list[str]:
    """Return the first vector; a message type that is being written may not have one yet."""
    try:
        message = vector(kind.body)
    except FileNotFoundError:
        return []
    shown = json.dumps(message, ensure_ascii=False, indent=2)
    return [*heading("example", "示例 / Example"), "```json", shown, "```"]


def part_page(part: Part) -> list[str]:
    """Return the lines of the page of a shared part."""
    return [
        f"# {both(part.title)}",
        "",
        GENERATED,
        "",
        "[数据字典 / Data dictionary](../README.md) › [共用部分 / Shared parts](../README.md#parts)",
        *described(part, "../"),
        *heading("used-in", "用于 / Used in"),
        *_users(part),
    ]


def _users(part: Part) -> list[str]:
    if len(part.used_in) == len(message_types()):
        return ["所有消息。Every message."]
    titles = {kind.name: kind.title for kind in message_types().values()}
    return [f"* [{name}](../{name}.md) {both(titles[name])}" for name in part.used_in]
