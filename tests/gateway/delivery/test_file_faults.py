"""What goes wrong while a file goes out: a crash at any step, a server that says no, hides, is full, or is gone."""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.delivery.conftest import Desk, open_desk
from tests.gateway.delivery.outbox import Outbox, open_outbox, profile
from tests.gateway.delivery.test_files import HEAD, NAME, listing, queue
from tests.gateway.sftp.partner_server import PASSWORD, serving, write_secret
from tests.gateway.test_journal import entry, message, submission
from tests.postgres import Postgres
from xinqiao.errors import DestinationDown, JournalUnavailable
from xinqiao_adapters.formats.ofd.index import read_index
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder
from xinqiao_gateway.journal import Journal

FILE = NAME.format(1)
WHOLE = {FILE: f"{HEAD}CASE-A1,A1\nCASE-A2,A2\n"}
FINISHED = [FILE, f"{FILE}.manifest", f"{FILE}.ok"]
# More steps than getting one file across has, in the folder and in the journal.
MOST_STEPS = 60


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Bomb:
    """Goes off at the n-th step."""

    left: int

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


def holding(way: str) -> dict[str, Any]:
    said = profile()
    said["interfaces"]["applications"]["unknown"] = way
    return said


async def queued(desk: Desk, folder: Path, said: dict[str, Any] | None = None) -> Outbox:
    box = open_outbox(desk, folder, said)
    await queue(desk, "A1", "A2")
    return box


async def until_crash(box: Outbox) -> bool:
    try:
        await box.settled(30)
    except Crash:
        return True
    return False


# --- crashes ---------------------------------------------------------------------------------------------------


