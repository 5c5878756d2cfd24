"""Simulators: each goes its business's happy path with the core, keeps to its rules, and can be used alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from xinqiao.finding import errors_in
from xinqiao.message import Json, new_message_id, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, write_key
from xinqiao.standard import message_types
from xinqiao.testing import BANK, INSURER, example
from xinqiao.validation import check
from xinqiao_conformance.benches.web import web_server
from xinqiao_conformance.clock import VirtualClock
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.references.gateway import Outcome
from xinqiao_conformance.scenarios import BUSINESSES, business_named, happy_path, walk
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, drawn_up
from xinqiao_conformance.simulators.script import INSTITUTIONS, script_of

from .conftest import Start
from .oracle import Oracle
from .simulation import KEY, START, Alone, Passing, Stage

NOTICE = "disclosureNotice"


@pytest.mark.parametrize("business", BUSINESSES)
def test_the_simulators_go_the_happy_path_of_their_business(business: str, stack: ExitStack) -> None:
    stage = Stage(business_named(business).sides, stack)
    walked = walk(happy_path(business), stage, "CASE-1")
    assert len(stage.gateway.taken) == len(walked)
    oracle = Oracle()
    for message in stage.gateway.taken:
        oracle.send("opener", message)
    assert set(oracle.verdicts) == {"advance"} or business_named(business).process is None
    for side in stage.sides.values():
        assert {each["outcome"] for each in side.peer.events()} == {"accepted"}


@pytest.mark.parametrize("name", INSTITUTIONS)
def test_what_an_institution_can_send_is_valid_at_any_time(name: str) -> None:
    script = script_of(name)
    parties = Parties(script.institution, script.counterparty, test=True)
    for body, sending in script.sends.items():
        message = drawn_up(sending, parties, CaseFile("X" * 64), START)
        assert errors_in(check(message, strict=True)) == [], body
        assert message["header"]["test"] is True
    assert {*script.due, *script.shown, *script.replies, *script.sends} <= message_types().keys()


@pytest.mark.parametrize("business", BUSINESSES)
def test_who_opens_a_business_can_send_what_its_kit_asks_a_sender_for(business: str) -> None:
    opener = script_of(business_named(business).sides["opener"])
    assert set(businesses()[business].partner) <= opener.sends.keys() | {"registrationReply"}


def push(to: Alone, body: str, case: str = "CASE-1", sender: str = "") -> Json:
    """Push a published example to an institution, from its counterparty."""
    script = to.engine.script
    parties = {"sender": sender or script.counterparty, "receiver": script.institution}
    message = example(body, **parties, caseId=case, test=True)
    answer = to.peer.push(write_json(message), CONTENT_TYPE_JSON, to.key)
    assert answer.status_code == 202, answer.text
    return message


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is opened in it is closed when the test ends."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def bank(stack: ExitStack) -> Alone:
    return Alone("bank", stack, VirtualClock(START))


@pytest.fixture
def insurer(stack: ExitStack) -> Alone:
    return Alone("insurer", stack, VirtualClock(START))


def test_a_rule_delays_an_answer(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "delay", by="PT5M")
    push(bank, NOTICE)
    bank.advance("PT4M59S")
    assert bank.sent == []
    assert bank.advance("PT1S") == "2026-01-05T02:05:00.000000Z"
    assert (bank.sent, bank.steered) == (["disclosureReceipt"], ["delay 0:05:00"])


def test_a_rule_keeps_an_answer_from_being_sent_at_all(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "silence")
    push(bank, NOTICE)
    bank.advance("P30D")
    assert (bank.sent, bank.steered) == ([], ["silence"])


def test_a_rule_puts_messages_in_the_wrong_order(insurer: Alone) -> None:
    insurer.rule("servicingResult", "reorder")
    push(insurer, "servicingRequest")
    assert insurer.sent == ["policyEndorsement", "servicingResult"]
    assert insurer.steered == ["reorder"]


def test_a_message_that_nothing_follows_is_held_back_for_a_while_only(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "reorder", by="PT1M")
    push(bank, NOTICE)
    bank.advance("PT59S")
    assert bank.sent == []
    bank.advance("PT1S")
    assert bank.sent == ["disclosureReceipt"]


def test_a_rule_makes_an_answer_late_beyond_its_due_time(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "late", by="PT1M")
    due = datetime.fromisoformat(push(bank, NOTICE)[NOTICE]["receiptDueBy"])
    bank.advance(f"PT{(due - START).total_seconds():.0f}S")
    assert bank.sent == []
    bank.advance("PT1M")
    assert (bank.sent, bank.steered) == (["disclosureReceipt"], ["late 0:01:00"])


def test_what_is_due_by_no_time_cannot_be_late(bank: Alone) -> None:
    answer = httpx.post(f"{bank.peer.url}/rules", json={"message": "kycApplication", "do": "late"}, timeout=5)
    assert answer.status_code == 400
    assert "kycApplication is not due by any time" in answer.json()["error"]


def test_a_rule_sends_the_same_message_twice(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "duplicate", by="PT1M")
    push(bank, NOTICE)
    bank.advance("PT1M")
    # The gateway recognises the repeat.
    assert (bank.sent, bank.steered) == (["disclosureReceipt"], ["duplicate 0:01:00"])
    sent = [each["messageId"] for each in bank.peer.events() if each["direction"] == "sent"]
    assert sent == [bank.gateway.taken[0]["header"]["messageId"]] * 2


def test_a_rule_sends_a_correction_after_a_message(bank: Alone) -> None:
    bank.rule("disclosureReceipt", "correct", set={"receivedBy": "他人"})
    push(bank, NOTICE)
    assert (bank.sent, bank.steered) == (["disclosureReceipt"] * 2, ["correct"])
    first, second = bank.gateway.taken
    assert (second["header"]["replaces"], second["header"]["revision"]) == (first["header"]["messageId"], 2)
    assert (first | second)["disclosureReceipt"] == first["disclosureReceipt"] | {"receivedBy": "他人"}


def test_a_rule_is_in_force_for_so_many_times_and_for_one_case(bank: Alone) -> None:
    bank.rule("*", "silence", times=1, case="CASE-2")
    for case in ("CASE-1", "CASE-2", "CASE-2"):
        push(bank, NOTICE, case)
    assert bank.sent == ["disclosureReceipt"] * 2
    assert [each["header"]["caseId"] for each in bank.gateway.taken] == ["CASE-1", "CASE-2"]


def test_a_step_is_steered_too_and_says_so(bank: Alone) -> None:
    bank.rule("kycApplication", "delay", by="PT1M")
    assert bank.peer.do("kycApplication", case="CASE-1").json()["outcome"] == "steered: delay 0:01:00"
    bank.advance("PT1M")
    assert bank.sent == ["kycApplication"]


def test_rules_are_listed_and_taken_away(bank: Alone) -> None:
    bank.rule("kycApplication", "delay", by="PT1H", times=2)
    bank.rule("*", "silence")
    rules = f"{bank.peer.url}/rules"
    assert httpx.get(rules, timeout=5).json() == [
        {"message": "kycApplication", "do": "delay", "by": "PT3600S", "times": 2},
        {"message": "*", "do": "silence", "by": "PT0S"},
    ]
    assert httpx.delete(rules, timeout=5).json() == []
    push(bank, NOTICE)
    assert (bank.sent, bank.steered) == (["disclosureReceipt"], [])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ([{}], "a rule has message and do"),
        (
            {"message": "kycDecision", "do": "delay", "colour": 1},
            "may have by, times, case and set; nothing else",
        ),
        ({"message": "gardening", "do": "delay"}, "'gardening' is no message type"),
        ({"message": "kycDecision", "do": "explode"}, "there are delay, silence, reorder, late, duplicate, correct"),
        ({"message": "kycDecision", "do": "delay", "by": "5m"}, "is no duration; write PT90S"),
        ({"message": "kycDecision", "do": "delay", "times": 0}, "a number from 1 is expected"),
        ({"message": "kycDecision", "do": "correct", "set": []}, "values by their paths are expected"),
        ({"message": "kycDecision", "do": "correct", "set": {"a[": 1}}, "values by their paths are expected"),
        ({"message": "kycDecision", "do": "silence", "case": 1}, "a case id is expected"),
        ([{"message": "*", "do": "silence"}] * 101, "100 rules are the most"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_what_is_wrong(bank: Alone, rule: object, said: str) -> None:
    answer = httpx.post(f"{bank.peer.url}/rules", json=rule, timeout=5)
    assert (answer.status_code, httpx.get(f"{bank.peer.url}/rules", timeout=5).json()) == (400, [])
    assert said in answer.json()["error"]


def test_what_takes_days_comes_at_once_on_the_real_clock_and_in_its_time_on_a_virtual_one(stack: ExitStack) -> None:
    real, virtual = Alone("insurer", stack), Alone("insurer", stack, VirtualClock(START))
    for each in (real, virtual):
        push(each, "claimFiling")
    assert (real.sent, virtual.sent) == (["claimDecision", "benefitPaid"], ["claimDecision"])
    # T+3 of a Monday morning is the Thursday.
    virtual.advance("P2DT22H")
    assert virtual.sent == ["claimDecision"]
    virtual.advance("PT1H")
    assert virtual.sent == ["claimDecision", "benefitPaid"]
    refused = httpx.post(f"{real.peer.url}/clock", params={"advance": "PT1M"}, timeout=5)
    assert (refused.status_code, "the clock is the real one" in refused.text) == (409, True)


def test_a_step_sends_a_message_of_its_type_as_often_as_it_is_taken(bank: Alone) -> None:
    done = [bank.peer.do("kycApplication", case="CASE-1").json() for _ in range(2)]
    assert [each["outcome"] for each in done] == ["accepted"] * 2
    numbers = [each["kycApplication"]["applicationNo"] for each in bank.gateway.taken]
    assert numbers == ["KYC-CASE-1-1", "KYC-CASE-1-2"]
    answer = bank.peer.do("kycApplication", case="CASE-1", correlation=done[0]["messageId"])
    assert bank.gateway.taken[-1]["header"]["correlationId"] == done[0]["messageId"]
    assert answer.json()["messageId"] == bank.gateway.taken[-1]["header"]["messageId"]


def test_a_step_that_it_does_not_know_is_answered_with_those_it_does(bank: Alone) -> None:
    answer = bank.peer.do("gardening")
    assert (answer.status_code, "bank sends no gardening; it sends kycApplication" in answer.text) == (404, True)


def test_a_correction_names_the_message_that_it_corrects(bank: Alone) -> None:
    first = bank.peer.do("kycApplication", case="CASE-1").json()["messageId"]
    assert bank.peer.do("correction", of=first).json()["outcome"] == "accepted"
    header = bank.gateway.taken[-1]["header"]
    assert (header["replaces"], header["revision"], header["caseId"]) == (first, 2, "CASE-1")
    assert bank.peer.do("correction", of="M").status_code == 404


def test_answers_go_to_whoever_asked(stack: ExitStack) -> None:
    core = Alone("core", stack)
    asked = push(core, "merchantFiling", sender=INSURER)
    assert core.sent == ["requestResult"]
    header = core.gateway.taken[0]["header"]
    assert (header["receiver"], header["correlationId"]) == (INSURER, asked["header"]["messageId"])


def test_it_is_started_as_the_contract_for_a_subject_says(
    start: Start, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Passing("91110000100060006T")
    write_key(KEY, tmp_path / "key.jwk")
    write_key(gateway.key.public(), tmp_path / "gateway.jwk")
    named = {
        "GATEWAY": stack.enter_context(web_server(gateway.handle)),
        "CHANNEL": "c0",
        "KEY": str(tmp_path / "key.jwk"),
        "GATEWAY_KEYS": str(tmp_path / "gateway.jwk"),
        "SENDER": "91110000100060006T",
        "RECEIVER": "91310115000000009L",
        "PORT": "0",
        "TEST": "1",
    }
    for name, value in named.items():
        monkeypatch.setenv(f"XINQIAO_{name}", value)
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {message: contractProposal, do: silence}\n", encoding="utf-8")
    options = ["--rule", "accountEntry delay P1D", "--rule", str(rules), "--clock", "2026-01-05T09:00+08:00"]
    bank = start("bank", "--form", "canonical", *options)
    assert bank.do("kycApplication", case="CASE-1").json()["outcome"] == "accepted"
    header = gateway.taken[0]["header"]
    assert [header[name] for name in ("sender", "receiver", "test")] == [named["SENDER"], named["RECEIVER"], True]
    assert header["createdAt"] == "2026-01-05T01:00:00.000000Z"
    assert bank.do("contractProposal").json()["outcome"] == "steered: silence"
    assert [each["do"] for each in httpx.get(f"{bank.url}/rules", timeout=5).json()] == ["delay", "silence"]
    bank.popen.terminate()
    assert bank.popen.wait(timeout=10) == 0


def test_a_body_beyond_what_is_taken_is_refused(bank: Alone) -> None:
    answer = bank.peer.push(b" " * (3 << 20), CONTENT_TYPE_JSON, bank.key)
    assert (answer.status_code, answer.json()["rejection"]["reason"]) == (413, "body_too_large")
    assert [each["outcome"] for each in bank.peer.events()] == ["rejected: body_too_large"]


class Mistaken(Passing):
    """Gives every message the receipt of another."""

    def answer(self, message: Json, status: int, body: Json) -> Outcome:
        return super().answer(message, status, body | {"acceptedMessageId": new_message_id()})


def test_a_receipt_of_another_message_is_none(stack: ExitStack) -> None:
    bank = Alone("bank", stack, gateway=Mistaken(BANK))
    assert bank.peer.do("kycApplication", case="CASE-1").json()["outcome"] == "failed: destination_refused"
