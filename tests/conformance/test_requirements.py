"""The set of requirements is data that people and machines can rely on."""

import re

import pytest

from xinqiao_conformance.requirements import Requirement, UnknownRequirement, requirement_of, requirements


@pytest.mark.parametrize("each", requirements(), ids=lambda each: each.id)
def test_a_requirement_has_an_id_a_level_a_role_both_languages_and_a_source(each: Requirement) -> None:
    assert re.fullmatch(r"[A-Z0-9]{2,3}-[0-9]{3}", each.id)
    assert each.level in ("MUST", "SHOULD", "MAY")
    assert each.role in ("sender", "receiver", "gateway")
    assert each.shown_by in ("suite", "inspection")
    assert re.search(r"[\u4e00-\u9fff]", each.text.zh)
    assert each.text.en.isascii()
    assert each.source


def test_a_requirement_is_found_by_its_id() -> None:
    assert [requirement_of(each.id) for each in requirements()] == requirements()


def test_requirements_are_told_apart_by_role_and_by_how_they_are_shown() -> None:
    assert {each.role for each in requirements("sender")} == {"sender"}
    shown = [requirements(shown_by=each) for each in ("suite", "inspection")]
    assert sorted(each.id for found in shown for each in found) == sorted(each.id for each in requirements())


def test_an_id_that_is_none_is_unknown() -> None:
    with pytest.raises(UnknownRequirement, match="GHO-001"):
        requirement_of("GHO-001")
