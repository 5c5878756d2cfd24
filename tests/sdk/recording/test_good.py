"""Recordings of who does everything right: no check finds anything, and each finds something to look at."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.sdk.recording.stage import GOOD, good_sender, judged, message, told, written
from xinqiao.message import timestamp
from xinqiao.recording import Context, Head, Recorded, masked
from xinqiao.recording.checks import checks, judge
from xinqiao.testing import BANK, TRUST_COMPANY


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


def test_an_answer_may_name_what_has_come_of_its_case_since() -> None:
    stage = good_sender()
    entry = message("accountEntry", sender=TRUST_COMPANY, receiver=BANK, caseId="CASE-2")
    last = stage.index(next(each for each in stage if each.body == "kycDecision"))
    stage.insert(last, Recorded("peer", "rest", entry, stage[last - 1].at, told(entry)))
    stage.find("kycDecision")["header"]["correlationId"] = entry["header"]["messageId"]
    assert judged(stage, "sender")["correlation"].state == "passed"


def test_a_confirmation_that_is_sent_again_or_corrected_counts_once() -> None:
    stage = good_sender()
    first = next(place for place, each in enumerate(stage) if each.body == "orderConfirmation")
    for _ in range(3):
        stage.insert(first, stage[first])
    assert judged(stage, "sender")["value"].state == "passed"


def test_findings_are_remembered_in_a_byte_for_each_exchange(tmp_path: Path) -> None:
    context = Context(Head(BANK, test=True), "sender")
    exchanges = list(written(good_sender(), tmp_path / "run.jsonl"))
    assert [context.findings(each) for each in exchanges] == [context.findings(each) for each in exchanges]
    exchanges[0].header["standardVersion"] = "9.9"
    assert context.findings(exchanges[0]) == [], "it is not judged twice"


def test_a_department_may_be_called_after_what_it_does_and_clocks_may_differ() -> None:
    stage = good_sender()
    stage.find("kycExpired")["header"]["branch"] = "总行反洗钱合规部"
    kyc = stage.find("kycApplication")
    created = datetime.fromisoformat(kyc["header"]["createdAt"])
    kyc["kycApplication"]["consent"]["givenAt"] = timestamp(created + timedelta(seconds=59))
    found = judged(stage, "sender")
    assert (found["tipping_off"].state, found["consent"].state) == ("passed", "passed")
