"""Case 6: the two sides' dates differ over a holiday.

Banks, exchanges and products have a calendar each, and a message carries up to four dates. What is due is due by the
calendar of the side that owes it: on a Saturday that is worked banks are open and exchanges are not.
"""

from collections.abc import Callable

from tests.scenarios.stage import TRUST, WEALTH, Receiver, Stage, message
from tests.scenarios.trading import answered, order, orders, trading

# T is Wednesday 30 September; 1 to 7 October are holidays, Saturday 10 October is worked.
RULES = {
    "obligations": [
        {
            "id": "confirmation",
            "after": {"message": "subscriptionOrder", "date": "tradeDate"},
            "message": "orderConfirmation",
            "same": {"orderReference": "orderReference"},
            "calendar": "exchange",
            "plus": 1,
            "by": "12:00",
        },
        {
            "id": "payment",
            "after": {"message": "subscriptionOrder", "date": "tradeDate"},
            "message": "paymentResult",
            "same": {"orderReference": "businessReference"},
            "calendar": "bank",
            "plus": 3,
            "by": "12:00",
        },
        {
            "id": "shares",
            "after": {"message": "subscriptionOrder", "date": "tradeDate"},
            "message": "positionStatement",
            "same": {"orderReference": "statementNo"},
            "calendar": "exchange",
            "plus": 3,
            "by": "12:00",
        },
        {
            "id": "abroad",
            "after": {"message": "subscriptionOrder", "date": "tradeDate"},
            "message": "orderStatus",
            "same": {"orderReference": "orderReference"},
            "calendar": "hk-qdii",
            "plus": 1,
            "by": "12:00",
        },
    ],
    "cutoffs": [
        {
            "id": "orders",
            "interface": "subscription",
            "from": "wealth",
            "until": "15:00",
            "batches": [{"name": "1", "by": "15:30"}],
        }
    ],
}
# The product does not trade on the eighth, when another market is closed.
PRODUCT = {"products": {"hk-qdii": {"base": "exchange", "years": {2026: {"closed": ["2026-10-08"]}}}}}


def test_each_side_owes_by_its_own_calendar(stage: Callable[[str], Stage], webhook: Receiver) -> None:
    play = trading(stage, "2026-09-30 14:00")
    play.write("obligations.yaml", RULES)
    (play.data / "calendars").mkdir()
    play.write("calendars/products.yaml", PRODUCT)
    play.write("gateway.yaml", {"webhooks": [{"name": "ops", "url": webhook.url}]})
    with play.playing():
        answered(play, orders(order("A1", day="20260930", time="140000"), day="20260930"))
        overdue: dict[str, list[str]] = {}
        for now in ("2026-10-07 12:01", "2026-10-08 12:01", "2026-10-09 12:01", "2026-10-10 12:01", "2026-10-12 12:01"):
            seen = len(webhook.got)
            play.wait_until(now)
            overdue[now[5:10]] = [
                each["obligation"] for each in webhook.got[seen:] if not each["obligation"].startswith("orders")
            ]
        assert overdue == {
            "10-07": [],
            "10-08": ["confirmation"],
            "10-09": ["abroad"],
            "10-10": ["payment"],
            "10-12": ["shares"],
        }


def test_a_row_of_before_the_holiday_keeps_its_trade_day_and_one_after_the_close_waits_for_the_next(
    stage: Callable[[str], Stage],
) -> None:
    play = trading(stage, "2026-09-30 14:00")
    play.write("obligations.yaml", {"cutoffs": RULES["cutoffs"]})
    with play.playing():
        play.wait_until("2026-10-08 09:00")
        answered(play, orders(order("A1", day="20260930", time="140000"), day="20260930"))
        answered(play, orders(order("A2", day="20260930", time="150000"), day="20261008"))
        assert play.exceptions()[-1:] == [("late", "batch 20260930-1 of orders-1")]
        assert [each["subscriptionOrder"]["orderReference"] for each in play.received("core")] == ["A2"]


def test_the_four_dates_of_a_message_arrive_as_they_were_given(stage: Callable[[str], Stage]) -> None:
    play = stage("2026-10-08 09:00")
    play.add("core", extends="canonical", institution=TRUST)
    play.add("fund", extends="canonical", institution=WEALTH)
    dates = {
        "businessDate": "2026-10-07",
        "tradeDate": "2026-09-30",
        "confirmationDate": "2026-10-08",
        "settlementDate": "2026-10-10",
    }
    with play.playing():
        play.send("core", message("orderConfirmation", None, TRUST, WEALTH, header=dates))
        (got,) = play.received("fund")
        assert {name: got["header"][name] for name in dates} == dates
