"""Validation: all violations at once, each with its place, what was expected and how to mend it; values masked."""

import copy
from collections.abc import Iterator
from typing import Any

import protovalidate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protobuf import message_from_json_value

from xinqiao import v1
from xinqiao.errors import UnknownMessageType, UnsupportedVersion
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, write_json
from xinqiao.standard import field_at, message_types
from xinqiao.testing import example, patched, vector
from xinqiao.validation import check

Step = dict[str, Any]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def found(message: Json, *, strict: bool = False) -> list[tuple[str, str]]:
    return [(finding.rule, finding.path) for finding in check(message, strict=strict)]


def places(value: object, pointer: str = "") -> Iterator[str]:
    """Yield the JSON pointer of every part of a message below its root."""
    parts: Iterator[tuple[str, object]] = iter(())
    if isinstance(value, dict):
        parts = iter(value.items())
    elif isinstance(value, list):
        parts = ((str(index), part) for index, part in enumerate(value))
    for name, part in parts:
        below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        yield below
        yield from places(part, below)


@pytest.mark.parametrize("body", message_types())
def test_the_published_examples_are_valid_without_a_remark(body: str) -> None:
    assert check(vector(body), strict=True) == []


def test_a_violation_says_what_where_and_how_to_mend_it() -> None:
    message = patched(
        vector("kycApplication"), [{"op": "replace", "path": "/kycApplication/applicant/gender", "value": "M"}]
    )

    assert check(message) == [
        Finding(
            rule="schema.enum",
            path="kycApplication.applicant.gender",
            text=Text("性别不在取值范围内", "Gender is not one of the values allowed"),
            level="ERROR",
            value="***",
            expected="one of MALE, FEMALE",
            fix=Text("应为以下之一：MALE, FEMALE", "give one of MALE, FEMALE"),
        )
    ]


@pytest.mark.parametrize(
    ("body", "step", "rule", "path", "value", "expected"),
    [
        (
            "navReport",
            {"op": "remove", "path": "/navReport/navDate"},
            "schema.required",
            "navReport.navDate",
            None,
            "a date yyyy-MM-dd",
        ),
        (
            "navReport",
            {"op": "replace", "path": "/navReport/unitNav", "value": 1.0021},
            "schema.type",
            "navReport.unitNav",
            "1.0021",
            "a decimal string, up to 16 digits and 8 decimals, not negative",
        ),
        (
            "navReport",
            {"op": "replace", "path": "/navReport/navDate", "value": "2026/01/30"},
            "schema.pattern",
            "navReport.navDate",
            "2026/01/30",
            "a date yyyy-MM-dd",
        ),
        (
            "contractProposal",
            {"op": "replace", "path": "/contractProposal/distributionClauses/1/order", "value": 0},
            "schema.minimum",
            "contractProposal.distributionClauses[1].order",
            "0",
            "a whole number from 1 to 99",
        ),
        (
            "kycApplication",
            {"op": "replace", "path": "/kycApplication/riskAssessment/score", "value": 1001},
            "schema.maximum",
            "kycApplication.riskAssessment.score",
            "1**1",
            "a whole number from 0 to 1000",
        ),
        (
            "kycDecision",
            {"op": "add", "path": "/kycDecision/itemsNeeded", "value": []},
            "schema.min_items",
            "kycDecision.itemsNeeded",
            "[…]",
            "an array of 1 to 20 items",
        ),
        (
            "kycDecision",
            {"op": "add", "path": "/kycDecision/itemsNeeded", "value": ["x"] * 21},
            "schema.max_items",
            "kycDecision.itemsNeeded",
            "[…]",
            "an array of 1 to 20 items",
        ),
        (
            "kycDecision",
            {"op": "add", "path": "/kycDecision/itemsNeeded", "value": ["x", ""]},
            "schema.min_length",
            "kycDecision.itemsNeeded[1]",
            None,
            "text without control characters, 1 to 200 characters",
        ),
        (
            "kycApplication",
            {"op": "replace", "path": "/kycApplication/sourceOfFunds", "value": "长" * 201},
            "schema.max_length",
            "kycApplication.sourceOfFunds",
            "长长长" + "*" * 40 + "长长长",
            "text without control characters, 1 to 200 characters",
        ),
        (
            "redemptionOrder",
            {"op": "remove", "path": "/redemptionOrder/units"},
            "schema.one_of",
            "redemptionOrder",
            None,
            "exactly one of units, grossAmount, netAmount, holdingPercentage",
        ),
        (
            "redemptionOrder",
            {"op": "add", "path": "/redemptionOrder/netAmount", "value": {"value": "1", "currency": "EUR"}},
            "schema.one_of",
            "redemptionOrder",
            None,
            "exactly one of units, grossAmount, netAmount, holdingPercentage",
        ),
    ],
)
def test_each_kind_of_violation_names_place_value_and_expectation(
    body: str, step: Step, rule: str, path: str, value: str | None, expected: str
) -> None:
    findings = check(patched(vector(body), [step]))

    assert [(each.rule, each.path, each.value, each.expected) for each in findings] == [(rule, path, value, expected)]


