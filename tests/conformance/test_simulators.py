"""Simulators: each goes its business's happy path with the core, keeps time, and can be used alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from xinqiao.finding import errors_in
from xinqiao.message import Json, new_message_id, write_json
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    new_key,
    seal,
    write_key,
)
from xinqiao.standard import message_types
from xinqiao.testing import BANK, INSURER, example
from xinqiao.validation import check
from xinqiao_conformance.benches.web import Request, Response, web_server
from xinqiao_conformance.clock import VirtualClock
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.references.gateway import Outcome
from xinqiao_conformance.scenarios import BUSINESSES, business_named, happy_path, walk
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, drawn_up
from xinqiao_conformance.simulators.script import INSTITUTIONS, script_of

from .conftest import Start
from .oracle import Oracle
from .simulation import KEY, NOTICE, START, Alone, Passing, Stage, push


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


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is opened in it is closed when the test ends."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def bank(stack: ExitStack) -> Alone:
    return Alone("bank", stack, VirtualClock(START))


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


def test_what_is_due_on_a_day_beyond_the_calendar_is_said_and_not_guessed(stack: ExitStack) -> None:
    insurer = Alone("insurer", stack, VirtualClock(datetime.fromisoformat("2026-12-29T10:00:00+08:00")))
    push(insurer, "claimFiling")
    assert insurer.sent == ["claimDecision"]
    [said] = insurer.steered
    assert said.startswith("failed: benefitPaid T+3: 2027-01-01 may be a holiday: calendar.yaml")


def test_time_that_cannot_pass_is_refused(bank: Alone) -> None:
    url = f"{bank.peer.url}/clock"
    for by in ("-PT1M", "soon", "P99999D"):
        assert httpx.post(url, params={"advance": by}, timeout=5).status_code == 400
    assert httpx.get(f"{bank.peer.url}/events", params={"after": "9" * 5_000}, timeout=5).status_code == 400


def test_while_the_gateway_changes_its_key_one_good_seal_of_two_suffices(bank: Alone) -> None:
    script = bank.engine.script
    message = example(NOTICE, sender=script.counterparty, receiver=script.institution, caseId="CASE-1", test=True)
    content = write_json(message)
    first, second = (seal(content, CONTENT_TYPE_JSON, key).signature for key in (new_key("gateway-2"), bank.key))
    headers = {"Content-Type": CONTENT_TYPE_JSON, SIGNATURE_HEADER: first, NEXT_SIGNATURE_HEADER: second}
    answer = httpx.post(f"{bank.peer.url}/messages", content=content, headers=headers, timeout=5)
    assert (answer.status_code, bank.sent) == (202, ["disclosureReceipt"])


def test_of_many_orders_of_a_case_so_many_are_confirmed_and_the_rest_is_said(stack: ExitStack) -> None:
    core = Alone("core", stack, VirtualClock(START))
    file = core.engine.file_of("CASE-1")
    for _ in range(201):
        file.add(example("subscriptionOrder", messageId=new_message_id(), caseId="CASE-1"))
    push(core, "batchManifest", last=True)
    assert core.steered == ["failed: 201 of subscriptionOrder, 200 are answered at the most"]


def test_a_step_sends_a_message_of_its_type_as_often_as_it_is_taken(bank: Alone) -> None:
    done = [bank.peer.do("kycApplication", case="CASE-1").json() for _ in range(2)]
    assert [each["outcome"] for each in done] == ["accepted"] * 2
    numbers = [each["kycApplication"]["applicationNo"] for each in bank.gateway.taken]
    assert numbers == ["KYC-CASE-1-1", "KYC-CASE-1-2"]
    answer = bank.peer.do("kycApplication", case="CASE-1", correlation=done[0]["messageId"])
    assert bank.gateway.taken[-1]["header"]["correlationId"] == done[0]["messageId"]
    assert answer.json()["messageId"] == bank.gateway.taken[-1]["header"]["messageId"]


def test_steps_that_are_taken_at_once_give_no_number_twice(bank: Alone) -> None:
    with ThreadPoolExecutor(8) as several:
        done = several.map(lambda _: bank.peer.do("kycApplication", case="CASE-1").json()["outcome"], range(16))
    assert set(done) == {"accepted"}
    numbers = {each["kycApplication"]["applicationNo"] for each in bank.gateway.taken}
    assert numbers == {f"KYC-CASE-1-{number}" for number in range(1, 17)}


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


class Page(Passing):
    """Answers everything with a page, as a proxy before it might."""

    def handle(self, request: Request) -> Response:
        return Response(200, b"<html></html>", "text/html")


@pytest.mark.parametrize("kind", [Mistaken, Page])
def test_without_a_receipt_of_the_very_message_nothing_is_accepted(kind: type[Passing], stack: ExitStack) -> None:
    bank = Alone("bank", stack, gateway=kind(BANK))
    assert bank.peer.do("kycApplication", case="CASE-1").json()["outcome"] == "failed: destination_refused"
