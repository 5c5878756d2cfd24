"""Virtual time goes on in order when it is advanced; the calendar knows which days are open."""

import threading
from datetime import UTC, date, datetime, timedelta

import chinese_calendar  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.errors import Overloaded
from xinqiao_conformance.calendar import CHINA, trading_calendar
from xinqiao_conformance.clock import RealClock, VirtualClock
from xinqiao_conformance.simulators.durations import duration

from .conftest import eventually

START = datetime(2026, 1, 5, 9, tzinfo=CHINA)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_virtual_time_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(START)
    assert clock.now() == clock.now() == START
    clock.advance(minutes(5))
    assert clock.now() == START + minutes(5)
    with pytest.raises(ValueError, match="time does not go back"):
        clock.advance(-minutes(1))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=30), st.lists(st.integers(0, 40), max_size=5))
def test_what_is_planned_happens_in_order_each_at_its_instant(planned: list[int], advances: list[int]) -> None:
    clock = VirtualClock(START)
    happened: list[tuple[datetime, int]] = []
    for number, each in enumerate(planned):
        clock.call_at(START + minutes(each), lambda number=number: happened.append((clock.now(), number)))  # type: ignore[misc]
    for each in advances:
        clock.advance(minutes(each))
    due = [(START + minutes(each), number) for number, each in enumerate(planned) if each <= sum(advances)]
    assert happened == sorted(due)
    assert clock.now() == START + minutes(sum(advances))


def test_what_is_planned_while_time_passes_happens_in_the_same_advance() -> None:
    clock = VirtualClock(START)
    at: list[datetime] = []

    def again() -> None:
        at.append(clock.now())
        clock.call_at(clock.now() + timedelta(days=1), again)

    clock.call_at(START + timedelta(days=1), again)
    clock.advance(timedelta(days=3))
    assert at == [START + timedelta(days=each) for each in (1, 2, 3)]


def test_waiters_wake_in_the_order_of_their_instants() -> None:
    clock = VirtualClock(START)
    threads = {
        number: threading.Thread(target=clock.sleep_until, args=(START + minutes(number),)) for number in (3, 1, 2)
    }
    for each in threads.values():
        each.start()
    eventually(lambda: clock.waiting == 3)
    for number in (1, 2, 3):
        clock.advance(minutes(1))
        threads[number].join(10)
        assert {at for at, each in threads.items() if each.is_alive()} == {at for at in threads if at > number}
    clock.sleep_until(START)


def test_more_than_a_clock_holds_is_refused() -> None:
    clock = VirtualClock(START)
    for _ in range(10_000):
        clock.call_at(START + minutes(1), lambda: None)
    with pytest.raises(Overloaded, match="10000 actions wait"):
        clock.call_at(START + minutes(1), lambda: None)


def test_the_real_clock_goes_on_by_itself_and_does_what_is_due_in_order() -> None:
    def failing() -> None:
        raise ValueError("what is due next is done all the same")

    clock = RealClock()
    begun, done, last = clock.now(), [], threading.Event()
    assert begun.tzinfo is not None
    clock.call_at(begun, lambda: done.append("at once"))
    clock.call_at(begun + timedelta(milliseconds=40), last.set)
    clock.call_at(begun + timedelta(milliseconds=30), failing)
    clock.call_at(begun + timedelta(milliseconds=20), lambda: done.append("later"))
    assert last.wait(10)
    assert done == ["at once", "later"]
    clock.sleep_until(begun + timedelta(milliseconds=50))
    assert clock.now() >= begun + timedelta(milliseconds=50)


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_holidays_are_those_that_were_announced(year: int) -> None:
    calendar = trading_calendar()
    for offset in range(365):
        day = date(year, 1, 1) + timedelta(days=offset)
        assert calendar.is_bank_day(day) == chinese_calendar.is_workday(day), day
        assert calendar.is_trading_day(day) == (day.weekday() < 5 and chinese_calendar.is_workday(day)), day


def test_days_are_counted_over_holidays_and_make_up_saturdays() -> None:
    calendar = trading_calendar()
    friday, after_spring_festival = date(2026, 2, 13), date(2026, 2, 24)
    assert (calendar.is_bank_day(date(2026, 2, 14)), calendar.is_trading_day(date(2026, 2, 14))) == (True, False)
    assert calendar.add(friday, 1) == after_spring_festival
    assert calendar.add(date(2026, 2, 14), 0) == after_spring_festival
    assert calendar.add(friday, 2) == date(2026, 2, 25)
    with pytest.raises(ValueError, match="T-1"):
        calendar.add(friday, -1)


def test_an_order_at_the_cut_off_is_of_the_next_trading_day() -> None:
    calendar = trading_calendar()
    friday = date(2026, 2, 13)
    cut_off = calendar.cut_off_of(friday)
    assert cut_off == datetime(2026, 2, 13, 7, tzinfo=UTC)
    assert calendar.trade_day(cut_off - timedelta(microseconds=1)) == friday
    assert calendar.trade_day(cut_off) == date(2026, 2, 24)


@pytest.mark.parametrize(
    ("text", "said"),
    [("PT90S", timedelta(seconds=90)), ("P1DT12H", timedelta(days=1, hours=12)), ("PT5M", minutes(5))],
)
def test_durations_are_those_of_iso_8601(text: str, said: timedelta) -> None:
    assert duration(text) == said


@pytest.mark.parametrize("text", ["", "P", "PT", "5m", "P1M", "P1DT", "-PT5M"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write"):
        duration(text)
