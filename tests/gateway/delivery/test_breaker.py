"""The breaker: counts failures in a row, leaves a channel that is down alone, and asks it now and then."""

from xinqiao_gateway.delivery import Breaker
from xinqiao_gateway.settings import Retry


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def breaker(failures: int = 3) -> Breaker:
    return Breaker(Retry(failures=failures, pause=10, longest_pause=40), middle)


def opened(at: float = 1000.0) -> Breaker:
    found = breaker()
    for _ in range(3):
        found.failed(at)
    return found


def test_failures_in_a_row_open_it_and_others_do_not() -> None:
    found = breaker()
    for _ in range(5):
        found.failed(1000)
        found.failed(1000)
        found.succeeded()
    assert (found.state(1000), found.allows(1000, 2, 8)) == ("closed", 6)
    for _ in range(3):
        found.failed(1000)
    assert (found.state(1000), found.allows(1000, 0, 8), found.left(1000)) == ("open", 0, 10)


def test_after_its_pause_one_delivery_goes_out_and_no_second() -> None:
    found = opened()
    assert [found.allows(at, 0, 8) for at in (1009.9, 1010, 1011)] == [0, 1, 1]
    assert (found.state(1010), found.allows(1010, 1, 8)) == ("half_open", 0)


def test_a_success_closes_it_and_a_failure_doubles_the_pause_up_to_its_cap() -> None:
    found, now, pauses = opened(), 1000.0, []
    for _ in range(4):
        now += found.left(now)
        found.failed(now)
        pauses.append(found.left(now))
    assert (pauses, found.opened_at) == ([20, 40, 40, 40], 1000)
    found.succeeded()
    assert (found.state(now), found.allows(now, 0, 8), found.failures) == ("closed", 8, 0)


def test_what_fails_late_while_it_is_open_does_not_lengthen_the_pause() -> None:
    found = opened()
    found.failed(1005)
    assert found.left(1005) == 5


def test_a_clock_that_is_set_back_does_not_hold_it_open() -> None:
    assert opened(at=1000.0 + 86_400).state(1000) == "half_open"
