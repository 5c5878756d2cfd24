"""The partners of conformance/examples send as the standard says, where not all goes well too."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.peers.example_partners import CHANNEL, LANGUAGES, Keys, Partner, keys_in, pushed, started_partner
from tests.peers.scripted_gateway import Reply, ScriptedGateway, accepted, lost, refused, scripted_gateway
from xinqiao.errors import NotValid, Overloaded, RateLimited
from xinqiao.message import Json, content_digest, new_message_id, read_json, timestamp
from xinqiao.outcome import receipt
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, open_seal
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao.validation import check

SENT = [
    "kycApplication",
    "kycUpdate",
    "contractProposal",
    "signatureEvidence",
    "deliveryInstruction",
    "accountEntry",
    "disclosureReceipt",
]


@dataclass(frozen=True)
class Sending:
    """A partner and the gateway that it sends to."""

    partner: Partner
    gateway: ScriptedGateway
    keys: Keys

    def message(self, what: str, **asked: str) -> Json:
        """Let it send, and return the message that came."""
        self.gateway.says()
        assert self.partner.do(what, **asked).json()["outcome"] == "accepted"
        [sealed] = self.gateway.came
        return read_json(sealed.content)


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def sending(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sending]:
    keys = keys_in(tmp_path_factory.mktemp("keys"))
    with scripted_gateway() as gateway, started_partner(request.param, keys, gateway.url) as partner:
        yield Sending(partner, gateway, keys)


@pytest.mark.parametrize("body", SENT)
def test_a_message_keeps_schema_and_rules_in_the_strict_form(body: str, sending: Sending) -> None:
    message = sending.message(body, case="CASE-1")
    assert check(message, strict=True) == []
    header = message["header"]
    assert (header["sender"], header["receiver"], header["caseId"], header["test"]) == (
        BANK,
        TRUST_COMPANY,
        "CASE-1",
        True,
    )


def test_it_is_sealed_and_sent_to_the_channel(sending: Sending) -> None:
    sending.message("kycApplication", case="CASE-1")
    [sealed] = sending.gateway.came
    assert open_seal(sealed, KeyRing([sending.keys.partner.public()])) == sending.keys.partner.kid
    assert (sealed.content_type, sending.gateway.paths) == (CONTENT_TYPE_JSON, {f"/v1/channels/{CHANNEL}/messages"})


def test_each_message_has_an_id_of_its_own(sending: Sending) -> None:
    ids = {sending.message("accountEntry", case="CASE-1")["header"]["messageId"] for _ in range(3)}
    assert len(ids) == 3


def test_an_answer_names_what_it_answers(sending: Sending) -> None:
    asked = new_message_id()
    assert sending.message("signatureEvidence", case="CASE-1", correlation=asked)["header"]["correlationId"] == asked


def test_a_disclosure_receipt_is_about_the_notice_that_came(sending: Sending) -> None:
    notice = pushed("disclosureNotice", caseId="CASE-2")
    assert sending.partner.push(notice).status_code == 202
    message = sending.message("disclosureReceipt", case="CASE-2")
    assert message["header"]["correlationId"] == notice["header"]["messageId"]
    said, asked = message["disclosureReceipt"], notice["disclosureNotice"]
    assert said["disclosureNo"] == asked["disclosureNo"]
    assert said["documentDigests"] == [each["digest"] for each in asked["documents"]]


def test_a_correction_is_a_new_message_with_the_next_revision(sending: Sending) -> None:
    first = sending.message("kycApplication", case="CASE-3")["header"]
    second = sending.message("correction", of=first["messageId"])["header"]
    third = sending.message("correction", of=second["messageId"])["header"]
    assert [each.get("revision") for each in (first, second, third)] == [None, 2, 3]
    assert [each.get("replaces") for each in (second, third)] == [first["messageId"], second["messageId"]]
    assert len({each["messageId"] for each in (first, second, third)}) == 3


def unreadable(_message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    return 502, b"<html>a proxy's page</html>", {}


def unfinished(_message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    return 202, b"{", {"Content-Length": "1000"}


def endless(_message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    return 503, b" " * 20_000_000, {}


@pytest.mark.parametrize(
    "replies",
    [
        [refused(Overloaded("busy"), Retry_After="0")],
        [refused(Overloaded("busy"), Retry_After="1")],
        [refused(RateLimited("slowly"), Retry_After="Mon, 23 Nov 2026 09:00:00 GMT")],
        [refused(Overloaded("busy")), refused(Overloaded("busy")), lost],
        [lost],
        [unreadable],
        [unfinished],
        [endless],
    ],
    ids=["at once", "after a second", "after a date", "three times", "connection lost", "proxy", "half", "endless"],
)
def test_what_may_pass_is_tried_again_with_the_same_bytes(replies: list[Reply], sending: Sending) -> None:
    sending.gateway.says(*replies)
    answer = sending.partner.do("kycApplication", case="CASE-4").json()
    assert answer["outcome"] == "accepted"
    assert len(sending.gateway.came) == len(replies) + 1
    assert len(set(sending.gateway.came)) == 1
    assert read_json(sending.gateway.came[0].content)["header"]["messageId"] == answer["messageId"]


@pytest.mark.parametrize("seconds", ["3600", "99999999999"])
def test_who_is_asked_to_wait_for_longer_than_it_goes_on_says_so_at_once(seconds: str, sending: Sending) -> None:
    sending.gateway.says(refused(Overloaded("busy"), Retry_After=seconds))
    assert sending.partner.do("kycApplication", case="CASE-4").json()["outcome"] == "failed: overloaded"
    assert len(sending.gateway.came) == 1


def test_what_is_refused_is_never_sent_again(sending: Sending) -> None:
    sending.gateway.says(refused(NotValid("1 violations")))
    answer = sending.partner.do("kycApplication", case="CASE-5")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected: not_valid")
    sending.message("accountEntry", case="CASE-5")


def of_another(message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    header = {**message["header"], "messageId": new_message_id()}
    return accepted({**message, "header": header})


def of_other_content(message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    body = {
        "acceptedMessageId": message["header"]["messageId"],
        "acceptedAt": timestamp(),
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": content_digest({"header": message["header"]})},
    }
    return 202, receipt(TRUST_COMPANY, BANK, body), {}


def no_receipt(_message: Json) -> tuple[int, Json | bytes, dict[str, str]]:
    return 200, {"ok": True}, {}


@pytest.mark.parametrize("reply", [of_another, of_other_content, no_receipt])
def test_only_a_receipt_for_this_message_is_an_acceptance(reply: Reply, sending: Sending) -> None:
    sending.gateway.says(reply)
    assert sending.partner.do("kycApplication", case="CASE-6").json()["outcome"] == "failed: destination_refused"


def test_what_it_does_not_send_is_not_found(sending: Sending) -> None:
    answers = [
        sending.partner.do("navReport", case="CASE-9"),
        sending.partner.do("kycApplication"),
        sending.partner.do("correction", of=new_message_id()),
    ]
    assert [each.status_code for each in answers] == [404, 404, 404]