async def each_message_once(box: Outbox, *numbers: str) -> None:
    """See to it that what is queued arrives, each message in one file, and each file finished."""
    await box.settled()
    lines = [line for text in box.texts().values() for line in text.splitlines()]
    assert [each for each in lines if each[-2:] in numbers] == [f"CASE-{each},{each}" for each in numbers]
    assert box.names() == sorted(name + end for name in box.texts() for end in ("", ".manifest", ".ok"))
    assert set(box.desk.states()) == {"delivered"}
    sequences = [row["sequence"] for row in box.rows()]
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_a_crash_at_any_step_at_the_folder_each_message_is_in_one_file(
    desk: Desk, tmp_path: Path, when: str
) -> None:
    box = open_outbox(desk, tmp_path)
    for step in range(1, MOST_STEPS):
        numbers = f"{step:02}", f"{step + 50}"
        await queue(desk, *numbers)
        setattr(box.watched, when, Bomb(step))
        crashed = await until_crash(box)
        box = await box.again()
        await each_message_once(box, *numbers)
        if not crashed:
            assert step > 12
            return
    pytest.fail("it has no end")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_a_crash_at_any_step_of_the_journal_each_message_is_in_one_file(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    box, run = open_outbox(desk, tmp_path), Journal.run
    for step in range(1, MOST_STEPS):
        numbers = f"{step:02}", f"{step + 50}"
        await queue(desk, *numbers)
        bomb = Bomb(step)

        async def bombed(journal: Journal, act: Callable[..., Any], lane: str = "", bomb: Bomb = bomb) -> Any:
            if when == "before":
                bomb()
            done = await run(journal, act, lane)
            if when == "after":
                bomb()
            return done

        monkeypatch.setattr(Journal, "run", bombed)
        crashed = await until_crash(box)
        monkeypatch.setattr(Journal, "run", run)
        box = await box.again()
        await each_message_once(box, *numbers)
        if not crashed:
            assert step > 8
            return
    pytest.fail("it has no end")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_a_crash_at_any_step_an_index_lists_each_file_once(desk: Desk, tmp_path: Path, when: str) -> None:
    said = listing(at=[f"{hour:02}:00" for hour in range(24)])
    box = open_outbox(desk, tmp_path, said)
    for step in range(1, MOST_STEPS):
        await queue(desk, f"{step:02}")
        desk.clock.time += 3600
        setattr(box.watched, when, Bomb(step))
        crashed = await until_crash(box)
        box = await box.again()
        await box.settled()
        assert set(desk.states()) == {"delivered"}
        indexes = sorted(box.folder.glob("OFI*"))
        listed = [name for each in indexes for name in read_index(each.read_bytes()).names]
        assert sorted(listed) == [each.name for each in sorted(box.folder.glob("applications*"))]
        assert len(listed) == step
        if not crashed:
            assert step > 10
            return
    pytest.fail("it has no end")


async def test_a_journal_that_is_away_for_a_moment_says_nothing_of_the_partner(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, run = await queued(desk, tmp_path), Journal.run
    away = Bomb(0)

    async def failing(journal: Journal, act: Callable[..., Any], lane: str = "") -> Any:
        try:
            away()
        except Crash:
            raise JournalUnavailable("gone") from None
        return await run(journal, act, lane)

    monkeypatch.setattr(Journal, "run", failing)
    for step in range(1, 20):
        away.left = step
        with suppress(JournalUnavailable):
            await box.loop.turn()
        assert box.loop.breaker.failures == 0
    await each_message_once(box, "A1", "A2")


async def test_a_file_that_was_written_down_goes_out_after_a_restart(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)
    box.watched.before = lambda call, name: crash_at("rename", FILE, call, name)
    assert await until_crash(box)
    box = box.reopened()
    await each_message_once(box, "A1", "A2")
    assert (box.texts(), box.names()) == (WHOLE, FINISHED)
    box.desk.journal.close()


async def test_what_was_taken_away_after_a_crash_that_followed_the_read_back_has_arrived(
    desk: Desk, tmp_path: Path
) -> None:
    box = await queued(desk, tmp_path)
    box.watched.before = lambda call, name: crash_at("stat", f"{FILE}.manifest", call, name)
    assert await until_crash(box)
    (box.folder / FILE).unlink()
    box = await box.again()
    await box.work(30)
    assert (box.names(), box.desk.states()) == ([], ["delivered"] * 2)


def crash_at(wanted: str, of: str, call: str, name: str) -> None:
    if (call, name) == (wanted, f"out/{of}"):
        raise Crash


# --- a name that is taken --------------------------------------------------------------------------------------


async def test_a_file_that_is_there_is_never_replaced_and_a_person_is_told(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)
    box.folder.mkdir(parents=True)
    (box.folder / FILE).write_text("theirs")
    await box.work(5)
    assert box.texts() == {FILE: "theirs"}
    assert (desk.states(), desk.raised()) == (["leased"] * 2, ["batch"])
    await queue(desk, "B1")
    await box.work(5)  # others pass
    assert box.texts()[NAME.format(2)] == f"{HEAD}CASE-B1,B1\n"
    (box.folder / FILE).unlink()
    await box.work(120)
    assert box.texts()[FILE] == WHOLE[FILE]
    assert (desk.count(), desk.raised()) == ({"delivered": 3}, [])


async def test_a_name_that_is_taken_at_the_last_moment_is_not_replaced_either(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)

    def taken(call: str, name: str) -> None:
        if call == "rename" and name.endswith(FILE):
            (box.folder / FILE).write_text("theirs")

    box.watched.before = taken
    await box.work(5)
    assert box.texts() == {FILE: "theirs"}
    box.watched.before = lambda _call, _name: None
    (box.folder / FILE).unlink()
    await box.work(120)
    assert (box.texts(), box.names(), desk.count()) == (WHOLE, FINISHED, {"delivered": 2})


# --- what a server does ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("make", PermissionError(errno.EACCES, "Permission denied")),
        ("write", OSError(errno.EDQUOT, "Disk quota exceeded")),
        ("half", OSError(errno.ENOSPC, "No space left on device")),
        ("half", DestinationDown("sftp://gateway@bank.example: the connection broke")),
        ("rename", PermissionError(errno.EACCES, "Permission denied")),
    ],
)
async def test_what_fails_before_a_file_has_its_name_is_tried_again_with_the_same_bytes_and_name(
    desk: Desk, tmp_path: Path, fault: Exception, call: str
) -> None:
    box = await queued(desk, tmp_path)
    faults = [fault] * 2

    def failing(called: str, _name: str) -> None:
        if called == call and faults:
            raise faults.pop()

    box.watched.before = failing
    await box.work(120)
    assert (box.texts(), box.names()) == (WHOLE, FINISHED)
    assert (desk.count(), [row["attempts"] for row in box.rows()]) == ({"delivered": 2}, [2])


