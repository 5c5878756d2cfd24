"""Case 12: a beneficiary is a minor.

A guardian asks, with proof of it; the money goes where the contract says that it may go. At eighteen the beneficiary
comes of age: somebody must say so in time, and then the beneficiary asks in person.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.stage import BANK, Receiver, Stage, message
from tests.scenarios.trust import CASE, CONTRACT, make_effective, trust

# P3 was born on 15 September 2012.
RULES = {
    "obligations": [
        {
            "id": "of-age",
            "message": "personEvent",
            "when": {"kind": "COMING_OF_AGE"},
            "date": "eventDate",
            "every": {"on": ["2030-09-15"]},
            "calendar": "bank",
            "plus": "7d",
            "warn": "30d",
        }
    ]
}
GUARDED = {"capacity": ["NO_CAPACITY", "LIMITED_CAPACITY"]}
POLICY = {
    "rules": [
        {
            "id": "minor-without-guardian",
            "title": {"zh": "未成年受益人须由监护人申请并附证明", "en": "A minor's guardian asks, with proof"},
            "for": ["distributionApplication"],
            "when": [
                {
                    "any": "payees[]",
                    "where": [
                        {"path": "capacity", "in": GUARDED["capacity"]},
                        {"path": "guardian.guardianId", "exists": False},
                    ],
                }
            ],
            "verdict": "forbid",
            "say": True,
        },
        {
            "id": "minor-paid-freely",
            "title": {"zh": "未成年受益人的款项须限定收款人", "en": "A minor's money goes where the contract says"},
            "for": ["distributionApplication"],
            "when": [
                {
                    "any": "payees[]",
                    "where": [
                        {"path": "capacity", "in": GUARDED["capacity"]},
                        {"path": "payeeRestriction", "exists": False},
                    ],
                }
            ],
            "verdict": "approve",
        },
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A family trust in force, one of whose beneficiaries is a child."""
    found = trust(stage)
    found.write("policy.yaml", POLICY)
    return found


def application(number: str, without: str | None = None) -> dict[str, object]:
    """Return a guardian's application for the child's school fees; ``without`` is left out for the child."""
    made = message("distributionApplication", CASE, BANK, applicationNo=number, contractNo=CONTRACT)
    for payee in made["distributionApplication"]["payees"]:
        if payee["beneficiaryId"] == "P3":
            payee["capacity"] = "LIMITED_CAPACITY"
            payee.pop(without or "", None)
    return made


def test_a_guardian_asks_with_proof_and_the_school_is_paid(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.send("bank-more", application("DA1"))
        assert play.exceptions() == []
        (got,) = [
            each["distributionApplication"] for each in play.received("core") if "distributionApplication" in each
        ]
        (child,) = [each for each in got["payees"] if each["beneficiaryId"] == "P3"]
        assert (got["applicantRole"], child["guardian"]["guardianId"], child["payeeRestriction"]) == (
            "GUARDIAN",
            "P4",
            "SERVICE_PROVIDER",
        )
        assert child["guardian"]["proofs"]
        assert play.state(f"{CASE}#distribution:DA1") == "applied"


def test_without_a_guardian_it_is_refused_and_without_a_restricted_payee_it_waits(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        refusal = play.refused("bank-more", application("DA1", without="guardian"))
        assert refusal["reason"] in {"policy_forbids", "not_valid"}
        play.send("bank-more", application("DA2", without="payeeRestriction"))
        assert play.exceptions() == [("approval", "rules minor-paid-freely")]
        play.resolve("approval", "decline", "须直接支付给学校")
        assert play.exceptions() == []


def test_coming_of_age_is_expected_and_then_a_person_follows_up(play: Stage, webhook: Receiver) -> None:
    play.write("obligations.yaml", RULES)
    play.write("gateway.yaml", {"webhooks": [{"name": "ops", "url": webhook.url}]})
    with play.playing():
        make_effective(play)
        play.wait_until("2030-09-16 09:00")
        assert [each["level"] for each in webhook.got if each["kind"] == "overdue"] == ["warned"]
        event: dict[str, Any] = {
            "kind": "COMING_OF_AGE",
            "partyId": "P3",
            "eventNo": "PE1",
            "eventDate": "2030-09-15",
            "roles": ["BENEFICIARY"],
        }
        play.send("bank-more", message("personEvent", CASE, BANK, consequences=None, **event))
        play.wait_until("2030-09-25 09:00")
        assert [each["level"] for each in webhook.got if each["kind"] == "overdue"] == ["warned"]
        assert [each for each in play.exceptions() if each[0] != "calendar_unknown"] == [("person_event", "PE1")]
        play.resolve("person_event", "close", "监护终止，受益人本人已重新办理尽调")
        assert play.state(CASE, BANK) == "effective"
        # Nobody has announced the holidays of 2030 yet, and the gateway says so.
        assert {kind for kind, _ in play.exceptions()} == {"calendar_unknown"}
