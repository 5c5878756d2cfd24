"""Case 1: a file is late or missing.

The alarm comes before the cut-off. No batch is made empty in the file's place. What comes late waits; an operator lets
it into a named batch and says why, and its rows keep the trading day of the time that they were accepted at.
"""

from collections.abc import Callable

import pytest

from tests.scenarios.stage import MAKER, Receiver, Stage
from tests.scenarios.trading import answered, order, orders, trading, wealth_case
from xinqiao.errors import FourEyes
from xinqiao_gateway.resolution.desk import Wish
from xinqiao_gateway.views import exceptions_view

CUTOFFS = {
    "cutoffs": [
        {
            "id": "orders",
            "interface": "subscription",
            "from": "wealth",
            "until": "15:00",
            "batches": [{"name": "1", "by": "10:00"}, {"name": "2", "by": "15:30"}],
            "warn": "30m",
        }
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage], webhook: Receiver) -> Stage:
    """A distributor with two batches a day, of which the file of the first came in time."""
    found = trading(stage, "2026-11-23 09:00")
    found.write("obligations.yaml", CUTOFFS)
    found.write("gateway.yaml", {"webhooks": [{"name": "ops", "url": webhook.url}]})
    return found


def late_file(play: Stage) -> None:
    """Let the first file come in time, and the second ten minutes after its cut-off."""
    answered(play, orders(order("A1")))
    play.wait_until("2026-11-23 15:01")
    play.wait_until("2026-11-23 15:31")
    play.wait_until("2026-11-23 15:40")
    answers = answered(play, orders(order("A2", time="145900"), order("A3", time="145959")))
    assert ["receipt" in each for each in answers] == [True, True]


def test_a_missing_file_is_warned_of_before_the_cut_off_and_no_batch_is_made_in_its_place(
    play: Stage, webhook: Receiver
) -> None:
    with play.playing():
        answered(play, orders(order("A1")))
        play.wait_until("2026-11-23 10:01")
        assert webhook.got == []
        play.wait_until("2026-11-23 15:01")
        play.wait_until("2026-11-23 15:31")
        alarms = [(each["level"], each["obligation"], each["day"], each["dueAt"]) for each in webhook.got]
        due = "2026-11-23T07:30:00.000000Z"
        assert alarms == [("warned", "orders-2", "2026-11-23", due), ("overdue", "orders-2", "2026-11-23", due)]
        assert [kind for kind, _ in play.exceptions()] == ["overdue"]
        assert [each["subscriptionOrder"]["orderReference"] for each in play.received("core")] == ["A1"]


def test_what_comes_late_waits_and_goes_into_a_named_batch_with_a_reason_on_the_day_that_it_was_traded(
    play: Stage,
) -> None:
    with play.playing():
        late_file(play)
        assert [each for each in play.exceptions() if each[0] == "late"] == [
            ("late", "batch 20261123-2 of orders-2"),
            ("late", "batch 20261123-2 of orders-2"),
        ]
        assert play.deliveries() == [
            ("subscriptionOrder", "core", "waiting"),
            ("subscriptionOrder", "core", "parked"),
            ("subscriptionOrder", "core", "parked"),
        ]
        done = play.resolve("late", "release", "销售机构主机故障，经与登记机构确认", batch="20261123-2")
        assert (done["state"], done["maker"], done["checker"]) == ("approved", "li.na", "wang.wei")
        got = [each["subscriptionOrder"] for each in play.received("core")]
        assert [(each["orderReference"], each["tradeDate"]) for each in got] == [
            ("A1", "2026-11-23"),
            ("A2", "2026-11-23"),
            ("A3", "2026-11-23"),
        ]
        # Asked for and approved: both stand in the journal, the file is released as one.
        assert play.notices(str(wealth_case(play)["case_id"])) == ["IN_HAND", "RESOLVED"]
        assert ("late", "batch 20261123-2 of orders-2") not in play.exceptions()


def test_the_maker_cannot_approve_and_a_late_row_that_is_declined_goes_nowhere(play: Stage) -> None:
    with play.playing():
        late_file(play)
        asked = play.propose(Wish("decline", "客户要求改次日", exception_id=play.exception("late")))
        with pytest.raises(FourEyes):
            play.decide(asked, by=MAKER)
        play.decide(asked)
        assert play.deliveries() == [
            ("subscriptionOrder", "core", "waiting"),
            ("subscriptionOrder", "core", "skipped"),
            ("subscriptionOrder", "core", "skipped"),
            ("requestResult", "wealth", "waiting"),
            ("requestResult", "wealth", "waiting"),
        ]


def test_the_batch_that_a_late_file_was_released_into_is_missing_no_more(play: Stage) -> None:
    with play.playing():
        late_file(play)
        play.resolve("late", "release", "销售机构主机故障", batch="20261123-2")
        assert play.exceptions() == []


def test_the_operators_list_shows_a_file_that_is_missing(play: Stage) -> None:
    with play.playing():
        play.wait_until("2026-11-23 15:31")
        listed = exceptions_view(play.gateway.journal.reading)
        assert [each["kind"] for each in listed] == ["overdue", "overdue"]