async def test_a_server_that_stays_away_is_left_alone_and_the_file_is_never_given_up(
    desk: Desk, tmp_path: Path
) -> None:
    box = await queued(desk, tmp_path)

    def away(_call: str, _name: str) -> None:
        raise DestinationDown("no route")

    box.watched.before = away
    await box.work(30)
    assert box.loop.breaker.opened_at is not None
    calls = len(box.watched.calls)
    await queue(desk, "B1")
    for _ in range(3):
        desk.clock.time += 86_400 * 2
        await box.loop.turn()
    assert len(box.watched.calls) <= calls + 4
    assert (desk.states(), desk.raised()) == (["leased", "leased", "pending"], ["batch"])
    box.watched.before = lambda _call, _name: None
    desk.clock.time += 3600
    await box.work(60)
    assert (desk.count(), desk.raised()) == ({"delivered": 3}, [])


def hides(box: Outbox) -> list[str]:
    """Let the server show nothing of what arrived; return what did."""
    arrived: list[str] = []

    def gone(call: str, name: str) -> None:
        if call == "rename" and not name.endswith((".ok", ".manifest")):
            arrived.append((box.data / "files" / "core" / name).read_text())
            (box.data / "files" / "core" / name).unlink()

    box.watched.after = gone
    return arrived


@pytest.mark.parametrize("way", ["hold", "repeat"])
async def test_a_server_that_hides_what_arrived_gets_it_again_only_where_the_profile_says_so_and_not_for_ever(
    desk: Desk, tmp_path: Path, way: str
) -> None:
    box = await queued(desk, tmp_path, holding(way))
    arrived = hides(box)
    await box.work(300)
    assert arrived == [WHOLE[FILE]] * (1 if way == "hold" else 3)
    assert desk.states() == ["held", "held"]
    assert desk.raised() == ["unknown_outcome"] * 2
    assert [row["state"] for row in box.rows()] == ["held"]


@pytest.mark.parametrize("call", ["stat", "read"])
async def test_a_server_that_lets_nobody_look_proves_nothing(desk: Desk, tmp_path: Path, call: str) -> None:
    box = await queued(desk, tmp_path, holding("hold"))

    def refused(called: str, name: str) -> None:
        if (called, name) == (call, f"out/{FILE}"):
            raise PermissionError(errno.EACCES, "Permission denied")

    box.watched.before = refused
    await box.work(60)
    assert (box.texts(), desk.states()) == (WHOLE, ["held", "held"])
    assert f"{FILE}.ok" not in box.names()


async def test_a_crash_between_the_name_and_the_read_back_of_a_file_that_is_gone_is_unknown(
    desk: Desk, tmp_path: Path
) -> None:
    box = await queued(desk, tmp_path, holding("hold"))

    def gone(call: str, name: str) -> None:
        if call == "rename":
            (box.folder / FILE).unlink()
            raise Crash

    box.watched.after = gone
    assert await until_crash(box)
    box = await box.again()
    await box.work(60)
    assert (box.names(), box.desk.states()) == ([], ["held", "held"])
    number = box.desk.journal.reading.deliveries()[0]["delivery_id"]
    await box.desk.confirm(number, "the bank has it")
    assert box.desk.count() == {"held": 1, "delivered": 1}


async def test_a_file_that_is_not_there_as_it_was_written_is_not_claimed(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)

    def cut(call: str, _name: str) -> None:
        if call == "rename":
            with (box.folder / FILE).open("r+") as file:
                file.truncate(5)

    box.watched.after = cut
    await box.work(20)
    assert desk.states() == ["leased", "leased"]
    assert f"{FILE}.ok" not in box.names()


