"""The XML Schemas load wherever XML Schema is read, and say of the XML form what JSON Schema says of the message."""

import re
import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from generate import ROOT
from generate.xsd import write_xsd, xsd_pattern
from xinqiao.errors import Rejected, UnknownMessageType, UnsupportedVersion
from xinqiao.message import Json
from xinqiao.standard import Schema, message_types, schema_of
from xinqiao.testing import vector, vectors
from xinqiao.validation import check
from xinqiao.xml_form import NAMESPACE, read_xml, write_xml

FOLDER = ROOT / "schemas" / "xsd" / "v1"
XS = "{http://www.w3.org/2001/XMLSchema}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
FORMS = ("5", "+5", "007", "-0", "1.0", "1e1", " 7\n", "1", "0", "TRUE", " true ", "true\u3000", "文")
OUTSIDE_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def libxml2() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(FOLDER / "message.xsd"))


@cache
def pure_python() -> Any:
    return xmlschema.XMLSchema10(str(FOLDER / "message.xsd"))


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def accepted(content: bytes) -> bool:
    return libxml2().validate(etree.fromstring(content))


def valid(message: Json) -> bool:
    found = check(message, strict=True)
    return not any(each.rule.startswith("schema.") and each.level == "ERROR" for each in found)


def reads_as_valid(content: bytes) -> bool:
    try:
        return valid(read_xml(content))
    except Rejected:
        return False


def test_the_xml_schemas_are_fresh_and_stale_ones_go(tmp_path: Path) -> None:
    (tmp_path / "stale.xsd").write_text("<old/>")

    write_xsd(tmp_path)

    assert contents(tmp_path) == contents(FOLDER)


def test_libxml2_loads_the_schemas_without_a_word() -> None:
    # One of its own: the shared one keeps what it said last.
    assert str(libxml2.__wrapped__().error_log) == ""


def test_xmlschema_loads_the_schemas_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert pure_python.__wrapped__().all_errors == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.xsd")), ids=lambda path: path.name)
def test_every_element_type_and_name_is_explained_in_both_languages(path: Path) -> None:
    schema = etree.parse(path).getroot()
    described = [node for node in schema.iter() if node.get("name") or node.tag == f"{XS}enumeration"]

    assert described
    for node in described:
        texts = {each.get(LANGUAGE): each.text for each in node.findall(f"{XS}annotation/{XS}documentation")}
        assert texts.keys() == {"zh", "en"}, node.attrib
        assert all(texts.values()), node.attrib


@pytest.mark.parametrize("body", message_types())
def test_the_published_examples_are_valid_xml(body: str) -> None:
    for each in vectors(body):
        content = write_xml(each["message"])

        libxml2().assertValid(etree.fromstring(content))
        pure_python().validate(content)


