"""The engine of the processes: advance, refuse, park, hold, remember, expire; on the set-up of a trust."""

from collections.abc import Mapping
from typing import Any

import pytest

from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao_gateway.processes import (
    CaseState,
    Decision,
    Expectation,
    abandoned,
    decide,
    expectations,
    expired,
    expires_after,
)

BANK, TRUST = "91110000100000000R", "913100001000100012"
DAY = 86_400.0


def case(state: str, **memory: list[str]) -> CaseState:
    return CaseState("trust-establishment", state, BANK, memory)


def sent(sender: str, header: Mapping[str, str] | None = None, **bodies: Mapping[str, object]) -> Json:
    return {"header": {"sender": sender, **(header or {})}, **bodies}


def test_a_kyc_application_opens_a_case() -> None:
    decision = decide("C1", None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("advance", case("kyc_pending"))


def test_a_message_that_opens_a_case_must_name_it() -> None:
    decision = decide(None, None, "kycApplication", example("kycApplication"), is_request=True)
    assert decision == Decision("nameless")


def test_an_order_that_names_no_case_belongs_to_none() -> None:
    assert decide(None, None, "subscriptionOrder", example("subscriptionOrder"), True) == Decision("free")


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
    assert decide("C1", None, "ping", example("ping"), True) == Decision("free")
    assert decide("C1", case("signing"), "loanContract", example("loanContract"), False) == Decision(
        "free", case("signing")
    )


def test_a_case_of_a_process_that_is_gone_takes_messages_as_free() -> None:
    gone = CaseState("process-of-before", "open", BANK)
    assert decide("C1", gone, "accountEntry", example("accountEntry"), False) == Decision("free", gone)
    assert (expectations(gone), expired(gone, 0.0, 1e12), abandoned(gone)) == ((), None, None)


def test_only_the_counterparty_decides_and_only_the_opener_applies() -> None:
    own_decision = sent(BANK, kycDecision={"outcome": "APPROVED"})
    assert decide("C1", case("kyc_pending"), "kycDecision", own_decision, False).verdict == "park"
    others = sent(TRUST, kycDecision={"outcome": "APPROVED"})
    assert decide("C1", case("kyc_pending"), "kycDecision", others, False).case == case("kyc_approved")
    application = sent(TRUST, kycApplication={})
    assert decide("C1", case("kyc_pending"), "kycApplication", application, True).verdict == "refuse"


def test_what_is_expected_says_from_whom_and_where_it_leads() -> None:
    assert expectations(case("kyc_pending")) == (
        Expectation("kycApplication", "opener", "kyc_pending"),
        Expectation("kycDecision", "counterparty", "kyc_approved"),
        Expectation("kycDecision", "counterparty", "kyc_pending"),
        Expectation("kycDecision", "counterparty", "kyc_rejected"),
    )


def test_what_is_due_is_expected_first_and_no_longer_once_it_came() -> None:
    policy = CaseState("insurance-trust", "effective", BANK)
    lapsed = decide("C1", policy, "policyEvent", sent(BANK, policyEvent={"kind": "LAPSED", "policyNo": "P1"}), False)
    assert (lapsed.exception, lapsed.about) == ("policy_changed", "P1")
    assert lapsed.case is not None
    assert [each.message for each in expectations(lapsed.case) if each.due] == [
        "propertyRegistered",
        "disclosureNotice",
    ]
    registered = decide("C1", lapsed.case, "propertyRegistered", sent(BANK, propertyRegistered={}), False)
    assert registered.case is not None
    assert [each.message for each in expectations(registered.case) if each.due] == ["disclosureNotice"]


def directive(action: str, number: str = "D1", **more: str) -> Json:
    return sent(TRUST, regulatorDirective={"action": action, "directiveNo": number, **more})


def ordered(now: CaseState, *directives: Json) -> CaseState:
    for each in directives:
        decision = decide("C1", now, "regulatorDirective", each, False)
        assert decision.verdict == "advance"
        assert decision.case is not None
        now = decision.case
    return now


def test_a_freeze_lies_over_a_case_and_its_release_brings_it_back() -> None:
    frozen = ordered(case("signed", contract=["K1"]), directive("FREEZE"))
    assert frozen == case("frozen", contract=["K1"], freezes=["D1"], beneath=["signed"])
    instruction = sent(BANK, deliveryInstruction={"contractNo": "K1", "instructionNo": "I1"})
    refused = decide("C1", frozen, "deliveryInstruction", instruction, True)
    assert (refused.verdict, refused.case, refused.reason) == ("refuse", frozen, {"zh": "冻结中", "en": "frozen"})
    assert ordered(frozen, directive("RELEASE", "D2", revokes="D1")) == case("signed", contract=["K1"])


def test_a_release_without_a_number_ends_the_only_freeze_and_of_two_none() -> None:
    once = ordered(case("signed"), directive("FREEZE"))
    assert ordered(once, directive("RELEASE", "D9")) == case("signed")
    twice = ordered(once, directive("FREEZE", "D2"))
    decision = decide("C1", twice, "regulatorDirective", directive("RELEASE", "D9"), False)
    assert decision == Decision("advance", twice, exception="directive")
    assert ordered(twice, directive("RELEASE", "D9", revokes="D2")) == once


def test_facts_go_on_beneath_a_freeze_but_a_trust_does_not_become_effective() -> None:
    frozen = ordered(case("kyc_pending"), directive("FREEZE"))
    approved = decide("C1", frozen, "kycDecision", sent(TRUST, kycDecision={"outcome": "APPROVED"}), False).case
    assert approved == case("frozen", freezes=["D1"], beneath=["kyc_approved"])
    waiting = ordered(case("delivered", contract=["K1"]), directive("FREEZE"))
    effective = sent(TRUST, contractEffective={"contractNo": "K1", "effectiveDate": "2026-03-01"})
    assert decide("C1", waiting, "contractEffective", effective, False).verdict == "park"


@pytest.mark.parametrize("action", ["DEDUCT", "INQUIRE", "OTHER"])
def test_a_directive_that_only_a_person_can_carry_out_is_taken_and_shown(action: str) -> None:
    decision = decide("C1", case("signed"), "regulatorDirective", directive(action), False)
    assert decision == Decision("advance", case("signed"), exception="directive")


def test_a_directive_is_taken_in_a_final_state_and_without_a_case() -> None:
    ended = decide("C1", case("ended"), "regulatorDirective", directive("FREEZE"), False)
    assert ended == Decision("advance", case("ended"), exception="directive")
    assert decide("C1", None, "regulatorDirective", directive("FREEZE"), False) == Decision(
        "free", exception="directive"
    )


@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("STOP_INTAKE", "additionalDelivery", {"instructionNo": "I1"}),
        ("STOP_DISTRIBUTION", "distributionApplication", {"applicationNo": "A1"}),
        ("STOP_TRANSFER", "beneficiaryChange", {"amendmentNo": "B1"}),
        ("STOP_SETTLEMENT", "paymentInstruction", {"instructionNo": "PI1"}),
    ],
)
def test_a_stop_refuses_what_it_names_until_it_is_revoked(action: str, body: str, message: dict[str, str]) -> None:
    stopped = ordered(case("effective"), directive(action))
    assert stopped.state == "effective"
    assert decide("C1", stopped, body, sent(BANK, **{body: message}), True).verdict == "refuse"
    resumed = ordered(stopped, directive("RESUME", "D2", revokes="D1"))
    assert resumed == case("effective")
    assert decide("C1", resumed, body, sent(BANK, **{body: message}), True).verdict == "advance"


