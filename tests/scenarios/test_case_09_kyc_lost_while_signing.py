"""Case 9: KYC expires, or a name is hit, while the contract is being signed.

The matter is suspended and the signatures that were given are kept. On the day that the trust becomes effective KYC is
looked at again. The channel reads nothing from which it could tell why.
"""

from collections.abc import Callable

import pytest

from tests.scenarios.stage import BANK, Stage
from tests.scenarios.trust import (
    CASE,
    bank_xml,
    core,
    deliver,
    effective,
    from_bank,
    instruct,
    match,
    pay,
    propose,
    sign,
    trust,
)

POLICY = {
    "rules": [
        {
            "id": "sanctions",
            "title": {"zh": "名单核对", "en": "Watch list"},
            "for": ["contractProposal"],
            "when": [{"watch_list": {"list": "sanctions", "paths": ["parties[].party.name"]}}],
            "verdict": "approve",
        }
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust that is being set up."""
    return trust(stage)


def lost(play: Stage) -> None:
    """Let the core find that KYC is lost."""
    core(play, "kycExpired", applicationNo="KYC2026-0001", effect="SUSPENDED")


def test_the_matter_is_suspended_signatures_are_kept_and_a_new_approval_goes_on_from_there(play: Stage) -> None:
    with play.playing():
        propose(play)
        sign(play)
        lost(play)
        assert (play.state(CASE), play.exceptions()) == ("suspended", [("kyc_lost", "")])
        # The bank asks to deliver money: refused, and it reads that the matter rests, not why.
        assert from_bank(play, "delivery_instruct") != "0000"
        core(play, "kycDecision", applicationNo="KYC2026-0001", outcome="APPROVED", validUntil="2027-06-30")
        assert play.state(CASE) == "signed"
        play.resolve("kyc_lost", "close", "已重新尽调通过")
        assert from_bank(play, "delivery_instruct", ("20260120000013", "20260120000014")) == "0000"
        assert (play.state(CASE), play.exceptions()) == ("delivery_instructed", [])


def test_what_the_bank_reads_while_the_matter_rests_says_no_more_than_that(play: Stage) -> None:
    with play.playing():
        propose(play)
        lost(play)
        answer = play.post("bank", bank_xml("delivery_instruct"), "application/xml").content.decode("gb18030")
        assert "暂停办理" in answer
        for word in ("反洗钱", "名单", "sanction", "AML", "kyc_lost", "kyc_open"):
            assert word not in answer


def test_on_the_day_that_the_trust_becomes_effective_kyc_must_be_valid(play: Stage) -> None:
    with play.playing():
        instruct(play, until="2026-01-21")
        pay(play)
        match(play)
        deliver(play)
        play.send("core", effective(effectiveDate="2026-01-22"))
        assert (play.state(CASE), play.exceptions()) == ("delivered", [("unexpected_fact", "")])
        core(play, "kycDecision", applicationNo="KYC2026-0001", outcome="APPROVED", validUntil="2027-01-21")
        play.resolve("unexpected_fact", "release", "尽调已续期")
        assert (play.state(CASE), play.exceptions()) == ("effective", [])


def test_a_name_on_a_list_waits_and_the_bank_reads_what_it_always_reads(play: Stage) -> None:
    play.watch_list("sanctions", "name\n李晓红\n")
    play.write("policy.yaml", POLICY)
    with play.playing():
        propose(play)
        assert play.exceptions() == [("watch_list", "rules sanctions")]
        assert play.state(CASE, BANK) == "kyc_approved"
        play.resolve("watch_list", "release", "复核为同名，非名单本人")
        assert (play.state(CASE), play.exceptions()) == ("signing", [])
