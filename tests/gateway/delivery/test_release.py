"""What a person does to deliveries: replay by id, case, channel and time, skip, confirm."""

import pytest

from tests.gateway.delivery.conftest import START, Desk
from xinqiao.errors import MalformedQuery, NotFound
from xinqiao_gateway.journal import Selection
from xinqiao_gateway.journal.listing import exceptions


def pushed(_channel: str) -> bool:
    return True


async def all_dead(desk: Desk, *case_ids: str) -> None:
    await desk.queue(*case_ids)
    while leased := await desk.lease():
        for due in leased:
            await desk.settle(due, "dead")


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(delivery_id=2), [2]),
        (Selection(case="A"), [1]),
        (Selection(channel="core"), [1, 2, 3]),
        (Selection(channel="other"), []),
        (Selection(case="A", channel="other"), []),
        (Selection(since=0), [1, 2, 3]),
        (Selection(since=4e9), []),
        (Selection(until=0), []),
    ],
)
async def test_a_dry_run_lists_what_a_replay_then_does(desk: Desk, selection: Selection, ids: list[int]) -> None:
    await all_dead(desk, "A", "B", "C")
    found = await desk.journal.selected(selection)
    assert (found.count, [each["delivery_id"] for each in found.deliveries]) == (len(ids), ids)
    assert desk.states() == ["dead"] * 3
    assert await desk.journal.replay_selected(selection, pushed, by="anna", reason="agreed") == len(ids)
    assert desk.states() == ["pending" if n in ids else "dead" for n in (1, 2, 3)]
    assert len(desk.raised()) == 3 - len(ids)


async def test_a_dry_run_shows_a_bounded_list_and_the_whole_count(desk: Desk) -> None:
    await all_dead(desk, "A", "B", "C")
    found = await desk.journal.selected(Selection(channel="core"), limit=2)
    assert (found.count, len(found.deliveries)) == (3, 2)


async def test_a_selection_of_everything_is_refused(desk: Desk) -> None:
    with pytest.raises(MalformedQuery):
        await desk.journal.selected(Selection())
    with pytest.raises(MalformedQuery):
        await desk.journal.replay_selected(Selection(), pushed, by="anna")


async def test_who_replayed_stands_with_the_attempt_and_the_exception(desk: Desk) -> None:
    await all_dead(desk, "A", "B")
    await desk.journal.replay_selected(Selection(case="A"), pushed, by="anna", reason="bank restored")
    await desk.journal.replay_selected(Selection(case="B"), pushed, by="ben")
    tried = [each["tried"][-1] for each in desk.journal.reading.deliveries()[::-1]]
    assert [(each["outcome"], each["detail"]) for each in tried] == [
        ("replayed", "anna: bank restored"), ("replayed", "ben"),
    ]  # fmt: skip
    resolved = exceptions(desk.journal.reading, "resolved")
    assert [(each["resolution"], each["handled_by"]) for each in resolved] == [("resend", "anna"), ("resend", "ben")]


async def test_a_replay_takes_its_place_in_the_lane_and_begins_its_age_anew(desk: Desk) -> None:
    await desk.queue("A", "A")
    (first,) = await desk.lease()
    await desk.settle(first, "dead")
    desk.clock.time += 10 * 86_400
    assert await desk.replay(1) == "core"
    (again,) = await desk.lease()
    assert (again.position, again.since, again.unknown) == (1, START + 10 * 86_400, False)


@pytest.mark.parametrize("state", ["dead", "held"])
async def test_one_that_is_skipped_or_confirmed_lets_its_lane_go_on(desk: Desk, state: str) -> None:
    await desk.queue("A", "A", "B", "B")
    for due in await desk.lease():
        await desk.settle(due, state)
    assert await desk.lease() == []
    await desk.skip(1, "sent by hand")
    await desk.confirm(3, "receipt by mail")
    assert [each.position for each in await desk.lease()] == [2, 4]
    assert (desk.states(), desk.raised()) == (["skipped", "leased", "delivered", "leased"], [])
    tried = [each["tried"][-1] for each in desk.journal.reading.deliveries()[::-1] if each["tried"]]
    said = [(each["outcome"], each["reason"], each["detail"]) for each in tried]
    assert said == [("skipped", "operator", "anna: sent by hand"), ("confirmed", "operator", "anna: receipt by mail")]


async def test_what_is_under_way_or_through_is_neither_skipped_nor_confirmed(desk: Desk) -> None:
    await desk.queue("A")
    with pytest.raises(NotFound):
        await desk.skip(1, "why")
    with pytest.raises(NotFound):
        await desk.confirm(1, "why")
    with pytest.raises(NotFound):
        await desk.replay(99)