def died(person: str, **more: str) -> Json:
    return sent(BANK, personEvent={"eventNo": "E1", "kind": "DEATH", "partyId": person, **more})


def test_who_died_asks_for_nothing_more_and_the_trust_goes_on() -> None:
    decision = decide("C1", case("effective"), "personEvent", died("P1"), False)
    assert decision == Decision("advance", case("effective", halted=["P1"]), exception="person_event", about="E1")
    assert decision.case is not None
    asks = sent(BANK, contractAmendment={"amendmentNo": "A1", "requesterId": "P1"})
    refused = decide("C1", decision.case, "contractAmendment", asks, True)
    assert (refused.verdict, refused.case) == ("refuse", decision.case)
    assert refused.reason is not None
    assert refused.reason["zh"].startswith("当事人已身故")
    other = sent(BANK, contractAmendment={"amendmentNo": "A1", "requesterId": "P2"})
    assert decide("C1", decision.case, "contractAmendment", other, True).verdict == "advance"
    nav = decide("C1", decision.case, "navReport", sent(TRUST, navReport={}), False)
    assert nav.verdict == "advance"
    withdrawn = decide("C1", decision.case, "personEvent", died("P1", state="WITHDRAWN"), False)
    assert withdrawn.case == case("effective")


def test_time_and_operators_end_a_case_that_rests() -> None:
    resting = case("signing", contract=["K1"])
    assert expires_after(resting) == 180 * DAY
    assert expired(resting, 0.0, 180 * DAY - 1) is None
    assert expired(resting, 0.0, 180 * DAY) == case("expired", contract=["K1"])
    assert abandoned(resting) == case("abandoned", contract=["K1"])
    assert (expires_after(case("effective")), abandoned(case("effective"))) == (None, None)


def test_a_suspended_case_may_end_and_a_frozen_one_may_not() -> None:
    suspended = case("suspended", kyc_open=["kyc"], beneath=["signing"])
    assert expired(suspended, 0.0, 181 * DAY) == case("expired", kyc_open=["kyc"])
    frozen = ordered(case("signing"), directive("FREEZE"))
    assert (expired(frozen, 0.0, 999 * DAY), expires_after(frozen), abandoned(frozen)) == (None, None, None)


def test_a_case_takes_no_more_ids_than_it_may_remember() -> None:
    full = case("delivery_instructed", contract=["K1"], undelivered=[f"I{n:04}" for n in range(1000)])
    one_more: dict[str, Any] = {"contractNo": "K1", "instructionNo": "I9999", "units": {}}
    decision = decide("C1", full, "deliveryInstruction", sent(BANK, deliveryInstruction=one_more), True)
    assert (decision.verdict, decision.case) == ("refuse", full)
