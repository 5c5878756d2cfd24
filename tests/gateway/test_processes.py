"""The process decides: advance, refuse a request, park a fact, and remember who must sign."""

from collections.abc import Mapping

import pytest

from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao_gateway.processes import CaseState, Decision, decide, processes

BANK, TRUST = "91110000100000000R", "913100001000100012"
ESTABLISHMENT = processes()["trust-establishment"]


def case(state: str, **memory: list[str]) -> CaseState:
    return CaseState("trust-establishment", state, BANK, memory)


def sent(sender: str, **bodies: Mapping[str, object]) -> Json:
    return {"header": {"sender": sender}, **bodies}


def test_a_kyc_application_opens_a_case() -> None:
    decision = decide("C1", None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("advance", case("kyc_pending"))


def test_a_message_that_opens_a_case_must_name_it() -> None:
    decision = decide(None, None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("nameless")


def test_a_request_out_of_order_is_refused_and_told_what_is_expected() -> None:
    decision = decide("C1", case("kyc_approved"), "deliveryInstruction", example("deliveryInstruction"), True)
    expected = ("kycApplication", "kycDecision", "contractProposal")
    assert decision == Decision("refuse", case("kyc_approved"), expected)


def test_a_request_for_a_case_that_does_not_exist_is_told_what_opens_one() -> None:
    decision = decide("C1", None, "contractProposal", example("contractProposal"), True)
    assert decision == Decision("refuse", None, ("kycApplication",))


def test_a_fact_out_of_order_is_parked_as_an_exception() -> None:
    decision = decide("C1", case("kyc_pending"), "accountEntry", example("accountEntry"), False)
    expected = ("kycApplication", "kycDecision")
    assert decision == Decision("park", case("kyc_pending"), expected, exception="unexpected_fact")


def test_a_message_that_no_process_is_about_is_free() -> None:
    order = example("subscriptionOrder")
    assert decide("C1", None, "subscriptionOrder", order, True) == Decision("free")
    assert decide(None, None, "subscriptionOrder", order, True) == Decision("free")


def test_a_contract_is_signed_when_every_party_that_signs_has_signed() -> None:
    proposal = example("contractProposal")
    proposed = decide("C1", case("kyc_approved"), "contractProposal", proposal, True).case
    signers = sorted(each["party"]["partyId"] for each in proposal["contractProposal"]["parties"] if each.get("signs"))
    contract = proposal["contractProposal"]["contractNo"]
    assert proposed == case("signing", contract=[contract], signers=signers)
    now: CaseState | None = proposed
    for signer in signers:
        assert now is not None
        assert now.state == "signing"
        evidence = sent(BANK, signatureEvidence={"partyId": signer, "contractNo": contract})
        now = decide("C1", now, "signatureEvidence", evidence, False).case
    assert now is not None
    assert (now.state, now.memory["collected_signers"]) == ("signed", signers)


def test_a_new_proposal_wants_every_signature_again() -> None:
    now = case("signing", signers=["P1", "P9"], collected_signers=["P1"])
    decision = decide("C1", now, "contractProposal", example("contractProposal"), True)
    assert decision.case is not None
    assert "collected_signers" not in decision.case.memory


@pytest.mark.parametrize("wrong", [{"partyId": "NOBODY"}, {"contractNo": "OTHER"}])
def test_a_signature_of_a_stranger_or_on_another_contract_is_parked(wrong: dict[str, str]) -> None:
    now = case("signing", contract=["K1"], signers=["P1"])
    evidence = {"partyId": "P1", "contractNo": "K1"}
    assert decide("C1", now, "signatureEvidence", sent(BANK, signatureEvidence=evidence), False).verdict == "advance"
    decision = decide("C1", now, "signatureEvidence", sent(BANK, signatureEvidence=evidence | wrong), False)
    assert decision.verdict == "park"


@pytest.mark.parametrize("state", ["funds_received", "funds_in_suspense"])
@pytest.mark.parametrize(
    ("result", "reached", "exception"),
    [("MATCHED", "funds_matched", None), ("SUSPENSE", "funds_in_suspense", "suspense")],
)
def test_money_moves_the_case_by_how_it_matched(state: str, result: str, reached: str, exception: str | None) -> None:
    match = sent(TRUST, fundsMatch={"result": result, "instructionNo": "DI1"})
    decision = decide("C1", case(state, instruction=["DI1"]), "fundsMatch", match, False)
    assert decision == Decision("advance", case(reached, instruction=["DI1"]), exception=exception)


def test_a_second_payment_before_the_first_is_matched_is_expected() -> None:
    entry = sent(BANK, accountEntry={"direction": "CREDIT"})
    assert decide("C1", case("funds_received"), "accountEntry", entry, False).verdict == "advance"
    debit = sent(BANK, accountEntry={"direction": "DEBIT"})
    assert decide("C1", case("delivery_instructed"), "accountEntry", debit, False).verdict == "park"


def test_only_the_counterparty_decides_and_matches_and_only_the_opener_applies() -> None:
    own_decision = sent(BANK, kycDecision={"outcome": "APPROVED"})
    assert decide("C1", case("kyc_pending"), "kycDecision", own_decision, False).verdict == "park"
    others = sent(TRUST, kycDecision={"outcome": "APPROVED"})
    assert decide("C1", case("kyc_pending"), "kycDecision", others, False).verdict == "advance"
    application = sent(TRUST, kycApplication={})
    assert decide("C1", case("kyc_pending"), "kycApplication", application, True).verdict == "refuse"


@pytest.mark.parametrize("state", ["kyc_approved", "signing", "signed"])
def test_a_rejection_ends_an_approval_also_later(state: str) -> None:
    rejected = sent(TRUST, kycDecision={"outcome": "REJECTED"})
    assert decide("C1", case(state), "kycDecision", rejected, False).case == case("kyc_rejected")


def test_a_policy_is_delivered_without_money_and_cash_is_not() -> None:
    instructed = case("delivery_instructed", instruction=["DI1"])
    policy = sent(TRUST, deliveryConfirmation={"instructionNo": "DI1", "policy": {}})
    cash = sent(TRUST, deliveryConfirmation={"instructionNo": "DI1", "cash": {}})
    verdicts = [decide("C1", instructed, "deliveryConfirmation", each, False).verdict for each in (policy, cash)]
    assert verdicts == ["advance", "park"]


def test_every_transition_joins_known_states() -> None:
    states = {"new", *ESTABLISHMENT.states}
    named = {state for each in ESTABLISHMENT.transitions for state in (*each.from_, each.to)}
    assert named <= states
    assert set(ESTABLISHMENT.states) <= named
