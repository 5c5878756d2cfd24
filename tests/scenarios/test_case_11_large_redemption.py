"""Case 11: a large redemption, one that is met in part, and one that leaves less than the least balance.

One order has several confirmations until the one that ends it. What is left over is deferred or cancelled, as the order
says. A forced redemption is begun by the transfer agent, and no order stands before it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.stage import TRUST, WEALTH, Stage, message
from tests.scenarios.trading import answered, order, orders, trading, wealth_case
from xinqiao.message import Json

REDEMPTION = {"BusinessCode": "024", "ApplicationAmount": "0"}


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A distributor and the trustee's transfer agent."""
    return trading(stage, "2026-11-23 09:00")


def redeem(play: Stage, number: str, flag: str) -> None:
    """Ask for a million units; ``flag``: 0 cancels what is left over, 1 defers it."""
    record = order(number, "0.00", **REDEMPTION, LargeRedemptionFlag=flag) | {"ApplicationVol": "100000000"}
    (answer,) = answered(play, orders(record))
    assert "receipt" in answer


def confirm(play: Stage, number: str, serial: str, units: str, *, finished: bool, **fields: Any) -> str:
    """Let the transfer agent confirm some units."""
    made = message("orderConfirmation", "20261123", TRUST, WEALTH)
    kept = ("messageId", "standardVersion", "sender", "receiver", "createdAt", "caseId")
    body: Json = {
        "orderReference": number,
        "taSerial": serial,
        "businessCode": "124",
        "returnCode": "0000",
        "finished": finished,
        "account": {"number": "980000000001", "transactionAccount": "30600000000000001", "distributor": "306"},
        "instrument": {"code": "ZX0001"},
        "confirmedOn": "2026-11-24",
        "tradeDate": "2026-11-23",
        "confirmedUnits": units,
        "unitNav": "1.0021",
    }
    header = {name: made["header"][name] for name in kept} | {"businessDate": "2026-11-24"}
    return play.send("core", {"header": header, "orderConfirmation": body | fields})


def test_what_is_left_of_a_large_redemption_is_deferred_and_confirmed_day_by_day(play: Stage) -> None:
    with play.playing():
        redeem(play, "R1", "1")
        assert play.received("core")[0]["redemptionOrder"]["largeRedemption"] == "DEFER_REMAINDER"
        for serial, units, left in (
            ("T1", "400000.00", "part_confirmed"),
            ("T2", "400000.00", "part_confirmed"),
            ("T3", "200000.00", "confirmed"),
        ):
            confirm(play, "R1", serial, units, finished=left == "confirmed")
            assert play.state("20261123#order:R1") == left
        assert play.exceptions() == []
        files = [each.decode("gb18030") for each in play.raw_received("wealth")]
        assert ["T1" in files[0], "T2" in files[1], "T3" in files[2]] == [True, True, True]


def test_what_is_left_over_is_cancelled_where_the_order_says_so(play: Stage) -> None:
    with play.playing():
        redeem(play, "R1", "0")
        assert play.received("core")[0]["redemptionOrder"]["largeRedemption"] == "CANCEL_REMAINDER"
        confirm(play, "R1", "T1", "400000.00", finished=False)
        confirm(play, "R1", "T2", "0.00", finished=True, returnCode="9999", returnText="巨额赎回，余额撤销")
        assert (play.state("20261123#order:R1"), play.exceptions()) == ("confirmed", [])


def test_a_confirmation_after_the_one_that_ended_the_order_waits_for_a_person(play: Stage) -> None:
    with play.playing():
        redeem(play, "R1", "1")
        confirm(play, "R1", "T1", "1000000.00", finished=True)
        confirm(play, "R1", "T2", "1.00", finished=True)
        assert [kind for kind, _ in play.exceptions()] == ["unexpected_fact"]
        assert [each[2] for each in play.deliveries()][-1] == "parked"
        play.resolve("unexpected_fact", "decline", "登记机构重复确认，已联系更正")


def test_a_forced_redemption_begins_at_the_transfer_agent(play: Stage) -> None:
    with play.playing():
        redeem(play, "R1", "1")
        confirm(play, "F1", "T9", "50.00", finished=True, businessCode="142", fromTa=True)
        assert (play.state("20261123#order:F1"), play.exceptions()) == ("confirmed", [])
        # Where nobody says that the agent began it, a confirmation without an order waits.
        confirm(play, "F2", "T10", "50.00", finished=True)
        assert [kind for kind, _ in play.exceptions()] == ["unexpected_fact"]
        assert wealth_case(play)["state"] == "open"
