"""The published examples: one coherent case, fresh on demand."""

import pytest

from xinqiao.message import content_digest, write_json
from xinqiao.standard import message_types, schema_of
from xinqiao.testing import BANK, CASE_ID, TRUST_COMPANY, example, patched, vector, vectors

CONTRACT = "FT2026001"
INSTRUCTION = "DI20260119001"
FAMILY_TRUST = (
    *("kycApplication", "kycDecision", "contractProposal", "signatureEvidence", "deliveryInstruction", "accountEntry"),
    *("fundsMatch", "deliveryConfirmation", "contractEffective", "navReport", "positionStatement", "disclosureNotice"),
)


def test_examples_have_a_fresh_id_and_time_and_else_the_published_content() -> None:
    first, second = example("navReport"), example("navReport")

    assert first["navReport"] == second["navReport"] == vector("navReport")["navReport"]
    assert first["header"]["messageId"] != second["header"]["messageId"]


def test_header_fields_are_set_in_either_spelling_and_removed_by_none() -> None:
    header = example("navReport", case_id="CASE-2", businessDate="2026-02-01")["header"]

    assert (header["caseId"], header["businessDate"]) == ("CASE-2", "2026-02-01")
    assert "caseId" not in example("navReport", case_id=None)["header"]


def test_an_example_of_an_unknown_body_is_refused() -> None:
    with pytest.raises(KeyError, match="coffeeOrder is no body"):
        example("coffeeOrder")


def test_the_examples_of_a_family_trust_are_one_case_between_one_bank_and_one_trust_company() -> None:
    headers = [vector(body)["header"] for body in FAMILY_TRUST]

    assert {header["caseId"] for header in headers} == {CASE_ID}
    assert {frozenset((header["sender"], header["receiver"])) for header in headers} == {
        frozenset((BANK, TRUST_COMPANY))
    }


def test_no_two_examples_have_one_message_id() -> None:
    ids = [each["message"]["header"]["messageId"] for body in message_types() for each in vectors(body)]

    assert len(ids) == len(set(ids))


def test_every_type_has_two_examples_that_together_show_each_of_its_fields() -> None:
    lacking = {}
    for body, kind in message_types().items():
        examples = [each["message"][body] for each in vectors(body)]
        unseen = schema_of(kind.name)["$defs"][kind.name]["properties"].keys() - {
            key for each in examples for key in each
        }
        if len(examples) < 2 or unseen:
            lacking[body] = (len(examples), unseen)

    assert lacking == {}


def test_the_examples_of_a_family_trust_refer_to_each_other() -> None:
    bodies = {body: vector(body)[body] for body in (*FAMILY_TRUST, "receipt", "disclosureReceipt")}

    assert {each["contractNo"] for each in bodies.values() if "contractNo" in each} == {CONTRACT}
    assert {each["instructionNo"] for each in bodies.values() if "instructionNo" in each} == {INSTRUCTION}
    assert bodies["receipt"]["digest"]["value"] == content_digest(vector("kycApplication"))
    assert bodies["disclosureReceipt"]["documentDigests"] == [
        each["digest"] for each in bodies["disclosureNotice"]["documents"]
    ]
    assert bodies["accountEntry"]["amount"] == bodies["contractEffective"]["scale"]


def test_the_kyc_example_has_the_size_that_figures_are_given_for() -> None:
    assert 2000 <= len(write_json(vector("kycApplication"))) <= 2500


def test_a_patch_changes_a_copy() -> None:
    message = vector("kycDecision")

    changed = patched(
        message,
        [
            {"op": "add", "path": "/kycDecision/itemsNeeded", "value": ["b"]},
            {"op": "add", "path": "/kycDecision/itemsNeeded/0", "value": "a"},
            {"op": "add", "path": "/kycDecision/itemsNeeded/-", "value": "c"},
            {"op": "replace", "path": "/kycDecision/outcome", "value": "REJECTED"},
            {"op": "remove", "path": "/kycDecision/validUntil"},
        ],
    )

    assert message == vector("kycDecision")
    assert changed["kycDecision"] == {
        "applicationNo": "KYC20260105001",
        "outcome": "REJECTED",
        "itemsNeeded": ["a", "b", "c"],
        "amlRisk": "AML_LOW",
        "decidedAt": "2026-01-08T15:20:00+08:00",
    }


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"op": "replace", "path": "/kycDecision/colour", "value": 1}, KeyError),
        ({"op": "remove", "path": "/kycDecision/colour"}, KeyError),
        ({"op": "move", "path": "/kycDecision/outcome"}, ValueError),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(step: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        patched(vector("kycDecision"), [step])
