"""What the suite covers: requirements by cases, cases by mutants. A gap fails here, not in the field."""

import re
from collections import Counter

import pytest

from xinqiao_conformance.case import Case, cases, cases_of
from xinqiao_conformance.declaration import FEATURES
from xinqiao_conformance.kits import businesses, kits
from xinqiao_conformance.mutants import mutants
from xinqiao_conformance.requirements import UnknownRequirement, requirements


def with_cases() -> set[str]:
    return {each.requirement.id for each in cases()}


def test_every_requirement_has_a_case_or_says_why_it_has_none() -> None:
    untested = {each.id for each in requirements() if each.id not in with_cases()}
    assert untested == {each.id for each in requirements() if each.reason}
    assert {each.id for each in requirements(shown_by="suite")} == with_cases()


def test_a_reason_is_said_in_both_languages() -> None:
    for each in requirements(shown_by="inspection"):
        assert each.reason is not None
        assert re.search(r"[\u4e00-\u9fff]", each.reason.zh)
        assert each.reason.en.isascii()


def test_a_case_of_an_unknown_requirement_fails_at_import() -> None:
    with pytest.raises(UnknownRequirement, match="ENV-999"):
        cases_of("gateway")("ENV-999")


def test_an_unknown_role_has_no_cases() -> None:
    with pytest.raises(ValueError, match="there are sender"):
        cases_of("bystander")


@pytest.mark.parametrize("each", cases(), ids=lambda each: each.id)
def test_the_name_of_a_case_is_a_sentence(each: Case) -> None:
    theme, name = each.id.split(".")[1:]
    # A check of a recording is called as the SDK calls it.
    assert theme == "recorded" or len(name.split("_")) >= 4


def test_most_of_what_a_kit_runs_is_negative() -> None:
    features = {name for each in cases() for name in each.needs}
    runs = [run for kit in kits() for each in cases() if each.is_for(kit, features) for run in each.runs(kit)]
    share = Counter(each.case.negative for each in runs)
    assert share[True] / share.total() >= 0.6
    assert len({each.id for each in runs}) > 100


def test_every_kit_has_cases() -> None:
    empty = [kit.id for kit in kits() if not any(each.is_for(kit, ()) for each in cases())]
    assert empty == []


def test_every_feature_that_a_case_needs_can_be_declared_and_every_other_is_asked_for() -> None:
    assert {name for each in cases() for name in each.needs} == FEATURES.keys()


def test_every_business_has_messages_of_both_sides() -> None:
    assert [each.name for each in businesses().values() if not (each.partner and each.trust)] == []


def test_every_requirement_with_a_case_has_a_mutant() -> None:
    assert with_cases() - {each.breaks for each in mutants()} == set()


def test_at_least_half_of_the_mutants_are_made_mechanically() -> None:
    assert sum(each.mechanical for each in mutants()) * 2 >= len(mutants())
