"""Case 15: a freeze, or a payment that comes back after its success.

The directive goes first and is never refused. What is in flight is listed for a person. What was done is undone by a
message of its own that compensates it; nothing is deleted.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.gateway.delivery.partner import http, running, takes
from tests.scenarios.stage import BANK, TRUST, Stage, message
from tests.scenarios.trust import CASE, CONTRACT, add_some, core, make_effective, propose, trust
from xinqiao.message import Json, write_json


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust in force."""
    return trust(stage)


def directive(number: str, action: str, **fields: Any) -> Json:
    return message(
        "regulatorDirective",
        CASE,
        BANK,
        directiveNo=number,
        action=action,
        merchant=None,
        contractNo=CONTRACT,
        **fields,
    )


def payment(number: str) -> Json:
    return message(
        "paymentInstruction", CASE, TRUST, BANK, instructionNo=number, contractNo=CONTRACT, businessReference=None
    )


def result(number: str, state: str, **fields: Any) -> Json:
    left_out: dict[str, Any] = {"reasons": None, "returnedOn": None, "originalBankReference": None, "bankReason": None}
    given = (left_out if state == "PAYMENT_SUCCEEDED" else {}) | fields
    return message("paymentResult", CASE, BANK, instructionNo=number, businessReference=None, state=state, **given)


def test_a_freeze_goes_first_stops_requests_and_lets_facts_go_on(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.send("core", payment("PI1"))
        play.send("bank-more", directive("D1", "FREEZE"))
        assert play.state(CASE) == "frozen"
        ((kind, detail),) = play.exceptions()
        # What nobody has fetched yet is in flight; the payment is the last of it.
        assert (kind, detail.startswith("D1; in flight: "), detail.endswith(", 12")) == ("directive", True, True)
        refusal = play.refused("core", payment("PI2"))
        assert refusal["reason"] == "out_of_order"
        # What had left before is a fact, and comes in.
        play.send("bank-more", result("PI1", "PAYMENT_SUCCEEDED"))
        assert play.state(f"{CASE}#payment:PI1") == "paid"
        core(play, "navReport")
        play.send("bank-more", directive("D2", "RELEASE", revokes="D1"))
        assert play.state(CASE) == "effective"
        play.resolve("directive", "close", "已执行，已到期解除")
        play.send("core", payment("PI3"))
        assert [each for each in play.exceptions() if each[0] != "person_event"] == []


def test_a_directive_overtakes_what_a_core_that_is_down_has_not_got(stage: Callable[[str], Stage]) -> None:
    is_up = threading.Event()
    taken: list[str] = []

    def answer(got: Json) -> Iterator[bytes]:
        if not is_up.is_set():
            yield http(503)
            return
        taken.append(next(name for name in got if name != "header"))
        yield from takes(got)

    play = stage("2026-01-15 09:00")
    with running(answer) as partner:
        play.add("bank", extends="demo-bank")
        add_some(play, "bank-more", BANK, "regulatorDirective")
        play.add("core", extends="canonical", institution=TRUST, push=partner.url)
        with play.playing():
            propose(play)
            waited_for(lambda: any(each["attempts"] for each in play.gateway.journal.reading.deliveries(limit=10)))
            play.send("bank-more", directive("D1", "FREEZE"))
            assert taken == []
            is_up.set()
            waited_for(lambda: len(taken) == 3, meanwhile=lambda: play.later(60, "core"))
    assert taken == ["regulatorDirective", "kycApplication", "contractProposal"]


def waited_for(is_so: Callable[[], bool], meanwhile: Callable[[], None] = lambda: time.sleep(0.01)) -> None:
    """Wait until something is so, for twenty seconds at the most."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        meanwhile()


def test_a_payment_that_came_back_after_its_success_is_made_good_by_another_message(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        sent = play.send("core", payment("PI1"))
        play.send("bank-more", result("PI1", "PAYMENT_SUCCEEDED"))
        assert play.state(f"{CASE}#payment:PI1") == "paid"
        play.send("bank-more", result("PI1", "PAYMENT_RETURNED"))
        assert play.state(f"{CASE}#payment:PI1") == "returned"
        assert play.exceptions() == [("payment_returned", "PI1")]
        again = payment("PI2")
        again["header"]["correlationId"] = sent
        before = len(play.case(CASE)["messages"])
        play.resolve("payment_returned", "reverse", "收款账户已更正，重新付款", message=write_json(again))
        assert play.exceptions() == []
        assert play.state(f"{CASE}#payment:PI2") == "instructed"
        after = play.case(CASE)["messages"]
        assert len(after) == before + 1  # the payment; nothing is gone
        assert play.notices(CASE) == ["IN_HAND", "RESOLVED"]
        results = [each["message_type"] for each in after if each["message_type"] == "paymentResult"]
        assert len(results) == 2
        assert [
            each["paymentInstruction"]["instructionNo"]
            for each in play.received("bank-more")
            if "paymentInstruction" in each
        ] == ["PI1", "PI2"]
