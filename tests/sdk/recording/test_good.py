"""Recordings of who does everything right: no check finds anything, and each finds something to look at."""

from pathlib import Path

import pytest

from tests.sdk.recording.stage import GOOD, judged, written
from xinqiao.recording import Context, masked
from xinqiao.recording.checks import checks, judge


@pytest.mark.parametrize("role", GOOD)
def test_every_check_of_a_role_sees_something_and_passes(role: str, tmp_path: Path) -> None:
    found = judged(written(GOOD[role](), tmp_path / "run.jsonl"), role)
    assert {name: (each.state, each.found) for name, each in found.items()} == dict.fromkeys(found, ("passed", ()))
    assert found.keys() == {each.id for each in checks().values() if role in each.roles}


@pytest.mark.parametrize("role", GOOD)
def test_masked_it_passes_too_but_for_what_cannot_be_seen(role: str, tmp_path: Path) -> None:
    recording = masked(written(GOOD[role](), tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")
    found = judged(recording, role, hidden=True)
    expected = {name: "not_observable" if each.check.veiled else "passed" for name, each in found.items()}
    assert {name: each.state for name, each in found.items()} == expected
    assert {name: each.found for name, each in found.items()} == dict.fromkeys(found, ())


def test_every_check_is_of_a_role_that_has_a_good_recording() -> None:
    assert {each.id for each in checks().values() if not each.roles & GOOD.keys()} == set()


def test_a_file_is_judged_by_the_checks_of_a_role(tmp_path: Path) -> None:
    recording = written(GOOD["receiver"](), tmp_path / "run.jsonl")
    states = {each.check.id: each.state for each in judge(recording, Context(recording.head, "receiver"))}
    assert states == {"answered": "not_seen", "answers_masked": "passed", "statuses": "passed"}
