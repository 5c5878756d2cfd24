"""The diagram of a message type, as Mermaid draws it."""

from generate.dictionary.place import held_parts, is_shared, own_parts
from xinqiao.explanation import Part, cardinality, parts, reference
from xinqiao.finding import Text
from xinqiao.standard import MessageType, Schema


def diagram(kind: MessageType) -> list[str]:
    """Return the structure: the parts of this page as boxes, those with pages of their own as rounded ones."""
    drawn = own_parts(parts()[kind.name])
    envelope = Part("Message", Text("消息", "Message"), _envelope(kind), (kind.name,), "")
    boxes = {part.name: part for each in (envelope, *drawn) for part in (each, *held_parts(each))}
    lines = ["```mermaid", "flowchart LR"]
    for part in boxes.values():
        start, end = ('(["', '"])') if is_shared(part) else ('["', '"]')
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
