"""Every check can fail: each has a recording that breaks it, and nothing that does not follow from that."""

from dataclasses import dataclass

import pytest

from tests.sdk.recording.spoiling import (
    Spoil,
    another_receipt,
    answer_header,
    answer_with,
    answered,
    confirmed_after_the_end,
    conflict_taken,
    delivered,
    in_kyc,
    marked,
    more_than_ordered,
    names_what_came_before,
    never_again,
    one_id_for_two,
    put,
    receipt_for_another,
    refused_and_sent_again,
    retried_under_another_id,
    sealed_by_another,
    sealed_with_a_payload,
    too_early,
    too_even,
    two_bodies,
    undecided,
    unknown_dropped,
    unreadable,
    valid_refused,
    wrong_manifest_taken,
)
from tests.sdk.recording.stage import GOOD, judged
from xinqiao.message import new_message_id
from xinqiao.recording import Masker
from xinqiao.recording.checks import checks


@dataclass(frozen=True)
class Spoilt:
    """How a good recording is spoilt: which check finds it, what else must, and what is left when it is masked."""

    check: str
    spoil: Spoil
    also: tuple[str, ...] = ()
    role: str = "sender"
    masked: str = "failed"


SPOILT = [
    Spoilt("one_body", two_bodies),
    Spoilt(
        "one_body", put("kycExpired", "header", None), ("message_ids", "version", "institutions", "test_flag", "schema")
    ),
    Spoilt("message_ids", put("kycExpired", "header/messageId", "M-1"), ("schema",)),
    Spoilt("message_ids", one_id_for_two),
    Spoilt("version", put("kycExpired", "header/standardVersion", "2.0")),
    Spoilt("institutions", put("kycExpired", "header/receiver", "913100001000100013"), ("rules",)),
    Spoilt("institutions", put("kycExpired", "header/receiver", "0" * 18), ("rules",)),
    Spoilt("one_case", put("kycDecision", "header/caseId", "CASE-9")),
    Spoilt("one_case", put("orderConfirmation", "header/caseId", None)),
    Spoilt("correlation", put("kycDecision", "header/correlationId", None)),
    Spoilt("correlation", put("kycDecision", "header/correlationId", new_message_id())),
    Spoilt("correlation", names_what_came_before, ("one_case",)),
    Spoilt("corrections", put("orderConfirmation", "header/revision", 3, 1)),
    Spoilt("corrections", put("orderConfirmation", "header/revision", None, 1)),
    Spoilt("corrections", put("navReport", "header/revision", 2, 1), ("rules",)),
    Spoilt("dates", put("orderConfirmation", "header/tradeDate", "2026-02-01")),
    Spoilt("test_flag", put("kycExpired", "header/test", None)),
    Spoilt("readable", unreadable("malformed_json")),
    Spoilt("schema", put("kycExpired", "kycExpired/effects", "CLOSED")),
    Spoilt("schema", in_kyc("applicationNo", 7)),
    Spoilt("schema", in_kyc("applicant/name", 7), masked="not_observable"),
    Spoilt("rules", in_kyc("riskAssessment/validUntil", "2025-01-01")),
    Spoilt("encoding", unreadable("wrong_encoding")),
    Spoilt("encoding", marked, masked="not_observable"),
    Spoilt("numbers", in_kyc("annualIncome/value", "8e5"), ("schema",), masked="not_observable"),
    Spoilt("numbers", in_kyc("annualIncome/currency", None), ("schema",)),
    Spoilt("days", put("kycExpired", "kycExpired/expiredOn", "2027-02-30"), ("rules",)),
    Spoilt("days", put("kycExpired", "kycExpired/detectedAt", "2027-01-08T00:30:00"), ("schema",)),
    Spoilt("days", in_kyc("applicant/birthDate", "1980年1月1日"), ("schema",), masked="not_observable"),
    Spoilt("enumerations", put("kycExpired", "kycExpired/effect", "STOPPED"), ("schema",)),
    Spoilt("text", put("kycExpired", "header/operator", "\u200bRM1"), ("rules",)),
    Spoilt("text", put("kycExpired", "kycExpired/itemsNeeded", ["\u2028"]), ("rules",), masked="not_observable"),
    Spoilt("rare_characters", in_kyc("applicant/name", "王?明"), masked="not_observable"),
    Spoilt("rare_characters", in_kyc("applicant/name", "王\ue1f0明"), masked="not_observable"),
    Spoilt(
        "document_numbers",
        in_kyc("applicant/documents/0/number", "11010119800101007"),
        ("rules",),
        masked="not_observable",
    ),
    Spoilt(
        "shares",
        put("contractProposal", "contractProposal/distributionClauses/2/percentage", "51"),
        ("rules",),
        masked="not_observable",
    ),
    Spoilt(
        "shares",
        put("contractProposal", "contractProposal/distributionClauses/0/beneficiaryId", "P9"),
        ("rules",),
        masked="not_observable",
    ),
    Spoilt(
        "arithmetic",
        put("orderConfirmation", "orderConfirmation/confirmedAmount/value", "6248.00"),
        ("warnings",),
        masked="not_observable",
    ),
    Spoilt(
        "conserved",
        put("orderConfirmation", "orderConfirmation/deferredUnits", "3999.00"),
        ("warnings",),
        masked="not_observable",
    ),
    Spoilt("tax_residences", in_kyc("crs/residences/0/tin", None), ("rules",), masked="not_observable"),
    Spoilt("files_by_digest", in_kyc("applicant/documents/0/image/digest", None), ("schema",)),
    Spoilt("warnings", put("kycDecision", "kycDecision/reasons", None)),
    Spoilt("finished", confirmed_after_the_end),
    Spoilt("value", more_than_ordered, masked="not_observable"),
    Spoilt("manifests", put("batchManifest", "batchManifest/recordCount", "134"), ("rules",)),
    Spoilt(
        "tipping_off",
        put("kycDecision", "kycDecision/reasons", [{"code": "OTHER", "text": "命中制裁名单"}]),
        masked="not_observable",
    ),
    Spoilt("secrets", in_kyc("cvv2", "123"), ("schema",)),
    Spoilt("secrets", in_kyc("sourceOfFunds", "工资，密码：a12345"), masked="not_observable"),
    Spoilt("consent", in_kyc("consent", None)),
    Spoilt("consent", in_kyc("consent/givenAt", "2027-01-01T00:00:00+08:00")),
    Spoilt("seals", sealed_by_another, masked="not_observable"),
    Spoilt("seals", sealed_with_a_payload, masked="not_observable"),
    Spoilt("retries", retried_under_another_id),
    Spoilt("retries", too_early),
    Spoilt("retries", too_even),
    Spoilt("retries", never_again),
    Spoilt("refused_again", refused_and_sent_again),
    Spoilt("receipts", answered(4, message=None), role="gateway"),
    Spoilt("receipts", receipt_for_another, role="gateway"),
    Spoilt("receipts", answered(4, status=500), role="gateway"),
    Spoilt("valid_taken", valid_refused, role="gateway", masked="not_observable"),
    Spoilt("repeats", another_receipt, role="gateway"),
    Spoilt("conflicts", conflict_taken, role="gateway"),
    Spoilt("conflicts", answered(2, status=422), ("statuses",), role="gateway"),
    Spoilt("statuses", answered(3, status=400), role="gateway"),
    Spoilt("lost_attributes", delivered("kycApplication/purpose", None), role="gateway"),
    Spoilt("lost_attributes", delivered("kycApplication/applicant/name", "王小"), role="gateway"),
    Spoilt("unknown_kept", unknown_dropped, role="gateway"),
    Spoilt("refused_whole", wrong_manifest_taken, role="gateway"),
    Spoilt("accounted", put("batchResult", "batchResult/rejectedCount", "0"), role="gateway"),
    Spoilt("answers_masked", answer_with("11010119800101007"), role="gateway"),
    Spoilt("answers_masked", answer_with("11010119800101007"), role="receiver"),
    Spoilt("answers_masked", answer_header, role="gateway"),
    Spoilt("statuses", answered(1, status=400), role="receiver"),
    Spoilt("answered", undecided, role="receiver"),
]


def name_of(spoilt: Spoilt) -> str:
    return f"{spoilt.check}-{SPOILT.index(spoilt)}"


@pytest.mark.parametrize("spoilt", SPOILT, ids=name_of)
def test_a_check_finds_the_recording_that_breaks_it(spoilt: Spoilt) -> None:
    stage = GOOD[spoilt.role]()
    spoilt.spoil(stage)
    found = judged(stage, spoilt.role)
    assert {name for name, each in found.items() if each.state == "failed"} == {spoilt.check, *spoilt.also}
    assert {each.requirement for each in found[spoilt.check].found} == {checks()[spoilt.check].requirement}

    masker = Masker()
    after = judged([masker.mask(each) for each in stage], spoilt.role, hidden=True)
    assert after[spoilt.check].state == spoilt.masked
    assert {name for name, each in after.items() if each.state == "failed"} <= {spoilt.check, *spoilt.also}


def test_every_check_has_a_recording_that_breaks_it() -> None:
    assert {each.check for each in SPOILT} == checks().keys()