def test_every_violation_is_reported_at_once_schema_and_rules() -> None:
    message = patched(
        vector("kycApplication"),
        [
            {"op": "remove", "path": "/header/receiver"},
            {"op": "replace", "path": "/kycApplication/applicant/gender", "value": "FEMALE"},
            {"op": "replace", "path": "/kycApplication/annualIncome/value", "value": "3,000,000"},
            {"op": "replace", "path": "/kycApplication/riskAssessment/validUntil", "value": "2025-01-01"},
            {
                "op": "replace",
                "path": "/kycApplication/relatedParties/0/party/documents/0/number",
                "value": "110101198205200044",
            },
        ],
    )

    assert sorted(found(message)) == [
        ("XQ-R-010", "kycApplication.relatedParties[0].party.documents[0].number"),
        ("XQ-R-014", "kycApplication.applicant.gender"),
        ("XQ-R-030", "kycApplication.riskAssessment.validUntil"),
        ("schema.pattern", "kycApplication.annualIncome.value"),
        ("schema.required", "header.receiver"),
    ]


def test_a_rule_does_not_speak_about_parts_that_the_schema_refused() -> None:
    message = patched(
        vector("positionStatement"),
        [{"op": "replace", "path": "/positionStatement/positions/0/marketValue/value", "value": "much"}],
    )

    assert found(message) == [("schema.pattern", "positionStatement.positions[0].marketValue.value")]


def test_an_unknown_field_is_information_and_in_strict_mode_an_error() -> None:
    message = patched(
        vector("navReport"),
        [
            {"op": "add", "path": "/navReport/colour", "value": "11010119800101007X"},
            {"op": "add", "path": "/extra", "value": {"a": 1}},
        ],
    )

    findings = check(message)

    assert [(each.level, each.path, each.value) for each in findings] == [
        ("INFORMATION", "navReport.colour", "110************07X"),
        ("INFORMATION", "extra", "{…}"),
    ]
    assert [each.level for each in check(message, strict=True)] == ["ERROR", "ERROR"]


def test_rules_run_on_a_message_with_unknown_fields() -> None:
    message = patched(
        vector("fundsMatch"),
        [
            {"op": "remove", "path": "/fundsMatch/instructionNo"},
            {"op": "add", "path": "/fundsMatch/later", "value": 1},
        ],
    )

    assert found(message) == [
        ("XQ-R-061", "fundsMatch.instructionNo"),
        ("schema.unknown_field", "fundsMatch.later"),
    ]


def test_a_flood_of_unknown_fields_hides_no_error() -> None:
    message = patched(vector("fundsMatch"), [{"op": "remove", "path": "/fundsMatch/instructionNo"}])
    message["header"] |= {f"unknown{number}": number for number in range(2000)} | {"caseId": "?"}

    assert found(message)[:2] == [("schema.pattern", "header.caseId"), ("XQ-R-061", "fundsMatch.instructionNo")]
    assert len(check(message)) == 102
    assert {finding.level for finding in check(message, strict=True)} == {"ERROR"}
    assert len(check(message, strict=True)) == 1000


