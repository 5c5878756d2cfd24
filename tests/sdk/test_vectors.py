"""The published vectors hold what they say: in this implementation, and in a second validator of JSON Schema."""

import base64
import json
from datetime import datetime
from functools import cache
from typing import Any

import protovalidate
import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from protobuf import message_from_json_value

from generate import ROOT
from xinqiao import v1
from xinqiao.errors import XinqiaoError
from xinqiao.finding import errors_in
from xinqiao.keys import KeyRing, SigningKey
from xinqiao.message import Json, content_digest, read_json
from xinqiao.rules import metadata
from xinqiao.seal import Sealed, open_seal
from xinqiao.standard import message_types, strict_schema_of
from xinqiao.validation import check
from xinqiao.xml_form import read_xml

VECTORS = ROOT / "schemas" / "vectors"
BODIES = list(message_types())
SCHEMAS = [f"{kind.name}.schema.json" for kind in message_types().values()]


def read(path: str) -> Json:
    found: Json = json.loads((VECTORS / path).read_bytes())
    return found


@cache
def cases_of(body: str) -> list[Json]:
    cases: list[Json] = read(f"forms/{body}.json")["cases"]
    return cases


@pytest.mark.parametrize("body", BODIES)
def test_a_type_has_two_valid_and_three_invalid_vectors_or_more(body: str) -> None:
    verdicts = [case["valid"] for case in cases_of(body)]

    assert verdicts.count(True) >= 2
    assert verdicts.count(False) >= 3


@pytest.mark.parametrize("body", BODIES)
def test_the_verdict_on_a_vector_is_the_published_one(body: str) -> None:
    for case in cases_of(body):
        found = check(case["json"], strict=True)

        assert (errors_in(found) == []) == case["valid"], case["name"]
        expected = [(each["rule"], each["path"]) for each in case.get("findings", ())]
        assert set(expected) <= {(each.rule, each.path) for each in found}, case["name"]
        assert case["valid"] or expected, case["name"]


VALIDATOR = protovalidate.Validator()


@cache
def xsd() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(ROOT / "schemas" / "xsd" / "v1" / "message.xsd"))


@cache
def second_validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(strict_schema_of(name))


@pytest.mark.parametrize("body", BODIES)
def test_a_second_validator_gives_the_same_verdict_by_schema(body: str) -> None:
    for case in cases_of(body):
        by_schema = not any(each["rule"].startswith("schema.") for each in case.get("findings", ()))

        assert second_validator(message_types()[body].name).is_valid(case["json"]) == by_schema, case["name"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_by_the_meta_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads((ROOT / "schemas" / "json" / "v1" / name).read_bytes()))


@pytest.mark.parametrize("body", BODIES)
def test_the_forms_of_a_vector_are_one_message(body: str) -> None:
    for case in cases_of(body):
        if case["binary"] is not None:
            typed = v1.Message.from_binary(base64.b64decode(case["binary"]))
            assert typed == message_from_json_value(v1.Message, case["json"]), case["name"]
        if case["valid"]:
            assert read_xml(case["xml"].encode()) == case["json"], case["name"]
            if "findings" not in case:
                assert content_digest(case["json"]) == case["contentDigest"]


@pytest.mark.parametrize("body", BODIES)
def test_the_forms_of_an_invalid_vector_are_refused_too(body: str) -> None:
    for case in cases_of(body):
        by_schema = not any(each["rule"].startswith("schema.") for each in case.get("findings", ()))
        if case["xml"] is not None:
            assert xsd().validate(etree.fromstring(case["xml"].encode())) == by_schema, case["name"]
        if case["binary"] is not None:
            typed = v1.Message.from_binary(base64.b64decode(case["binary"]))
            assert (VALIDATOR.collect_violations(typed) == []) == by_schema, case["name"]


def test_every_rule_is_broken_by_a_published_message() -> None:
    named = {finding["rule"] for body in BODIES for case in cases_of(body) for finding in case.get("findings", ())}

    assert metadata().keys() <= named


@pytest.mark.parametrize("case", read("json.json")["cases"], ids=lambda case: str(case["name"]))
def test_bytes_are_read_or_refused_as_published(case: dict[str, Any]) -> None:
    raw = case["text"].encode() if "text" in case else base64.b64decode(case["base64"])
    try:
        read_json(raw)
    except XinqiaoError as error:
        outcome = error.reason
    else:
        outcome = "read"

    assert outcome == case["outcome"]


SEALED = read("sealed.json")


@pytest.mark.parametrize("case", SEALED["cases"], ids=lambda case: str(case["name"]))
def test_a_sealed_vector_opens_or_is_refused_as_published(case: dict[str, str]) -> None:
    sealed = Sealed(base64.b64decode(case["content"]), case["contentType"], case["signature"])
    try:
        open_seal(sealed, KeyRing.from_jwks(SEALED), at=datetime.fromisoformat(case["at"]))
    except XinqiaoError as error:
        outcome = error.reason
    else:
        outcome = "opens"

    assert outcome == case["outcome"]


def test_the_published_keys_belong_together() -> None:
    private = SigningKey.from_jwk(SEALED["privateKeys"][0])

    assert private.public().jwk() == SEALED["keys"][0]
