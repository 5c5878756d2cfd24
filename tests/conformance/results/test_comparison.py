"""What changed since last time: what fails now, what was mended, what is gone and what is new."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.results.sample import KITS, TESTED, digest, results
from xinqiao_conformance.results.comparison import Change, Ground, compare

ONE = KITS[:1]
IDS = [each.id for each in results(kits=ONE).kits[0].requirements]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    return list(compare(results(**{"kits": ONE} | before), results(**{"kits": ONE} | after)).changes)


def test_two_runs_that_are_alike_changed_nothing() -> None:
    comparison = compare(results(["ENV-005"]), results(["ENV-005"]))
    assert comparison.changes == (Change("still_failing", KITS[0], "ENV-005", cases=2),)
    assert not comparison.regression


@pytest.mark.parametrize(
    ("before", "after", "expected", "regression"),
    [
        ({}, {"failing": ["ENV-005"]}, Change("newly_failing", ONE[0], "ENV-005", cases=2), True),
        ({}, {"failing": ["MSG-019"]}, Change("newly_failing", ONE[0], "MSG-019", True, cases=1), False),
        ({"failing": ["ENV-005"]}, {}, Change("mended", ONE[0], "ENV-005", cases=2), False),
        ({"without": ["ENV-005"]}, {}, Change("requirement_new", ONE[0], "ENV-005"), False),
        ({}, {"without": ["ENV-005"]}, Change("requirement_gone", ONE[0], "ENV-005"), False),
        ({}, {"kits": KITS}, Change("kit_new", KITS[1], KITS[1]), False),
        ({"kits": KITS}, {}, Change("kit_gone", KITS[1], KITS[1]), True),
    ],
)
def test_each_change_is_told(before: dict[str, Any], after: dict[str, Any], expected: Change, regression: bool) -> None:
    comparison = compare(results(**{"kits": ONE} | before), results(**{"kits": ONE} | after))
    assert comparison.changes == (expected,)
    assert comparison.regression is regression


def test_a_requirement_that_is_new_and_fails_is_both() -> None:
    assert changes({"without": ["ENV-005"]}, {"failing": ["ENV-005"]}) == [
        Change("requirement_new", ONE[0], "ENV-005"),
        Change("newly_failing", ONE[0], "ENV-005", cases=2),
    ]


def test_a_requirement_that_is_no_longer_seen_is_said_and_its_cases_are_gone() -> None:
    found = changes({}, {"unseen": ["ENV-005"]})
    assert found[0] == Change("not_seen", ONE[0], "ENV-005")
    assert [each.kind for each in found[1:]] == [*["case_gone"] * 3, "case_new"]
    back = changes({"unseen": ["ENV-005"]}, {})
    assert (back[0].kind, [each.kind for each in back[1:]]) == ("seen_again", ["case_gone", *["case_new"] * 3])


def test_what_both_stand_on_is_said_first() -> None:
    comparison = compare(results(), results(suite="0.2.0", how="recordings"))
    assert comparison.grounds == (
        Ground("suite version", "0.1.0", "0.2.0"),
        Ground("suite digest", digest("suite 0.1.0"), digest("suite 0.2.0")),
        Ground("how", "run", "recordings"),
    )


def test_recordings_that_show_nothing_of_a_requirement_mend_nothing() -> None:
    recorded = {"how": "recordings", "unseen": ["ENV-005", "ENV-011"]}
    found = changes({"failing": ["ENV-005"]}, recorded)
    assert [(each.kind, each.name) for each in found if "case" not in each.kind] == [
        ("not_seen", "ENV-005"),
        ("not_seen", "ENV-011"),
    ]
    back = changes(recorded, {"how": "recordings", "failing": ["ENV-005"]})
    assert [(each.kind, each.name) for each in back if "case" not in each.kind] == [
        ("newly_failing", "ENV-005"),
        ("seen_again", "ENV-011"),
    ]


def test_the_later_run_as_the_first_is_told() -> None:
    early = results().model_copy(update={"finished_at": TESTED - timedelta(days=1)})
    assert compare(early, results()).grounds == ()
    assert [each.what for each in compare(results(), early).grounds] == ["later first"]


@given(st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_forth_and_back_what_failed_newly_is_mended(before: set[str], after: set[str]) -> None:
    forth = compare(results(before, kits=ONE), results(after, kits=ONE))
    back = compare(results(after, kits=ONE), results(before, kits=ONE))
    assert [each.name for each in forth.of("newly_failing")] == [each.name for each in back.of("mended")]
    assert {each.name for each in forth.of("newly_failing")} == after - before
    assert {each.name for each in forth.of("still_failing")} == after & before