def places(value: Any, part: Schema, definitions: Schema, name: str = "") -> Iterator[tuple[Any, Any, Schema, str]]:
    """Yield each place in a part of a message: the object or list, the key in it, its schema, the type it is of."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = definitions[name]
    if isinstance(value, dict):
        for key in list(value):
            yield value, key, part["properties"][key], name
            yield from places(value[key], part["properties"][key], definitions, name)
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value, index, part["items"], name
            yield from places(value[index], part["items"], definitions, name)


def alternatives(part: Schema) -> list[list[str]]:
    return [list(group) for group in part["x-xinqiao"].get("choices", ())]


def complete(value: Any, part: Schema, definitions: Schema, filled: set[int]) -> None:
    """Fill in what a part of a message leaves out, each field of a type once."""
    part = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    if isinstance(value, list):
        for item in value:
            complete(item, part["items"], definitions, filled)
    elif isinstance(value, dict):
        choices = {name for each in alternatives(part) for name in each}
        for key, below in part["properties"].items():
            if key not in value and key not in choices and id(below) not in filled:
                filled.add(id(below))
                value[key] = sample(below, definitions)
            complete(value.get(key), below, definitions, filled)


@cache
def types_first_met() -> dict[str, set[str]]:
    """Return the types of the standard by the first message type that holds them, so that each is tried once."""
    met: set[str] = set()
    first: dict[str, set[str]] = {}
    for body, kind in message_types().items():
        first[body] = schema_of(kind.name)["$defs"].keys() - met
        met |= first[body]
    return first


def replacements(value: Any, part: Schema) -> Iterator[Any]:
    """Yield what may stand in a place instead of a value, right and wrong."""
    match part.get("type"):
        case "string" if "enum" in part:
            yield from ("", "NO_SUCH_NAME", value.lower(), f" {value}")
        case "string":
            yield from (
                "",
                " ",
                f"{value}\t",
                f"{value}\n",
                f"{value}\r",
                f"{value}\x85",
                f" {value}",
                f"{value}&<>]]>",
            )
            least, most = part.get("minLength", 1), part.get("maxLength", 100)
            yield from (each * length for each in ("a", "𠮷") for length in (least - 1, least, most, most + 1))
        case "integer":
            yield from (part["minimum"], part["minimum"] - 1, part["maximum"], part["maximum"] + 1)
        case "boolean":
            yield not value
        case "array":
            yield from (value[:1] * part["maxItems"], value[:1] * (part["maxItems"] + 1))


def sample(part: Schema, definitions: Schema) -> Any:
    """Return the least value that a schema accepts."""
    if "examples" in part:
        return part["examples"][0]
    if "items" in part:
        return [sample(part["items"], definitions)]
    if "$ref" not in part:
        return part["enum"][0]
    definition = definitions[part["$ref"].rpartition("/")[2]]
    chosen = [group[0] for group in definition["x-xinqiao"].get("choices", ())]
    properties = definition["properties"]
    return {key: sample(properties[key], definitions) for key in [*definition.get("required", ()), *chosen]}


def changed(message: Json, schema: Schema, types: set[str]) -> Iterator[str]:
    """Change each field of some types in a message, one after the other, yielding what was changed while it is so."""
    definitions = schema["$defs"]
    fields = {id(place[2]): place for place in places(message, schema, definitions) if place[3] in types}
    yield "nothing"
    for around, key, part, name in fields.values():
        value = around[key]
        for new in replacements(value, part):
            around[key] = new
            yield f"{name}.{key}: {str(new)[:80]!r}"
        around[key] = value
        if isinstance(around, dict):
            del around[key]
            yield f"{name} without {key}"
            around[key] = value
        outer = definitions[name]
        for other in {other for each in alternatives(outer) if key in each for other in each if other != key}:
            around[other] = sample(outer["properties"][other], definitions)
            yield f"{name} with {other} beside {key}"
            del around[other]


@pytest.mark.parametrize("body", message_types())
def test_a_changed_message_gets_the_same_verdict_and_survives_as_it_is(body: str, stride: int) -> None:
    schema, seen = schema_of(message_types()[body].name), set()
    message = deepcopy(vector(body))
    complete(message, schema, schema["$defs"], set())

    for number, what in enumerate(changed(message, schema, types_first_met()[body])):
        if number % stride:
            continue
        try:
            content = write_xml(message)
        except UnsupportedVersion:
            continue
        verdict = valid(message)
        assert (what, accepted(content)) == (what, verdict)
        assert (what, read_xml(content)) == (what, message)
        seen.add(verdict)

    assert seen == {True, False}


def tampered(root: etree._Element) -> Iterator[str]:
    """Change a document in one place of each kind after the other, as JSON cannot be, yielding what was changed."""
    kinds = {tuple(above.tag for above in [each, *each.iterancestors()]): each for each in root.iter()}
    for element in kinds.values():
        text, name = element.text, etree.QName(element).localname
        for new in FORMS if (text or "").isdigit() or text in {"true", "false"} else ("文", " "):
            element.text = new
            yield f"{name}: {new!r}"
        element.text = text
        element.set("note", "1")
        yield f"{name} with an attribute"
        del element.attrib["note"]
        for extra in (f"{{{NAMESPACE}}}extra", "extra", "{urn:other}extra"):
            added = etree.SubElement(element, extra)
            yield f"{extra} in {name}"
            element.remove(added)
        around = element.getparent()
        if around is not None:
            again = deepcopy(element)
            element.addnext(again)
            yield f"{name} again"
            around.remove(again)


@pytest.mark.parametrize("body", message_types())
def test_a_tampered_document_gets_the_same_verdict(body: str, stride: int) -> None:
    message = vector(body)
    message["header"] |= {"revision": 2, "test": True}
    root, seen = etree.fromstring(write_xml(message)), set()

    for number, what in enumerate(tampered(root)):
        if number % stride:
            continue
        content = etree.tostring(root, encoding="utf-8")
        verdict = accepted(content)
        assert (what, reads_as_valid(content)) == (what, verdict)
        seen.add(verdict)

    assert seen == {True, False}


@pytest.mark.parametrize("body", message_types())
def test_a_message_has_exactly_one_body(body: str) -> None:
    root = etree.fromstring(write_xml(vector(body)))
    header, content = root
    other = next(each for each in message_types() if each != body)

    for bodies in ([], [content, etree.fromstring(write_xml(vector(other)))[1]]):
        root[:] = [header, *bodies]
        document = etree.tostring(root)

        assert not accepted(document)
        with pytest.raises(UnknownMessageType):
            check(read_xml(document))


@pytest.mark.parametrize("body", message_types())
def test_the_order_of_elements_is_checked_by_the_schema_alone(body: str) -> None:
    root = etree.fromstring(write_xml(vector(body)))
    root[:] = reversed(root)
    document = etree.tostring(root)

    assert not accepted(document)
    assert read_xml(document) == vector(body)


def patterns(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from patterns(each)


PATTERNS = sorted({pattern for kind in message_types().values() for pattern in patterns(schema_of(kind.name))})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_the_same_in_xml_schema(pattern: str) -> None:
    schema = etree.Element(f"{XS}schema")
    form = etree.SubElement(etree.SubElement(schema, f"{XS}element", name="it"), f"{XS}simpleType")
    restriction = etree.SubElement(form, f"{XS}restriction", base="xs:string", nsmap={"xs": XS[1:-1]})
    etree.SubElement(restriction, f"{XS}pattern", value=xsd_pattern(pattern))
    fast, pure = etree.XMLSchema(schema), xmlschema.XMLSchema10(etree.tostring(schema, encoding="unicode"))
    expected = jsonschema_rs.Draft202012Validator({"pattern": pattern})

    @settings(max_examples=60, deadline=None)
    @given((st.from_regex(pattern) | st.text(max_size=8)).filter(lambda text: not OUTSIDE_XML.search(text)))
    def same_verdict(text: str) -> None:
        element = etree.Element("it")
        element.text = text
        assert fast.validate(element) == pure.is_valid(element) == expected.is_valid(text)

    same_verdict()


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("^[^\\x00-\\x1f\ufffe]*$", r"[^\t\n\r]*"),
        ("^[\\x08-\\x0d-]$", r"[\t\n\r\-]"),
        (r"^\+?[0-9-]{5,20}$", r"\+?[0-9\-]{5,20}"),
        (r"^(Z|[+-](0|1))$", r"(Z|[+\-](0|1))"),
        ("^[a^\ud7ff-\ue000]$", "[a\\^\ud7ff\ue000]"),
    ],
)
def test_a_pattern_is_rewritten_to_what_xml_holds(pattern: str, written: str) -> None:
    assert xsd_pattern(pattern) == written


@pytest.mark.parametrize(
    "pattern",
    ["a", "^a", "a$", "^a|b$", "^(a|b)|c$", r"^\d$", r"^[\w]$", "^(?:a)$", "^(?i)a$", "^a.$", r"^\ba$", "^[\\x00]$"],
)
def test_a_pattern_that_the_two_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="XML"):
        xsd_pattern(pattern)
