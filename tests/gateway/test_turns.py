"""Turns at the writer: the lane that has had least is next, however long another is; a batch keeps to its weight."""

from hypothesis import given
from hypothesis import strategies as st

from xinqiao_gateway.journal.turns import Turns

Items = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 400)), max_size=60)


def test_a_lane_with_a_thousand_items_does_not_keep_back_another_lane() -> None:
    turns: Turns[str] = Turns()
    for number in range(1000):
        turns.put("flood", f"flood {number}")
    turns.put("quiet", "quiet")
    assert turns.take(2) == ["flood 0", "quiet"]
    assert turns.take(2) == ["flood 1", "flood 2"]
    assert (turns.waiting("flood"), turns.waiting("quiet")) == (997, 0)


def test_one_item_that_is_heavier_than_a_batch_goes_alone_and_next() -> None:
    turns: Turns[str] = Turns()
    turns.put("a", "small")
    turns.put("b", "large", 10_000)
    turns.put("c", "other")
    assert [turns.take(256), turns.take(256), turns.take(256)] == [["small"], ["large"], ["other"]]


def test_a_lane_of_large_inputs_waits_until_the_others_have_had_as_much() -> None:
    turns: Turns[str] = Turns()
    for number in range(3):
        turns.put("files", f"file {number}", 1000)
    for number in range(1500):
        turns.put("quiet", f"quiet {number}")
    assert turns.take(256) == ["file 0"]
    between = 0
    while (batch := turns.take(256)) != ["file 1"]:
        between += len(batch)
    assert between == 1000
    turns.put("new", "new")
    assert set(turns.take(2)) == {"new", "quiet 1000"}


@given(Items)
def test_everything_is_taken_once_in_the_order_of_its_lane_and_within_the_weight(items: list[tuple[str, int]]) -> None:
    turns: Turns[tuple[str, int, int]] = Turns()
    for number, (lane, weight) in enumerate(items):
        turns.put(lane, (lane, number, weight), weight)
    turns.end()
    taken = []
    while turns.wait():
        batch = turns.take(256)
        assert len(batch) == 1 or sum(weight for _, _, weight in batch) <= 256
        taken += batch
    for lane in "abc":
        own = [number for name, number, _ in taken if name == lane]
        assert own == [number for number, (name, _) in enumerate(items) if name == lane]
    assert len(taken) == len(items)


def test_what_waits_at_the_end_is_still_taken() -> None:
    turns: Turns[str] = Turns()
    turns.put("a", "last")
    turns.end()
    assert turns.wait()
    assert turns.take(1) == ["last"]
    assert not turns.wait()
