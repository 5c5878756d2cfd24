"""Rules: what a simulator does otherwise with what it sends, steered while it runs."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import pytest

from xinqiao.client import Client
from xinqiao.seal import KeyRing
from xinqiao_conformance.clock import VirtualClock
from xinqiao_conformance.simulators.drafting import Parties, drawn_up
from xinqiao_conformance.simulators.engine import Engine
from xinqiao_conformance.simulators.institution import Unable
from xinqiao_conformance.simulators.rules import Rule
from xinqiao_conformance.simulators.script import script_of

from .simulation import KEY, NOTICE, START, Alone, push


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


def test_cases_on_one_clock_go_on_side_by_side(bank: Alone) -> None:
    for number, minute in (1, 3), (2, 2), (3, 3):
        bank.rule("disclosureReceipt", "delay", by=f"PT{minute}M", case=f"CASE-{number}")
    for number in (1, 2, 3):
        push(bank, NOTICE, f"CASE-{number}")

    def arrived() -> list[str]:
        assert bank.engine.settled(20)
        return [each["header"]["caseId"] for each in bank.gateway.taken]

    bank.advance("PT2M")
    assert arrived() == ["CASE-2"]
    bank.advance("PT1M")
    assert arrived() == ["CASE-2", "CASE-1", "CASE-3"]


def test_a_message_that_is_held_back_stays_so_where_there_is_no_room_for_it(stack: ExitStack) -> None:
    clock = VirtualClock(START)
    script = script_of("bank")
    client = stack.enter_context(Client("http://127.0.0.1:9", "c0", KEY))
    # It is not started, so nothing leaves it.
    engine = Engine(script, client, KeyRing([KEY.public()]), timedelta(seconds=0.01), clock=clock)
    engine.steering.add([Rule("kycApplication", "reorder", timedelta(minutes=1), times=1)])
    assert engine.do("kycApplication", {"case": "CASE-1"})["outcome"] == "steered: reorder"
    file = engine.file_of("CASE-2")
    full = drawn_up(script.sends["ping"], Parties(script.institution, script.counterparty), file, START)
    for _ in range(999):
        engine.steering.send(full, file)
    with pytest.raises(Unable, match="999 messages wait to be sent") as refused:
        engine.do("contractProposal", {"case": "CASE-1"})
    assert refused.value.status == 503
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Unable, match="1000 messages wait to be sent"):
        engine.do("ping", {"case": "CASE-1"})


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
        ({"message": "kycDecision", "do": "delay", "times": True}, "a number from 1 is expected"),
        ({"message": "kycDecision", "do": "delay", "set": {"outcome": "REJECTED"}}, "delay changes nothing"),
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
