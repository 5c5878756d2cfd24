"""The watch: on a virtual clock it raises alarms and gets each to every webhook, however long one of them is down."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.gateway.obligation_site import Node
from tests.gateway.obligation_story import DAILY_NAV, arrival, at, book, digest, nav
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, SigningKey, new_key, open_seal
from xinqiao_gateway.journal import alarms, meetings, obligations, tables
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.obligations import Book
from xinqiao_gateway.obligations.alarms import Poster
from xinqiao_gateway.obligations.watch import Watch

ONE_PRODUCT = DAILY_NAV | {"subject": {"path": "instrument.code", "in": ["ZX001"]}}


class Receiver:
    """A webhook's receiver: answers ``status``, keeps what it took and what it refused."""

    def __init__(self) -> None:
        self.status = 204
        self.retry_after: str | None = None
        self.taken: list[Sealed] = []
        self.refused: list[Sealed] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                sealed = Sealed(content, self.headers["Content-Type"], self.headers[SIGNATURE_HEADER])
                (receiver.taken if receiver.status == 204 else receiver.refused).append(sealed)
                self.send_response(receiver.status)
                if receiver.retry_after:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alarms"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def levels(self) -> list[str]:
        return [orjson.loads(each.content)["level"] for each in self.taken]


class Clock:
    def __init__(self, when: str) -> None:
        self.at = at(when)

    def __call__(self) -> float:
        return self.at

    def set(self, when: str) -> None:
        self.at = at(when)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_engine(f"sqlite:///{tmp_path / 'journal.sqlite'}", writing=True)
    tables.metadata.create_all(found)
    yield found
    found.dispose()


KEY: SigningKey = new_key("gateway-1")


def watch(engine: Engine, clock: Clock, rules: Book, *webhooks: tuple[str, str]) -> Watch:
    return Watch(Node(engine), rules, webhooks, KEY, clock)


async def test_an_alarm_reaches_the_webhook_sealed_with_the_gateways_key(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    await watching.turn()
    clock.set("2026-11-23 18:00")
    await watching.turn()
    (sealed,) = receiver.taken
    said = orjson.loads(sealed.content)
    assert open_seal(sealed, KeyRing([KEY.public()]), at=datetime.fromtimestamp(clock(), UTC)) == "gateway-1"
    assert sealed.content_type == CONTENT_TYPE_JSON
    assert said.pop("id") == alarms.alarm_id("overdue", "daily-nav", "ZX001", "2026-11-20", "overdue")
    assert said == {
        "kind": "overdue",
        "level": "overdue",
        "obligation": "daily-nav",
        "subject": "ZX001",
        "day": "2026-11-20",
        "dueAt": "2026-11-23T10:00:00.000000Z",
        "messageType": "navReport",
        "channel": "custodian",
        "openedBy": None,
        "raisedAt": "2026-11-23T10:00:00.000000Z",
    }


async def test_each_level_is_posted_once(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    for moment in ("09:00", "17:30", "17:31", "18:00", "12:00", "18:00", "19:00", "22:00", "22:01"):
        clock.set(f"2026-11-23 {moment}")
        await watching.turn()
    assert receiver.levels() == ["warned", "overdue", "escalated-1", "escalated-2"]


async def test_a_receiver_that_was_down_gets_each_alarm_once_when_it_is_back(
    engine: Engine, receiver: Receiver
) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    await watching.turn()
    receiver.status = 500
    for moment in ("17:30", "18:00", "18:30"):
        clock.set(f"2026-11-23 {moment}")
        await watching.turn()
    receiver.status = 204
    clock.set("2026-11-23 18:59")
    # A node that starts anew finds in the journal what has not been taken.
    for _ in range(2):
        await watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url)).turn()
    assert sorted(receiver.levels()) == ["overdue", "warned"]
    assert len({orjson.loads(each.content)["id"] for each in (*receiver.taken, *receiver.refused)}) == 2


async def test_a_webhook_that_nobody_listens_at_does_not_keep_others_waiting(
    engine: Engine, receiver: Receiver
) -> None:
    clock = Clock("2026-11-23 09:00")
    webhooks = [("gone", "http://127.0.0.1:9/alarms"), ("wrong", "no url"), ("ops", receiver.url)]
    watching = watch(engine, clock, book(ONE_PRODUCT), *webhooks)
    await watching.turn()
    clock.set("2026-11-23 18:00")
    await watching.turn()
    assert receiver.levels() == ["overdue"]


async def test_retry_after_is_kept_to(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    await watching.turn()
    receiver.status, receiver.retry_after = 429, "600"
    for moment in ("17:30", "17:35", "17:39"):
        clock.set(f"2026-11-23 {moment}")
        await watching.turn()
    assert len(receiver.refused) == 1
    clock.set("2026-11-23 17:40")
    await watching.turn()
    assert len(receiver.refused) == 2


async def test_an_alarm_that_nobody_took_for_a_week_is_given_up_and_logged(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT | {"escalate": [], "warn": None}), ("ops", receiver.url))
    await watching.turn()
    receiver.status = 500
    clock.set("2026-11-23 18:00")
    await watching.turn()
    clock.set("2026-11-30 18:01")
    with capture_logs() as logs:
        await watching.post(Poster("ops", receiver.url, KEY))
        clock.set("2026-12-15 18:00")
        await watching.post(Poster("ops", receiver.url, KEY))
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["alarm given up"]
    assert len(receiver.refused) == 2


