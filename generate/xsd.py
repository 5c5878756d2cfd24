"""XML Schema 1.0 of the XML form: one file for each proto file, included as the protos import each other.

Elements are named as the fields are in JSON, types as in the protos; ``annotations.xsd`` holds the kinds of strings.
The verdict on a message is that of the strict JSON Schema. What only XML has is decided here: elements stand in the
order of the proto, there are no attributes, and a list is its element repeated.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFile,
    DescMessage,
    DescOneof,
    ScalarType,
)

from generate.descriptors import (
    enum_annotation,
    field_annotation,
    field_rules,
    is_required,
    kind_pattern,
    message_annotation,
    repeated_rules,
    value_annotation,
    values_of,
)
from generate.jsonschema import GENERATED
from xinqiao.buf.validate.validate_pb import FieldRules, Int32Rules, StringRules
from xinqiao.v1 import annotations_pb, message_pb
from xinqiao.xml_form import NAMESPACE

_PACKAGE = "xinqiao.v1"
_XS = "http://www.w3.org/2001/XMLSchema"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_Node = ElementTree.Element
_Scalar = ScalarType | DescEnum | DescMessage

# What XML 1.0 can hold (§2.2), as ranges of code points.
_XML = ((0x9, 0x9), (0xA, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_IN_CLASS = r"(?:\\x[0-9a-f]{2}|\\[^\w\s]|[^\\\[\]])"
_CLASS = rf"\[(?P<negated>\^?)(?P<members>{_IN_CLASS}+)\]"
_MEMBER = re.compile(rf"({_IN_CLASS})(?:-({_IN_CLASS}))?")
# Outside classes: escaped punctuation, groups without flags, and what stands for itself in both languages.
_READ_ALIKE = re.compile(rf"(?:{_CLASS}|\\[.+*?(){{}}|\\-]|\((?!\?)|[^\\^$.\[\](])*")
_ESCAPED = {"\t": r"\t", "\n": r"\n", "\r": r"\r"} | {each: f"\\{each}" for each in r"\-[]^"}


def write_xsd(folder: Path) -> None:
    """Write ``<proto file>.xsd`` for ``message.proto`` and all that it imports; remove what is stale."""
    folder.mkdir(parents=True, exist_ok=True)
    ElementTree.register_namespace("xs", _XS)
    schemas = {_file_name(file): _schema(file) for file in _files(message_pb.desc())}
    _require_distinct(name for schema in schemas.values() for name in _types_in(schema))
    for stale in folder.glob("*.xsd"):
        if stale.name not in schemas:
            stale.unlink()
    for name, schema in schemas.items():
        (folder / name).write_text(_text(schema), encoding="utf-8")


def _files(file: DescFile) -> dict[DescFile, None]:
    """Return a file and what it imports of the standard, each once."""
    found = {file: None}
    for dependency in _imports(file):
        found |= _files(dependency)
    return found


def _imports(file: DescFile) -> list[DescFile]:
    return [each for each in file.dependencies if each.proto.package == _PACKAGE]


def _file_name(file: DescFile) -> str:
    return f"{Path(file.name).stem}.xsd"


def _types_in(schema: _Node) -> list[str]:
    return [node.attrib["name"] for node in schema if node.tag in {_xs("simpleType"), _xs("complexType")}]


def _require_distinct(names: Iterable[str]) -> None:
    """Kinds, messages and enums share one space of names in XML Schema."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"more than one type is called {', '.join(twice)}")


def _text(schema: _Node) -> str:
    ElementTree.indent(schema)
    markup = ElementTree.tostring(schema, encoding="unicode")
    readable = "".join(f"&#x{ord(each):X};" if _is_unseen(each) else each for each in markup)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {GENERATED} -->\n{readable}\n'


def _is_unseen(character: str) -> bool:
    return character not in " \n" and unicodedata.category(character)[0] in "MCZ"


def _xs(name: str) -> str:
    return f"{{{_XS}}}{name}"


def _add(parent: _Node, tag: str, **attributes: str) -> _Node:
    return ElementTree.SubElement(parent, _xs(tag), attributes)


