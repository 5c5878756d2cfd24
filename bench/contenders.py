"""Who reads, checks and writes the message, and what each of them refuses."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import protovalidate
from google.protobuf import json_format  # type: ignore[import-untyped]
from lxml import etree

from bench.models import google_message, pydantic_model
from xinqiao import v1
from xinqiao.message import read_json, write_json
from xinqiao.standard import message_types, strict_schema_of
from xinqiao.testing import vector
from xinqiao.validation import check, validator_of
from xinqiao.xml_form import read_xml, write_xml

__all__ = ["BODY", "Contender", "contenders", "is_valid"]

BODY = "kycApplication"

_NAME = message_types()[BODY].name
_XSD = Path(__file__).parent.parent / "schemas" / "xsd" / "v1" / "message.xsd"

# The schema layer alone, as check compiles it and asks it first.
is_valid = validator_of(_NAME).is_valid

Run = Callable[[bytes], object]

# What is wrong: a key twice, an unknown field, a wrong form, a broken rule (a check digit); in JSON and in XML.
_FAULTS = {
    b"{": {
        "key": ('"kind":"NATURAL_PERSON"', '"kind":"NATURAL_PERSON","kind":"NATURAL_PERSON"'),
        "field": ('"kind":"NATURAL_PERSON"', '"kind":"NATURAL_PERSON","colour":"red"'),
        "form": ('"nationality":"CN"', '"nationality":"cn"'),
        "rule": ('"number":"11010119800101007X"', '"number":"110101198001010071"'),
    },
    b"<": {
        "key": ("<kind>NATURAL_PERSON</kind>", "<kind>NATURAL_PERSON</kind><kind>NATURAL_PERSON</kind>"),
        "field": ("<kind>NATURAL_PERSON</kind>", "<kind>NATURAL_PERSON</kind><colour>red</colour>"),
        "form": ("<nationality>CN</nationality>", "<nationality>cn</nationality>"),
        "rule": ("<number>11010119800101007X</number>", "<number>110101198001010071</number>"),
    },
}


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that takes the bytes of a message and raises where it refuses them."""

    name: str
    library: str
    steps: str
    content: bytes
    run: Run

    def refuses(self) -> list[str]:
        """Return which faults it refuses, found by trying; raise what it raises about the valid message."""
        self.run(self.content)
        return [fault for fault, content in _broken(self.content) if self._refuses(content)]

    def _refuses(self, content: bytes) -> bool:
        try:
            self.run(content)
        except Exception:  # noqa: BLE001 -- each library has its own
            return True
        return False


def _broken(content: bytes) -> Iterator[tuple[str, bytes]]:
    for fault, (sound, broken) in _FAULTS[content[:1]].items():
        if sound.encode() not in content:
            raise ValueError(f"the example no longer holds {sound}")
        yield fault, content.replace(sound.encode(), broken.encode(), 1)


class _InvalidError(ValueError):
    """What only says yes or no said no."""


def contenders() -> list[Contender]:
    """Return all of them on one message; what can be compiled once is compiled."""
    written, marked_up = write_json(vector(BODY)), write_xml(vector(BODY))
    read_only = pydantic_model(_NAME).model_validate_json
    return [
        Contender("xinqiao", "xinqiao", "read_json, schema, write_json", written, _xinqiao),
        Contender("xinqiao_check", "xinqiao", "read_json, schema, rules, write_json", written, _xinqiao_check),
        Contender("pydantic_read", "pydantic", "model_validate_json", written, read_only),
        Contender("pydantic", "pydantic", "model_validate_json, model_dump_json", written, _pydantic()),
        Contender("protobuf_py", "protobuf-py", "from_json, protovalidate, to_json", written, _protobuf_py()),
        Contender("jsonschema", "jsonschema", "json.loads, validate, json.dumps", written, _jsonschema()),
        Contender("json_format_binary", "protobuf", "json_format.Parse, SerializeToString", written, _to_binary()),
        Contender("json_format", "protobuf", "json_format.Parse, MessageToJson", written, _json_format()),
        Contender("xinqiao_xml", "xinqiao", "read_xml, schema, write_xml", marked_up, _xinqiao_xml),
        Contender("lxml", "lxml", "fromstring, assertValid, tostring", marked_up, _lxml()),
    ]


def _xinqiao(content: bytes) -> bytes:
    message = read_json(content)
    if not is_valid(message):
        raise _InvalidError
    return write_json(message)


def _xinqiao_check(content: bytes) -> bytes:
    message = read_json(content)
    if check(message, strict=True):
        raise _InvalidError
    return write_json(message)


def _pydantic() -> Run:
    read = pydantic_model(_NAME).model_validate_json
    return lambda content: read(content).model_dump_json(exclude_unset=True)


def _protobuf_py() -> Run:
    validate = protovalidate.Validator().validate

    def run(content: bytes) -> str:
        message = v1.Message.from_json(content.decode())
        validate(message)
        return message.to_json()

    return run


def _jsonschema() -> Run:
    validator = jsonschema.Draft202012Validator(strict_schema_of(_NAME))

    def run(content: bytes) -> str:
        message = json.loads(content)
        validator.validate(message)
        return json.dumps(message, ensure_ascii=False)

    return run


def _to_binary() -> Run:
    message = google_message()
    return lambda content: json_format.Parse(content, message()).SerializeToString()


def _json_format() -> Run:
    message = google_message()
    return lambda content: json_format.MessageToJson(json_format.Parse(content, message()), indent=None)


def _xinqiao_xml(content: bytes) -> bytes:
    message = read_xml(content)
    if not is_valid(message):
        raise _InvalidError
    return write_xml(message)


def _lxml() -> Run:
    schema = etree.XMLSchema(etree.parse(_XSD))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)

    def run(content: bytes) -> bytes:
        root = etree.fromstring(content, parser)
        schema.assertValid(root)
        return etree.tostring(root)

    return run
