"""Each process played through: the way it should go, the ways out, and what comes out of order."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao.testing import example
from xinqiao_gateway.processes import CaseState, Decision, decide, expectations, item_ids, processes

HERE, THERE = "91110000100000000R", "913100001000100012"


class Play:
    """A case and its items, as the journal keeps them."""

    def __init__(self, case: CaseState | None = None) -> None:
        self.case = case
        self.items: dict[str, CaseState] = {}
        self.last = Decision("free")

    def send(self, sender: str, body: str, header: Mapping[str, Any] | None = None, **fields: Any) -> "Play":
        """Let a message of these fields happen."""
        return self.happen(body, {"header": {"sender": sender, **(header or {})}, body: fields})

    def happen(self, body: str, message: Json) -> "Play":
        """Let a message happen, whatever becomes of it."""
        known = {each: self.items[each] for each in item_ids("C", body, message) if each in self.items}
        is_request = message_types()[body].message_class == "REQUEST"
        self.last = decide("C", self.case, body, message, is_request, items=known)
        if self.last.verdict == "advance":
            self.case = self.last.case
            self.items |= self.last.items
        return self

    @property
    def state(self) -> str:
        assert self.last.verdict == "advance", self.last
        assert self.case is not None
        return self.case.state

    def item(self, name: str) -> str:
        assert self.last.verdict == "advance", self.last
        return self.items[f"C#{name}"].state


def signing(process: str = "trust-establishment") -> Play:
    variety: Json = {"intendedVariety": "INSURANCE_TRUST"} if process == "insurance-trust" else {}
    play = Play().send(HERE, "kycApplication", **variety)
    play.send(THERE, "kycDecision", outcome="APPROVED", validUntil="2027-01-31")
    parties = [
        {"party": {"partyId": "P1", "kind": "NATURAL_PERSON"}, "signs": True},
        {"party": {"partyId": "T1", "kind": "INSTITUTION"}, "signs": True},
        {"party": {"partyId": "P2", "kind": "NATURAL_PERSON"}, "signs": False},
    ]
    assert play.send(HERE, "contractProposal", contractNo="K", parties=parties).state == "signing"
    assert play.case is not None
    assert play.case.process == process
    return play


def sign(play: Play, *people: str) -> Play:
    for person in people:
        play.send(HERE, "signatureEvidence", contractNo="K", partyId=person)
    return play


def signed() -> Play:
    return sign(signing(), "P1", "T1")


def paid() -> Play:
    play = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", cash={})
    play.send(HERE, "accountEntry", direction="CREDIT", bankReference="B1")
    return play.send(THERE, "fundsMatch", result="MATCHED", instructionNo="I1", bankReference="B1")


def delivered() -> Play:
    return paid().send(THERE, "deliveryConfirmation", instructionNo="I1", cash={})


def become_effective(play: Play, on: str = "2026-03-01") -> Play:
    return play.send(THERE, "contractEffective", contractNo="K", effectiveDate=on)


def effective() -> Play:
    return become_effective(delivered())


def test_a_trust_without_recording_and_registration_becomes_effective() -> None:
    assert paid().state == "funds_matched"
    assert delivered().state == "delivered"
    assert effective().state == "effective"
    assert effective().case == CaseState(
        "trust-establishment",
        "effective",
        HERE,
        {"contract": ["K"], "kyc_until": ["2027-01-31"], "signers": ["P1", "T1"]},
    )


def test_a_seal_is_the_signature_of_the_institution_that_seals() -> None:
    assert sign(signing(), "P1").send(THERE, "contractSealed", contractNo="K", partyId="T1").state == "signed"


@pytest.mark.parametrize("fields", [{"partyId": "NOBODY"}, {"contractNo": "OTHER"}, {"partyId": "P2"}])
def test_a_signature_of_a_stranger_or_on_another_contract_is_parked(fields: Json) -> None:
    evidence: Json = {"partyId": "P1", "contractNo": "K"} | fields
    assert signing().send(HERE, "signatureEvidence", **evidence).last.verdict == "park"


def test_a_new_proposal_wants_every_signature_again() -> None:
    play = sign(signing(), "P1")
    play.send(HERE, "contractProposal", contractNo="K", parties=[{"party": {"partyId": "P1"}, "signs": True}])
    assert (play.state, play.case and play.case.memory.get("signatures")) == ("signing", None)
    assert sign(play, "P1").state == "signed"


def test_recording_that_was_asked_for_is_waited_for_and_its_failure_keeps_the_signatures() -> None:
    play = signing().send(HERE, "signatureRequest", contractNo="K", recordingNeeded=True)
    assert sign(play, "P1", "T1").state == "recording"
    session: dict[str, Any] = {"sessionNo": "R1", "contractNo": "K", "participants": [{"partyId": "P1"}]}
    play.send(HERE, "recordingSession", qualityState="FAILED", **session)
    assert (play.state, play.last.exception, play.last.about) == ("recording", "recording_failed", "R1")
    assert play.send(HERE, "recordingSession", qualityState="PASSED", **session).state == "signed"
    assert play.send(HERE, "recordingSession", qualityState="FAILED", **session).state == "recording"


def test_an_exemption_from_recording_needs_an_approver() -> None:
    play = sign(signing().send(HERE, "signatureRequest", contractNo="K", recordingNeeded=True), "P1", "T1")
    exempted: dict[str, Any] = {"sessionNo": "R1", "contractNo": "K", "qualityState": "EXEMPTED"}
    assert play.send(HERE, "recordingSession", **exempted, exemption={"reasons": []}).last.verdict == "park"
    approved = {"approval": {"approver": "A"}}
    assert play.send(HERE, "recordingSession", **exempted, exemption=approved).state == "signed"


def test_a_recording_found_wanting_later_keeps_the_trust_from_becoming_effective() -> None:
    play = delivered().send(HERE, "recordingSession", qualityState="FAILED", contractNo="K", sessionNo="R1")
    assert become_effective(play).last.verdict == "park"
    play.send(HERE, "recordingSession", qualityState="PASSED", contractNo="K", sessionNo="R2")
    assert become_effective(play).state == "effective"


def test_a_trust_that_is_being_registered_waits_for_its_product_code() -> None:
    play = delivered().send(THERE, "preRegistration", applicationNo="A1")
    assert become_effective(play).last.verdict == "park"
    play.send(THERE, "registrationReply", applicationNo="A1", outcome="TO_BE_SUPPLEMENTED")
    assert become_effective(play).last.verdict == "park"
    play.send(THERE, "registrationReply", applicationNo="A1", outcome="CODE_GIVEN", registrationCode="ZXD1")
    assert become_effective(play).state == "effective"


def test_cash_and_a_policy_are_delivered_each_for_itself_and_the_trust_waits_for_both() -> None:
    play = paid().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I2", policy={})
    play.send(THERE, "deliveryConfirmation", instructionNo="I1", cash={})
    assert play.state == "delivery_instructed"
    assert become_effective(play).last.verdict == "park"
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I2", policy={}).state == "delivered"
    assert become_effective(play).state == "effective"


def test_cash_is_not_delivered_before_it_is_matched_and_a_policy_needs_no_money() -> None:
    play = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", cash={})
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I1", cash={}).last.verdict == "park"
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I9", policy={}).last.verdict == "park"
    policy = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I2", policy={})
    assert policy.send(THERE, "deliveryConfirmation", instructionNo="I2", policy={}).state == "delivered"


@pytest.mark.parametrize("result", ["SUSPENSE", "PARTLY_MATCHED"])
def test_money_in_suspense_delivers_nothing_until_the_right_money_comes_or_it_goes_back(result: str) -> None:
    play = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", cash={})
    play.send(HERE, "accountEntry", direction="CREDIT", bankReference="B1")
    play.send(THERE, "fundsMatch", result=result, bankReference="B1")
    assert (play.state, play.last.exception, play.last.about) == ("funds_in_suspense", "suspense", "B1")
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I1", cash={}).last.verdict == "park"
    assert become_effective(play).last.verdict == "park"
    assert play.send(THERE, "returnOfFunds", originalBankReference="B1").state == "delivery_instructed"
    assert play.case is not None
    assert "suspense" not in play.case.memory


def test_a_second_payment_may_come_before_the_first_is_matched_and_a_debit_is_parked() -> None:
    play = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", cash={})
    play.send(HERE, "accountEntry", direction="CREDIT").send(HERE, "accountEntry", direction="CREDIT")
    assert play.state == "funds_received"
    assert play.send(HERE, "accountEntry", direction="DEBIT").last.verdict == "park"


@pytest.mark.parametrize(
    ("sender", "body", "fields"),
    [
        (HERE, "accountEntry", {"direction": "DEBIT", "reversal": True, "reversedReference": "B1"}),
        (HERE, "paymentResult", {"state": "PAYMENT_RETURNED", "instructionNo": "X", "originalBankReference": "B1"}),
        (THERE, "deliveryReturn", {"cause": "PAYER_NOT_ACCEPTED", "instructionNo": "I1"}),
    ],
)
def test_a_payment_returned_after_its_success_reopens_the_delivery(sender: str, body: str, fields: Json) -> None:
    play = delivered().send(sender, body, **fields)
    assert (play.state, play.last.exception) == ("delivery_instructed", "payment_returned")
    assert become_effective(play).last.verdict == "park"
    play.send(HERE, "accountEntry", direction="CREDIT", bankReference="B2")
    play.send(THERE, "fundsMatch", result="MATCHED", instructionNo="I1", bankReference="B2")
    play.send(THERE, "deliveryConfirmation", instructionNo="I1", cash={})
    assert become_effective(play).state == "effective"


def test_an_instruction_that_is_withdrawn_is_waited_for_no_longer() -> None:
    play = signed().send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", cash={})
    play.send(THERE, "deliveryReturn", cause="INSTRUCTION_WITHDRAWN", instructionNo="I1")
    assert play.state == "signed"


@pytest.mark.parametrize(
    ("body", "fields"), [("kycDecision", {"outcome": "REJECTED"}), ("kycExpired", {"element": "WHOLE_KYC"})]
)
def test_a_kyc_that_ends_during_signing_suspends_keeps_signatures_and_is_renewed(body: str, fields: Json) -> None:
    play = sign(signing(), "P1").send(THERE, body, **fields)
    assert (play.state, play.last.exception) == ("suspended", "kyc_lost")
    assert play.send(HERE, "contractProposal", contractNo="K", parties=[]).last.verdict == "refuse"
    assert sign(play, "T1").state == "suspended"
    assert play.send(HERE, "kycApplication").state == "suspended"
    play.send(THERE, "kycDecision", outcome="APPROVED", validUntil="2028-01-31")
    assert play.state == "signed"


def test_a_suspended_trust_and_one_whose_kyc_is_out_of_date_do_not_become_effective() -> None:
    suspended = delivered().send(THERE, "kycExpired", element="WHOLE_KYC")
    assert become_effective(suspended).last.verdict == "park"
    assert become_effective(delivered(), on="2027-02-01").last.verdict == "park"
    renewed = delivered().send(THERE, "kycDecision", outcome="APPROVED", validUntil="2028-01-31")
    assert become_effective(renewed, on="2027-02-01").state == "effective"


def test_a_reminder_of_a_kyc_suspends_nothing() -> None:
    assert signing().send(THERE, "kycExpired", element="WHOLE_KYC", effect="REMINDED").state == "signing"


def test_a_rejected_applicant_may_apply_again() -> None:
    play = Play().send(HERE, "kycApplication").send(THERE, "kycDecision", outcome="REJECTED")
    assert play.state == "kyc_rejected"
    assert play.send(HERE, "kycApplication").state == "kyc_pending"


def test_a_corrected_nav_names_what_it_replaces() -> None:
    play = effective().send(THERE, "navReport", header={"replaces": "M1"}, unitNav="1.01")
    assert (play.state, play.last.exception, play.last.about) == ("effective", "correction", "M1")


def test_an_amendment_is_effective_after_every_signature_and_the_trust_goes_on() -> None:
    play = effective().send(HERE, "contractAmendment", amendmentNo="A1", signerIds=["P1", "T1"])
    for person, state in (("P1", "signing"), ("T1", "signed")):
        play.send(HERE, "signatureEvidence", contractNo="K", amendmentNo="A1", partyId=person)
        assert (play.state, play.item("amendment:A1")) == ("effective", state)
    play.send(THERE, "contractEffective", contractNo="K", amendmentNo="A1", effectiveDate="2026-05-01")
    assert (play.state, play.item("amendment:A1")) == ("effective", "effective")


def test_an_amendment_may_be_refused_and_a_signature_on_an_unknown_one_is_parked() -> None:
    play = effective().send(HERE, "beneficiaryChange", amendmentNo="B1", signerIds=["P1"])
    play.send(THERE, "requestResult", businessNo="B1", outcome="REJECTED")
    assert play.item("amendment:B1") == "refused"
    unknown: Json = {"contractNo": "K", "amendmentNo": "A7", "partyId": "P1"}
    assert play.send(HERE, "signatureEvidence", **unknown).last.verdict == "park"


def test_an_addition_is_delivered_and_may_come_back() -> None:
    play = effective().send(HERE, "additionalDelivery", instructionNo="I7")
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I7", cash={}).item("addition:I7") == "delivered"
    play.send(THERE, "deliveryReturn", instructionNo="I7", cause="TITLE_DEFECT")
    assert (play.item("addition:I7"), play.last.exception) == ("returned", "payment_returned")
    assert play.send(THERE, "deliveryConfirmation", instructionNo="I8").last.verdict == "park"


def test_a_distribution_waits_for_every_consent_and_a_returned_payment_reopens_it() -> None:
    play = effective().send(HERE, "distributionApplication", applicationNo="D1", consenterIds=["P3", "P4"])
    play.send(HERE, "protectorConsent", applicationNo="D1", outcome="CONSENTED", partyId="P3")
    assert play.send(THERE, "distributionPayment", instructionNo="Y1", applicationNo="D1").last.items == {
        "C#payment:Y1": CaseState("trust-establishment/payment", "instructed", HERE)
    }
    play = effective().send(HERE, "distributionApplication", applicationNo="D1", consenterIds=["P3"])
    play.send(HERE, "protectorConsent", applicationNo="D1", outcome="CONSENTED", partyId="P3")
    assert play.item("distribution:D1") == "consented"
    play.send(THERE, "distributionPayment", instructionNo="Y1", applicationNo="D1")
    assert play.item("distribution:D1") == "paying"
    result: dict[str, Any] = {"instructionNo": "Y1", "businessReference": "D1"}
    play.send(HERE, "paymentResult", state="PAYMENT_SUCCEEDED", **result)
    assert play.item("payment:Y1") == "paid"
    play.send(THERE, "distributionNotice", applicationNo="D1")
    assert play.item("distribution:D1") == "distributed"
    play.send(HERE, "paymentResult", state="PAYMENT_RETURNED", **result)
    assert (play.item("distribution:D1"), play.item("payment:Y1")) == ("returned", "returned")
    assert (play.last.exception, play.last.about) == ("payment_returned", "Y1")


def test_a_payment_whose_outcome_is_unknown_waits_for_a_person() -> None:
    play = effective().send(THERE, "paymentInstruction", instructionNo="Y1")
    play.send(HERE, "paymentResult", instructionNo="Y1", state="PAYMENT_UNKNOWN")
    assert (play.item("payment:Y1"), play.last.exception) == ("unknown", "unknown_outcome")


def test_a_trust_ends_wholly_or_in_part() -> None:
    part = effective().send(HERE, "contractTermination", amendmentNo="T1", partial=True, signerIds=["P1"])
    assert part.state == "effective"
    whole = effective().send(HERE, "contractTermination", amendmentNo="T1", signerIds=["P1"])
    assert whole.state == "terminating"
    assert whole.send(THERE, "contractEnded", contractNo="K", amendmentNo="T1").state == "ended"
    assert whole.send(THERE, "disclosureNotice", disclosureNo="N9", kind="LIQUIDATION").state == "ended"
    assert whole.send(HERE, "additionalDelivery", instructionNo="I7").last.verdict == "refuse"


def test_an_insurance_trust_waits_for_the_endorsement_and_its_acceptance() -> None:
    play = sign(signing("insurance-trust"), "P1", "T1")
    play.send(HERE, "deliveryInstruction", contractNo="K", instructionNo="I1", policy={})
    play.send(HERE, "insuredConsent", consentNo="S1", outcome="GIVEN")
    play.send(THERE, "servicingRequest", requestNo="R1")
    play.send(THERE, "deliveryConfirmation", instructionNo="I1", policy={})
    assert become_effective(play).last.verdict == "park"
    play.send(HERE, "servicingResult", requestNo="R1", state="DECIDED", outcome="APPROVED")
    changes = [{"type": "BENEFICIARY"}]
    play.send(HERE, "policyEndorsement", endorsementNo="E1", requestNo="R1", changes=changes)
    assert (play.last.exception, play.item("servicing:R1"), play.item("endorsement:E1")) == (None, "endorsed", "issued")
    assert become_effective(play).last.verdict == "park"
    play.send(THERE, "endorsementAcceptance", endorsementNo="E1", outcome="ACCEPTED")
    assert become_effective(play).state == "effective"


def test_a_beneficiary_changed_back_is_accepted_registered_again_and_disclosed() -> None:
    play = Play(CaseState("insurance-trust", "effective", HERE))
    play.send(HERE, "policyEndorsement", endorsementNo="E2", changes=[{"type": "BENEFICIARY"}])
    assert (play.state, play.last.exception, play.last.about) == ("effective", "policy_changed", "E2")
    assert play.case is not None
    assert {each.message for each in expectations(play.case) if each.due} == {"propertyRegistered", "disclosureNotice"}


def test_a_policy_is_claimed_and_paid() -> None:
    play = Play().send(THERE, "servicingRequest", requestNo="R1")
    assert (play.state, play.item("servicing:R1")) == ("in_service", "requested")
    play.send(THERE, "claimFiling", filingNo="F1")
    play.send(HERE, "claimDecision", filingNo="F1", claimNo="L1", outcome="PAY")
    assert (play.item("claim:F1"), play.item("benefit:L1")) == ("allowed", "decided")
    assert play.send(HERE, "benefitPaid", claimNo="L1", kind="DEATH").item("benefit:L1") == "paid"
    ended = play.send(HERE, "policyEvent", kind="TERMINATED", policyNo="P1")
    assert (ended.state, ended.last.exception) == ("ended", "policy_changed")


def test_premiums_stop_when_the_settlor_who_pays_them_has_died() -> None:
    play = Play().send(HERE, "policyStatement", policyNo="P1")
    play.send(HERE, "personEvent", kind="DEATH", partyId="P1", eventNo="E1")
    assert play.send(HERE, "premiumFundingRequest", requestNo="R1", source="SETTLOR").last.verdict == "refuse"
    assert (
        play.send(HERE, "premiumFundingRequest", requestNo="R2", source="TRUST_PROPERTY").item("premium:R2")
        == "requested"
    )


def confirmation(reference: str, code: str = "0000", **fields: Any) -> dict[str, Any]:
    return {"orderReference": reference, "returnCode": code, "businessCode": "122", "finished": True} | fields


def test_a_trading_day_ends_reconciled_with_each_order_in_a_state_of_its_own() -> None:
    play = Play()
    for number in ("O1", "O2", "O3"):
        assert play.send(HERE, "subscriptionOrder", orderReference=number).item(f"order:{number}") == "placed"
    play.send(HERE, "cancelOrder", orderReference="X1", original={"orderReference": "O3"})
    assert play.item("order:O3") == "cancelling"
    assert play.send(HERE, "batchManifest", batchNo="B1", last=True).state == "cut_off"
    play.send(THERE, "orderConfirmation", **confirmation("O1", finished=False))
    assert (play.state, play.item("order:O1")) == ("confirming", "part_confirmed")
    play.send(THERE, "orderConfirmation", **confirmation("O1"))
    assert play.item("order:O1") == "confirmed"
    assert play.send(THERE, "orderConfirmation", **confirmation("O2", "9999")).item("order:O2") == "refused"
    cancelled = confirmation("O3", businessCode="152")
    assert play.send(THERE, "orderConfirmation", **cancelled).item("order:O3") == "cancelled"
    assert play.send(THERE, "statement", statementNo="S1").state == "stated"
    assert play.send(HERE, "reconciliationResult", agreed=False).state == "different"
    assert play.send(HERE, "reconciliationResult", agreed=True).state == "reconciled"


def test_an_order_after_the_day_is_confirming_is_refused_until_a_late_batch_is_released() -> None:
    play = Play().send(HERE, "batchManifest", batchNo="B1", last=True).send(THERE, "batchResult", batchNo="B1")
    assert play.state == "confirming"
    assert play.send(HERE, "redemptionOrder", orderReference="O1").last.verdict == "refuse"
    assert play.send(HERE, "batchManifest", batchNo="B2", last=True).last.verdict == "park"
    play.send(HERE, "batchManifest", batchNo="B2", released={"approver": "A"})
    assert (play.state, play.last.exception, play.last.about) == ("cut_off", "late", "B2")
    assert play.send(HERE, "redemptionOrder", orderReference="O1").item("order:O1") == "placed"


def test_a_confirmation_of_an_unknown_order_is_parked_unless_the_transfer_agent_began_it() -> None:
    play = Play().send(HERE, "subscriptionOrder", orderReference="O1")
    assert play.send(THERE, "orderConfirmation", **confirmation("O9")).last.verdict == "park"
    forced = confirmation("O9", businessCode="142", fromTa=True)
    assert play.send(THERE, "orderConfirmation", **forced).item("order:O9") == "confirmed"


def test_a_repeated_order_number_is_refused_and_a_corrected_confirmation_raises_an_exception() -> None:
    play = Play().send(HERE, "subscriptionOrder", orderReference="O1")
    assert play.send(HERE, "subscriptionOrder", orderReference="O1").last.verdict == "refuse"
    play.send(THERE, "orderConfirmation", **confirmation("O1"))
    assert play.send(THERE, "orderConfirmation", **confirmation("O1")).last.verdict == "park"
    play.send(THERE, "orderConfirmation", header={"replaces": "M1"}, **confirmation("O1"))
    assert (play.last.exception, play.last.about) == ("correction", "M1")


def test_a_nav_corrected_after_confirmation_is_disclosed_again() -> None:
    play = Play(CaseState("trading-day", "confirming", HERE))
    play.send(THERE, "navReport", header={"replaces": "M1"}, affectedOrders=["O1"])
    assert (play.state, play.last.exception, play.last.about) == ("confirming", "correction", "M1")
    assert play.case == CaseState("trading-day", "confirming", HERE, {"due": ["disclosureNotice"]})


def merchant() -> Play:
    play = Play().send(HERE, "merchantFiling", filingNo="F1")
    return play.send(THERE, "requestResult", businessNo="F1", outcome="APPROVED")


def test_prepaid_money_is_paid_consumed_confirmed_and_settled() -> None:
    play = merchant().send(HERE, "prepaidOrder", orderReference="O1")
    assert play.send(HERE, "prepaidPayment", orderReference="O1").item("order:O1") == "paid"
    play.send(THERE, "interestRegistered", event="PURCHASE", eventReference="O1")
    assert play.send(HERE, "consumption", consumptionNo="X1", orderReference="O1").item("consumption:X1") == "recorded"
    play.send(HERE, "consumptionConfirmation", consumptionNo="X1", outcome="AUTOMATIC")
    assert play.item("consumption:X1") == "confirmed"
    assert play.send(THERE, "settlement", settlementNo="S1").state == "filed"
    assert play.case == CaseState("prepaid", "filed", HERE, {"filing": ["F1"]})


def test_a_disputed_consumption_is_upheld_or_dismissed() -> None:
    play = merchant().send(HERE, "consumption", consumptionNo="X1")
    play.send(HERE, "consumptionConfirmation", consumptionNo="X1", outcome="DISPUTED")
    assert play.item("consumption:X1") == "disputed"
    play.send(HERE, "consumptionConfirmation", consumptionNo="X1", outcome="DISPUTE_UPHELD")
    assert play.item("consumption:X1") == "withdrawn"


def test_a_refund_is_paid_and_one_that_is_refused_is_not() -> None:
    play = merchant().send(HERE, "refund", refundNo="R1").send(HERE, "refund", refundNo="R2")
    play.send(THERE, "requestResult", businessNo="R2", outcome="REJECTED")
    assert play.item("refund:R2") == "rejected"
    play.send(THERE, "interestRegistered", event="REFUNDED", eventReference="R1")
    assert play.item("refund:R1") == "paid"


def test_a_frozen_merchant_takes_no_order_and_pays_no_refund_and_returns_are_listed() -> None:
    play = merchant().send(THERE, "regulatorDirective", action="FREEZE", directiveNo="D1")
    assert play.state == "frozen"
    assert play.send(HERE, "refund", refundNo="R1").last.verdict == "refuse"
    assert play.send(HERE, "prepaidOrder", orderReference="O1").last.verdict == "refuse"
    assert play.send(HERE, "consumption", consumptionNo="X1").item("consumption:X1") == "recorded"
    play.send(THERE, "directReturnList", listNo="L1", directiveNo="D2")
    assert (play.state, play.last.exception) == ("frozen", "directive")
    assert play.send(THERE, "regulatorDirective", action="RELEASE", directiveNo="D3", revokes="D1").state == "filed"


def test_an_order_before_the_filing_is_through_is_refused_and_a_refused_merchant_may_file_again() -> None:
    play = Play().send(HERE, "merchantFiling", filingNo="F1")
    assert play.send(HERE, "prepaidOrder", orderReference="O1").last.verdict == "refuse"
    assert play.send(THERE, "requestResult", businessNo="F1", outcome="REJECTED").state == "refused"
    assert play.send(HERE, "merchantFiling", filingNo="F2").state == "filing"


def test_an_abs_period_is_collected_compared_remitted_paid_reported_and_disclosed_again_and_again() -> None:
    play = Play().send(HERE, "loanPool", poolNo="A")
    for period in ("1", "2"):
        play.send(HERE, "collectionReport", reportNo=period).send(HERE, "collectionReport", reportNo=period)
        assert play.send(THERE, "reconciliationResult", agreed=True).state == "compared"
        assert play.send(HERE, "remittanceNotice", reportNo=period).state == "remitted"
        assert play.send(THERE, "distributionCalculation", calculationNo=period).state == "calculated"
        assert play.send(THERE, "paymentInstruction", instructionNo=f"Y{period}").state == "paying"
        play.send(HERE, "paymentResult", instructionNo=f"Y{period}", state="PAYMENT_SUCCEEDED")
        assert play.item(f"payment:Y{period}") == "paid"
        assert play.send(THERE, "cashflowReport", calculationNo=period).state == "reported"
        assert play.send(THERE, "disclosureNotice", disclosureNo=f"N{period}").state == "disclosed"
    assert play.case == CaseState("abs-period", "disclosed", HERE, {"report": ["2"]})


def test_an_abs_period_may_defer_its_payment_and_its_report_may_be_corrected() -> None:
    play = Play().send(HERE, "collectionReport", reportNo="1").send(HERE, "remittanceNotice", reportNo="1")
    play.send(THERE, "distributionCalculation", calculationNo="1")
    assert play.send(THERE, "cashflowReport", calculationNo="1").state == "reported"
    corrected = Play().send(HERE, "collectionReport", reportNo="1").send(HERE, "remittanceNotice", reportNo="1")
    corrected.send(HERE, "collectionReport", header={"replaces": "M1"}, reportNo="1")
    assert (corrected.state, corrected.last.exception, corrected.last.about) == ("collected", "correction", "M1")


def test_a_trigger_of_a_securitisation_is_always_taken_and_must_be_disclosed() -> None:
    play = Play().send(HERE, "loanPool", poolNo="A").send(HERE, "triggerEvent", state="OCCURRED")
    assert play.case == CaseState("abs-period", "pooled", HERE, {"due": ["disclosureNotice"]})


def test_a_revolving_purchase_is_bought_only_when_it_is_eligible() -> None:
    play = Play().send(HERE, "loanPool", poolNo="A").send(HERE, "revolvingPurchase", purchaseNo="V1")
    assert (
        play.send(THERE, "eligibilityResult", purchaseNo="V1", outcome="MORE_NEEDED").item("purchase:V1")
        == "more_needed"
    )
    play.send(HERE, "revolvingPurchase", purchaseNo="V1")
    assert (
        play.send(THERE, "eligibilityResult", purchaseNo="V1", outcome="REJECTED").item("purchase:V1") == "ineligible"
    )
    assert play.send(HERE, "revolvingPurchase", purchaseNo="V1").last.verdict == "refuse"


def test_a_disclosure_waits_for_its_receipt_and_an_undeliverable_one_for_a_person() -> None:
    play = Play().send(THERE, "disclosureNotice", disclosureNo="N1")
    assert play.item("disclosure:N1") == "published"
    play.send(HERE, "disclosureReceipt", disclosureNo="N1", reach="UNDELIVERABLE")
    assert (play.item("disclosure:N1"), play.last.exception) == ("undeliverable", "undeliverable")
    assert play.send(HERE, "disclosureReceipt", disclosureNo="N1", reach="READ").item("disclosure:N1") == "received"
    assert play.send(HERE, "disclosureReceipt", disclosureNo="N2").last.verdict == "park"


def test_a_registration_is_supplemented_and_registered() -> None:
    play = Play().send(HERE, "preRegistration", applicationNo="A1")
    play.send(THERE, "registrationReply", applicationNo="A1", outcome="TO_BE_SUPPLEMENTED")
    play.send(HERE, "registrationSupplement", applicationNo="A2", formerApplicationNo="A1")
    assert play.item("application:A1") == "supplemented"
    play.send(THERE, "registrationReply", applicationNo="A1", outcome="CODE_GIVEN")
    assert play.item("application:A1") == "registered"
    assert play.send(HERE, "preRegistration", applicationNo="A1").last.verdict == "refuse"


@pytest.mark.parametrize("name", sorted(processes()))
def test_what_comes_out_of_order_is_refused_parked_or_taken_by_its_class(name: str) -> None:
    known = {each.message for each in processes()[name].transitions}
    for body in sorted(known):
        case = CaseState(name, "nowhere", HERE)
        kind = message_types()[body].message_class
        decision = decide("C", case, body, example(body), kind == "REQUEST")
        assert decision.verdict == {"REQUEST": "refuse", "FACT": "park", "DIRECTIVE": "advance"}[kind]
        assert decision.case is case


steps = st.lists(st.tuples(st.sampled_from(sorted(message_types())), st.booleans()), max_size=25)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(processes())), steps)
def test_no_sequence_of_messages_raises_and_what_is_refused_changes_nothing(
    name: str, sequence: list[tuple[str, bool]]
) -> None:
    play = Play()
    for body, turned in [(next(iter(processes()[name].opens)), False), *sequence]:
        message = example(body)
        header = {**message["header"], "sender": THERE if turned else HERE}
        before, items = play.case, dict(play.items)
        play.happen(body, message | {"header": header})
        if play.last.verdict in ("refuse", "park", "free"):
            assert (play.case, play.items) == (before, items)
            assert play.last.case in (before, None)
        kind = message_types()[body].message_class
        assert not (kind != "REQUEST" and play.last.verdict == "refuse")
        assert not (kind == "REQUEST" and play.last.verdict == "park")
        if play.case:
            expectations(play.case)
