"""Case 13: the settlor dies or loses capacity.

It is a fact with a certificate. The settlor's powers stop and the trust goes on; the contract says who succeeds.
Instructions and debits in the settlor's name halt, and others' do not.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.stage import BANK, Stage, message
from tests.scenarios.trust import CASE, CONTRACT, core, from_bank, make_effective, propose, sign, trust


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust."""
    return trust(stage)


def event(kind: str = "DEATH", **fields: Any) -> dict[str, object]:
    """Return what the bank reports of the settlor."""
    return message("personEvent", CASE, BANK, kind=kind, partyId="P1", eventNo="PE1", contractNos=[CONTRACT], **fields)


def instruction(number: str, party: str) -> dict[str, object]:
    signers = [{"name": "王小明", "role": "SETTLOR", "partyId": party}]
    return message("investmentInstruction", CASE, BANK, instructionNo=number, contractNo=CONTRACT, signers=signers)


def test_the_settlors_powers_stop_and_the_trust_goes_on(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.send("bank-more", instruction("II1", "P1"))
        play.send("bank-more", event())
        assert (play.state(CASE), play.exceptions()) == ("effective", [("person_event", "PE1")])
        told = [each["personEvent"] for each in play.received("core") if "personEvent" in each]
        assert [each["kind"] for each in told[0]["certificates"]] == [
            "MEDICAL_DEATH_CERTIFICATE",
            "HOUSEHOLD_CANCELLATION",
        ]
        for refused in (
            instruction("II2", "P1"),
            message("beneficiaryChange", CASE, BANK, requesterId="P1", contractNo=CONTRACT),
            message("contractTermination", CASE, BANK, requesterId="P1", contractNo=CONTRACT),
        ):
            refusal = play.refused("bank-more", refused)
            assert (refusal["reason"], "已身故或丧失行为能力" in refusal["text"]["zh"]) == ("out_of_order", True)
        # The succession clause passes the powers to the protector, whose instructions are taken.
        play.send("bank-more", instruction("II3", "P4"))
        core(play, "navReport")
        play.resolve("person_event", "close", "按承继条款，指令权由保护人行使")
        assert (play.state(CASE), play.exceptions()) == ("effective", [])


def test_a_settlor_who_regains_capacity_may_ask_again(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.send("bank-more", event("INCAPACITY"))
        assert play.refused("bank-more", instruction("II1", "P1"))["reason"] == "out_of_order"
        play.send("bank-more", event("CAPACITY_RECOVERED"))
        play.send("bank-more", instruction("II2", "P1"))
        assert play.state(CASE) == "effective"


def test_the_fact_is_accepted_in_any_state_and_nothing_is_delivered_in_the_name_of_the_dead(play: Stage) -> None:
    with play.playing():
        propose(play)
        sign(play)
        play.send("bank-more", event())
        assert (play.state(CASE), play.exceptions()) == ("signed", [("person_event", "PE1")])
        assert from_bank(play, "delivery_instruct") != "0000"
        assert play.state(CASE) == "signed"