async def test_an_alarm_goes_to_the_webhooks_that_its_terms_name(engine: Engine, receiver: Receiver) -> None:
    other = Receiver()
    try:
        clock = Clock("2026-11-23 09:00")
        rules = book(ONE_PRODUCT | {"to": ["ops"]})
        watching = watch(engine, clock, rules, ("ops", receiver.url), ("desk", other.url))
        await watching.turn()
        clock.set("2026-11-23 18:00")
        await watching.turn()
    finally:
        other.close()
    assert (receiver.levels(), other.levels()) == (["overdue"], [])


async def test_a_missing_year_raises_an_alarm_once_and_no_exception_to_the_caller(
    engine: Engine, receiver: Receiver
) -> None:
    clock = Clock("2026-12-28 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    await watching.turn()
    clock.set("2026-12-28 11:00")
    await watching.turn()
    await watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url)).turn()
    said = [orjson.loads(each.content) for each in receiver.taken]
    assert [(each["kind"], each["obligation"], each["subject"]) for each in said] == [
        ("calendar_unknown", "exchange", "2027")
    ]
    assert Node(engine).exceptions() == [("calendar_unknown", "open", None)]


async def test_what_an_alarm_says_in_the_log_names_no_person_and_no_reference(engine: Engine) -> None:
    rule = {
        "id": "premium",
        "after": {"message": "policyEvent", "date": "graceEndsOn"},
        "message": "premiumFundingRequest",
        "same": {"policyNo": "policyNo"},
    }
    rules, clock = book(rule), Clock("2026-11-23 09:00")
    opener = arrival("policyEvent", "insurer", position=3, policyNo="P77", graceEndsOn="2026-11-24")
    Node(engine).now(partial(meetings.meet, book=rules, arrivals=[opener], now=clock()))
    clock.set("2026-11-26 09:00")
    with capture_logs() as logs:
        await watch(engine, clock, rules).turn()
    (line,) = [each for each in logs if each["event"] == "alarm"]
    assert line == {
        "event": "alarm",
        "log_level": "warning",
        "alarm": alarms.alarm_id("overdue", "premium", digest("premium\nP77"), "2026-11-24", "overdue"),
        "kind": "overdue",
        "alarm_level": "overdue",
        "obligation": "premium",
        "subject": "",
        "day": "2026-11-24",
        "expects": "premiumFundingRequest",
        "channel": None,
        "opened_by": 3,
    }


async def test_changed_terms_hold_from_the_next_turn_on(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watching = watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url))
    await watching.turn()
    watching.replace(book(ONE_PRODUCT | {"by": "20:00"}))
    for moment in ("09:01", "18:00", "19:30", "20:00"):
        clock.set(f"2026-11-23 {moment}")
        await watching.turn()
    assert receiver.levels() == ["warned", "overdue"]
    assert orjson.loads(receiver.taken[1].content)["dueAt"] == "2026-11-23T12:00:00.000000Z"


async def test_two_watches_post_an_alarm_once(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    watches = [watch(engine, clock, book(ONE_PRODUCT), ("ops", receiver.url)) for _ in range(2)]
    for moment in ("09:00", "18:00"):
        clock.set(f"2026-11-23 {moment}")
        await asyncio.gather(*(each.turn() for each in watches))
    assert receiver.levels() == ["overdue"]


async def test_run_watches_until_it_is_cancelled(engine: Engine, receiver: Receiver) -> None:
    clock = Clock("2026-11-23 09:00")
    rules = book(ONE_PRODUCT)
    running = asyncio.create_task(watch(engine, clock, rules, ("ops", receiver.url)).run())
    async with asyncio.timeout(30):
        while not Node(engine).now(partial(obligations.listed, state="open")):
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_message_in_time_leaves_nothing_to_post(engine: Engine, receiver: Receiver) -> None:
    clock, rules = Clock("2026-11-23 09:00"), book(ONE_PRODUCT)
    watching = watch(engine, clock, rules, ("ops", receiver.url))
    await watching.turn()
    came = partial(meetings.meet, book=rules, arrivals=[nav("ZX001", "2026-11-20")], now=at("2026-11-23 17:00"))
    Node(engine).now(came)
    clock.set("2026-11-23 20:00")
    await watching.turn()
    assert receiver.taken == []


def test_alarms_that_nobody_waits_for_are_deleted(engine: Engine) -> None:
    node, rules = Node(engine), book(ONE_PRODUCT)
    for rule in rules.periodic:
        node.now(partial(obligations.materialise, book=rules, rule=rule, now=at("2026-11-23 09:00")))
    node.now(partial(obligations.tick, now=at("2026-11-23 18:00"), webhooks=["ops"]))
    forget = partial(alarms.forget_alarms, before=at("2026-12-23 18:00"))
    assert node.now(forget) == 0
    leased = partial(alarms.lease_alarms, webhook="ops", now=at("2026-11-23 18:00"), seconds=60.0)
    (due,) = node.now(leased)
    assert node.now(leased) == []
    node.now(partial(alarms.settle_alarm, webhook="ops", due=due, now=at("2026-11-23 18:01"), retry_at=None))
    assert (node.now(forget), node.alarms()) == (1, 0)
