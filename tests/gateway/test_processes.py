"""The process decides: advance, refuse a request, park a fact, and remember who must sign."""

import pytest

from xinqiao.testing import example
from xinqiao_gateway.processes import CaseState, Decision, decide, processes

ESTABLISHMENT = processes()["trust-establishment"]


def case(state: str, **memory: list[str]) -> CaseState:
    return CaseState("trust-establishment", state, memory)


def test_a_kyc_application_opens_a_case() -> None:
    decision = decide("C1", None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("advance", case("kyc_pending"))


def test_a_message_that_opens_a_case_must_name_it() -> None:
    decision = decide(None, None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("nameless")


def test_a_request_out_of_order_is_refused_and_told_what_is_expected() -> None:
    decision = decide("C1", case("kyc_approved"), "deliveryInstruction", example("deliveryInstruction"), True)
    assert decision == Decision("refuse", case("kyc_approved"), ("contractProposal",))


def test_a_request_for_a_case_that_does_not_exist_is_told_what_opens_one() -> None:
    decision = decide("C1", None, "contractProposal", example("contractProposal"), True)
    assert decision == Decision("refuse", None, ("kycApplication",))


def test_a_fact_out_of_order_is_parked_as_an_exception() -> None:
    decision = decide("C1", case("kyc_pending"), "accountEntry", example("accountEntry"), False)
    assert decision == Decision(
        "park", case("kyc_pending"), ("kycApplication", "kycDecision"), exception="unexpected_fact"
    )


def test_a_message_that_no_process_is_about_is_free() -> None:
    order = example("subscriptionOrder")
    assert decide("C1", None, "subscriptionOrder", order, True) == Decision("free")
    assert decide(None, None, "subscriptionOrder", order, True) == Decision("free")


def test_a_contract_is_signed_when_every_party_that_signs_has_signed() -> None:
    proposal = example("contractProposal")
    proposed = decide("C1", case("kyc_approved"), "contractProposal", proposal, True).case
    signers = sorted(each["party"]["partyId"] for each in proposal["contractProposal"]["parties"] if each.get("signs"))
    assert proposed == case("signing", signers=signers)
    now: CaseState | None = proposed
    for signer in signers:
        assert now is not None
        assert now.state == "signing"
        evidence = {"signatureEvidence": {"partyId": signer}}
        now = decide("C1", now, "signatureEvidence", evidence, False).case
    assert now is not None
    assert (now.state, now.memory["collected_signers"]) == ("signed", signers)


def test_a_new_proposal_wants_every_signature_again() -> None:
    now = case("signing", signers=["P1", "P9"], collected_signers=["P1"])
    decision = decide("C1", now, "contractProposal", example("contractProposal"), True)
    assert decision.case is not None
    assert "collected_signers" not in decision.case.memory


@pytest.mark.parametrize(
    ("result", "state", "exception"),
    [("MATCHED", "funds_matched", None), ("SUSPENSE", "funds_in_suspense", "suspense")],
)
def test_money_moves_the_case_by_how_it_matched(result: str, state: str, exception: str | None) -> None:
    decision = decide("C1", case("funds_received"), "fundsMatch", {"fundsMatch": {"result": result}}, False)
    assert decision == Decision("advance", case(state), exception=exception)


def test_a_policy_is_delivered_without_money_and_cash_is_not() -> None:
    instructed = case("delivery_instructed")
    policy = decide("C1", instructed, "deliveryConfirmation", {"deliveryConfirmation": {"policy": {}}}, False)
    cash = decide("C1", instructed, "deliveryConfirmation", {"deliveryConfirmation": {"cash": {}}}, False)
    assert (policy.verdict, cash.verdict) == ("advance", "park")


def test_every_transition_joins_known_states() -> None:
    states = {"new", *ESTABLISHMENT.states}
    named = {state for each in ESTABLISHMENT.transitions for state in (*each.from_, each.to)}
    assert named <= states
    assert set(ESTABLISHMENT.states) <= named
