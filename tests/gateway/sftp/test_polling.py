"""A poller over a folder, here and on a partner's server: what is taken, once, and what becomes of it."""

import asyncio
import os
from collections.abc import Callable

from tests.gateway.sftp.inboxes import BIG, Ledger, Place, result_of
from xinqiao.errors import ContentRefused
from xinqiao_gateway.fronts.sftp.polling import Arrived, Taken


def test_a_finished_file_is_taken_answered_and_archived(place: Callable[..., Place]) -> None:
    here = place(names={"orders": "*.csv"}, manifest="required")
    here.put("a.csv", BIG)
    (here.inbox / "a.csv.manifest").write_bytes(b"{}")
    here.put("b.csv", marker=False)
    poller = here.look(2)
    assert here.ledger.seen == [("a.csv", BIG)]
    (arrived,) = here.ledger.arrived
    assert (arrived.manifest, arrived.interface) == (b"{}", "orders")
    assert arrived.origin.startswith(("folder of channel own", "sftp bank@127.0.0.1 host key SHA256:"))
    inbox = str(here.inbox.relative_to(here.root))
    assert here.tree() == {
        inbox: ["b.csv"],
        "archive": ["a.csv", "a.csv.manifest", "a.csv.ok"],
        "result": ["a.csv.result"],
    }
    assert (here.root / "result" / "a.csv.result").read_bytes() == result_of(here)
    assert [each.entry.name for each in poller.watched.unfinished] == ["b.csv"]
    assert (poller.watched.taken, poller.watched.failures) == (1, 0)
    assert list(here.spool.iterdir()) == []


def test_files_are_taken_in_order_of_their_names(place: Callable[..., Place]) -> None:
    here = place()
    for name in ("c", "a", "b"):
        here.put(name, name.encode())
    here.look()
    assert here.ledger.names == ["a", "b", "c"]


def test_a_refused_file_goes_to_the_error_folder_with_its_answer(place: Callable[..., Place]) -> None:
    here = place()
    here.ledger.outcome = "refused"
    here.put("a")
    here.look(2)
    assert here.ledger.names == ["a"]
    assert here.tree() == {"error": ["a", "a.ok"], "result": ["a.result"]}


def test_a_file_that_the_taker_cannot_judge_is_refused_without_an_answer(place: Callable[..., Place]) -> None:
    here = place()
    here.ledger.fault = ContentRefused("no")
    here.put("a")
    here.look()
    assert here.tree() == {"error": ["a", "a.ok"]}


def test_the_last_answer_to_a_name_has_the_plain_name_and_nothing_is_replaced(place: Callable[..., Place]) -> None:
    here = place()
    for content in (b"one", b"two two"):
        here.put("a", content)
        here.look()
    assert here.ledger.seen == [("a", b"one"), ("a", b"two two")]
    assert here.tree() == {"archive": ["a", "a.1", "a.ok", "a.ok.1"], "result": ["a.result", "a.result.1"]}
    assert (here.root / "result" / "a.result").read_bytes() == result_of(here, 1)
    assert (here.root / "result" / "a.result.1").read_bytes() == result_of(here, 0)


def test_a_file_put_in_the_place_of_one_that_is_being_taken_is_taken_next(place: Callable[..., Place]) -> None:
    here = place()
    here.put("a", b"one")
    here.put("b", b"other")

    async def replaced(arrived: Arrived) -> Taken:
        if arrived.facts.name == "a" and not here.ledger.names:
            for name in ("a", "a.ok"):
                (here.inbox / name).unlink()
            here.put("a", b"two two")
            os.utime(here.inbox / "a.ok", (1, 1))
            (here.inbox / "b").unlink()  # taken back too late: it is taken, and nothing is there to put away
        return await Ledger.take(here.ledger, arrived)

    here.ledger.take = replaced  # type: ignore[method-assign]
    here.look(2)
    assert here.ledger.seen == [("a", b"one"), ("a", b"two two")]
    assert here.tree()["archive"] == ["a", "a.ok"]
    assert (here.root / "archive" / "a").read_bytes() == b"two two"


def test_a_file_that_differs_from_one_before_in_its_content_alone_is_taken_too(place: Callable[..., Place]) -> None:
    here = place()

    async def looked() -> None:
        async with here.polled() as poller:
            for content in (b"monday ", b"tuesday"):  # on a server that tells no times
                here.put("a", content)
                os.utime(here.inbox / "a", (0, 0))
                await poller.look()

    asyncio.run(looked())
    assert here.ledger.seen == [("a", b"monday "), ("a", b"tuesday")]


def test_the_longest_name_is_answered_and_put_away_like_any_other(place: Callable[..., Place]) -> None:
    here = place(done={"temporary": "*.tmp"})
    name = "x" * 200
    for content in (b"one", b"two two"):
        here.put(name, content, marker=False)
        assert here.look().watched.failures == 0
    assert here.tree() == {"archive": [name, f"{name}.1"], "result": [f"{name}.result", f"{name}.result.1"]}


def test_the_same_answer_to_the_same_file_is_not_written_twice(place: Callable[..., Place]) -> None:
    here = place()
    for _ in range(2):
        here.put("a")
        os.utime(here.inbox / "a", (1, len(here.ledger.seen) + 5))
        here.look()
    assert here.ledger.names == ["a", "a"]
    assert here.tree()["result"] == ["a.result"]


def test_files_may_be_removed_once_taken(place: Callable[..., Place]) -> None:
    here = place(after="remove")
    here.put("a")
    here.look()
    assert here.tree() == {"result": ["a.result"]}


def test_files_that_must_be_left_are_taken_once_and_again_when_they_change(place: Callable[..., Place]) -> None:
    here = place(after="leave", done={"temporary": "*.tmp"})
    here.put("a", marker=False)
    here.look(2)
    here.look()
    assert here.ledger.names == ["a"]
    here.put("a", b"longer content", marker=False)
    here.look(2)
    assert here.ledger.seen == [("a", b"content"), ("a", b"longer content")]


def test_an_index_and_all_that_it_lists_are_taken_together(place: Callable[..., Place]) -> None:
    here = place(done={"index": "OFI_*"})
    lines = ["OFDCFIDX", "21  ", "103      ", "52       ", "20260120", "002", "b", "a", "OFDCFEND", ""]
    (here.inbox / "OFI_1").write_bytes("\r\n".join(lines).encode())
    here.put("a", marker=False)
    here.look()
    assert here.ledger.names == []
    here.put("b", marker=False)
    here.look()
    assert here.ledger.names == ["b", "a"]
    assert here.tree()["archive"] == ["OFI_1", "a", "b"]
