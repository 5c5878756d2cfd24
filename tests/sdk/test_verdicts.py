"""One verdict: JSON Schema, protovalidate on the typed message, and XSD agree about every message, valid or not."""

from collections.abc import Callable, Iterator
from functools import cache
from math import ceil

import protovalidate
import pytest
from lxml import etree
from protobuf import message_from_json_value, message_to_json_value

from generate import ROOT
from generate.plain_xml import as_element
from xinqiao import v1
from xinqiao.finding import errors_in
from xinqiao.message import Json, read_json, write_json
from xinqiao.standard import message_types
from xinqiao.testing import faults_of, generated, vectors, well_formed
from xinqiao.testing.places import places_of
from xinqiao.validation import check
from xinqiao.xml_form import read_xml, write_xml

BODIES = list(message_types())
VALIDATOR = protovalidate.Validator()
# A seed gives a message and about a dozen faults, ten at the least.
CASES = 1 / 11


@cache
def xsd() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(ROOT / "schemas" / "xsd" / "v1" / "message.xsd"))


def valid_by_schema(message: Json) -> bool:
    return not any(each.rule.startswith("schema.") for each in errors_in(check(message, strict=True)))


def valid_typed(message: Json) -> bool:
    """Whether it is read, means the same when it is written again, and keeps its constraints."""
    try:
        typed = message_from_json_value(v1.Message, message)
    except (TypeError, ValueError, OverflowError):
        return False
    return bool(message_to_json_value(typed) == message) and not VALIDATOR.collect_violations(typed)


def valid_by_xsd(message: Json) -> bool:
    return bool(xsd().validate(as_element(message)))


def seeds(share: float, request: pytest.FixtureRequest) -> range:
    """Return the seeds of each message type, so that all types together make up a share of ``--messages``."""
    return range(max(2, ceil(share * request.config.getoption("--messages") / len(BODIES))))


def judged(body: str, count: range) -> Iterator[tuple[str, Json, bool, bool]]:
    """Yield well-formed messages and their faults: a name, the message, its due verdict, whether XML can say it."""
    for seed in count:
        message = well_formed(body, seed)
        yield f"{body} {seed}", message, True, True
        for fault in faults_of(message, seed):
            yield f"{body} {seed}: {fault.name}", fault.message, False, fault.xml


@pytest.mark.parametrize("body", BODIES)
def test_three_validators_give_one_verdict(body: str, request: pytest.FixtureRequest) -> None:
    disagreements = []
    for name, message, due, xml in judged(body, seeds(CASES, request)):
        verdicts = {"schema": valid_by_schema(message), "typed": valid_typed(message)}
        if xml:
            verdicts["xsd"] = valid_by_xsd(message)
        if set(verdicts.values()) != {due}:
            disagreements.append((name, due, verdicts))

    assert disagreements == []


def test_as_many_messages_are_judged_as_were_asked_for(request: pytest.FixtureRequest) -> None:
    count = seeds(CASES, request)

    assert sum(1 for body in BODIES for _ in judged(body, count)) >= request.config.getoption("--messages")


@pytest.mark.parametrize("body", BODIES)
def test_a_fault_is_found_where_it_is(body: str, request: pytest.FixtureRequest) -> None:
    unfound = []
    for seed in seeds(CASES, request):
        for fault in faults_of(well_formed(body, seed), seed):
            findings = [(each.rule, each.path) for each in check(fault.message, strict=True)]
            if fault.finding not in findings:
                unfound.append((fault.name, fault.finding, findings))

    assert unfound == []


@pytest.mark.parametrize("body", BODIES)
def test_fields_of_a_later_version_are_noted_wherever_they_stand(body: str) -> None:
    message = vectors(body)[0]["message"]
    for place in places_of(message):
        place.node["later"] = {"field": [1]}

    assert {(each.rule, each.level) for each in check(message)} == {("schema.unknown_field", "INFORMATION")}
    message.pop("later")
    assert not valid_by_schema(message)


@pytest.mark.parametrize("body", BODIES)
def test_generated_messages_are_valid(body: str, request: pytest.FixtureRequest) -> None:
    for seed in seeds(1 / 4, request):
        assert errors_in(check(generated(body, seed), strict=True)) == []


def messages(body: str, request: pytest.FixtureRequest) -> list[Json]:
    return [
        *(each["message"] for each in vectors(body)),
        *(make(body, seed) for make in (generated, well_formed) for seed in seeds(1 / 8, request)),
    ]


@pytest.mark.parametrize("body", BODIES)
def test_json_typed_binary_typed_json_is_the_identity(body: str, request: pytest.FixtureRequest) -> None:
    for message in messages(body, request):
        binary = message_from_json_value(v1.Message, message).to_binary()

        assert message_to_json_value(v1.Message.from_binary(binary)) == message


@pytest.mark.parametrize("body", BODIES)
def test_the_codec_writes_what_the_schema_says(body: str) -> None:
    for each in vectors(body):
        plain = etree.tostring(as_element(each["message"]), method="c14n")

        assert etree.tostring(etree.fromstring(write_xml(each["message"])), method="c14n") == plain


@pytest.mark.parametrize("body", BODIES)
def test_json_xml_json_is_the_identity(body: str, request: pytest.FixtureRequest) -> None:
    for message in messages(body, request):
        assert read_xml(write_xml(message)) == message


def test_a_field_of_a_later_version_survives_in_json_xml_and_binary() -> None:
    """It cannot cross encodings: what was sealed is carried on as its original bytes."""
    message = {**vectors("navReport")[0]["message"]}
    message["navReport"] = {**message["navReport"], "later": "field"}
    typed = message_from_json_value(v1.Message, vectors("navReport")[0]["message"])
    later = typed.to_binary() + bytes([0xFA, 0x7F, 0x02]) + b"hi"  # field 2047, two bytes

    assert read_json(write_json(message)) == message
    assert read_xml(write_xml(message)) == message
    assert v1.Message.from_binary(later).to_binary() == later


@pytest.mark.parametrize("make", [generated, well_formed])
def test_a_type_that_is_none_is_told_what_is_near(make: Callable[[str, int], Json]) -> None:
    with pytest.raises(KeyError, match="near to it: navReport"):
        make("navReports", 1)
