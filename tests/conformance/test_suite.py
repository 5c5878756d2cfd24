"""The suite passes the reference gateway and fails every wrong one, for what it does wrong and nothing else."""

import json
from pathlib import Path

import orjson
import pytest
from starlette.applications import Starlette

from xinqiao.errors import (
    KeyUnusable,
    NoRoute,
    OutOfOrder,
    SealInvalid,
    SenderMismatch,
    UnknownChannel,
    XinqiaoError,
)
from xinqiao.errors import (
    TestMismatch as OtherEnvironment,
)
from xinqiao.message import Json
from xinqiao.seal import KeyRing, Sealed
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.requirements import UnknownRequirement, requirements
from xinqiao_conformance.runner import CouldNotRun, Order, run, suite_digest
from xinqiao_conformance.suite import requirement
from xinqiao_conformance.target import Exchange, personal_values
from xinqiao_conformance.targets.defects import DEFECTS
from xinqiao_conformance.targets.reference import ReferenceGateway, gateway_application

from .conftest import Serve

CHANNEL = "canonical"


def order(url: str, key: Path) -> Order:
    return Order(url, CHANNEL, key, sender=BANK, receiver=TRUST_COMPANY)


def failed_in(results: Json) -> list[str]:
    return [row["id"] for row in results["requirements"] if row["result"] == "failed"]


def test_the_reference_gateway_meets_every_requirement(
    serve: Serve, partner_keys: KeyRing, partner_key_file: Path
) -> None:
    url = serve(gateway_application(ReferenceGateway(CHANNEL, TRUST_COMPANY, partner_keys)))
    results = run(order(url, partner_key_file))
    assert [(row["id"], row["result"]) for row in results["requirements"]] == [
        (each.id, "passed") for each in requirements("gateway", shown_by="suite")
    ]
    assert results["verdict"] == "passed"


@pytest.mark.parametrize("name", DEFECTS)
def test_a_wrong_gateway_fails_the_requirement_that_it_breaks_and_no_other(
    name: str, serve: Serve, partner_keys: KeyRing, partner_key_file: Path
) -> None:
    defect = DEFECTS[name]
    url = serve(gateway_application(defect.gateway(CHANNEL, TRUST_COMPANY, partner_keys)))
    results = run(order(url, partner_key_file))
    assert (failed_in(results), results["verdict"]) == ([defect.breaks], "failed")


def test_every_requirement_has_a_wrong_gateway() -> None:
    assert {each.breaks for each in DEFECTS.values()} == {each.id for each in requirements("gateway", shown_by="suite")}


def test_results_say_what_was_run_and_where(
    serve: Serve, partner_keys: KeyRing, partner_key_file: Path, tmp_path: Path
) -> None:
    url = serve(gateway_application(ReferenceGateway(CHANNEL, TRUST_COMPANY, partner_keys)))
    results = run(order(url, partner_key_file), tmp_path / "out")
    written = orjson.loads((tmp_path / "out" / "results.json").read_bytes())
    said = {name: results[name] for name in ("standard", "target", "role", "suite")}
    digest = {"version": "0.1.0", "digest": f"sha256:{suite_digest()}"}
    assert said == {"standard": "1.0", "target": url, "role": "gateway", "suite": digest}
    assert written == results


def test_a_finding_shows_what_was_sent_and_seen_without_personal_values(
    serve: Serve, partner_keys: KeyRing, partner_key_file: Path
) -> None:
    wrong = DEFECTS["tells-personal-values"].gateway(CHANNEL, TRUST_COMPANY, partner_keys)
    results = run(order(serve(gateway_application(wrong)), partner_key_file))
    of_kyc, of_contract = (each for row in results["requirements"] for each in row["findings"])
    assert [each["expected"] for each in (of_kyc, of_contract)] == [
        "no raw value of kycApplication.annualIncome.value, kycApplication.applicant.addresses.region, "
        "kycApplication.applicant.birthDate, "
        "kycApplication.applicant.documents.number in the body of the answer",
        "no raw value of contractProposal.parties.party.documents.number in the body of the answer",
    ]
    assert (of_kyc["seen"]["status"], of_kyc["seen"]["body"]["rejection"]["reason"]) == (422, "not_valid")
    text = orjson.dumps(results).decode()
    assert [value for value in ("110101198001010071", "王小明", "13800138000", "3216540.5") if value in text] == []


