"""The partners of conformance/examples answer what is pushed to them as the standard says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.peers.example_partners import LANGUAGES, Partner, keys_in, pushed, reference_gateway, started_partner
from xinqiao.finding import errors_in
from xinqiao.message import Json, content_digest, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, new_key, seal
from xinqiao.testing import TRUST_COMPANY
from xinqiao.validation import check


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def partner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    keys = keys_in(tmp_path_factory.mktemp("keys"))
    with reference_gateway(keys) as gateway, started_partner(request.param, keys, gateway) as found:
        yield found


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["rejection"]["reason"]


def test_a_valid_message_is_taken_with_a_receipt_over_its_content(partner: Partner) -> None:
    message = pushed("kycDecision")
    answer = partner.push(message)
    assert (answer.status_code, answer.headers["content-type"]) == (202, CONTENT_TYPE_JSON)
    said = answer.json()
    assert errors_in(check(said, strict=True)) == []
    assert said["receipt"]["acceptedMessageId"] == message["header"]["messageId"]
    assert said["receipt"]["digest"] == {"algorithm": "SHA256", "value": content_digest(message)}


def test_a_repeat_gets_the_same_receipt(partner: Partner) -> None:
    message = pushed("kycDecision")
    first, again = partner.push(message), partner.push(message)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()


def test_a_repeat_that_differs_in_its_carrying_alone_is_a_repeat(partner: Partner) -> None:
    message = pushed("kycDecision")
    again = {**message, "header": {**message["header"], "createdAt": "2026-11-01T09:00:00+08:00"}}
    assert [partner.push(each).status_code for each in (message, again)] == [202, 200]


def test_other_content_under_a_known_id_is_a_conflict(partner: Partner) -> None:
    message = pushed("kycDecision")
    partner.push(message)
    other = {**message, "header": {**message["header"], "caseId": "ANOTHER"}}
    assert refused(partner.push(other)) == (409, "conflict")


def test_a_tampered_message_is_refused(partner: Partner) -> None:
    content = write_json(pushed("kycDecision"))
    signature = seal(content, CONTENT_TYPE_JSON, partner.key).signature
    tampered = content.replace(b"kycDecision", b"kycdecision")
    assert refused(partner.push_sealed(tampered, CONTENT_TYPE_JSON, signature)) == (401, "signature_invalid")


def test_a_seal_of_a_stranger_is_refused(partner: Partner) -> None:
    named_alike = new_key(partner.key.kid)
    for stranger in (new_key("stranger-1"), named_alike):
        assert refused(partner.push(pushed("kycDecision"), by=stranger)) == (401, "signature_invalid")


@pytest.mark.parametrize("age", [timedelta(minutes=11), timedelta(minutes=-2)])
def test_a_seal_outside_its_time_is_refused(age: timedelta, partner: Partner) -> None:
    answer = partner.push(pushed("kycDecision"), at=datetime.now(UTC) - age)
    assert refused(answer) == (401, "signature_expired")


def test_one_good_seal_of_two_suffices_while_the_gateway_changes_its_key(partner: Partner) -> None:
    message = pushed("kycDecision")
    following = seal(write_json(message), CONTENT_TYPE_JSON, partner.key).signature
    assert partner.push(message, by=new_key("gateway-2"), following=following).status_code == 202


def test_another_content_type_is_refused(partner: Partner) -> None:
    answer = partner.push_bytes(b"<message/>", "application/xml")
    assert refused(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("header", "status", "reason"),
    [
        ({"receiver": TRUST_COMPANY}, 403, "receiver_mismatch"),
        ({"test": False}, 403, "test_mismatch"),
        ({"standardVersion": "2.0"}, 422, "unsupported_version"),
    ],
)
def test_a_message_that_is_not_for_it_is_refused(header: Json, status: int, reason: str, partner: Partner) -> None:
    assert refused(partner.push(pushed("kycDecision", **header))) == (status, reason)


def test_a_body_that_the_standard_does_not_define_is_refused(partner: Partner) -> None:
    message = pushed("kycDecision")
    several: list[Json] = [{"other": {}}, {}, {"kycDecision": message["kycDecision"], "ping": {}}]
    for bodies in several:
        answer = partner.push({"header": message["header"], **bodies})
        assert refused(answer) == (422, "unknown_message_type")


def test_a_later_version_with_unknown_fields_is_taken_whole(partner: Partner) -> None:
    message = pushed("kycDecision", standardVersion="1.7", later={"number": 18446744073709551615, "list": ["𠮷", None]})
    message["kycDecision"]["colour"] = "红"
    answer = partner.push(message)
    assert answer.status_code == 202
    assert answer.json()["receipt"]["digest"]["value"] == content_digest(message)


def test_a_rejection_names_every_finding_and_no_personal_value(partner: Partner) -> None:
    message = pushed("deliveryConfirmation")
    message["deliveryConfirmation"]["contractNo"] = "X" * 500
    message["header"]["createdAt"] = "SECRET-77"
    answer = partner.push(message)
    said = answer.json()
    assert errors_in(check(said, strict=True)) == []
    assert said["rejection"]["rejectedMessageId"] == message["header"]["messageId"]
    assert {(each["rule"], each["path"]) for each in said["rejection"]["findings"]} == {
        ("schema.pattern", "header.createdAt"),
        ("schema.max_length", "deliveryConfirmation.contractNo"),
    }
    assert "SECRET-77" not in answer.text
    assert "XXXX" not in answer.text


def test_a_body_beyond_the_limit_is_refused(partner: Partner) -> None:
    assert refused(partner.push_bytes(b" " * 1_100_000)) == (413, "body_too_large")


def test_what_it_sends_is_accepted_by_the_reference_gateway(partner: Partner) -> None:
    first = partner.do("kycApplication", case="CASE-7").json()
    assert first["outcome"] == "accepted"
    assert partner.do("correction", of=first["messageId"]).json()["outcome"] == "accepted"


def test_it_says_that_it_serves(partner: Partner) -> None:
    assert partner.http.get("/health").status_code == 200
