"""A SQLite journal that is full, locked, read-only, gone or damaged promises nothing, and keeps what it promised."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Enter, House, Pragmas, endure, fresh
from tests.gateway.test_journal import accepted, entry, message, open_journal, submission
from xinqiao.errors import JournalUnavailable, SettingsInvalid


def file_of(house: House) -> Path:
    return house.gateway.installation.data / "journal.db"


def test_a_locked_database(enter: Enter, pragmas: Pragmas) -> None:
    pragmas.said = ["PRAGMA busy_timeout=100"]
    house = enter()
    other = sqlite3.connect(file_of(house), isolation_level=None, check_same_thread=False)
    endure(house, lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK"))
    other.close()


def test_a_read_only_database(enter: Enter, pragmas: Pragmas) -> None:
    house = enter()
    endure(house, *switch(pragmas, "PRAGMA query_only=ON", "PRAGMA query_only=OFF"))


def test_a_full_disk(enter: Enter, pragmas: Pragmas) -> None:
    house = enter()
    fill, empty = switch(pragmas, "PRAGMA max_page_count=1", "PRAGMA max_page_count=1000000")

    def fill_up() -> None:
        fill()
        for _ in range(200):  # what its pages still hold
            if house.send(fresh()).status_code == 503:
                return
        raise AssertionError("it never was full")

    endure(house, fill_up, empty)


def switch(pragmas: Pragmas, on: str, off: str) -> tuple[Callable[[], None], Callable[[], None]]:
    return lambda: setattr(pragmas, "said", [on]), lambda: setattr(pragmas, "said", [off])


def test_a_file_that_is_moved_away_and_back(enter: Enter) -> None:
    house = enter()
    file = file_of(house)
    away = file.with_name("away.db")

    def move() -> None:
        file.rename(away)

    def back() -> None:
        assert not file.exists(), "somebody made an empty one"
        away.rename(file)

    endure(house, move, back)


async def test_another_file_in_its_place_is_refused_until_the_restart(tmp_path: Path) -> None:
    journal, file = open_journal(tmp_path), tmp_path / "journal.db"
    found = message("kycApplication")
    await journal.submit(submission(entry(found)))
    shutil.copy(file, tmp_path / "other.db")
    (tmp_path / "other.db").rename(file)
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="restart"):
            await journal.submit(submission(entry(message("kycApplication", "C2"))))
    with pytest.raises(JournalUnavailable, match="restart"):
        journal.reading.message(found["header"]["messageId"])
    assert not journal.healthy()
    journal.close()


async def test_a_damaged_file_is_said_so_and_its_backup_goes_on(tmp_path: Path) -> None:
    journal, file = open_journal(tmp_path), tmp_path / "journal.db"
    first = message("kycApplication")
    (outcome,) = await journal.submit(submission(entry(first)))
    journal.close()
    whole = file.read_bytes()
    # All but the first page, which holds the schema.
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises((SettingsInvalid, JournalUnavailable), match=r"malformed|DatabaseError"):
        await open_journal(tmp_path).submit(submission(entry(message("kycApplication", "C2"))))
    file.write_bytes(whole)
    again = open_journal(tmp_path)
    (repeated,) = await again.submit(submission(entry(first)))
    assert accepted(repeated) == accepted(outcome)
    again.close()
