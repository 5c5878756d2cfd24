"""Case 2: the same file comes again, changed.

Each row is compared by the partner's serial. An unchanged one is ignored and gets its first receipt again, a changed
one is a correction that counts once two people have agreed, and one that is missing is not cancelled by that.
"""

from collections.abc import Callable

import pytest

from tests.scenarios.stage import Stage
from tests.scenarios.trading import answered, order, orders, trading, wealth_case

FIRST = orders(order("A1"), order("A2", "200000.00"), order("A3", "300000.00"))
AGAIN = orders(order("A1"), order("A2", "250000.00"))


@pytest.fixture
def play(stage: Callable[[str], Stage]) -> Stage:
    """A distributor whose changed rows are corrections."""
    return trading(stage, "2026-11-23 09:00", interfaces={"subscription": {"changed": "correct"}})


def amounts(play: Stage) -> list[tuple[str, str]]:
    """Return what the core received: number and amount of each order."""
    got = [each["subscriptionOrder"] for each in play.received("core")]
    return [(each["orderReference"], each["grossAmount"]["value"]) for each in got]


def test_of_a_file_that_comes_again_only_the_changed_row_counts_and_only_once_it_is_approved(play: Stage) -> None:
    with play.playing():
        first = answered(play, FIRST)
        again = answered(play, AGAIN)
        positions = [each["receipt"]["position"] for each in (*first, *again)]
        assert positions == ["1", "2", "3", "1", "4"]
        assert play.exceptions() == [("correction", "corrects position 2")]
        before = [("A1", "100000.00"), ("A2", "200000.00"), ("A3", "300000.00")]
        assert amounts(play) == before
        play.resolve("correction", "release", "销售机构书面更正")
        assert amounts(play) == [*before, ("A2", "250000.00")]
        replaced = play.received("core")[3]["header"]["replaces"]
        assert replaced == first[1]["receipt"]["acceptedMessageId"]
        assert play.exceptions() == []


def test_a_row_that_is_missing_from_the_second_file_is_not_cancelled(play: Stage) -> None:
    with play.playing():
        answered(play, FIRST)
        answered(play, AGAIN)
        assert [each[2] for each in play.deliveries()] == ["waiting", "waiting", "waiting", "parked"]
        assert play.state("20261123#order:A3") == "placed"


def test_a_correction_that_is_declined_leaves_the_first_as_it_was(play: Stage) -> None:
    with play.playing():
        answered(play, FIRST)
        answered(play, AGAIN)
        play.resolve("correction", "decline", "销售机构确认为误发")
        assert amounts(play) == [("A1", "100000.00"), ("A2", "200000.00"), ("A3", "300000.00")]
        # The same correction once more is a repeat of what was declined, and raises nothing.
        assert [each["receipt"]["position"] for each in answered(play, AGAIN)] == ["1", "4"]
        assert (play.exceptions(), wealth_case(play)["state"]) == ([], "open")
