"""``results.json`` is read strictly: what is in it follows from its cases, and nothing else is in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.conformance.results.sample import FINDINGS, KITS, results
from xinqiao.errors import DuplicateKey, MalformedJson, MalformedRequest, SettingsInvalid
from xinqiao.finding import Text
from xinqiao_conformance.results.model import (
    RESULTS,
    CaseResult,
    Finding,
    KitResult,
    RequirementResult,
    Results,
    parse_results,
    read_results,
    write_results,
)

IDS = [each.id for each in results().kits[0].requirements]


def written(**about: Any) -> Any:
    return json.loads(results(**about).model_dump_json(by_alias=True))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = results(FINDINGS)
    write_results(found, tmp_path / "out" / RESULTS)
    assert read_results(tmp_path / "out" / RESULTS) == found
    assert [each.name for each in (tmp_path / "out").iterdir()] == [RESULTS]


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({}, "passed"),
        ({"failing": ["ENV-005"]}, "failed"),
        ({"failing": ["MSG-019"]}, "passed"),  # it should be met, not must
        ({"unseen": ["ENV-005"]}, "passed"),
        ({"unseen": IDS, "kits": ["sender/family-trust/rest"]}, "failed"),
        ({"unseen": ["ENV-005"], "how": "recordings"}, "passed"),
        ({"unseen": IDS, "how": "recordings", "kits": ["sender/family-trust/rest"]}, "failed"),
        ({"kits": []}, "failed"),
    ],
)
def test_the_verdict_follows_from_what_must_be_met(about: dict[str, Any], verdict: str) -> None:
    assert results(**about).verdict == verdict


@given(st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_a_run_passes_exactly_if_a_must_is_met_and_none_failed(failing: set[str], unseen: set[str]) -> None:
    found = results(failing, unseen=unseen, kits=["sender/family-trust/rest"])
    must = {each.result for each in found.kits[0].requirements if each.level == "MUST"}
    assert (found.verdict == "passed") == ("failed" not in must and "passed" in must)
    by_id = {each.id: each.result for each in found.kits[0].requirements}
    assert {each for each in by_id if by_id[each] == "failed"} == failing - unseen
    assert {each for each in by_id if by_id[each] == "unseen"} == unseen


def first_case(said: Any) -> Any:
    return said["kits"][0]["requirements"][0]["cases"][0]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda said: said.update(verdict="failed"), "its kits say otherwise"),
        (lambda said: said["kits"][0].update(verdict="failed"), "its requirements say otherwise"),
        (lambda said: said["kits"][0]["requirements"][0].update(result="unseen"), "by its cases it is passed"),
        (lambda said: said["kits"][0]["requirements"][0].update(cases=[]), "by its cases it is unseen"),
        (lambda said: first_case(said).update(result="failed"), "failed and has no finding"),
        (lambda said: said["kits"].append(said["kits"][0]), "a kit is there twice"),
        (lambda said: said["kits"][0]["requirements"].append(said["kits"][0]["requirements"][0]), "twice"),
        (lambda said: said.update(more=1), "more: Extra inputs"),
        (lambda said: said.update(results="2"), "results: Input should be '1'"),
        (lambda said: first_case(said).update(seconds=-1), "seconds"),
        (lambda said: first_case(said).update(seconds="1"), "seconds"),
        (lambda said: first_case(said).update(case="two\nlines"), "control characters"),
        (lambda said: said["declaration"]["subject"].update(name="示例\u202e银行"), "marks that nobody sees"),
        (lambda said: said["suite"].update(digest="sha256:1"), "suite.digest"),
        (lambda said: said.update(startedAt="2026-01-01T00:00:00"), "startedAt"),
        (lambda said: said.pop("evidence"), "evidence: Field required"),
    ],
)
def test_a_file_that_contradicts_itself_or_says_something_else_is_refused(
    change: Callable[[Any], object], place: str
) -> None:
    said = written()
    change(said)
    with pytest.raises(MalformedRequest, match=place):
        parse_results(json.dumps(said).encode())


def test_what_is_wrong_is_said_in_our_own_words() -> None:
    said = written() | {"verdict": "failed"}
    with pytest.raises(MalformedRequest) as caught:
        parse_results(json.dumps(said).encode(), "some.json")
    assert caught.value.detail == (
        "some.json is no results.json of this suite: the run is said to have failed; its kits say otherwise"
    )


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", MalformedJson),
        (b"[]", MalformedJson),
        (b'{"results":"1","results":"1"}', DuplicateKey),
        (b"[" * 10_000, MalformedJson),
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_results(raw)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="nowhere"):
        read_results(tmp_path / "nowhere")


@pytest.mark.parametrize("text", [Text("x" * 4_001, "y"), {"zh": "x"}, {"zh": "x", "en": 1}, "x"])
def test_a_text_is_bounded_and_in_both_languages(text: Any) -> None:
    with pytest.raises(ValidationError, match="a text has zh and en"):
        Finding(expected=text, clause="x")


def test_all_that_is_planned_is_run_unless_recordings_are_judged() -> None:
    idle = RequirementResult.of("ENV-002", "MUST", [])
    kit = results(kits=KITS[:1]).kits[0]
    left = ("kits", "verdict", "how", "results")
    about = {name: getattr(results(), name) for name in Results.model_fields if name not in left}
    with pytest.raises(ValidationError, match="says nothing of ENV-002"):
        Results.of([KitResult.of(kit.kit, [*kit.requirements, idle])], how="run", **about)
    assert Results.of([KitResult.of(kit.kit, [*kit.requirements, idle])], how="recordings", **about).verdict == "passed"


def test_a_requirement_without_cases_was_unseen() -> None:
    passed = CaseResult(case="a", negative=False, result="passed", seconds=0.1)
    assert RequirementResult.of("ENV-001", "MUST", []).result == "unseen"
    assert RequirementResult.of("ENV-001", "MUST", [passed]).result == "passed"
    assert KitResult.of("sender/family-trust/rest", []).verdict == "failed"