def test_personal_values_are_the_longer_c2_values_of_a_message_that_stand_in_no_open_field() -> None:
    message = {
        "header": {"messageId": "019bf0a0-7c00-7000-8000-000000000001", "sender": BANK},
        "kycApplication": {
            "applicationNo": "KYC20260115001",
            "applicant": {"name": "王小明", "documents": [{"number": "11010119800101007X"}], "unheard": "of-value"},
            "relatedParties": [{"party": {"documents": [{"number": BANK}]}}],
            "annualIncome": {"value": 3216540.5},
            "politicallyExposed": True,
        },
    }
    assert personal_values(message) == {
        "王小明": "kycApplication.applicant.name",
        "11010119800101007X": "kycApplication.applicant.documents.number",
        "of-value": "kycApplication.applicant.unheard",
        "3216540.5": "kycApplication.annualIncome.value",
    }


def test_what_an_answer_tells_is_read_without_the_escapes_of_json() -> None:
    message = {"header": {}, "kycApplication": {"applicant": {"name": "王小明"}}}
    exchange = Exchange(message, 422, json.dumps({"rejection": {"text": {"zh": "姓名 王小明 有误"}}}))
    assert exchange.shown_seen() == {"status": 422, "body": {"rejection": {"text": {"zh": "姓名 *** 有误"}}}}


@pytest.mark.parametrize(
    ("text", "seen"),
    [("<p>王小明</p>", "<p>***</p>"), (json.dumps(["王小明"]), ["***"]), ("x" * 30_000, "x" * 20_000)],
    ids=["no JSON", "no object", "too long"],
)
def test_an_answer_of_any_kind_is_shown_masked(text: str, seen: object) -> None:
    message = {"header": {}, "kycApplication": {"applicant": {"name": "王小明"}}}
    assert Exchange(message, 500, text).shown_seen() == {"status": 500, "body": seen}


def test_headers_of_an_answer_are_searched_and_shown_masked() -> None:
    message = {"header": {}, "kycApplication": {"applicant": {"name": "王小明"}}}
    headers = (("date", "now"), ("X-Name", "%E7%8E%8B%E5%B0%8F%E6%98%8E"))
    exchange = Exchange(message, 422, "{}", headers)
    assert "王小明" in exchange.told_in_headers
    assert exchange.shown_seen() == {"status": 422, "headers": {"X-Name": "***"}, "body": {}}


def test_a_target_that_cannot_be_reached_is_no_verdict(partner_key_file: Path) -> None:
    with pytest.raises(CouldNotRun, match="cannot be reached"):
        run(order("http://127.0.0.1:9", partner_key_file))


class Refusing(ReferenceGateway):
    """Refuses every message for one reason."""

    error: XinqiaoError

    def verify(self, sealed: Sealed) -> None:
        raise self.error


SET_UP = [
    (UnknownChannel("c-2"), "check --channel"),
    (SealInvalid("key partner-1 is not known"), "register the public part of --key"),
    (SenderMismatch(), "as --sender"),
    (OtherEnvironment(), "give --test for a test channel"),
    (NoRoute(), "check --receiver"),
]


@pytest.mark.parametrize(("error", "hint"), SET_UP, ids=[each.reason for each, _ in SET_UP])
def test_a_set_up_that_is_wrong_is_no_verdict(
    error: XinqiaoError, hint: str, serve: Serve, partner_keys: KeyRing, partner_key_file: Path
) -> None:
    gateway = Refusing(CHANNEL, TRUST_COMPANY, partner_keys)
    gateway.error = error
    with pytest.raises(CouldNotRun) as caught:
        run(order(serve(gateway_application(gateway)), partner_key_file))
    said = str(caught.value)
    assert f"reason: {error.reason}: {error.text.en}" in said
    assert hint in said


def test_a_gateway_that_refuses_valid_messages_for_itself_fails(
    serve: Serve, partner_keys: KeyRing, partner_key_file: Path
) -> None:
    gateway = Refusing(CHANNEL, TRUST_COMPANY, partner_keys)
    gateway.error = OutOfOrder()
    assert run(order(serve(gateway_application(gateway)), partner_key_file))["verdict"] == "failed"


def test_an_address_without_a_gateway_is_no_verdict(serve: Serve, partner_key_file: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"is no gateway: POST /v1/channels/canonical/messages .* HTTP 404"):
        run(order(serve(Starlette()), partner_key_file))


def test_a_key_that_cannot_be_used_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable):
        run(order("http://127.0.0.1:9", tmp_path / "none.jwk"))


def test_an_unknown_requirement_fails_where_it_is_named() -> None:
    with pytest.raises(UnknownRequirement, match="ENV-999"):
        requirement("ENV-999")
