"""Case 10: a recording fails its check, or the customer is a foreigner who cannot be recorded as others are.

Only the recording is done again; the signatures stay. Who is exempted needs somebody who approved it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.stage import Stage
from tests.scenarios.trust import CASE, CONTRACT, core, from_bank, propose, sign, trust

WHO = [
    {"partyId": "P1", "name": "王小明", "role": "SETTLOR", "identityVerified": True},
    {"partyId": "P4", "name": "李晓红", "role": "PROTECTOR", "identityVerified": True},
]


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust whose signing is to be recorded."""
    return trust(stage)


def recorded(play: Stage, number: str, state: str, **fields: Any) -> str:
    """Let the core report a recording."""
    given = {
        "sessionNo": number,
        "contractNo": CONTRACT,
        "participants": WHO,
        "questions": None,
        "qualityState": state,
    } | fields
    return core(play, "recordingSession", **given)


def signed_and_to_be_recorded(play: Stage) -> None:
    propose(play)
    core(play, "signatureRequest", contractNo=CONTRACT, recordingNeeded=True)
    sign(play)
    assert play.state(CASE) == "recording"


def test_a_recording_that_failed_is_done_again_alone_and_the_signatures_stay(play: Stage) -> None:
    with play.playing():
        signed_and_to_be_recorded(play)
        recorded(play, "RC1", "FAILED", qualityReasons=[{"code": "INCOMPLETE", "text": "画面不清"}])
        assert (play.state(CASE), play.exceptions()) == ("recording", [("recording_failed", "RC1")])
        assert play.case(CASE)["memory"]["signatures"] == ["P1", "P4", "T1"]
        assert from_bank(play, "delivery_instruct") != "0000"
        recorded(play, "RC2", "PASSED", replacesSession="RC1", reRecordCount=1)
        assert play.state(CASE) == "signed"
        play.resolve("recording_failed", "close", "已补录并质检通过")
        assert play.exceptions() == []


def test_an_exemption_counts_only_with_its_approver(play: Stage) -> None:
    with play.playing():
        signed_and_to_be_recorded(play)
        foreigner = {"reasons": [{"code": "OTHER", "text": "外籍客户，由公证人见证签署"}]}
        approval = {"approver": "合规部-周经理", "approvedAt": "2026-01-19T17:00:00+08:00"}
        unapproved = play.post_core(
            "recordingSession",
            CASE,
            sessionNo="RC1",
            contractNo=CONTRACT,
            participants=WHO,
            questions=None,
            qualityState="EXEMPTED",
            recording=None,
            exemption=foreigner,
        )
        assert (unapproved, play.exceptions()) == (422, [])
        assert play.state(CASE) == "recording"
        recorded(play, "RC2", "EXEMPTED", recording=None, exemption=foreigner | {"approval": approval})
        assert play.state(CASE) == "signed"
