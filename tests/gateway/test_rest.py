"""The rest front: what is accepted, and a clear answer with a stable reason for everything that is not."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from starlette.testclient import TestClient

from tests.gateway.conftest import BANK, TRUST, Site, message
from xinqiao.errors import error_table
from xinqiao.evidence import verify_receipt
from xinqiao.message import write_json
from xinqiao.seal import KeyRing, Sealed, access_token, new_key, open_seal, read_verifying_key, seal
from xinqiao.validation import check
from xinqiao_gateway.intake import Intake, Raw

STATUS = {error.reason: error.http_status for error in error_table()}


def rejection(response: httpx.Response) -> dict[str, Any]:
    """Return the rejection of an answer, having checked that it is a valid message with its table's status."""
    answer = orjson.loads(response.content)
    assert check(answer) == []
    body: dict[str, Any] = answer["rejection"]
    assert response.status_code == STATUS[body["reason"]]
    assert body["text"]["zh"]
    assert body["text"]["en"]
    return body


def reason(response: httpx.Response) -> str:
    found: str = rejection(response)["reason"]
    return found


def test_a_valid_sealed_message_gets_a_receipt_that_is_valid_itself(site: Site) -> None:
    sent = message("kycApplication")
    response = site.send("partner", sent)
    answer = orjson.loads(response.content)
    assert response.status_code == 202
    assert check(answer) == []
    assert answer["header"]["correlationId"] == answer["receipt"]["acceptedMessageId"] == sent["header"]["messageId"]
    gateway_key = read_verifying_key(site.data / "keys" / "gateway.pub.jwk")
    assert verify_receipt(answer["receipt"], KeyRing([gateway_key]), sent) == gateway_key.kid


def test_a_repeat_gets_the_very_same_receipt_with_200(site: Site) -> None:
    sent = message("kycApplication")
    first, again = site.send("partner", sent), site.send("partner", sent)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.content == again.content


def test_the_same_id_with_other_content_is_a_conflict(site: Site) -> None:
    sent = message("kycApplication")
    site.send("partner", sent)
    other = {**sent, "kycApplication": sent["kycApplication"] | {"purpose": "其他"}}
    assert reason(site.send("partner", other)) == "conflict"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[1]", "malformed_json"),
        (b'{"header": NaN}', "malformed_json"),
        (b'{"header": {}, "header": {}}', "duplicate_key"),
        ('{"header": {"branch": "网点"}}'.encode("gb18030"), "wrong_encoding"),
        (b'{"header": {}, "noSuchMessage": {}}', "unknown_message_type"),
        (b'{"header": {}, "navReport": {}, "kycDecision": {}}', "unknown_message_type"),
        (b'{"header": {"standardVersion": "2.0"}, "navReport": {}}', "unsupported_version"),
        (b'{"header": {"standardVersion": "1.0"}, "navReport": {}}', "not_valid"),
    ],
)
def test_input_that_is_no_message_is_refused_with_its_reason(site: Site, content: bytes, expected: str) -> None:
    assert reason(site.post("partner", content)) == expected


def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    assert reason(site.post("partner", b"x" * 1_048_577)) == "body_too_large"


def test_a_body_over_the_limit_is_refused_without_an_announced_length(site: Site) -> None:
    content = b"x" * 1_048_577
    response = site.http.post(
        "/v1/channels/partner/messages",
        content=(content[at : at + 65_536] for at in range(0, len(content), 65_536)),
        headers={"Content-Type": "application/json"},
    )
    assert reason(response) == "body_too_large"


def test_an_unknown_channel_is_refused(site: Site) -> None:
    assert reason(site.post("nowhere", b"{}")) == "unknown_channel"


def test_a_missing_signature_is_refused(site: Site) -> None:
    assert reason(site.post("partner", b"{}", signature="")) == "signature_missing"


def test_a_signature_of_other_bytes_or_another_key_is_refused(site: Site) -> None:
    content = write_json(message("kycApplication"))
    other = seal(content + b" ", "application/json", site.key).signature
    assert reason(site.post("partner", content, signature=other)) == "signature_invalid"
    assert reason(site.post("partner", content, key=new_key("stranger-1"))) == "signature_invalid"
    assert reason(site.post("partner", content, key=new_key("partner-1"))) == "signature_invalid"


def test_a_signature_outside_its_time_is_refused(site: Site) -> None:
    content = write_json(message("kycApplication"))
    for hours in (-1, 1):
        at = datetime.now(UTC) + timedelta(hours=hours)
        signature = seal(content, "application/json", site.key, at=at).signature
        assert reason(site.post("partner", content, signature=signature)) == "signature_expired"