@pytest.mark.parametrize(
    "message", [{}, {"header": {}}, {"header": {}, "navReport": {}, "kycDecision": {}}, {"NavReport": {}}]
)
def test_a_message_without_exactly_one_known_body_has_no_schema(message: Json) -> None:
    with pytest.raises(UnknownMessageType):
        check(message)


def test_a_message_of_another_major_version_has_no_schema() -> None:
    with pytest.raises(UnsupportedVersion, match=r"2\.0"):
        check(example("navReport", standard_version="2.0"))


def test_a_trailing_line_feed_does_not_pass_a_pattern() -> None:
    assert found(example("navReport", case_id="CASE-1\n")) == [("schema.pattern", "header.caseId")]


VALIDATOR = protovalidate.Validator()
PLAIN = [
    "王小明",
    "O’Brien",
    "a b",
    "\u3000a",
    "𠮷",
    "\ue81e",
    "e\u0301",
    "a\u200db",
    "平信(2026)家族字第001号",
    "军字第20120001号",
]
REFUSED_ALONE = ["", " ", "\u3000\xa0", "\u2003", "\u200d", "\u3164", "\u2800", "\t", "\n", "\r\n", "\x00"]
REFUSED_WITHIN = ["\x1f", "\x7f", "\x85", "\x9f", "\u061c", "\u200b", "\u200f", "\u2028", "\u202e", "\u2066", "\ufeff"]
REFUSED_WITHIN += ["\ufffe", "\uffff", "\n", "\t"]


@pytest.mark.parametrize("text", [*PLAIN, *REFUSED_ALONE, *(f"王{each}明" for each in REFUSED_WITHIN)])
@pytest.mark.parametrize(
    "path", ["/fundsMatch/instructionNo", "/disclosureNotice/title", "/contractEffective/contractNo"]
)
def test_schema_and_protovalidate_give_one_verdict_on_odd_text(path: str, text: str) -> None:
    body = path.split("/")[1]
    message = patched(vector(body), [{"op": "replace", "path": path, "value": text}])
    typed = message_from_json_value(v1.Message, message)

    violations = VALIDATOR.collect_violations(typed)

    findings = check(message)

    assert (violations == []) == (not any(each.rule.startswith("schema.") for each in findings))
    if body != "fundsMatch":
        assert (findings == []) == (text in PLAIN)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("固定收益类不低于80%\n权益类不超过20%", []),
        ("\n- 固定收益类\n", []),
        ("\n", ["XQ-R-008"]),
        ("固定收益类\r\n权益类", ["schema.pattern"]),
        ("固定收益类\u202e", ["XQ-R-008"]),
    ],
)
def test_a_mandate_may_have_lines(text: str, rules: list[str]) -> None:
    message = patched(
        vector("contractProposal"), [{"op": "replace", "path": "/contractProposal/mandate", "value": text}]
    )
    violations = VALIDATOR.collect_violations(message_from_json_value(v1.Message, message))

    assert [rule for rule, _ in found(message)] == rules
    assert (violations == []) == ("schema.pattern" not in rules)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("Wang Xiaoming", True),
        ("Müller-Lüdenscheid, Jörg", True),
        ("Nguyễn Văn A", True),
        ("3M (Asia) & Co. S.p.A./N.V.", True),
        ("Sean O’Brien", True),
        ("Rene\u0301", True),
        ("王小明", False),
        (" Wang", True),
        ("Wang\n", False),
        ("Wang×Li", False),
    ],
)
def test_a_name_in_latin_letters_may_have_what_such_names_have(name: str, fits: bool) -> None:
    message = patched(
        vector("kycApplication"), [{"op": "replace", "path": "/kycApplication/applicant/nameLatin", "value": name}]
    )
    violations = VALIDATOR.collect_violations(message_from_json_value(v1.Message, message))

    assert (found(message) == [], violations == []) == (fits, fits)


