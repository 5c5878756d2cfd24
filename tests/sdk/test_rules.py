"""The rules of the standard: each is documented, kept and broken by published vectors, and agrees with an oracle."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import isin
from stdnum.cn import ric, uscc

from xinqiao.expectation import DATE
from xinqiao.rules import metadata, registered
from xinqiao.rules.check_digits import (
    isin_check_digit,
    resident_id_check_digit,
    social_credit_check_character,
)
from xinqiao.rules.exact import plain, scaled
from xinqiao.rules.table import VALUE_KINDS
from xinqiao.standard import message_types, schema_of
from xinqiao.testing import patched, rule_vectors, vector
from xinqiao.validation import check

VECTORS = rule_vectors()
DEFINITIONS = {name for kind in message_types().values() for name in schema_of(kind.name)["$defs"]}
DECIMALS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?\Z")
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_every_rule_has_a_function_metadata_and_vectors() -> None:
    assert registered() == metadata().keys() == VECTORS.keys()


def test_every_rule_applies_to_something_that_the_standard_has() -> None:
    kinds = set(VALUE_KINDS.values())

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

    findings = check(patched(vector(VECTORS[rule]["base"]), case["patch"]), strict=True)

    assert [(each.rule, each.level, each.path, each.text, each.fix) for each in findings] == [
        (rule, about.level, path, about.text, about.fix) for path in case["paths"]
    ]


def test_every_kind_of_value_is_checked_where_it_stands() -> None:
    dates = {
        name
        for kind in message_types().values()
        for definition in schema_of(kind.name)["$defs"].values()
        for name, field in definition["properties"].items()
        if field.get("pattern") == DATE
    }

    assert dates == {
        "acquiredOn",
        "asOf",
        "assessedOn",
        "birthDate",
        "businessDate",
        "deliveredOn",
        "dueDate",
        "effectiveDate",
        "endDate",
        "establishedOn",
        "navDate",
        "periodEnd",
        "periodStart",
        "signedOn",
        "startDate",
        "tradeDate",
        "validFrom",
        "validUntil",
        "valueDate",
    }


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