def test_all_violations_come_at_once_with_masked_values_in_both_languages(site: Site) -> None:
    sent = message("kycApplication")
    applicant = sent["kycApplication"]["applicant"]
    applicant["documents"][0]["number"] = "110101198001010070"
    applicant["birthDate"] = "1980-02-30"
    applicant["gender"] = "M"
    del sent["kycApplication"]["applicationNo"]
    findings = rejection(site.send("partner", sent))["findings"]
    places = {finding["path"] for finding in findings if finding["level"] == "ERROR"}
    assert places >= {
        "kycApplication.applicationNo",
        "kycApplication.applicant.gender",
        "kycApplication.applicant.birthDate",
        "kycApplication.applicant.documents[0].number",
    }
    assert all(finding["text"]["zh"] and finding["text"]["en"] and finding["fix"] for finding in findings)
    assert "110101198001010070" not in orjson.dumps(findings).decode()


def test_a_canonical_message_without_its_id_is_refused_and_not_given_one(site: Site) -> None:
    sent = message("subscriptionOrder", None)
    del sent["header"]["messageId"]
    findings = rejection(site.send("partner", sent))["findings"]
    assert [finding["path"] for finding in findings] == ["header.messageId"]


def test_an_unknown_field_is_kept_and_noted(site: Site) -> None:
    sent = message("kycApplication")
    sent["kycApplication"]["fieldOfTomorrow"] = "1"
    answer = orjson.loads(site.send("partner", sent).content)
    assert [note["path"] for note in answer["receipt"]["notes"]] == ["kycApplication.fieldOfTomorrow"]
    found = site.admin(f"/v1/messages/{sent['header']['messageId']}")
    assert found["message"]["kycApplication"]["fieldOfTomorrow"] == "*"


