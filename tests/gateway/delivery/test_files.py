"""Delivery by files: each message once, in files that are whole, in their lanes' order, at the times agreed."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.gateway.conftest import CORE, TRUST
from tests.gateway.delivery.conftest import Desk
from tests.gateway.delivery.outbox import Outbox, canonical, channel_of, open_outbox, profile
from tests.gateway.test_journal import entry, message, submission
from xinqiao.adapter import Decoded
from xinqiao.errors import ProfileInvalid
from xinqiao.finding import errors_in
from xinqiao.message import Json, read_json, write_json
from xinqiao.validation import check
from xinqiao_adapters.formats.ofd.index import read_index
from xinqiao_gateway.batches.manifest import read_manifest
from xinqiao_gateway.batches.reading import records
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.delivery import check_files
from xinqiao_gateway.journal.dissolving import dissolve
from xinqiao_gateway.journal.listing import exceptions

NAME = "applications_20270115_{:04}.csv"
HEAD = "case,no\n"


def application(number: str, case: str | None = None) -> Json:
    return message("kycApplication", case or f"CASE-{number}", applicationNo=number)


async def queue(desk: Desk, *numbers: str, case: str | None = None) -> None:
    for each in numbers:
        await desk.journal.submit(submission(entry(application(each, case))))


def at(text: str) -> float:
    """Return a time in China as Unix seconds."""
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


# --- what a file holds ----------------------------------------------------------------------------------------


async def test_what_is_due_goes_out_in_one_file_with_manifest_and_mark(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path)
    await queue(desk, "A1", "A2", "A3")
    await box.work(10)
    name = NAME.format(1)
    assert box.names() == [name, f"{name}.manifest", f"{name}.ok"]
    assert box.texts() == {name: f"{HEAD}CASE-A1,A1\nCASE-A2,A2\nCASE-A3,A3\n"}
    assert desk.states() == ["delivered"] * 3
    manifest = read_json(box.manifest(name))
    assert not errors_in(check(manifest))
    body = manifest["batchManifest"]
    assert (body["batchNo"], body["sequence"], body["recordCount"]) == ("20270115-1", 1, "3")
    assert body["files"][0]["file"]["size"] == str((box.folder / name).stat().st_size)
    assert (manifest["header"]["sender"], manifest["header"]["receiver"]) == (TRUST, CORE["code"])
    read = read_manifest((box.folder / f"{name}.manifest").read_bytes(), box.channel, CORE["code"], sealed=True)
    assert read.message == manifest
    content = (box.folder / name).read_bytes()
    assert body["files"][0]["file"]["digest"]["value"] == hashlib.sha256(content).hexdigest()


async def test_a_format_that_is_no_file_gives_one_file_for_each_message_with_its_exact_bytes(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, canonical())
    sent = [application("A1"), application("A2")]
    await desk.journal.submit(submission(entry(sent[0], raw=True)))
    await desk.journal.submit(submission(entry(sent[1])))
    await box.work(10)
    assert [orjson.loads(each) for each in box.texts().values()] == sent
    assert (next(iter(box.texts().values()))).encode() == write_json(sent[0])


async def test_messages_of_the_standard_stand_in_lines_where_the_name_says_so(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, canonical(files={"name": "{interface}_{date}_{sequence:04}.jsonl"}))
    await queue(desk, "A1", "A2")
    await queue(desk, "A3", "A4", case="CASE-A3")
    await box.settled()
    (name,) = box.texts()
    read = list(records(box.channel, box.folder / name, name))
    sent = [each["kycApplication"]["applicationNo"] for each in map(read_json, box.texts()[name].encode().splitlines())]
    assert sent == ["A1", "A2", "A3", "A4"]
    assert [each.message["kycApplication"]["applicationNo"] for each in read if isinstance(each, Decoded)] == sent
    file = read_json(box.manifest(name))["batchManifest"]["files"][0]
    assert (file["recordCount"], file["file"]["mediaType"]) == ("4", "application/x-ndjson")
    assert desk.count() == {"delivered": 4}


async def test_a_clock_that_is_set_back_delays_no_file(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path)
    await box.loop.turn()
    await queue(desk, "A1")
    desk.clock.time -= 86_400
    await box.work(seconds=30)
    assert (len(box.texts()), desk.count()) == (1, {"delivered": 1})


async def test_a_lane_whose_next_message_goes_into_another_file_waits_for_this_one(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path)
    await queue(desk, "A1", case="CASE-1")
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-1", applicationNo="A1"))))
    await queue(desk, "A2", case="CASE-1")
    await queue(desk, "B1")
    await box.work(20)
    assert box.texts() == {
        NAME.format(1): f"{HEAD}CASE-1,A1\nCASE-B1,B1\n",
        "decisions_20270115_0002.csv": f"{HEAD}CASE-1,A1\n",
        NAME.format(3): f"{HEAD}CASE-1,A2\n",
    }
    first, second = f"{NAME.format(1)}.ok", "decisions_20270115_0002.csv"
    renamed = [each.removeprefix("rename out/") for each in box.watched.calls if each.startswith("rename")]
    assert renamed.index(first) < renamed.index(second)


async def test_a_message_that_the_format_cannot_hold_is_a_dead_letter_and_the_file_goes_without_it(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path)
    await queue(desk, "A1", "A-NUMBER-THAT-IS-TOO-LONG", "A3")
    await queue(desk, "A4", case="CASE-A-NUMBER-THAT-IS-TOO-LONG")
    await box.work(20)
    assert box.texts() == {NAME.format(1): f"{HEAD}CASE-A1,A1\nCASE-A3,A3\n"}
    assert desk.states() == ["delivered", "dead", "delivered", "pending"]
    assert desk.raised() == ["dead_letter"]


async def test_a_file_holds_at_most_as_many_as_the_profile_says(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"most": 2}))
    await queue(desk, "A1", "A2", case="CASE-1")
    await queue(desk, "B1", "B2", "B3")
    await box.work(20)
    assert [text.count("\n") - 1 for text in box.texts().values()] == [2, 2, 1]
    assert desk.count() == {"delivered": 5}


async def test_what_is_erased_before_it_goes_does_not_stop_the_file(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path)
    await queue(desk, "A1", "A2")
    with desk.journal.reading.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE data_keys SET wrapped = x'' WHERE scope LIKE '%CASE-A1%'")
    await box.work(20)
    assert list(box.texts().values()) == [f"{HEAD}CASE-A2,A2\n"]
    assert desk.states() == ["dead", "delivered"]


async def test_what_was_sent_by_another_way_and_may_have_arrived_is_held_where_the_profile_says_so(
    desk: Desk, tmp_path: Path
) -> None:
    said = profile()
    said["interfaces"]["applications"]["unknown"] = "hold"
    box = open_outbox(desk, tmp_path, said)
    await queue(desk, "A1", "A2")
    (first, _) = await desk.lease()
    await desk.settle(first, "pending", "unknown")
    await desk.journal.give_back([first.delivery_id + 1])
    await box.work(20)
    assert list(box.texts().values()) == [f"{HEAD}CASE-A2,A2\n"]
    assert desk.states() == ["held", "delivered"]


# --- when ------------------------------------------------------------------------------------------------------


async def test_messages_go_at_the_times_of_the_day_in_china_and_what_comes_later_at_the_next(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"at": ["11:30", "15:00"]}))
    desk.clock.time = at("2026-01-22T11:29:50")
    await queue(desk, "A1")
    await box.work(5)
    assert box.texts() == {}
    await box.work(15)
    assert list(box.texts()) == ["applications_20260122_0001.csv"]
    await queue(desk, "A2")
    await box.work(20)
    assert len(box.texts()) == 1
    desk.clock.time = at("2026-01-22T15:00:01")
    await box.work(20)
    assert list(box.texts()) == ["applications_20260122_0001.csv", "applications_20260122_0002.csv"]
    assert orjson.loads(box.manifest("applications_20260122_0002.csv"))["batchManifest"]["cutOff"].startswith(
        "2026-01-22T07:00:00"
    )


async def test_a_calendar_that_is_closed_has_no_times(desk: Desk, tmp_path: Path) -> None:
    files = {"at": "15:00", "calendar": "exchange"}
    box = open_outbox(desk, tmp_path, profile(files=files), calendars=Calendars())
    desk.clock.time = at("2026-01-23T15:00:01")  # a Friday
    await queue(desk, "A1")
    for day, there in (("2026-01-24T15:01", 0), ("2026-01-25T15:01", 0), ("2026-01-26T15:01", 1)):
        desk.clock.time = at(day)
        await box.work(5)
        assert len(box.texts()) == there
    assert list(box.texts()) == ["applications_20260126_0001.csv"]


async def test_a_cut_off_that_was_slept_through_is_made_up_for_under_its_own_day(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"at": "15:00"}))
    desk.clock.time = at("2026-01-22T14:00")
    await queue(desk, "A1")
    desk.clock.time = at("2026-01-23T09:00")
    await queue(desk, "A2")
    await box.work(5)
    assert box.texts() == {"applications_20260122_0001.csv": f"{HEAD}CASE-A1,A1\n"}


async def test_every_so_many_seconds_what_came_goes_together(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"every": 60}))
    await queue(desk, "A1")
    await box.work(61)
    await queue(desk, "A2")
    await box.work(30)
    await queue(desk, "A3")
    await box.work(61)
    assert [text.count("\n") - 1 for text in box.texts().values()] == [1, 2]


async def test_a_cut_off_with_nothing_to_say_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"at": "15:00"}))
    desk.clock.time = at("2026-01-22T15:00:01")
    await box.work(30)
    assert (box.names(), box.rows()) == ([], [])


async def test_where_the_profile_says_so_nothing_is_said_once_by_a_manifest_without_files(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"at": "15:00", "empty": True}))
    desk.clock.time = at("2026-01-22T15:00:01")
    await box.work(60)
    box = await box.again()
    await box.work(60)
    assert box.names() == ["empty_20260122_0001.manifest", "empty_20260122_0001.ok"]
    manifest = read_json(box.manifest("empty_20260122_0001"))
    assert (manifest["batchManifest"]["recordCount"], errors_in(check(manifest))) == ("0", [])


# --- names and numbers -----------------------------------------------------------------------------------------


async def test_numbers_have_no_gap_and_begin_anew_each_day_and_each_kind_counts_by_itself(
    desk: Desk, tmp_path: Path
) -> None:
    name = "OFD_201_99_{date}_{type}_{number:03}.TXT"
    box = open_outbox(desk, tmp_path, profile(files={"name": name}))
    desk.clock.time = at("2026-01-22T23:59:00")
    await queue(desk, "A1")
    await box.work(10)
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-A1", applicationNo="A1"))))
    await box.work(10)
    await queue(desk, "A2")
    await box.work(10)
    desk.clock.time = at("2026-01-23T00:00:01")
    box = await box.again()
    await queue(box.desk, "A3")
    await box.work(10)
    assert list(box.texts()) == [
        "OFD_201_99_20260122_applications_001.TXT",
        "OFD_201_99_20260122_applications_002.TXT",
        "OFD_201_99_20260122_decisions_001.TXT",
        "OFD_201_99_20260123_applications_001.TXT",
    ]
    assert [(row["day"], row["sequence"]) for row in box.rows()] == [
        ("2026-01-22", 1), ("2026-01-22", 2), ("2026-01-22", 3), ("2026-01-23", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"name": "out.csv"}, "names two files alike"),
        ({"name": "{date}_{number}"}, "names two files alike"),
        ({"name": "../{date}_{sequence}"}, "no name of files"),
        ({"name": "{date}_{sequence}_{who}"}, "none of"),
        ({"every": 60, "at": ["15:00"]}, "every or at"),
        ({"at": ["25:00"]}, "no time of a day"),
        ({"calendar": "exchange"}, "calendar goes with at"),
        ({"empty": True}, "empty needs at"),
        ({"mark": ".manifest"}, "three endings"),
        ({"index": {"name": "I_{date}", "creator": "1", "receiver": "2"}}, "index needs at"),
        ({"at": "15:00", "index": {"name": "I_{sequence}", "creator": "1", "receiver": "2"}}, "lists several"),
        ({"at": "15:00", "index": {"name": "I", "creator": "1", "receiver": "2"}}, "write {date}"),
        (
            {"at": ["11:30", "15:00"], "index": {"name": "I_{date}", "creator": "1", "receiver": "2"}},
            "several times a day",
        ),
    ],
)
def test_a_profile_that_files_cannot_go_by_is_refused(
    desk: Desk, tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    with pytest.raises(ProfileInvalid, match=said):
        channel_of(tmp_path / "data", profile(files=files), desk)


async def test_a_name_that_was_given_before_is_told_and_its_messages_go_once_there_is_another(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, profile(files={"name": "{interface}_{date}_{sequence:03}.csv"}))
    await queue(desk, "A1", case="CASE-1")
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-1", applicationNo="A1"))))
    await box.settled()
    await queue(desk, "A2")
    await box.settled()
    box = open_outbox(desk, tmp_path, profile(files={"name": "{interface}_{date}_{number:03}.csv"}))
    await queue(desk, "A3")
    await box.work(30)
    (told,) = [each for each in exceptions(desk.journal.reading) if each["kind"] == "batch"]
    assert told["detail"].startswith("file applications_20270115_003.csv: that name was given before;")
    assert desk.count() == {"delivered": 3, "pending": 1}
    box = open_outbox(desk, tmp_path, profile())
    await box.settled()
    assert desk.count() == {"delivered": 4}


@pytest.mark.parametrize(("spoken", "ending"), [(profile, ".csv"), (canonical, ".json")])
async def test_a_file_has_the_ending_of_its_format_where_the_profile_names_it_not(
    desk: Desk, tmp_path: Path, spoken: Callable[[], dict[str, Any]], ending: str
) -> None:
    box = open_outbox(desk, tmp_path, spoken())
    await queue(desk, "A1")
    await box.settled()
    assert [Path(each).suffix for each in box.texts()] == [ending]


def test_a_server_without_a_login_and_a_calendar_that_nobody_has_are_refused(desk: Desk, tmp_path: Path) -> None:
    channel = channel_of(tmp_path / "data", profile(url="sftp://gateway@bank.example/in"), desk)
    with pytest.raises(ProfileInvalid, match=r"push\.files\.login"):
        check_files([channel], Calendars())
    channel = channel_of(tmp_path / "data", profile(files={"at": "15:00", "calendar": "moon"}), desk)
    with pytest.raises(ProfileInvalid, match="moon is none of bank, exchange"):
        check_files([channel], Calendars())


# --- beside files ----------------------------------------------------------------------------------------------


async def test_files_of_a_channel_that_is_reached_by_another_way_now_give_back_what_is_in_them(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path)
    box.watched.before = refuse_writing
    await queue(desk, "A1", "A2")
    await box.loop.turn()
    await box.loop.turn()
    assert desk.states() == ["leased", "leased"]
    await desk.journal.rearrange("core", pushed=False)
    assert desk.states() == ["waiting", "waiting"]
    assert [row["state"] for row in box.rows()] == ["dissolved"]
    assert await desk.journal.run(lambda c: dissolve(c, "core", desk.clock())) == 0


def refuse_writing(call: str, name: str) -> None:
    if call == "write":
        raise PermissionError(13, "Permission denied", name)


async def test_the_bytes_of_a_file_are_kept_encrypted_and_only_until_it_has_arrived(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path)
    await queue(desk, "A-SECRET-1")
    await box.loop.turn()
    with desk.journal.reading.engine.begin() as connection:
        (content,) = connection.exec_driver_sql("SELECT content FROM outgoing_contents").scalars()
    assert b"A-SECRET" not in content
    await box.work(10)
    with desk.journal.reading.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM outgoing_contents").scalar() == 0
        keys = connection.exec_driver_sql("SELECT count(*) FROM data_keys WHERE scope LIKE 'outgoing:%'").scalar()
    assert keys == 0


# --- index files -----------------------------------------------------------------------------------------------

INDEX = {"name": "OFI_201_99_{date}_{number}.TXT", "creator": "201", "receiver": "99"}


def listing(**more: Any) -> dict[str, Any]:
    """Return a channel whose partner waits for the index of a time of the day."""
    files = {"at": ["11:30", "15:00"], "index": INDEX, "mark": None, "manifest": None} | more
    return profile(files=files)


async def opened(box: Outbox, case: str) -> None:
    """Let a case be opened the day before, so that it can be decided."""
    box.desk.clock.time = at("2026-01-21T14:00")
    await queue(box.desk, case.removeprefix("CASE-"))
    box.desk.clock.time = at("2026-01-21T15:00:01")
    await box.work(20)


def of_day(box: Outbox) -> list[str]:
    return [each for each in box.names() if "20260122" in each]


async def test_an_index_follows_all_files_of_its_time_and_then_their_messages_are_delivered(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, listing())
    await opened(box, "CASE-B1")
    desk.clock.time = at("2026-01-22T11:29")
    await queue(desk, "A1", "A2")
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-B1", applicationNo="B1"))))
    desk.clock.time = at("2026-01-22T11:30:01")
    states = []
    box.watched.before = lambda call, name: states.append(desk.states()) if "OFI" in name and call == "rename" else None
    await box.work(20)
    data = ["applications_20260122_0001.csv", "decisions_20260122_0002.csv"]
    assert states == [["delivered", *["leased"] * 3]]
    assert of_day(box) == ["OFI_201_99_20260122_1.TXT", *data]
    assert read_index((box.folder / "OFI_201_99_20260122_1.TXT").read_bytes()).names == tuple(data)
    assert desk.count() == {"delivered": 4}


async def test_what_follows_in_a_lane_goes_with_the_next_index_and_numbers_have_no_gap(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, listing())
    desk.clock.time = at("2026-01-22T11:00")
    await queue(desk, "A1", case="CASE-1")
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-1", applicationNo="A1"))))
    for now in ("2026-01-22T11:30:01", "2026-01-22T15:00:01"):
        desk.clock.time = at(now)
        await box.work(20)
    assert box.names() == [
        "OFI_201_99_20260122_1.TXT",
        "OFI_201_99_20260122_2.TXT",
        "applications_20260122_0001.csv",
        "decisions_20260122_0002.csv",
    ]


async def test_an_index_waits_for_a_file_that_does_not_come_through(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, listing(at=["15:00"], index=INDEX | {"name": "OFI_201_99_{date}.TXT"}))
    await opened(box, "CASE-B1")
    desk.clock.time = at("2026-01-22T14:00")
    await queue(desk, "A1")
    await desk.journal.submit(submission(entry(message("kycDecision", "CASE-B1", applicationNo="B1"))))

    def refused(call: str, name: str) -> None:
        if call == "write" and "decisions" in name:
            raise PermissionError(13, "Permission denied", name)

    box.watched.before = refused
    desk.clock.time = at("2026-01-22T15:00:01")
    await box.work(20)
    assert of_day(box) == ["applications_20260122_0001.csv"]
    assert desk.states() == ["delivered", "leased", "leased"]
    box = await box.again()
    await box.work(120)
    assert "OFI_201_99_20260122.TXT" in box.names()
    assert desk.count() == {"delivered": 3}


async def test_files_wait_for_no_index_once_the_profile_has_none(desk: Desk, tmp_path: Path) -> None:
    box = open_outbox(desk, tmp_path, listing())
    desk.clock.time = at("2026-01-22T11:29")
    await queue(desk, "A1")
    desk.clock.time = at("2026-01-22T11:30:01")
    await box.loop.turn()
    await box.loop.turn()
    box = open_outbox(desk, tmp_path, listing(index=None))
    await box.work(20)
    assert (box.names(), desk.states()) == (["applications_20260122_0001.csv"], ["delivered"])


async def test_an_index_of_which_nobody_knows_whether_it_arrived_holds_what_it_lists(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, listing())
    desk.clock.time = at("2026-01-22T11:29")
    await queue(desk, "A1")
    desk.clock.time = at("2026-01-22T11:30:01")
    box.watched.after = lambda call, name: (
        next(box.folder.glob("OFI*")).unlink() if call == "rename" and "OFI" in name else None
    )
    await box.work(120)
    assert (desk.states(), {row["state"] for row in box.rows()}) == (["held"], {"held"})


async def test_files_that_wait_for_their_index_are_of_unknown_outcome_once_the_channel_is_reached_otherwise(
    desk: Desk, tmp_path: Path
) -> None:
    box = open_outbox(desk, tmp_path, listing())
    desk.clock.time = at("2026-01-22T11:29")
    await queue(desk, "A1")
    desk.clock.time = at("2026-01-22T11:30:01")
    await box.loop.turn()
    await box.loop.turn()
    assert [row["state"] for row in box.rows()] == ["ready"]
    assert await desk.journal.run(lambda c: dissolve(c, "core", desk.clock())) == 1
    (delivery,) = desk.journal.reading.deliveries()
    assert (delivery["state"], [each["outcome"] for each in delivery["tried"]]) == ("pending", ["unknown"])
