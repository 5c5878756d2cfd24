"""Case 8: a customer's identity document or name changes.

What was stays in the history. The transfer agent, the registry, the custodian and the insurer are each told, and one
that is not told is missed. While the old and the new overlap, either is accepted.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.stage import BANK, INSURER, REGISTRY, TRUST, WEALTH, Receiver, Stage, message
from tests.scenarios.trust import CASE, CONTRACT, add_some, make_effective, trust

TOLD = {"wealth": WEALTH, "registry": REGISTRY, "custodian": BANK, "insurer": INSURER}
RULES = {
    "obligations": [
        {
            "id": f"tell-{who}",
            "after": {"message": "kycUpdate", "from": "bank-more"},
            "message": "kycUpdate",
            "from": "core",
            "when": {"header.receiver": code},
            "same": {"updateNo": "updateNo"},
            "calendar": "bank",
            "plus": 2,
            "by": "18:00",
        }
        for who, code in TOLD.items()
    ]
}

POLICY = {
    "rules": [
        {
            "id": "old-name",
            "title": {"zh": "使用已变更的姓名", "en": "In a name that was replaced"},
            "for": ["subscriptionOrder"],
            "when": [{"superseded": {"paths": ["account.holderName"]}}],
            "verdict": "approve",
        }
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage], webhook: Receiver) -> Stage:
    """A family trust, and everybody who must know who its settlor is."""
    found = trust(stage)
    found.write("obligations.yaml", RULES)
    found.write("policy.yaml", POLICY)
    found.write("gateway.yaml", {"webhooks": [{"name": "ops", "url": webhook.url}]})
    add_some(found, "wealth", WEALTH, "kycUpdate", "subscriptionOrder")
    add_some(found, "registry", REGISTRY, "kycUpdate")
    add_some(found, "insurer", INSURER, "kycUpdate")
    return found


def update(case_id: str | None, sender: str, receiver: str, **header: Any) -> dict[str, Any]:
    """Return that 王小明 is now called 王晓明; until 10 April 2026 either name may come."""
    return message("kycUpdate", case_id, sender, receiver, header=header, partyId="P1", contractNos=[CONTRACT])


def test_everybody_is_told_and_the_old_name_stays_in_the_history(play: Stage, webhook: Receiver) -> None:
    with play.playing():
        make_effective(play)
        play.wait_until("2026-03-10 10:00")
        first = play.send("bank-more", update(CASE, BANK, TRUST))
        for receiver in TOLD.values():
            play.send("core", update(None, TRUST, receiver, correlationId=first))
        play.wait_until("2026-03-12 18:01")
        assert webhook.got == []
        told = {
            channel: play.received(channel)[-1]["kycUpdate"]
            for channel in ("wealth", "registry", "bank-more", "insurer")
        }
        changes = {channel: (each["oldName"], each["newName"], each["overlapUntil"]) for channel, each in told.items()}
        assert changes == dict.fromkeys(told, ("王小明", "王晓明", "2026-04-10"))
        assert len(play.found(correlation_id=first)) == 4
        # Nothing of before was written over: application, contract and update stand one after the other.
        kept = [
            each["message_type"]
            for each in play.case(CASE, BANK)["messages"]
            if each["channel"] in {"bank", "bank-more"}
        ]
        assert kept[0] == "kycApplication"
        assert kept[-1] == "kycUpdate"
        assert play.state(CASE, BANK) == "effective"


def test_one_who_is_not_told_is_missed(play: Stage, webhook: Receiver) -> None:
    with play.playing():
        make_effective(play)
        play.wait_until("2026-03-10 10:00")
        play.send("bank-more", update(CASE, BANK, TRUST))
        for who in ("wealth", "custodian", "insurer"):
            play.send("core", update(None, TRUST, TOLD[who]))
        play.wait_until("2026-03-12 18:01")
        assert [(each["obligation"], each["level"]) for each in webhook.got] == [("tell-registry", "overdue")]
        assert [kind for kind, _ in play.exceptions()] == ["overdue"]
        decided = play.resolve("overdue", "waive", "该信托已终止登记")
        assert {decided["proposed_at"], decided["decided_at"]} == {"2026-03-12T10:01:00.000000Z"}
        assert play.exceptions() == []


def test_while_they_overlap_the_old_name_and_the_new_are_accepted(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.wait_until("2026-03-10 10:00")
        play.send("bank-more", update(CASE, BANK, TRUST))
        for name in ("王小明", "王晓明"):
            account = {"number": "8619910001", "holderName": name}
            play.send("wealth", message("subscriptionOrder", None, WEALTH, account=account))
        got = [each for each in play.received("core") if "subscriptionOrder" in each]
        assert [each["subscriptionOrder"]["account"]["holderName"] for each in got] == ["王小明", "王晓明"]


def test_after_the_overlap_the_old_name_waits_for_a_person(play: Stage) -> None:
    with play.playing():
        make_effective(play)
        play.wait_until("2026-03-10 10:00")
        play.send("bank-more", update(CASE, BANK, TRUST))
        play.wait_until("2026-04-11 10:00")
        account = {"number": "8619910001", "holderName": "王小明"}
        play.send("wealth", message("subscriptionOrder", None, WEALTH, account=account))
        assert [kind for kind, _ in play.exceptions() if kind != "overdue"] == ["approval"]
