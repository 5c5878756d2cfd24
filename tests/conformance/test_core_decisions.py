"""What the simulated core decides, message by message."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao.validation import check
from xinqiao_conformance.simulators.core.core import Core, read_behaviour
from xinqiao_conformance.simulators.institution import Unable

NOW = datetime(2028, 2, 29, 1, 30, tzinfo=UTC)
BANK, TRUST_COMPANY = "91110000100000000R", "913100001000100012"
CASE = "CASE-2028-0001"


def incoming(body: str, changes: Json | None = None) -> Json:
    message = example(body, sender=BANK, receiver=TRUST_COMPANY, caseId=CASE)
    message[body] |= changes or {}
    return message


@pytest.fixture
def core() -> Core:
    return Core(read_behaviour(), lambda: NOW)


def instruction() -> Json:
    message = incoming("deliveryInstruction")
    body = message["deliveryInstruction"]
    for kind in ("policy", "units"):
        body.pop(kind, None)
    body["contractNo"] = "JZ2028-0001"
    body["cash"] = {
        "amount": {"value": "10000000.00", "currency": "CNY"},
        "payerAccount": {"number": "6222020000000000000", "name": "王小明"},
        "payeeAccount": {"number": "110060868018800012345", "name": "示例信托有限公司"},
    }
    return message


def entry(**changes: object) -> Json:
    cash = instruction()["deliveryInstruction"]["cash"]
    body = {
        "bankReference": "BK1",
        "account": cash["payeeAccount"],
        "direction": "CREDIT",
        "amount": cash["amount"],
        "counterparty": cash["payerAccount"],
        "valueDate": "2028-02-29",
    }
    message = incoming("accountEntry")
    message["accountEntry"] = body | changes
    return message


def proposal() -> Json:
    return incoming("contractProposal", {"contractNo": "JZ2028-0001"})


def bodies(messages: list[Json]) -> list[str]:
    return [key for message in messages for key in message if key != "header"]


def test_a_kyc_application_is_approved_for_a_year(core: Core) -> None:
    asked = incoming("kycApplication")
    [decision] = core.react(asked)
    assert decision["kycDecision"] == {
        "applicationNo": asked["kycApplication"]["applicationNo"],
        "outcome": "APPROVED",
        "amlRisk": "AML_LOW",
        "validUntil": "2029-02-28",
        "decidedAt": "2028-02-29T09:30:00+08:00",
    }


def test_an_answer_names_its_case_what_it_answers_and_goes_back_to_the_sender(core: Core) -> None:
    asked = incoming("kycApplication")
    [decision] = core.react(asked)
    header = dict(decision["header"])
    assert header.pop("messageId") != asked["header"]["messageId"]
    assert header == {
        "standardVersion": "1.0",
        "sender": TRUST_COMPANY,
        "receiver": BANK,
        "caseId": CASE,
        "correlationId": asked["header"]["messageId"],
        "businessDate": "2028-02-29",
        "createdAt": "2028-02-29T01:30:00.000000Z",
    }


def test_test_traffic_is_answered_as_test_traffic(core: Core) -> None:
    asked = incoming("kycApplication")
    asked["header"]["test"] = True
    [decision] = core.react(asked)
    assert decision["header"]["test"] is True


def test_the_trustee_signs_a_proposal_that_names_it_as_a_signer(core: Core) -> None:
    asked = proposal()
    trustee = {
        "partyId": "P0",
        "kind": "INSTITUTION",
        "name": "示例信托有限公司",
        "documents": [{"type": "UNIFIED_SOCIAL_CREDIT_CODE", "number": TRUST_COMPANY}],
    }
    asked["contractProposal"]["parties"] = [{"party": trustee, "roles": ["TRUSTEE"], "signs": True}]
    document = {"algorithm": "SHA256", "value": "ab" * 32}
    asked["contractProposal"]["documents"] = [{"name": "contract.pdf", "digest": document}]
    [evidence] = core.react(asked)
    signed = evidence["signatureEvidence"]
    assert {key: signed[key] for key in ("contractNo", "partyId", "signerName", "documentDigest")} == {
        "contractNo": "JZ2028-0001",
        "partyId": "P0",
        "signerName": "示例信托有限公司",
        "documentDigest": document,
    }


def test_a_proposal_without_a_signing_trustee_is_only_remembered(core: Core) -> None:
    asked = proposal()
    for party in asked["contractProposal"]["parties"]:
        party["signs"] = "TRUSTEE" not in party["roles"]
    assert core.react(asked) == []


def test_money_that_fits_is_matched_delivered_and_makes_the_trust_effective(core: Core) -> None:
    core.react(proposal())
    core.react(instruction())
    assert bodies(core.react(entry())) == ["fundsMatch", "deliveryConfirmation", "contractEffective"]


def test_a_match_says_what_met_which_instruction(core: Core) -> None:
    told = instruction()
    core.react(told)
    [match, confirmation] = core.react(entry())
    number = told["deliveryInstruction"]["instructionNo"]
    assert match["fundsMatch"] == {
        "bankReference": "BK1",
        "result": "MATCHED",
        "amount": {"value": "10000000.00", "currency": "CNY"},
        "instructionNo": number,
        "matchedAt": "2028-02-29T09:30:00+08:00",
    }
    assert confirmation["deliveryConfirmation"] == {
        "instructionNo": number,
        "contractNo": "JZ2028-0001",
        "deliveredOn": "2028-02-29",
        "cash": told["deliveryInstruction"]["cash"],
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": {"value": "9000000.00", "currency": "CNY"}}, "AMOUNT_DIFFERS"),
        ({"amount": {"value": "10000000.01", "currency": "CNY"}}, "AMOUNT_DIFFERS"),
        ({"amount": {"value": "10000000.00", "currency": "USD"}}, "CURRENCY_DIFFERS"),
        ({"counterparty": {"number": "6222029999999999999", "name": "王小明"}}, "PAYER_DIFFERS"),
    ],
)
def test_money_that_does_not_fit_goes_to_suspense_with_the_reason(core: Core, changes: Json, reason: str) -> None:
    core.react(instruction())
    [match] = core.react(entry(**changes))
    assert (match["fundsMatch"]["result"], match["fundsMatch"]["reason"]) == ("SUSPENSE", reason)
    assert match["fundsMatch"]["expectedAmount"] == {"value": "10000000.00", "currency": "CNY"}


def test_money_nobody_told_of_goes_to_suspense(core: Core) -> None:
    [match] = core.react(entry())
    assert match["fundsMatch"]["reason"] == "NO_INSTRUCTION"
    assert "expectedAmount" not in match["fundsMatch"]


def test_the_right_amount_is_matched_after_a_wrong_one_went_to_suspense(core: Core) -> None:
    core.react(instruction())
    core.react(entry(amount={"value": "1.00", "currency": "CNY"}))
    [match, _] = core.react(entry(bankReference="BK2"))
    assert match["fundsMatch"]["result"] == "MATCHED"


@pytest.mark.parametrize("reference", ["BK1", "BK2"])
def test_money_that_comes_a_second_time_is_a_duplicate(core: Core, reference: str) -> None:
    core.react(instruction())
    core.react(entry())
    [match] = core.react(entry(bankReference=reference))
    assert match["fundsMatch"]["reason"] == "DUPLICATE_PAYMENT"


def test_the_same_amount_written_with_other_digits_is_the_same_amount(core: Core) -> None:
    core.react(instruction())
    match, *_ = core.react(entry(amount={"value": "10000000", "currency": "CNY"}))
    assert match["fundsMatch"]["result"] == "MATCHED"


@pytest.mark.parametrize("body", ["signatureEvidence", "disclosureReceipt", "kycDecision"])
def test_other_facts_need_no_answer(core: Core, body: str) -> None:
    assert core.react(incoming(body)) == []


def test_money_that_leaves_the_account_needs_no_answer(core: Core) -> None:
    core.react(instruction())
    assert core.react(entry(direction="DEBIT")) == []


def test_nav_and_disclosure_are_about_the_trust_that_became_effective(core: Core) -> None:
    core.react(proposal())
    core.react(instruction())
    effective = core.react(entry())[-1]["contractEffective"]
    nav, notice = core.report_nav(), core.disclose(CASE)
    instrument = {"code": effective["trustCode"], "name": effective["trustName"]}
    assert nav["navReport"]["instrument"] == notice["disclosureNotice"]["instrument"] == instrument
    assert (nav["header"]["receiver"], notice["header"]["caseId"]) == (BANK, CASE)


def test_without_an_effective_trust_there_is_nothing_to_report(core: Core) -> None:
    core.react(proposal())
    with pytest.raises(Unable, match=f"no trust is effective in case {CASE}"):
        core.report_nav(CASE)


def test_everything_that_the_core_says_is_valid(core: Core) -> None:
    said = [message for each in ("kycApplication",) for message in core.react(incoming(each))]
    said += core.react(proposal()) + core.react(instruction())
    said += core.react(entry(amount={"value": "1.00", "currency": "CNY"})) + core.react(entry(bankReference="B"))
    said += [core.report_nav(), core.disclose()]
    assert {body: check(deepcopy(each)) for each in said for body in bodies([each])} == {
        body: [] for body in bodies(said)
    }