def test_a_request_out_of_order_is_refused_and_told_what_is_expected(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    body = rejection(site.send("partner", message("deliveryInstruction")))
    assert (body["reason"], body["expected"]) == ("out_of_order", ["kycApplication", "kycDecision"])


def test_a_fact_out_of_order_is_accepted_and_shown_as_an_exception(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    assert site.send("partner", message("accountEntry")).status_code == 202
    (raised,) = site.admin("/v1/exceptions")
    assert (raised["kind"], raised["message_type"], raised["case_id"]) == ("unexpected_fact", "accountEntry", "CASE-1")


def test_a_message_that_opens_a_case_must_name_it(site: Site) -> None:
    assert reason(site.send("partner", message("kycApplication", None))) == "case_missing"


def test_a_sender_that_is_not_the_channels_institution_is_refused(site: Site) -> None:
    assert reason(site.send("partner", message("kycApplication", sender=TRUST, receiver=BANK))) == "sender_mismatch"


def test_a_receiver_that_has_no_channel_here_is_refused(site: Site) -> None:
    assert reason(site.send("partner", message("kycApplication", receiver="91110000100020002F"))) == "receiver_mismatch"


def test_test_traffic_and_production_are_kept_apart(site: Site) -> None:
    trial = message("kycApplication")
    trial["header"]["test"] = True
    assert reason(site.send("partner", trial)) == "test_mismatch"
    assert reason(site.send("sandbox", message("kycApplication"))) == "test_mismatch"
    assert reason(site.send("sandbox", trial)) == "no_route"


def test_several_messages_in_one_input_are_all_or_nothing(site: Site) -> None:
    good, bad = message("subscriptionOrder", None), message("subscriptionOrder", None)
    bad["subscriptionOrder"]["instrument"]["isin"] = "LU0208853275"
    both = site.post("partner", orjson.dumps([good, bad]))
    answers = [answer["rejection"]["reason"] for answer in orjson.loads(both.content)]
    assert (both.status_code, answers) == (422, ["batch_refused", "not_valid"])
    fine = site.post("partner", orjson.dumps([good, message("subscriptionOrder", None)]))
    assert fine.status_code == 202
    assert [answer["receipt"]["position"] for answer in orjson.loads(fine.content)] == ["1", "2"]


def test_a_canonical_message_is_carried_on_as_the_bytes_that_came(site: Site) -> None:
    content = orjson.dumps(message("kycApplication"), option=orjson.OPT_INDENT_2) + b"\n"
    site.post("partner", content)
    path = "/v1/channels/core/messages"
    headers = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    (waiting,) = orjson.loads(site.http.get(path, headers=headers).content)["messages"]
    assert base64.b64decode(waiting["content"]) == content


@pytest.mark.parametrize(("content", "kind"), [(b"[]", "application/json"), (b"\n", "application/x-ndjson")])
def test_input_without_a_message_is_refused(site: Site, content: bytes, kind: str) -> None:
    assert reason(site.post("partner", content, kind)) == "content_refused"


def test_more_messages_than_one_input_may_hold_are_refused(site: Site) -> None:
    assert reason(site.post("partner", orjson.dumps([{"header": {}, "navReport": {}}] * 1001))) == "too_many_messages"


def test_a_message_that_names_another_channel_is_refused(site: Site) -> None:
    sent = message("kycApplication")
    sent["header"]["channelId"] = "core"
    assert reason(site.send("partner", sent)) == "sender_mismatch"


def test_what_waits_is_pulled_sealed_and_acknowledged_by_the_cursor(site: Site) -> None:
    sent = [message("kycApplication", f"CASE-{number}") for number in range(3)]
    for each in sent:
        site.send("partner", each)
    path = "/v1/channels/core/messages"
    headers = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    page = orjson.loads(site.http.get(path, params={"limit": 2}, headers=headers).content)
    keys = KeyRing([read_verifying_key(site.data / "keys" / "gateway.pub.jwk")])
    pulled = []
    for each in page["messages"]:
        sealed = Sealed(base64.b64decode(each["content"]), each["contentType"], each["signature"])
        open_seal(sealed, keys)
        pulled.append(orjson.loads(sealed.content))
    assert pulled == sent[:2]
    rest = orjson.loads(site.http.get(path, params={"after": page["cursor"]}, headers=headers).content)
    assert len(rest["messages"]) == 1
    assert [each["state"] for each in site.admin("/v1/deliveries")] == ["waiting", "delivered", "delivered"]


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_pulling_without_a_valid_token_is_refused(site: Site, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert reason(site.http.get("/v1/channels/core/messages", headers=headers)) == "not_authorized"


def test_a_token_for_another_channel_is_refused(site: Site) -> None:
    token = access_token(site.key, "/v1/channels/partner/messages")
    response = site.http.get("/v1/channels/core/messages", headers={"Authorization": f"Bearer {token}"})
    assert reason(response) == "not_authorized"


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=501", "after=9999", f"after={10**20}"])
def test_a_query_that_makes_no_sense_is_refused(site: Site, query: str) -> None:
    path = "/v1/channels/core/messages"
    headers = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    assert reason(site.http.get(f"{path}?{query}", headers=headers)) == "malformed_query"


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases/C", "/v1/messages/M", "/v1/deliveries", "/v1/exceptions"])
def test_queries_want_the_admin_token(site: Site, path: str) -> None:
    assert reason(site.http.get(path)) == "not_authorized"
    assert reason(site.http.get(path, headers={"Authorization": "Bearer wrong"})) == "not_authorized"


def test_a_case_shows_its_state_and_its_messages_in_order(site: Site) -> None:
    sent = message("kycApplication")
    site.send("partner", sent)
    site.send("core", message("kycDecision", sender=TRUST, receiver=BANK))
    case = site.admin("/v1/cases/CASE-1")
    shown = [(each["position"], each["message_type"], each["case_state"]) for each in case["messages"]]
    assert shown == [(1, "kycApplication", "kyc_pending"), (2, "kycDecision", "kyc_approved")]
    assert (case["process"], case["state"]) == ("trust-establishment", "kyc_approved")


def test_a_message_is_shown_masked(site: Site) -> None:
    sent = message("kycApplication")
    site.send("partner", sent)
    found = site.admin(f"/v1/messages/{sent['header']['messageId']}")
    applicant = found["message"]["kycApplication"]["applicant"]
    assert applicant["kind"] == "NATURAL_PERSON"
    assert applicant["documents"][0]["number"] == "110************07X"
    assert sent["kycApplication"]["applicant"]["name"] != applicant["name"]


def test_what_is_not_there_is_not_found(site: Site) -> None:
    token = (site.data / "admin.token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/v1/cases/NONE", "/v1/messages/NONE", "/v1/nothing", "/schemas/json/v1/Nothing.schema.json"):
        assert reason(site.http.get(path, headers=headers)) == "not_found", path


def test_a_fault_of_ours_is_said_without_its_details_and_worth_a_retry(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Intake, _raw: Raw) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Intake, "accept", broken)
    lenient = TestClient(site.http.app, raise_server_exceptions=False)
    response = lenient.post("/v1/channels/partner/messages", content=b"{}")
    assert rejection(response)["retryable"] is True
    assert reason(response) == "internal_error"
    assert b"secret" not in response.content


def test_openapi_points_to_the_json_schemas_that_are_served(site: Site) -> None:
    document = orjson.loads(site.http.get("/openapi.json").content)
    submit = document["paths"]["/v1/channels/{channel}/messages"]["post"]
    references = [each["$ref"] for each in submit["requestBody"]["content"]["application/json"]["schema"]["oneOf"]]
    assert "/schemas/json/v1/KycApplication.schema.json" in references
    for reference in references:
        served = site.http.get(reference)
        assert (served.status_code, served.headers["Content-Type"]) == (200, "application/schema+json")


def test_openapi_describes_documents_as_they_are_answered(site: Site) -> None:
    path = orjson.loads(site.http.get("/openapi.json").content)["paths"]["/v1/channels/{channel}/documents/{digest}"]
    assert [each["name"] for each in path["parameters"]] == ["channel", "digest"]
    assert {"application/pdf", "text/plain"} <= set(path["put"]["requestBody"]["content"])
    assert {"200", "201", "422"} <= set(path["put"]["responses"])
    assert "document_refused" in path["put"]["responses"]["422"]["description"]
    for method in ("get", "head"):
        assert [each["name"] for each in path[method]["parameters"]] == ["message"]
        assert "content_gone" in path[method]["responses"]["410"]["description"]


def test_the_gateways_public_keys_are_published_without_their_private_part(site: Site) -> None:
    (key,) = orjson.loads(site.http.get("/v1/keys").content)["keys"]
    assert key["kty"] == "OKP"
    assert "d" not in key
