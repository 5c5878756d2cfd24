"""What leaves a simulator leaves in order, and no more than fits is taken."""

import logging
import threading

import pytest

from xinqiao.errors import Overloaded
from xinqiao_conformance.simulators.events import EventLog
from xinqiao_conformance.simulators.newest import Newest
from xinqiao_conformance.simulators.outbox import Outbox


def test_items_are_sent_in_order_and_their_outcomes_returned() -> None:
    outbox: Outbox[int, int] = Outbox(lambda item: item * 10)
    outbox.start()
    outcomes = outbox.post([1, 2]) + outbox.post([3])
    assert [each.result(timeout=5) for each in outcomes] == [10, 20, 30]
    assert outbox.stop(timeout=5)


def test_what_is_queued_is_sent_before_the_end() -> None:
    outbox: Outbox[int, int] = Outbox(lambda item: item)
    outcomes = outbox.post([1, 2])
    outbox.start()
    assert outbox.stop(timeout=5)
    assert [each.result(timeout=0) for each in outcomes] == [1, 2]


def test_more_than_fits_is_refused_and_none_of_it_taken() -> None:
    outbox: Outbox[int, int] = Outbox(lambda item: item, limit=3)
    outbox.post([1, 2])
    with pytest.raises(Overloaded):
        outbox.post([3, 4])
    with pytest.raises(Overloaded):
        outbox.require_room(2)
    outbox.require_room(1)
    assert len(outbox.post([3])) == 1


def test_what_is_posted_together_leaves_together() -> None:
    sent: list[int] = []
    outbox: Outbox[int, None] = Outbox(sent.append, limit=10_000)
    threads = [threading.Thread(target=lambda n=n: outbox.post([n] * 1_000)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    outbox.start()
    assert outbox.stop(timeout=10)
    assert [len(set(sent[start : start + 1_000])) for start in range(0, 4_000, 1_000)] == [1] * 4


def test_room_is_free_again_when_an_item_was_sent() -> None:
    outbox: Outbox[int, int] = Outbox(lambda item: item, limit=1)
    outbox.start()
    for item in range(3):
        [outcome] = outbox.post([item])
        outcome.result(timeout=5)
    assert outbox.stop(timeout=5)


def test_an_item_that_fails_does_not_keep_the_next_from_being_sent(caplog: pytest.LogCaptureFixture) -> None:
    outbox: Outbox[int, float] = Outbox(lambda item: 1 / item)
    outbox.start()
    with caplog.at_level(logging.ERROR):
        broken, whole = outbox.post([0, 2])
        assert whole.result(timeout=5) == 0.5
    assert isinstance(broken.exception(timeout=0), ZeroDivisionError)
    assert "an item could not be sent" in caplog.text
    assert outbox.stop(timeout=5)


def test_an_end_does_not_wait_for_an_item_that_never_leaves() -> None:
    never = threading.Event()
    outbox: Outbox[int, bool] = Outbox(lambda _: never.wait(30))
    outbox.start()
    outbox.post([1])
    assert not outbox.stop(timeout=0.05)
    never.set()


def test_the_newest_events_are_kept_and_numbered_without_gaps() -> None:
    events = EventLog(limit=2)
    for case_id in ("A", "B", "C"):
        events.add("sent", "navReport", case_id=case_id, message_id=None, outcome="accepted", text="")
    assert [(each.number, each.case_id) for each in events.after(0)] == [(2, "B"), (3, "C")]
    assert [each.number for each in events.after(2)] == [3]


def test_of_much_that_comes_the_newest_is_kept() -> None:
    kept: Newest[str, int] = Newest(2)
    for number, name in enumerate("abac"):
        kept[name] = number
    assert dict(kept) == {"a": 2, "c": 3}
