"""Obligations in the journal: written down ahead, met, warned of, overdue, escalated, waived, by one node or two."""

import threading
from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.gateway.obligation_site import Node, database, engine  # noqa: F401
from tests.gateway.obligation_story import CONFIRMATION, DAILY_NAV, arrival, at, book, nav
from xinqiao.errors import NotFound
from xinqiao_gateway.calendars import Announced, Calendars, Year
from xinqiao_gateway.journal import meetings, obligations
from xinqiao_gateway.journal.alarms import Alarm
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.obligations import Arrival, Book

ONE_PRODUCT = DAILY_NAV | {"subject": {"path": "instrument.code", "in": ["ZX001"]}}


def write_down(node: Node, rules: Book, when: str) -> None:
    for rule in rules.periodic:
        node.now(partial(obligations.materialise, book=rules, rule=rule, now=at(when)))


def meet(node: Node, rules: Book, when: str, *arrivals: Arrival) -> None:
    node.now(partial(meetings.meet, book=rules, arrivals=arrivals, now=at(when)))


def tick(node: Node, when: str) -> list[tuple[str, str, str]]:
    raised: list[Alarm] = node.now(partial(obligations.tick, now=at(when), webhooks=["ops"]))
    return [(each.subject, each.day, each.level) for each in raised]


def states(node: Node, state: str = "open") -> list[tuple[str, str, str]]:
    listed = node.now(partial(obligations.listed, state=state))
    return [(each.subject, each.day, each.level) for each in listed]


