"""Case 4: money comes without an instruction, with another amount, or from another payer.

It goes into suspense with the reason. The tolerance is that of the contract. A third party's money is looked at for
money laundering and goes back to where it came from and nowhere else. Until then the trust does not become effective.
"""

from collections.abc import Callable

import pytest

from tests.scenarios.stage import Stage
from tests.scenarios.trust import CASE, core, deliver, effective, from_bank, instruct, match, pay, trust

STRANGER = ("<AcctName>王小明</AcctName>", "<AcctName>张三友</AcctName>")
POLICY = {
    "rules": [
        {
            "id": "third-party-payer",
            "title": {"zh": "第三方付款", "en": "Paid by a third party"},
            "for": ["fundsMatch"],
            "when": [{"path": "reason", "in": ["PAYER_DIFFERS"]}],
            "verdict": "alert",
        },
        {
            "id": "back-to-its-source",
            "title": {"zh": "退款须原路退回", "en": "Money goes back to its source only"},
            "for": ["paymentInstruction"],
            "when": [{"path": "use", "in": ["RETURN_OF_FUNDS"]}],
            "verdict": "approve",
        },
        {
            "id": "gone-elsewhere",
            "title": {"zh": "款项未退回原账户", "en": "Money went elsewhere than to its source"},
            "for": ["returnOfFunds"],
            "when": [{"path": "payeeAccount.number", "differs_from": "originalPayer.number"}],
            "verdict": "approve",
        },
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust whose money is due."""
    found = trust(stage)
    found.write("policy.yaml", POLICY)
    return found


def test_another_amount_is_in_suspense_until_it_is_matched_within_the_tolerance(play: Stage) -> None:
    with play.playing():
        instruct(play)
        pay(play, ("<Amt>1000000000</Amt>", "<Amt>999999950</Amt>"))
        short = {"value": "9999999.50", "currency": "CNY"}
        none, one = {"value": "0.00", "currency": "CNY"}, {"value": "1.00", "currency": "CNY"}
        match(play, result="SUSPENSE", reason="AMOUNT_DIFFERS", amount=short, tolerance=none)
        assert (play.state(CASE), play.exceptions()) == ("funds_in_suspense", [("suspense", "BR202601210001")])
        deliver(play)
        assert play.state(CASE) == "funds_in_suspense"
        play.send("core", effective())
        assert play.exceptions()[1:] == [("unexpected_fact", ""), ("unexpected_fact", "")]
        # The contract allows a yuan: bank charges of fifty fen.
        match(play, result="MATCHED", amount=short, tolerance=one)
        assert play.state(CASE) == "funds_matched"
        play.resolve("suspense", "close", "银行手续费五角，合同容差一元")
        play.resolve("unexpected_fact", "release", "款项已匹配")
        assert play.state(CASE) == "delivered"
        play.resolve("unexpected_fact", "release", "财产已交付")
        assert (play.state(CASE), play.exceptions()) == ("effective", [])


def test_a_third_partys_money_is_looked_at_and_goes_back_to_its_source_and_nowhere_else(play: Stage) -> None:
    with play.playing():
        instruct(play)
        pay(play, STRANGER)
        match(play, result="SUSPENSE", reason="PAYER_DIFFERS", instructionNo=None)
        assert [kind for kind, _ in play.exceptions()] == ["suspense", "alert"]
        back = {"originalBankReference": "BR202601210001"}
        # Before the money leaves, two people see the payment: a request that returns money waits.
        core(play, "paymentInstruction", instructionNo="PI1", use="RETURN_OF_FUNDS", businessReference="TK20260122001")
        assert play.exceptions()[2:] == [("approval", "rules back-to-its-source")]
        assert play.state(CASE) == "funds_in_suspense"
        play.resolve("approval", "release", "收款账户与原付款账户一致")
        core(play, "returnOfFunds", **back)
        assert play.state(CASE) == "delivery_instructed"
        play.resolve("alert", "close", "反洗钱复核：不能证明关系，已退回")
        play.resolve("suspense", "close", "已原路退回")
        assert play.exceptions() == []
        payment, back_again = play.received("bank-more")
        assert payment["paymentInstruction"]["instructionNo"] == "PI1"
        assert back_again["returnOfFunds"]["payeeAccount"]["name"] == "张三友"


def test_a_payment_back_waits_unless_it_goes_to_the_account_that_the_money_came_from(play: Stage) -> None:
    elsewhere = {
        "id": "not-to-its-source",
        "title": {"zh": "退款账户不是原付款账户", "en": "Not to where the money came from"},
        "for": ["paymentInstruction"],
        "when": [
            {"path": "use", "in": ["RETURN_OF_FUNDS"]},
            {"other_than_payer": {"paths": ["payeeAccount.number"]}},
        ],
        "verdict": "approve",
    }
    play.write("policy.yaml", {"rules": [elsewhere]})
    with play.playing():
        instruct(play)
        pay(play, STRANGER)
        match(play, result="SUSPENSE", reason="PAYER_DIFFERS", instructionNo=None)
        back = {"use": "RETURN_OF_FUNDS", "businessReference": "TK20260122001"}
        source, other = {"number": "6222020000000000018", "name": "张三友"}, {"number": "6222020000000000999"}
        core(play, "paymentInstruction", instructionNo="PI1", payeeAccount=source, **back)
        core(play, "paymentInstruction", instructionNo="PI2", payeeAccount=source | other, **back)
        assert play.exceptions()[1:] == [("approval", "rules not-to-its-source")]
        (paid,) = play.received("bank-more")
        assert paid["paymentInstruction"]["instructionNo"] == "PI1"


def test_money_that_went_elsewhere_is_a_fact_that_a_person_must_answer_for(play: Stage) -> None:
    with play.playing():
        instruct(play)
        pay(play, STRANGER)
        match(play, result="SUSPENSE", reason="PAYER_DIFFERS", instructionNo=None)
        other = {"number": "6222020000000000999", "name": "李四"}
        core(play, "returnOfFunds", originalBankReference="BR202601210001", payeeAccount=other)
        assert play.exceptions()[2:] == [("approval", "rules gone-elsewhere")]


def test_money_without_an_instruction_waits_for_a_person(play: Stage) -> None:
    with play.playing():
        assert from_bank(play, "account_entry") == "0000"
        assert play.exceptions() == [("unexpected_fact", "")]
        assert play.deliveries() == [("accountEntry", "core", "parked")]
        play.resolve("unexpected_fact", "suspense", "无对应指令，挂账待查")
        assert play.exceptions() == [("suspense", "")]
