"""What goes wrong while files are fetched and answered: nothing is lost, and nothing is half read."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.sftp.inboxes import BIG, Ledger, Place, local, remote, result_of
from tests.gateway.sftp.partner_server import PartnerServer
from xinqiao.errors import DestinationDown, InternalError, JournalUnavailable, Overloaded
from xinqiao_gateway.fronts.sftp.folder import BLOCK
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder
from xinqiao_gateway.fronts.sftp.polling import Arrived, Facts, Poller, Taken


def test_nothing_is_accepted_while_the_taker_can_promise_nothing_and_then_it_is(place: Callable[..., Place]) -> None:
    here = place()
    here.put("a")
    here.ledger.fault = JournalUnavailable()
    with pytest.raises(JournalUnavailable):
        here.look()
    assert here.ledger.names == []
    here.ledger.fault = None
    here.look()
    assert here.tree() == {"archive": ["a", "a.ok"], "result": ["a.result"]}


@pytest.mark.parametrize("step", ["settled", "answered", "without its mark"])
def test_a_start_after_a_crash_goes_on_from_where_it_was(place: Callable[..., Place], step: str) -> None:
    here = place()
    here.put("a")
    if step == "answered":  # taken and answered, but not settled
        here.ledger.fault_at_settling = JournalUnavailable()
        with pytest.raises(JournalUnavailable):
            here.look()
        here.ledger.fault_at_settling = None
    else:
        entry = next(each for each in here.folder.entries(here.files.watched) if each.name == "a")
        here.ledger.done[Facts("bank", "a", entry.size, entry.modified)] = "accepted"
    if step == "without its mark":
        (here.inbox / "a.ok").unlink()
    here.look(2)
    assert here.ledger.names == (["a", "a"] if step == "answered" else [])
    tree = here.tree()
    assert tree["archive"] == (["a"] if step == "without its mark" else ["a", "a.ok"])
    assert tree.get("result") == (["a.result"] if step == "answered" else None)


def test_a_file_that_grows_although_it_is_marked_is_not_taken_and_then_is_whole(tmp_path: Path) -> None:
    class Growing(LocalFolder):
        def stat(self, name: str) -> Any:
            if name == "in/a" and (tmp_path / "own" / "in" / "a").stat().st_size < 9:
                with (tmp_path / "own" / "in" / "a").open("ab") as file:
                    file.write(b"+")
            return super().stat(name)

    here = local(tmp_path)
    here.folder = Growing(here.root)
    here.put("a", b"content")
    poller = here.look()
    assert here.ledger.names == []
    assert "changed while it was fetched" in poller.watched.why
    here.look(3)
    assert here.ledger.seen == [("a", b"content++")]


def test_a_file_that_became_shorter_is_not_taken(tmp_path: Path) -> None:
    class Shrinking(LocalFolder):
        def read(self, name: str, offset: int = 0) -> Any:
            if (tmp_path / "own" / name).stat().st_size > 3:
                (tmp_path / "own" / name).write_bytes(b"con")
            return super().read(name, offset)

    here = local(tmp_path)
    here.folder = Shrinking(here.root)
    here.put("a", b"content")
    here.look()
    assert here.ledger.names == []
    here.look()
    assert here.ledger.seen == [("a", b"con")]


def test_a_broken_fetch_goes_on_from_where_it_was(server: PartnerServer, tmp_path: Path) -> None:
    here = remote(server, tmp_path)
    here.put("a", BIG)

    async def looked() -> int:
        async with here.polled() as poller:
            server.behaviour.breaks_after = 3_000_000
            with pytest.raises(DestinationDown):
                await poller.look()
            (fetched,) = here.spool.iterdir()
            size = fetched.stat().st_size
            server.behaviour.breaks_after = len(BIG) - size + 65_536  # no second whole fetch goes through
            await poller.look()
            return size

    assert 0 < asyncio.run(looked()) < len(BIG)
    assert here.ledger.seen == [("a", BIG)]


def test_a_fetch_that_broke_begins_anew_when_the_file_was_changed(server: PartnerServer, tmp_path: Path) -> None:
    here = remote(server, tmp_path)
    here.put("a", BIG)

    async def looked() -> None:
        async with here.polled() as poller:
            server.behaviour.breaks_after = 3_000_000
            with pytest.raises(DestinationDown):
                await poller.look()
            here.put("a", BIG[::-1] + b"1")
            await poller.look()

    asyncio.run(looked())
    assert here.ledger.seen == [("a", BIG[::-1] + b"1")]
    assert list(here.spool.iterdir()) == []


@pytest.mark.parametrize("years", [-30, 30])
def test_a_server_whose_clock_is_years_off_is_read_as_any_other(
    server: PartnerServer, tmp_path: Path, years: int
) -> None:
    here = remote(server, tmp_path)
    here.put("a")
    moment = 1_790_000_000 + years * 31_557_600
    os.utime(server.root / "a", (moment, moment))
    here.look()
    assert here.ledger.names == ["a"]


def test_what_the_server_lets_us_do_is_enough(server: PartnerServer, tmp_path: Path) -> None:
    (server.root / "send").mkdir()
    (server.root / "recv").mkdir()
    here = remote(
        server, tmp_path, login={"permissions": {"rename": False, "remove": False}}, inbox="/send", results="/recv",
        after="leave",
    )  # fmt: skip
    here.inbox = server.root / "send"
    here.put("a")
    server.behaviour.denied |= {"rename", "remove", "mkdir"}
    here.look(2)
    here.look()
    assert here.ledger.names == ["a"]
    assert here.tree() == {"send": ["a", "a.ok"], "recv": ["a.result"]}
    here.ledger.outcome = "refused"
    here.put("b")
    here.look(2)
    assert here.tree()["send"] == ["a", "a.ok", "b", "b.ok"]


def test_a_file_that_may_not_be_read_keeps_no_other_waiting_and_is_told(server: PartnerServer, tmp_path: Path) -> None:
    here = remote(server, tmp_path)
    here.put("a")
    here.put("b")
    (server.root / "b").chmod(0)
    server.behaviour.unreadable.add("/a")
    with capture_logs() as logs:
        poller = here.look(3)
    assert here.ledger.names == ["b"]
    assert poller.watched.failures == 3
    assert "权限不足" in poller.watched.why
    assert [each["kind"] for each in logs if each["event"] == "alarm"] == ["files"]


def test_a_file_that_meets_a_fault_of_ours_keeps_no_other_waiting_and_is_told(tmp_path: Path) -> None:
    here = local(tmp_path)

    async def faulty(arrived: Arrived) -> Taken:
        if arrived.facts.name == "a":
            raise InternalError("1 of 2 records are accounted for")
        return await Ledger.take(here.ledger, arrived)

    here.ledger.take = faulty  # type: ignore[method-assign]
    for name in ("a", "b"):
        here.put(name)
    poller = here.look()
    assert (here.ledger.names, poller.watched.failures) == (["b"], 1)
    assert here.tree()["in"] == ["a", "a.ok"]


def test_a_result_that_cannot_be_written_keeps_the_file_until_it_can(server: PartnerServer, tmp_path: Path) -> None:
    here = remote(server, tmp_path)
    here.put("a")
    server.behaviour.denied.add("write")
    here.look()
    assert here.tree() == {".": ["a", "a.ok"]}
    server.behaviour.denied.clear()
    here.look()
    assert here.tree() == {"archive": ["a", "a.ok"], "result": ["a.result"]}


@pytest.mark.parametrize("rename", [True, False])
def test_a_result_whose_writing_broke_is_ended_at_the_next_look(
    server: PartnerServer, tmp_path: Path, rename: bool
) -> None:
    after = "archive" if rename else "leave"
    here = remote(server, tmp_path, after=after, login={"permissions": {"rename": rename}})
    here.ledger.more = BIG * 2
    here.put("a")
    server.behaviour.breaks_after = 7_000_000
    with pytest.raises(DestinationDown):
        here.look()
    (left,) = here.tree()["result"]
    assert left.endswith(".tmp") == rename
    server.behaviour.breaks_after = 7_000_000 if rename else None  # of the whole there are more
    here.look()
    assert here.tree()["result"] == ["a.result"] if rename else "a.result" in here.tree()["result"]
    written = [path.read_bytes() for path in (server.root / "result").iterdir()]
    assert result_of(here) + BIG * 2 in written


def test_a_result_that_may_be_written_and_not_read_does_not_replace_another(
    server: PartnerServer, tmp_path: Path
) -> None:
    here = remote(server, tmp_path)
    (server.root / "result").mkdir()
    (server.root / "result" / "a.result").write_bytes(b"theirs")
    server.behaviour.unreadable.add("/result/a.result")
    here.put("a")
    here.look()
    assert here.tree()["result"] == ["a.result", "a.result.1"]
    assert (server.root / "result" / "a.result.1").read_bytes() == b"theirs"


def test_a_result_that_finds_no_name_is_told_and_its_file_not_settled(tmp_path: Path) -> None:
    class Full(LocalFolder):
        def rename(self, old: str, new: str) -> None:
            raise FileExistsError(errno.EEXIST, "there is one already", new)

    here = local(tmp_path)
    here.folder = Full(here.root)
    here.put("a")
    poller = here.look()
    assert "no name is free" in poller.watched.why
    assert here.ledger.done == {}
    assert here.tree() == {"in": ["a", "a.ok"]}


def test_links_and_names_that_lead_elsewhere_are_refused_told_once_and_not_by_name(tmp_path: Path) -> None:
    here = local(tmp_path, done={"temporary": "*.tmp"})
    (tmp_path / "secret").write_bytes(b"secret")
    (here.inbox / "link").symlink_to(tmp_path / "secret")
    (here.inbox / "zhang\u202esan").write_bytes(b"x")
    here.put("good", marker=False)
    with capture_logs() as logs:
        poller = here.look(2)
    assert here.ledger.names == ["good"]
    assert sorted(each.why for each in poller.watched.refused) == [
        "it holds characters that are not for print, or is not UTF-8", "it is a link",
    ]  # fmt: skip
    assert [each for each in logs if each["event"] == "alarm"] == [
        {"event": "alarm", "log_level": "error", "kind": "files_refused", "channel": "bank", "files": 2}
    ]


def test_a_name_of_a_server_that_leads_elsewhere_is_never_asked_for(tmp_path: Path, server: PartnerServer) -> None:
    here = remote(server, tmp_path, done={"temporary": "*.tmp"})
    server.behaviour.invented = [b"../../escape", b"/etc/passwd", b"\xb2\xe2\xca\xd4"]
    here.put("good", marker=False)
    poller = here.look()
    assert here.ledger.names == ["good"]
    assert len(poller.watched.refused) == 3


def test_a_manifest_too_large_to_be_one_is_not_read_to_its_end(tmp_path: Path) -> None:
    here = local(tmp_path, manifest="required")
    here.put("a")
    (here.inbox / "a.manifest").write_bytes(b"x" * 1_000_001)
    poller = here.look()
    assert here.ledger.names == []
    assert "too many for a manifest" in poller.watched.why


def test_where_the_disk_has_no_room_nothing_is_fetched(place: Callable[..., Place]) -> None:
    here = place()
    here.put("a")
    here.least_free = shutil.disk_usage(here.root).total
    with pytest.raises(Overloaded, match="do not fit"):
        here.look()
    assert here.ledger.names == []
    here.least_free = 0
    here.look()
    assert here.ledger.names == ["a"]


def test_a_disk_that_is_full_in_the_middle_is_said_and_not_a_fault_of_the_file(tmp_path: Path) -> None:
    class Full(LocalFolder):
        def read(self, name: str, offset: int = 0) -> Any:
            raise OSError(errno.ENOSPC, "no space left on device")

    here = local(tmp_path)
    here.folder = Full(here.root)
    here.put("a")
    with pytest.raises(Overloaded, match="the disk is full"):
        here.look()


def test_a_fetch_that_crawls_is_broken_off_and_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = local(tmp_path)
    here.put("a", BIG)

    async def looked() -> None:
        async with here.polled() as poller:
            with monkeypatch.context() as slow:
                slow.setattr("xinqiao_gateway.fronts.sftp.spool._LEAST_TIME", -1e6)
                with pytest.raises(DestinationDown, match="take longer than"):
                    await poller.look()
            assert [each.stat().st_size for each in here.spool.iterdir()] == [BLOCK]
            await poller.look()

    asyncio.run(looked())
    assert here.ledger.seen == [("a", BIG)]


def test_what_lies_there_unfinished_is_told_once_after_an_hour(tmp_path: Path) -> None:
    here, now = local(tmp_path), [0.0]
    here.put("a", marker=False)

    async def looked() -> None:
        poller = Poller(here.watching(), here.ledger, lambda: now[0])
        for now[0] in (0, 3600, 3601, 9000):
            await poller.look()
        await poller.stop()

    with capture_logs() as logs:
        asyncio.run(looked())
    alarms = [each for each in logs if each["event"] == "alarm"]
    assert [(each["kind"], each["files"]) for each in alarms] == [("files_unfinished", 1)]


def test_a_stop_waits_for_a_taker_that_hangs_no_longer_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.fronts.sftp.polling._GRACE", 0.05)
    here = local(tmp_path)
    here.put("a")

    async def ran() -> None:
        begun = asyncio.Event()

        async def hang(_: Arrived) -> Taken:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

        monkeypatch.setattr(here.ledger, "take", hang)
        async with here.polled() as poller:
            poller.start()
            await asyncio.wait_for(begun.wait(), 20)
        monkeypatch.undo()

    asyncio.run(ran())
    here.look()
    assert here.ledger.names == ["a"]
    assert here.tree() == {"archive": ["a", "a.ok"], "result": ["a.result"]}
