"""The schedule: waits double up to a cap with jitter, the partner's wish counts, age ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao_gateway.delivery.schedule import DAY, Schedule
from xinqiao_gateway.journal import Due
from xinqiao_gateway.settings import Retry


def due(attempts: int, since: float) -> Due:
    return Due(1, 1, "core", "CASE-1", attempts, {}, None, since=since)


def test_waits_double_up_to_the_cap() -> None:
    schedule = Schedule(Retry(first=1, cap=60), lambda low, high: (low + high) / 2)
    assert [schedule.wait(attempts, None) for attempts in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10_000), st.none() | st.floats(0, 1e9))
def test_a_wait_is_within_a_fifth_of_its_time_and_never_before_what_the_partner_asks(
    attempts: int, retry_in: float | None
) -> None:
    wait = Schedule(Retry(first=1, cap=60)).wait(attempts, retry_in)
    asked = min(retry_in or 0, DAY)
    own = min(2 ** min(attempts, 10), 60)
    assert max(own * 0.8, asked) <= wait <= max(own * 1.2, asked)


@pytest.mark.parametrize(
    ("attempts", "age", "given_up"),
    [(0, 1e9, False), (1, 1e9, False), (2, 100, True), (2, 99, False), (500, 99, False), (500, -1e9, False)],
)
def test_age_ends_it_after_a_few_attempts_and_a_clock_that_jumped_alone_does_not(
    attempts: int, age: float, given_up: bool
) -> None:
    assert Schedule(Retry(give_up_after=100)).gives_up(due(attempts, 5000 - age), 5000) is given_up