def _document(node: _Node, zh: str, en: str) -> None:
    annotation = _add(node, "annotation")
    for language, text in (("zh", zh), ("en", en)):
        ElementTree.SubElement(annotation, _xs("documentation"), {_LANGUAGE: language}).text = text


def _schema(file: DescFile) -> _Node:
    schema = _Node(_xs("schema"), {"xmlns": NAMESPACE, "targetNamespace": NAMESPACE, "elementFormDefault": "qualified"})
    for dependency in _imports(file):
        _add(schema, "include", schemaLocation=_file_name(dependency))
    if file.name == annotations_pb.desc().name:
        _add_building_blocks(schema)
        return schema
    if file.name == message_pb.desc().name:
        _add_root(schema, next(each for each in file.messages if each.name == "Message"))
    for enum in file.enums:
        _add_enum(schema, enum)
    for message in file.messages:
        _add_message(schema, message)
    return schema


def _add_root(schema: _Node, message: DescMessage) -> None:
    about = message_annotation(message)
    root = _add(schema, "element", name="message", type=_type_name(message))
    _document(root, about.title_zh, about.title_en)


def _add_building_blocks(schema: _Node) -> None:
    """Add a type for each kind of string, and the two others; their lexical forms are those of JSON."""
    _add_form(schema, "Boolean", "xs:boolean", "true|false", ("是否", "True or false"))
    _add_form(schema, "Integer", "xs:int", "-?(0|[1-9][0-9]*)", ("整数", "Whole number"))
    for name, (about, pattern) in _kinds().items():
        _add_form(schema, name, "xs:string", xsd_pattern(pattern), (about.title_zh, about.title_en))


def _add_form(schema: _Node, name: str, base: str, pattern: str, titles: tuple[str, str]) -> None:
    form = _add(schema, "simpleType", name=name)
    _document(form, *titles)
    _add(_add(form, "restriction", base=base), "pattern", value=pattern)


@cache
def _kinds() -> dict[str, tuple[annotations_pb.EnumValueAnnotation, str]]:
    """Return the kinds of strings by the names of their types, ``Date``: what they are, and their pattern."""
    kinds = values_of(annotations_pb.FieldAnnotation.Kind.desc())
    return {_kind_name(kind.name): (value_annotation(kind), kind_pattern(kind)) for kind in kinds}


def _kind_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _type_name(kind: DescMessage | DescEnum) -> str:
    return kind.type_name.removeprefix(f"{_PACKAGE}.")


def _add_enum(schema: _Node, enum: DescEnum) -> None:
    about = enum_annotation(enum)
    kind = _add(schema, "simpleType", name=_type_name(enum))
    _document(kind, about.title_zh, about.title_en)
    names = _add(kind, "restriction", base="xs:string")
    for value in values_of(enum):
        said = value_annotation(value)
        _document(_add(names, "enumeration", value=value.name), said.title_zh, said.title_en)


def _add_message(schema: _Node, message: DescMessage) -> None:
    about = message_annotation(message)
    kind = _add(schema, "complexType", name=_type_name(message))
    _document(kind, about.title_zh, about.title_en)
    sequence = _add(kind, "sequence")
    for member in message.members:
        if isinstance(member, DescOneof):
            _add_choice(sequence, member)
        else:
            _add_field(sequence, member, required=field_rules(member).required)
    for enum in message.nested_enums:
        _add_enum(schema, enum)
    for nested in message.nested_messages:
        _add_message(schema, nested)


def _add_choice(sequence: _Node, oneof: DescOneof) -> None:
    choice = _add(sequence, "choice", **_occurs(required=is_required(oneof)))
    for field in oneof.fields:
        _add_field(choice, field, required=True)


def _occurs(*, required: bool, most: int = 1) -> dict[str, str]:
    return ({} if required else {"minOccurs": "0"}) | ({"maxOccurs": str(most)} if most > 1 else {})


def _add_field(parent: _Node, field: DescField, *, required: bool) -> None:
    rules, most = field_rules(field), 1
    if isinstance(field.value, DescFieldValueList):
        repeated = repeated_rules(field)
        rules, most = repeated.items or FieldRules(), repeated.max_items
    element = _add(parent, "element", name=field.json_name)
    _document_field(element, field_annotation(field))
    _add_type(element, _value_of(field), rules)
    element.attrib.update(_occurs(required=required, most=most))


