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


def test_what_is_due_at_the_moment_that_is_reached_happens_and_not_a_moment_earlier() -> None:
    clock = VirtualClock(START)
    happened: list[datetime] = []
    clock.call_at(START + minutes(5), lambda: happened.append(clock.now()))
    clock.advance(minutes(5) - timedelta(microseconds=1))
    assert happened == []
    clock.advance(timedelta(microseconds=1))
    assert happened == [START + minutes(5)]
    clock.call_at(clock.now(), lambda: happened.append(clock.now()))
    assert happened == [START + minutes(5)] * 2


def test_two_who_advance_at_once_both_get_their_time() -> None:
    clock = VirtualClock(START)
    happened: list[datetime] = []
    for number in range(1, 21):
        clock.call_at(START + minutes(number), lambda: happened.append(clock.now()))
    both = [threading.Thread(target=clock.advance, args=(minutes(10),)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(10)
    assert (clock.now(), happened) == (START + minutes(20), [START + minutes(number) for number in range(1, 21)])


def test_time_ends_with_the_year_9999() -> None:
    clock = VirtualClock(datetime(9999, 12, 30, tzinfo=CHINA))
    with pytest.raises(ValueError, match="time ends with the year 9999"):
        clock.advance(timedelta(days=9999))


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
    assert clock.now() >= begun + timedelta(milliseconds=40)


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_holidays_are_those_that_were_announced(year: int) -> None:
    calendar = trading_calendar()
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    for day in (date(year, 1, 1) + timedelta(days=offset) for offset in range(days)):
        assert calendar.is_trading_day(day) == (day.weekday() < 5 and chinese_calendar.is_workday(day)), day


def test_days_are_counted_over_holidays_and_make_up_saturdays() -> None:
    calendar = trading_calendar()
    friday, after_spring_festival = date(2026, 2, 13), date(2026, 2, 24)
    assert not calendar.is_trading_day(date(2026, 2, 14))
    assert calendar.add(friday, 1) == after_spring_festival
    assert calendar.add(date(2026, 2, 14), 0) == after_spring_festival
    assert calendar.add(friday, 2) == date(2026, 2, 25)
    with pytest.raises(ValueError, match="T-1"):
        calendar.add(friday, -1)


def test_an_order_at_the_cut_off_is_of_the_next_trading_day() -> None:
    calendar = trading_calendar()
    friday, cut_off = date(2026, 2, 13), datetime(2026, 2, 13, 7, tzinfo=UTC)
    assert calendar.trade_day(cut_off - timedelta(microseconds=1)) == friday
    assert calendar.trade_day(cut_off) == date(2026, 2, 24)


def test_a_year_that_nobody_announced_is_refused_and_not_guessed() -> None:
    calendar = trading_calendar()
    last = date(2026, 12, 31)
    assert calendar.add(last, 0) == last
    said = r"may be a holiday: calendar\.yaml has what was announced for 2024 to 2026"
    with pytest.raises(ValueError, match=said):
        calendar.add(last, 1)
    with pytest.raises(ValueError, match=said):
        calendar.trade_day(datetime(2023, 12, 31, 4, tzinfo=UTC))


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