@pytest.mark.parametrize("number", ["军字第20120001号", "H12345678(A)", "沪房地（2026）浦字第000001号"])
def test_numbers_that_people_coin_pass(number: str) -> None:
    steps = [
        {"op": "replace", "path": "/kycApplication/applicant/documents/0/type", "value": "MILITARY_ID"},
        {"op": "replace", "path": "/kycApplication/applicant/documents/0/number", "value": number},
    ]

    assert check(patched(vector("kycApplication"), steps), strict=True) == []


def test_flags_and_codes_of_a_person_are_not_shown_at_all() -> None:
    steps: list[Step] = [
        {"op": "replace", "path": "/kycApplication/applicant/gender", "value": "MAN"},
        {"op": "replace", "path": "/kycApplication/politicallyExposed", "value": "true"},
        {"op": "replace", "path": "/kycApplication/annualIncome/value", "value": True},
    ]

    assert [each.value for each in check(patched(vector("kycApplication"), steps))] == ["***", "***", "***"]


def test_at_most_a_thousand_findings_are_listed() -> None:
    message = vector("positionStatement")
    message["positionStatement"]["positions"] = [{} for _ in range(2000)]

    assert len(check(message)) == 1000


def test_a_finding_fits_the_standards_own_form_whatever_the_message_holds() -> None:
    message = patched(
        vector("rejection"), [{"op": "replace", "path": "/rejection/reason", "value": "\x01" + "R" * 400}]
    )
    message["rejection"]["k\n" * 500] = 1
    message["header"]["messageId"] = "\x00"
    listed = [finding.as_json() for finding in check(message)]
    answer = patched(vector("rejection"), [{"op": "add", "path": "/rejection/findings", "value": listed}])

    assert len(listed) == 3
    assert check(answer, strict=True) == []


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Json]:
    """Draw a published example in which up to four parts were replaced or removed."""
    body = draw(st.sampled_from(sorted(message_types())))
    message = vector(body)
    for _ in range(draw(st.integers(1, 4))):
        pointer = draw(st.sampled_from(sorted(places(message))))
        if pointer == f"/{body}":
            continue
        step: Step = {"op": "replace", "path": pointer, "value": draw(JSON_VALUES)}
        if draw(st.booleans()):
            step = {"op": "remove", "path": pointer}
        message = patched(message, [step])
    return body, message


@given(mutated())
@settings(max_examples=400)
def test_whatever_was_changed_in_a_message_its_findings_are_well_formed(changed: tuple[str, Json]) -> None:
    _, message = changed
    header = message.get("header")
    if isinstance(header, dict) and isinstance(header.get("standardVersion"), str):
        header["standardVersion"] = "1.0"
    before = copy.deepcopy(message)

    listed = [finding.as_json() for finding in check(message)]

    assert message == before
    if listed:
        answer = patched(vector("rejection"), [{"op": "add", "path": "/rejection/findings", "value": listed}])
        assert check(answer, strict=True) == []


@given(body=st.sampled_from(sorted(message_types())), data=st.data())
@settings(max_examples=300)
def test_no_finding_shows_a_raw_value_of_a_sensitive_field(body: str, data: st.DataObject) -> None:
    secret = "SECRET-6222020000000000000-SECRET"
    message = vector(body)
    pointers = [
        pointer
        for pointer in places(message)
        if (field := field_at(body, dotted(pointer)))
        and field.sensitivity != "C1"
        and field.schema.get("type") == "string"
    ]
    if not pointers:
        return
    pointer = data.draw(st.sampled_from(pointers))
    changed = patched(message, [{"op": "replace", "path": pointer, "value": secret + "\x01"}])

    findings = check(changed)

    assert findings
    assert secret not in write_json({"all": [finding.as_json() for finding in findings]}).decode()


def dotted(pointer: str) -> str:
    return ".".join(part for part in pointer.split("/")[1:] if not part.isdecimal())


def test_a_misspelt_field_is_told_the_name_that_it_may_mean() -> None:
    message = patched(vector("kycApplication"), [{"op": "add", "path": "/kycApplication/applicant/nam", "value": "x"}])
    [finding] = check(message, strict=True)

    assert finding.fix == Text("是否为 name？否则去掉该字段", "is it name? If not, leave the field out")
