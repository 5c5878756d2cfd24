"""How long a front leaves a mailbox or a server alone that cannot be looked at."""

from xinqiao.errors import DestinationDown, KeyUnusable
from xinqiao_gateway.fronts.pauses import pause_after


def test_a_login_that_is_refused_is_not_tried_again_soon() -> None:
    assert [pause_after(KeyUnusable(), 1.0, failures) for failures in (1, 2)] == [900.0, 900.0]


def test_pauses_grow_with_failures_up_to_a_quarter_of_an_hour() -> None:
    for failures, expected in ((1, 10.0), (2, 20.0), (5, 160.0), (8, 900.0), (1000, 900.0)):
        assert 0.8 * expected <= pause_after(DestinationDown(), 10.0, failures) <= 1.2 * expected


def test_what_is_looked_at_seldom_is_not_looked_at_more_often_once_it_fails() -> None:
    assert pause_after(KeyUnusable(), 3600.0, 1) == 3600.0