async def test_where_nothing_can_be_renamed_files_are_written_in_place_and_the_mark_comes_last(
    desk: Desk, tmp_path: Path
) -> None:
    login = {"host_keys": ["SHA256:" + "A" * 43], "password_file": "p", "permissions": {"rename": False}}
    said = profile(url="sftp://gateway@bank.example/out", files={"login": login})
    own = LocalFolder(tmp_path / "data" / "files" / "core" / "out")
    box = open_outbox(desk, tmp_path, said, own=own)
    await queue(desk, "A1", "A2")
    box.watched.before = lambda call, _name: (_ for _ in ()).throw(Crash) if call == "half" else None
    assert await until_crash(box)
    assert box.names() == [FILE]
    box = await box.again(own=own)
    await box.work(60)
    assert (box.texts(), box.names(), box.desk.count()) == (WHOLE, FINISHED, {"delivered": 2})
    assert not [each for each in box.watched.calls if each.startswith("rename")]


@pytest.mark.parametrize("fault", ["breaks", "refuses"])
async def test_a_partners_real_server_gets_one_file_whatever_it_does_first(
    desk: Desk, tmp_path: Path, fault: str
) -> None:
    with serving(tmp_path) as server:
        login = server.login().model_dump(mode="json", exclude_none=True)
        said = profile(url=f"sftp://bank@127.0.0.1:{server.port}/", files={"login": login})
        box = open_outbox(desk, tmp_path, said)
        write_secret(tmp_path / "data" / "channels" / "core" / "keys" / "password", PASSWORD.encode())
        await queue(desk, "A1", "A2")
        if fault == "breaks":
            server.behaviour.breaks_after = 10
        else:
            server.behaviour.denied = {"rename"}
        for _ in range(3):
            desk.clock.time += await box.loop.turn()
        assert desk.states() == ["leased", "leased"]
        assert [row["reason"] for row in box.rows()] == ["destination_down"]
        server.behaviour.denied = set()
        await box.settled()
        assert sorted(path.name for path in server.root.iterdir()) == FINISHED
        assert (server.root / FILE).read_text() == WHOLE[FILE]
        await box.loop.close()


# --- two nodes -------------------------------------------------------------------------------------------------


async def test_what_two_nodes_gather_at_once_is_in_one_file(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)
    other = open_outbox(desk, tmp_path)
    await box.loop.turn()
    await other.loop.turn()
    await desk.journal.submit(submission(entry(message("kycApplication", "CASE-B1", applicationNo="B1"))))
    await box.work(30)
    await other.work(30)
    assert box.texts() == WHOLE | {NAME.format(2): f"{HEAD}CASE-B1,B1\n"}
    assert desk.count() == {"delivered": 3}


async def test_two_nodes_on_one_database_make_one_file_of_what_is_due(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.journal_url()
    first = open_desk(tmp_path, url)
    second = open_desk(tmp_path, url, clock=first.clock)
    await queue(first, *(f"A{number}" for number in range(20)))
    boxes = [open_outbox(desk, tmp_path) for desk in (first, second)]
    for _ in range(8):
        await asyncio.gather(*(box.loop.turn() for box in boxes))
    assert [text.count("\n") - 1 for text in boxes[0].texts().values()] == [20]
    assert (first.count(), boxes[0].names()) == ({"delivered": 20}, FINISHED)
    first.journal.close()
    second.journal.close()


async def test_a_file_that_another_node_took_over_is_left_to_it(desk: Desk, tmp_path: Path) -> None:
    box = await queued(desk, tmp_path)
    other = open_outbox(desk, tmp_path)

    def slept(call: str, _name: str) -> None:
        if call == "half" and desk.clock.time < 1_800_000_100:
            desk.clock.time += 3 * 3600.0

    await box.loop.turn()  # written down
    box.watched.before = slept
    await box.loop.turn()  # begun, and slept on it; the lease is still its own, since nobody came
    await other.work(60)
    assert (box.texts(), box.names(), desk.count()) == (WHOLE, FINISHED, {"delivered": 2})
