"""Case 14: a policy in trust lapses, is surrendered, or its beneficiary is changed back.

What the insurer reports is always accepted. The right of the trust has changed: it must be registered again and
disclosed, and until both have come they are what the case expects first.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xinqiao_adapters
from tests.scenarios.stage import INSURER, TRUST, Stage, message
from tests.scenarios.trust import add_some

CASE = "CASE-2026-0107"
_SAMPLE = Path(xinqiao_adapters.__file__).parent / "channels" / "insurer-xml" / "samples" / "policy_event-batch.xml"


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """An insurer that writes GBK, and policies in trust that are served."""
    found = stage("2026-06-01 09:00")
    found.add("insurer", extends="insurer-xml")
    add_some(
        found, "insurer-more", INSURER, "insuredConsent", "disclosureReceipt", "propertyRegistered", "disclosureNotice"
    )
    found.add("core", extends="canonical", institution=TRUST)
    return found


def event(kind: str) -> bytes:
    """Return the insurer's file with one event, of a kind of its own codes (205 lapsed, 404 surrendered)."""
    text = _SAMPLE.read_bytes()
    head, _, rest = text.partition(b"<DetailList>")
    details = rest.partition(b"</DetailList>")[0].split(b"</Detail>")
    (one,) = [each for each in details if f"<EventType>{kind}<".encode() in each]
    return head + b"<DetailList>" + one + b"</Detail></DetailList></Body></TranData>"


def told(play: Stage, body: str, **fields: Any) -> str:
    return play.send("core", message(body, CASE, TRUST, INSURER, **fields))


def served(play: Stage) -> None:
    """Open the case by the insured's consent."""
    play.send("insurer-more", message("insuredConsent", CASE, INSURER))
    assert play.state(CASE) == "in_service"


def test_a_lapse_is_accepted_registered_again_and_disclosed(play: Stage) -> None:
    with play.playing():
        served(play)
        assert play.post("insurer", event("205"), "application/xml").status_code == 202
        assert (play.state(CASE), [kind for kind, _ in play.exceptions()]) == ("in_service", ["policy_changed"])
        assert sorted(play.case(CASE)["memory"]["due"]) == ["disclosureNotice", "propertyRegistered"]
        told(play, "propertyRegistered")
        assert play.case(CASE)["memory"]["due"] == ["disclosureNotice"]
        told(play, "disclosureNotice")
        assert not play.case(CASE)["memory"].get("due")
        play.resolve("policy_changed", "close", "已变更登记并披露，复效期内跟踪")
        assert play.exceptions() == []


def test_after_a_surrender_the_policies_are_over_and_later_facts_are_still_accepted(play: Stage) -> None:
    with play.playing():
        served(play)
        assert play.post("insurer", event("404"), "application/xml").status_code == 202
        kinds = [each["policyEvent"]["kind"] for each in play.received("core") if "policyEvent" in each]
        assert [kind for kind, _ in play.exceptions()] == ["policy_changed"], kinds
        assert play.state(CASE) == "ended"
        assert sorted(play.case(CASE)["memory"]["due"]) == ["disclosureNotice", "propertyRegistered"]
        assert play.post("insurer", event("205"), "application/xml").status_code == 202
        assert play.state(CASE) == "ended"


def test_a_beneficiary_changed_back_is_taken_from_an_endorsement_that_nobody_here_asked_for(play: Stage) -> None:
    with play.playing():
        served(play)
        sample = (_SAMPLE.parent / "endorsement-to-trust.xml").read_bytes()
        case_id = f"<BusiNo>{CASE}</BusiNo>".encode()
        content = sample if b"<BusiNo>" in sample else sample.replace(b"</Head>", case_id + b"</Head>")
        response = play.post("insurer", content, "application/xml")
        assert response.status_code == 202
        assert [kind for kind, _ in play.exceptions()] == ["policy_changed"]
        assert sorted(play.case(CASE)["memory"]["due"]) == ["disclosureNotice", "propertyRegistered"]