def _value_of(field: DescField) -> _Scalar:
    value = field.value
    if isinstance(value, DescFieldValueMap):
        raise TypeError("the standard has no maps")
    if isinstance(value, DescFieldValueList):
        return value.element
    if isinstance(value, DescFieldValueMessage):
        return value.message
    return value.enum if isinstance(value, DescFieldValueEnum) else value.scalar


def _document_field(element: _Node, about: annotations_pb.FieldAnnotation) -> None:
    zh = f"{about.title_zh}。{about.description_zh}" if about.description_zh else about.title_zh
    en = f"{about.title_en}. {about.description_en}" if about.description_en else about.title_en
    _document(element, zh, en)


def _add_type(element: _Node, value: _Scalar, rules: FieldRules) -> None:
    constraint = rules.type.value if rules.type is not None else None
    if isinstance(value, DescMessage | DescEnum):
        element.set("type", _type_name(value))
    elif value is ScalarType.BOOL:
        element.set("type", "Boolean")
    elif value is ScalarType.STRING and isinstance(constraint, StringRules):
        _add_string(element, constraint)
    elif value is ScalarType.INT32 and isinstance(constraint, Int32Rules):
        _add_range(element, constraint)
    else:
        raise ValueError(f"no XML Schema for {value} with {rules}")


def _add_string(element: _Node, rules: StringRules) -> None:
    kind = next((name for name, (_, pattern) in _kinds().items() if pattern == rules.pattern), None)
    facets = {"minLength": rules.min_len, "maxLength": rules.max_len}
    if kind and not any(facets.values()):
        element.set("type", kind)
        return
    restriction = _add(_add(element, "simpleType"), "restriction", base=kind or "xs:string")
    for facet, length in facets.items():
        if length:
            _add(restriction, facet, value=str(length))
    if not kind:
        _add(restriction, "pattern", value=xsd_pattern(rules.pattern))


def _add_range(element: _Node, rules: Int32Rules) -> None:
    low, high = rules.greater_than, rules.less_than
    if low is None or high is None:
        raise ValueError("a whole number says its least and its greatest value")
    restriction = _add(_add(element, "simpleType"), "restriction", base="Integer")
    _add(restriction, "minInclusive", value=str(low.value))
    _add(restriction, "maxInclusive", value=str(high.value))


def xsd_pattern(pattern: str) -> str:
    """Return a pattern as XML Schema writes it: unanchored, with no character that XML 1.0 cannot hold.

    Raises ``ValueError`` for what the two do not read alike.
    """
    body = pattern.removeprefix("^").removesuffix("$")
    if f"^{body}$" != pattern or not _READ_ALIKE.fullmatch(body) or _has_open_choice(body):
        raise ValueError(f"{pattern!r} is more than what XML Schema reads as JSON Schema does")
    return re.sub(_CLASS, _class, body)


def _has_open_choice(body: str) -> bool:
    """Say whether alternatives stand outside of groups: an anchor would belong to one of them only."""
    left = re.sub(rf"{_CLASS}|\\.", "", body)
    while (inner := re.sub(r"\([^()]*\)", "", left)) != left:
        left = inner
    return "|" in left


def _class(found: re.Match[str]) -> str:
    ranges = [_range(*member.groups()) for member in _MEMBER.finditer(found["members"])]
    members = "".join(part for low, high in ranges for part in _within_xml(low, high))
    if not members:
        raise ValueError(f"{found[0]!r} names no character that XML can hold")
    return f"[{found['negated']}{members}]"


def _range(first: str, last: str | None) -> tuple[int, int]:
    low, high = (int(each[2:], 16) if each.startswith(r"\x") else ord(each[-1]) for each in (first, last or first))
    return low, high


def _within_xml(low: int, high: int) -> Iterator[str]:
    for least, most in _XML:
        first, last = max(low, least), min(high, most)
        if first <= last:
            ends = dict.fromkeys((chr(first), chr(last)))
            yield "-".join(_ESCAPED.get(end, end) for end in ends)
