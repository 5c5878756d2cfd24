"""The rules of the standard: each is documented, kept and broken by published vectors, and agrees with an oracle."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import isin
from stdnum.cn import ric, uscc

from xinqiao.message import Json
from xinqiao.rules import findings_of, metadata, registered
from xinqiao.rules.check_digits import (
    isin_check_digit,
    resident_id_check_digit,
    social_credit_check_character,
)
from xinqiao.rules.exact import plain, scaled
from xinqiao.rules.table import Table, table_of
from xinqiao.standard import MessageType, message_types, schema_of
from xinqiao.testing import patched, rule_vectors, vector, vectors, well_formed
from xinqiao.v1.annotations_pb import FieldAnnotation
from xinqiao.validation import check

VECTORS = rule_vectors()
DEFINITIONS = {name for kind in message_types().values() for name in schema_of(kind.name)["$defs"]} | {"Message"}
DECIMALS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?\Z")
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_every_rule_has_a_function_metadata_and_vectors() -> None:
    assert registered() == metadata().keys() == VECTORS.keys()


def test_every_rule_applies_to_something_that_the_standard_has() -> None:
    kinds = {kind.name.lower() for kind in FieldAnnotation.Kind} | {"POSITIVE", "NOT_NEGATIVE", "oneCurrency", "*"}

    assert {each.id: set(each.applies_to) - DEFINITIONS - kinds for each in metadata().values()} == {
        each: set() for each in metadata()
    }


def test_every_rule_has_a_kept_and_a_broken_example() -> None:
    assert [rule for rule, each in VECTORS.items() if not (each["kept"] and each["broken"])] == []


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, case["name"]) for rule, each in VECTORS.items() for case in each["kept"]]
)
def test_a_kept_example_is_valid_without_a_remark(rule: str, name: str) -> None:
    case = next(each for each in VECTORS[rule]["kept"] if each["name"] == name)

    assert check(patched(vector(VECTORS[rule]["base"]), case["patch"]), strict=True) == []


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, case["name"]) for rule, each in VECTORS.items() for case in each["broken"]]
)
def test_a_broken_example_is_found_by_its_rule_alone(rule: str, name: str) -> None:
    case = next(each for each in VECTORS[rule]["broken"] if each["name"] == name)
    about = metadata()[rule]
    level = about.level_on(message_types()[VECTORS[rule]["base"]].message_class)

    findings = check(patched(vector(VECTORS[rule]["base"]), case["patch"]), strict=True)

    assert [(each.rule, each.level, each.path, each.text, each.fix) for each in findings] == [
        (rule, level, path, about.text, about.fix) for path in case["paths"]
    ]


def _body_table(kind: MessageType) -> Table:
    return dict(table_of(kind.name).parts)[kind.body]


@pytest.mark.parametrize("kind", message_types().values(), ids=lambda kind: str(kind.body))
def test_the_compiled_walk_and_the_careful_one_find_the_same(kind: MessageType) -> None:
    messages = [each["message"] for each in vectors(kind.body)]
    messages += [well_formed(kind.body, seed) for seed in range(5)]
    elsewhere = frozenset({("elsewhere",)})

    for message in messages:
        compiled = sorted(findings_of(message, kind), key=repr)
        assert compiled == sorted(findings_of(message, kind, elsewhere), key=repr)


def test_a_fact_is_refused_for_less_than_a_request_and_a_directive_by_no_rule() -> None:
    levels = {each.id: (each.level, each.on_fact) for each in metadata().values()}
    message = patched(vector("regulatorDirective"), [{"op": "replace", "path": "/header/receiver", "value": NOBODY}])

    assert set(levels.values()) <= {("ERROR", "ERROR"), ("ERROR", "WARNING"), ("WARNING", "WARNING")}
    assert [(each.rule, each.level) for each in check(message)] == [("XQ-R-007", "WARNING")]


NOBODY = "0" * 18
ZERO = {"value": "0.00", "currency": "CNY"}


@pytest.mark.parametrize(
    ("body", "path", "value", "rule", "place"),
    [
        ("navReport", "/header/receiver", NOBODY, "XQ-R-007", "header.receiver"),
        ("navReport", "/header/sender", NOBODY, "XQ-R-007", "header.sender"),
        ("contractProposal", "/contractProposal/scale", ZERO, "XQ-R-050", "contractProposal.scale.value"),
        ("contractEffective", "/contractEffective/scale", ZERO, "XQ-R-050", "contractEffective.scale.value"),
        ("fundsMatch", "/fundsMatch/expectedAmount", ZERO, "XQ-R-050", "fundsMatch.expectedAmount.value"),
        (
            "contractProposal",
            "/contractProposal/distributionClauses/0/cap",
            ZERO,
            "XQ-R-050",
            "contractProposal.distributionClauses[0].cap.value",
        ),
        (
            "contractProposal",
            "/contractProposal/distributionClauses/0/payeeAccount",
            {"name": "王一诺"},
            "XQ-R-056",
            "contractProposal.distributionClauses[0].payeeAccount.number",
        ),
        (
            "contractEffective",
            "/contractEffective/trustAccount",
            {"name": "示例信托有限公司"},
            "XQ-R-056",
            "contractEffective.trustAccount.number",
        ),
    ],
)
def test_a_rule_on_many_parts_finds_its_breach_in_each(
    body: str, path: str, value: object, rule: str, place: str
) -> None:
    findings = check(patched(vector(body), [{"op": "add", "path": path, "value": value}]))

    assert (rule, place) in [(each.rule, each.path) for each in findings]


def test_a_counterparty_may_be_known_by_name_alone() -> None:
    step = {"op": "remove", "path": "/accountEntry/counterparty/number"}

    assert check(patched(vector("accountEntry"), [step]), strict=True) == []


@pytest.mark.parametrize(("currency", "value"), [("CNY", "0.01"), ("JPY", "1"), ("KWD", "0.001")])
def test_a_total_may_be_off_by_one_minor_unit_of_its_currency(currency: str, value: str) -> None:
    def findings(total: str) -> list[str]:
        message = vector("positionStatement")
        message["positionStatement"] |= {"totalMarketValue": {"value": total, "currency": currency}}
        for position in message["positionStatement"]["positions"]:
            position["marketValue"] = {"value": "5", "currency": currency}
        return [each.rule for each in check(message)]

    assert findings(plain(scaled("10") + scaled(value))) == []
    assert findings(plain(scaled("10") + scaled(value) + 1)) == ["XQ-R-082"]


def test_dates_are_checked_in_every_definition_that_has_one() -> None:
    def dated(schema: Json) -> set[str]:
        return {name for name, each in schema["properties"].items() if each["x-xinqiao"].get("kind") == "DATE"}

    for kind in message_types().values():
        schema = schema_of(kind.name)
        body = schema["$defs"][kind.name]
        checked = {name for name, _, about in _body_table(kind).values if about.id == "XQ-R-001"}
        assert checked == {name for name in dated(body) if "items" not in body["properties"][name]}


@given(st.text(string.digits, min_size=17, max_size=17))
def test_resident_id_check_digits_agree_with_the_oracle(digits: str) -> None:
    assert resident_id_check_digit(digits) == ric.calc_check_digit(digits + "0")


@given(st.text(CREDIT_ALPHABET, min_size=17, max_size=17))
def test_social_credit_check_characters_agree_with_the_oracle(body: str) -> None:
    assert social_credit_check_character(body) == uscc.calc_check_digit(body)


@given(
    st.text(string.ascii_uppercase, min_size=2, max_size=2),
    st.text(string.ascii_uppercase + string.digits, min_size=9, max_size=9),
)
def test_isin_check_digits_agree_with_the_oracle(country: str, body: str) -> None:
    assert isin_check_digit(country + body) == isin.calc_check_digit(country + body)


@given(st.integers(0, 16), st.text(string.digits, min_size=17, max_size=17), st.sampled_from(string.digits))
def test_one_wrong_digit_in_a_resident_id_is_always_found(position: int, digits: str, other: str) -> None:
    changed = digits[:position] + other + digits[position + 1 :]

    same = resident_id_check_digit(changed) == resident_id_check_digit(digits)

    assert same == (changed == digits)


@given(DECIMALS)
def test_a_decimal_string_keeps_its_value_in_exact_arithmetic(value: str) -> None:
    assert scaled(plain(scaled(value))) == scaled(value)


@given(st.integers(-(10**24), 10**24), st.integers(-(10**24), 10**24))
def test_exact_sums_are_sums(first: int, second: int) -> None:
    assert scaled(plain(first)) + scaled(plain(second)) == scaled(plain(first + second))