def test_obligations_of_the_coming_days_are_written_down_once(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-09-28 09:00")
    write_down(node, rules, "2026-09-28 10:00")
    assert [day for _, day, _ in states(node)] == ["2026-09-24", "2026-09-28", "2026-09-29"]


def test_days_that_were_missed_while_nobody_watched_are_made_up(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-02 09:00")
    before = [day for _, day, _ in states(node)]
    write_down(node, rules, "2026-11-18 20:00")
    after = [day for _, day, _ in states(node)]
    assert before == ["2026-10-30", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"]
    assert after == [
        f"{each}" for each in rules.calendars["exchange"].open_days(date(2026, 10, 30), date(2026, 11, 24))
    ]


def test_an_obligation_goes_through_its_levels_on_a_virtual_clock(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    moments = ["17:29", "17:30", "17:59", "18:00", "18:30", "19:00", "22:00", "23:59"]
    seen = {moment: [level for _, _, level in tick(node, f"2026-11-23 {moment}")] for moment in moments}
    assert seen == {
        "17:29": [],
        "17:30": ["warned"],
        "17:59": [],
        "18:00": ["overdue"],
        "18:30": [],
        "19:00": ["escalated-1"],
        "22:00": ["escalated-2"],
        "23:59": [],
    }
    assert states(node)[0] == ("ZX001", "2026-11-20", "escalated-2")
    assert node.exceptions() == [("overdue", "open", None)]


def test_what_came_in_time_raises_nothing(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(DAILY_NAV)
    write_down(node, rules, "2026-11-23 09:00")
    meet(node, rules, "2026-11-23 17:00", nav("ZX001", "2026-11-20", position=5))
    assert tick(node, "2026-11-23 18:00") == [("ZX002", "2026-11-20", "overdue")]
    assert states(node, "met") == [("ZX001", "2026-11-20", "awaited")]


def test_what_comes_late_settles_its_exception(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    tick(node, "2026-11-23 18:30")
    meet(node, rules, "2026-11-23 18:45", nav("ZX001", "2026-11-20"))
    assert states(node, "met_late") == [("ZX001", "2026-11-20", "overdue")]
    assert node.exceptions() == [("overdue", "resolved", "met_late")]
    assert tick(node, "2026-11-23 23:00") == []


def test_a_message_that_comes_before_its_obligation_was_written_down_meets_it(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT | {"every": "month", "plus": "45d"})
    meet(node, rules, "2026-11-02 09:00", nav("ZX001", "2026-10-30"))
    write_down(node, rules, "2026-12-10 09:00")
    assert states(node, "met") == [("ZX001", "2026-10-30", "awaited")]
    assert tick(node, "2026-12-20 00:00") == []


def test_a_second_message_about_the_same_day_changes_nothing(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    meet(node, rules, "2026-11-23 17:00", nav("ZX001", "2026-11-20", position=5))
    meet(node, rules, "2026-11-23 19:00", nav("ZX001", "2026-11-20", position=6))
    (kept,) = node.now(partial(obligations.listed, state="met"))
    assert (kept.met_by, kept.state) == (5, "met")


def test_a_clock_that_goes_back_raises_nothing_twice(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    assert len(tick(node, "2026-11-23 18:00")) == 1
    write_down(node, rules, "2026-11-23 08:00")
    assert tick(node, "2026-11-23 12:00") == []
    assert tick(node, "2026-11-23 18:00") == []
    assert node.alarms() == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 2000), min_size=1, max_size=8))
def test_however_the_clock_jumps_levels_rise_and_each_is_raised_at_most_once(
    engine: Engine,  # noqa: F811
    minutes: list[int],
) -> None:
    node, rules = Node(engine), book(ONE_PRODUCT | {"id": f"rule-{uuid4()}"})
    write_down(node, rules, "2026-11-23 09:00")
    start = at("2026-11-23 09:00")
    raised = []
    for minute in minutes:
        alarms = node.now(partial(obligations.tick, now=start + minute * 60, webhooks=[]))
        raised += [
            each.level for each in alarms if each.obligation == rules.periodic[0].id and each.day == "2026-11-20"
        ]
    levels = ["warned", "overdue", "escalated-1", "escalated-2"]
    assert [levels.index(level) for level in raised] == sorted({levels.index(level) for level in raised})
    passed = [moment for moment in (510, 540, 600, 780) if moment <= max(minutes)]
    assert raised[-1:] == levels[len(passed) - 1 : len(passed)] if passed else raised == []


def test_after_a_stop_the_highest_level_is_raised_once(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    assert tick(node, "2026-11-24 03:00") == [("ZX001", "2026-11-20", "escalated-2")]
    assert node.exceptions() == [("overdue", "open", None)]


def order(reference: str, position: int = 1) -> Arrival:
    return arrival("subscriptionOrder", "bank", position=position, orderReference=reference, tradeDate="2026-11-23")


def confirmed(reference: str, *, finished: bool = True, position: int = 9) -> Arrival:
    return arrival("orderConfirmation", "core", position=position, orderReference=reference, finished=finished)


def test_an_order_is_confirmed_by_its_finished_confirmation(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(CONFIRMATION)
    meet(node, rules, "2026-11-23 10:00", order("SO1"), order("SO2", 2), confirmed("SO1", position=3))
    meet(node, rules, "2026-11-24 09:00", confirmed("SO2", finished=False))
    assert len(states(node, "met")) == 1
    (raised,) = node.now(partial(obligations.tick, now=at("2026-11-24 12:00"), webhooks=[]))
    # The opening message's position says which order it is; what identifies it stays in the journal.
    assert (raised.subject, raised.opened_by, raised.obligation) == ("", 2, "confirmation")
    meet(node, rules, "2026-11-24 13:00", confirmed("SO2"))
    assert len(states(node, "met_late")) == 1


def test_the_same_order_again_opens_no_second_obligation(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(CONFIRMATION)
    meet(node, rules, "2026-11-23 10:00", order("SO1"))
    meet(node, rules, "2026-11-23 10:05", order("SO1"), order("SO1"))
    assert len(states(node)) == 1


def test_a_renewal_meets_the_obligation_of_before_and_opens_the_next(engine: Engine) -> None:  # noqa: F811
    rule: dict[str, Any] = {
        "id": "renewal",
        "after": {"message": "kycDecision", "date": "validUntil"},
        "message": "kycDecision",
        "same": {"header.caseId": "header.caseId"},
        "plus": "-30d",
    }
    node, rules = Node(engine), book(rule)
    meet(node, rules, "2026-01-08 10:00", arrival("kycDecision", "core", validUntil="2026-12-31"))
    meet(node, rules, "2026-11-23 10:00", arrival("kycDecision", "core", validUntil="2027-12-31"))
    assert [day for _, day, _ in states(node, "met")] == ["2026-12-31"]
    assert [day for _, day, _ in states(node)] == ["2027-12-31"]


def test_an_obligation_of_a_far_year_is_dated_again_once_the_year_is_announced(engine: Engine) -> None:  # noqa: F811
    rule = CONFIRMATION | {"calendar": "bank", "plus": -1}
    opener = arrival("subscriptionOrder", "bank", orderReference="SO1", tradeDate="2031-10-09")
    node = Node(engine)
    meet(node, book(rule), "2026-11-23 10:00", opener)
    node.now(partial(obligations.date_again, book=book(rule)))
    (before,) = node.now(partial(obligations.listed, state="open"))
    announced = Announced({2031: Year.model_validate({"holidays": ["2031-10-01..2031-10-08"]})})
    node.now(partial(obligations.date_again, book=book(rule, calendars=Calendars(announced))))
    (after,) = node.now(partial(obligations.listed, state="open"))
    assert (before.due_at, after.due_at) == (at("2031-10-08 12:00"), at("2031-09-30 12:00"))
    assert tick(node, "2031-09-30 12:00") == [("", "2031-10-09", "overdue")]


CUTOFFS = {
    "id": "orders",
    "interface": "order-file",
    "from": "bank",
    "batches": [{"name": "1", "by": "10:00"}, {"name": "2", "by": "15:00"}],
    "warn": "30m",
}


def test_a_missing_file_is_warned_of_before_its_cut_off_and_a_released_one_settles_it(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(cutoffs=[CUTOFFS])
    write_down(node, rules, "2026-11-23 08:00")
    first = rules.cutoffs.batch_for("bank", "order-file", at("2026-11-23 09:10"))
    assert first is not None
    node.now(partial(meetings.meet_batch, book=rules, batch=first, now=at("2026-11-23 09:10")))
    assert tick(node, "2026-11-23 10:30") == []
    assert tick(node, "2026-11-23 14:30") == [("", "2026-11-23", "warned")]
    assert tick(node, "2026-11-23 15:00") == [("", "2026-11-23", "overdue")]
    late = rules.cutoffs.batch_for("bank", "order-file", at("2026-11-23 15:20"), at("2026-11-23 14:50"))
    assert late is not None
    assert (late.name, late.late) == ("20261123-2", True)
    node.now(partial(meetings.meet_batch, book=rules, batch=late, now=at("2026-11-23 15:40"), position=3))
    assert node.exceptions() == [("overdue", "resolved", "met_late")]


def test_an_empty_file_counts_as_having_come(engine: Engine) -> None:  # noqa: F811
    rule = {"id": "statement", "file": "statement", "from": "bank", "every": "day", "by": "09:00", "plus": 1}
    node, rules = Node(engine), book(rule)
    write_down(node, rules, "2026-11-23 08:00")
    act = partial(meetings.meet_file, book=rules, channel="bank", interface="statement", day=date(2026, 11, 20))
    node.now(partial(act, now=at("2026-11-23 08:30")))
    assert tick(node, "2026-11-23 12:00") == []


def test_an_obligation_is_waived_with_a_reason_and_a_name(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    tick(node, "2026-11-23 18:00")
    (kept, *_) = node.now(partial(obligations.listed, state="open"))
    act = partial(
        obligations.waive, obligation_id=kept.obligation_id, reason="停牌", operator="li", now=at("2026-11-23 18:30")
    )
    node.now(act)
    assert states(node, "waived") == [("ZX001", "2026-11-20", "overdue")]
    assert node.exceptions() == [("overdue", "resolved", "waive")]
    assert tick(node, "2026-11-23 23:00") == []
    with pytest.raises(NotFound, match="no open obligation"):
        node.now(act)


def test_changed_terms_hold_for_what_nobody_was_alarmed_of(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    tick(node, "2026-11-23 17:30")
    changed = book(ONE_PRODUCT | {"by": "20:00"})
    node.now(partial(obligations.forget_ahead, rules=["daily-nav"], now=at("2026-11-23 17:40")))
    write_down(node, changed, "2026-11-23 17:40")
    dues = {each.day: each.due_at for each in node.now(partial(obligations.listed, state="open"))}
    assert dues["2026-11-20"] == at("2026-11-23 18:00")
    assert dues["2026-11-23"] == at("2026-11-24 20:00")


def test_obligations_of_a_rule_that_is_gone_are_taken_back(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(ONE_PRODUCT)
    write_down(node, rules, "2026-11-23 09:00")
    node.now(partial(obligations.forget_ahead, rules=["other"], now=at("2026-11-23 09:30")))
    assert states(node) == []


def test_what_was_settled_long_ago_is_deleted_and_what_is_open_is_not(engine: Engine) -> None:  # noqa: F811
    node, rules = Node(engine), book(DAILY_NAV)
    write_down(node, rules, "2026-11-23 09:00")
    meet(node, rules, "2026-11-23 17:00", nav("ZX001", "2026-11-20"))
    tick(node, "2026-11-23 18:00")
    assert node.now(partial(obligations.forget, before=at("2026-11-23 18:00"))) == 0
    assert node.now(partial(obligations.forget, before=at("2026-12-23 18:00"))) == 1
    assert ("ZX002", "2026-11-20", "overdue") in states(node)


def test_a_calendar_that_does_not_know_a_year_is_announced_once(engine: Engine) -> None:  # noqa: F811
    node = Node(engine)
    unknown = [("bank", 2027), ("exchange", 2056)]
    announce = partial(obligations.announce_unknown, unknown=unknown, webhooks=["ops"])
    raised = node.now(partial(announce, now=at("2026-11-23 09:00")))
    assert [(each.kind, each.obligation, each.subject) for each in raised] == [("calendar_unknown", "bank", "2027")]
    assert node.now(partial(announce, now=at("2026-11-24 09:00"))) == []
    assert node.exceptions() == [("calendar_unknown", "open", None)]


def test_two_nodes_that_look_at_the_same_moment_raise_one_alarm(engine: Engine, database: str) -> None:  # noqa: F811
    rules = book(ONE_PRODUCT)
    nodes = [Node(engine), Node(open_engine(database, writing=True))]
    start, raised = threading.Barrier(2), []

    def look(node: Node) -> None:
        start.wait(timeout=20)
        write_down(node, rules, "2026-11-23 09:00")
        start.wait(timeout=20)
        raised.extend(tick(node, "2026-11-23 18:00"))
        start.wait(timeout=20)
        raised.extend(tick(node, "2026-11-23 19:00"))

    threads = [threading.Thread(target=look, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    nodes[1].engine.dispose()
    assert sorted(raised) == [("ZX001", "2026-11-20", "escalated-1"), ("ZX001", "2026-11-20", "overdue")]
    assert (nodes[0].alarms(), nodes[0].exceptions()) == (2, [("overdue", "open", None)])
