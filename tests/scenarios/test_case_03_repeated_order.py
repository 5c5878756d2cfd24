"""Case 3: an order comes again after a time-out, under a new serial.

What the gateway sends is asked for before it is sent again. An order that looks like one of before (customer, product,
amount, within a window) waits for a person, who lets it go on or turns it back; nothing is dropped by itself.
"""

import socket
import threading
import time
from collections.abc import Callable

import orjson
import pytest

from tests.scenarios.stage import TRUST, WEALTH, Stage, message
from tests.scenarios.trading import answered, order, orders, trading

POLICY = {
    "rules": [
        {
            "id": "sent-twice",
            "title": {"zh": "疑似重复申购", "en": "Looks like an order sent twice"},
            "for": ["subscriptionOrder"],
            "when": [{"similar": {"by": ["account.number", "instrument", "grossAmount"], "within": "PT30M"}}],
            "verdict": "approve",
        }
    ]
}


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A distributor, and the rule that an order like one of the last half hour waits."""
    found = trading(stage, "2026-11-23 09:00")
    found.write("policy.yaml", POLICY)
    return found


def placed(play: Stage) -> list[str]:
    """Return the numbers of the orders that the core has."""
    return [each["subscriptionOrder"]["orderReference"] for each in play.received("core")]


def test_an_order_like_one_before_waits_and_goes_on_when_the_customer_meant_it(play: Stage) -> None:
    with play.playing():
        answered(play, orders(order("A1")))
        play.wait_until("2026-11-23 09:10")
        (answer,) = answered(play, orders(order("A2")))
        assert "receipt" in answer  # the distributor reads what it reads for every order
        assert (play.exceptions(), placed(play)) == ([("suspicion", "rules sent-twice")], ["A1"])
        play.resolve("suspicion", "release", "客户确认为第二笔申购")
        assert (play.exceptions(), placed(play)) == ([], ["A1", "A2"])


def test_what_was_sent_twice_by_mistake_is_turned_back_and_the_distributor_is_told(play: Stage) -> None:
    with play.playing():
        answered(play, orders(order("A1")))
        answered(play, orders(order("A2")))
        play.resolve("suspicion", "decline", "超时后重发，原单已受理")
        assert (play.exceptions(), placed(play)) == ([], ["A1"])
        assert play.deliveries()[:2] == [
            ("subscriptionOrder", "core", "waiting"),
            ("subscriptionOrder", "core", "skipped"),
        ]


def test_another_amount_and_the_same_order_after_the_window_are_not_held(play: Stage) -> None:
    with play.playing():
        answered(play, orders(order("A1"), order("A2", "100000.01")))
        play.wait_until("2026-11-23 09:31")
        answered(play, orders(order("A3")))
        assert (play.exceptions(), placed(play)) == ([], ["A1", "A2", "A3"])


def test_the_same_serial_again_is_a_repeat_and_no_second_order(play: Stage) -> None:
    with play.playing():
        answers = [answered(play, orders(order("A1")))[0]["receipt"]["position"] for _ in range(2)]
        assert (answers, placed(play), play.exceptions()) == (["1", "1"], ["A1"], [])


class Fund:
    """A fund's own server: it takes the order, and the line breaks before it has said so. Then it is asked."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/orders"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                length = 0
                while line := stream.readline().strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                got = orjson.loads(stream.read(length))
                if "order" in got:
                    self.orders.append(got["order"]["no"])
                    continue  # it has acted, and closes without an answer
                self.asked.append(got["query"]["no"])
                said = orjson.dumps({"answer": {"code": "0000", "status": "PLACED"}})
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
                connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + said)


FUND = {
    "title": {"zh": "基金公司", "en": "A fund company"},
    "receiver": TRUST,
    "format": {"kind": "json"},
    "answer": {"root": "answer", "code": "code", "accepted": {"code": "0000"}, "rejected": {"code": "9999"}},
    "interfaces": {
        "place": {
            "title": {"zh": "申购", "en": "Subscription"},
            "message": "subscriptionOrder",
            "direction": "out",
            "unknown": "query ask",
            "format": {"root": "order"},
            "map": {
                "header.messageId": {"from": "order/id"},
                "orderReference": {"from": "order/no"},
                "account.number": {"from": "order/account"},
                "instrument.code": {"from": "order/fund"},
                "tradeDate": {"from": "order/day", "date": "%Y%m%d"},
                "grossAmount.value": {"from": "order/amount", "decimal": 2},
                "grossAmount.currency": {"constant": "CNY"},
            },
        },
        "ask": {
            "title": {"zh": "查询", "en": "Query"},
            "message": "subscriptionOrder",
            "direction": "query",
            "format": {"root": "query"},
            "map": {"orderReference": {"from": "query/no"}},
            "reply": {"root": "answer", "accepted": {"code": "0000", "status": "PLACED"}, "missing": {"code": "4040"}},
        },
    },
}


def test_after_a_line_that_broke_the_fund_is_asked_first_and_the_order_is_not_sent_again(
    stage: Callable[[str], Stage],
) -> None:
    fund = Fund()
    play = stage("2026-11-23 09:00")
    play.add("core", extends="canonical", institution=TRUST)
    play.draw("fund", WEALTH, push={"url": fund.url, "timeout": 5}, **FUND)
    placing = message("subscriptionOrder", None, TRUST, WEALTH)
    header = {
        name: placing["header"][name] for name in ("messageId", "standardVersion", "sender", "receiver", "createdAt")
    }
    body = {
        "orderReference": "S1",
        "account": {"number": "980000000001"},
        "instrument": {"code": "ZX0001"},
        "tradeDate": "2026-11-23",
        "grossAmount": {"value": "100000.00", "currency": "CNY"},
    }
    with play.playing():
        play.send("core", {"header": header, "subscriptionOrder": body})
        deadline = time.monotonic() + 20
        while play.deliveries()[0][2] != "delivered" and time.monotonic() < deadline:
            play.later(60, "fund")
        assert (fund.orders, fund.asked) == (["S1"], ["S1"])
        assert play.deliveries() == [("subscriptionOrder", "fund", "delivered")]
    fund.close()
