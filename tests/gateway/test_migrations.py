"""Migrations: a journal that an older gateway wrote verifies, reads and goes on after its upgrade.

``journal-0001.jsonl`` is one that the gateway of revision 0001 wrote: its rows, its master key, its public key.
"""

import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, func, inspect, select, text

from tests.gateway.test_journal import accepted, entry, message, submission
from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json
from xinqiao.seal import KeyRing, VerifyingKey, new_key
from xinqiao_gateway.journal import Journal, database
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.journal.listing import exceptions
from xinqiao_gateway.journal.revisions import head, refuse_newer
from xinqiao_gateway.journal.search import Search, contents, found
from xinqiao_gateway.upkeep.archiving import Archiving
from xinqiao_gateway.upkeep.upgrade import Upgrade, planned, upgrade

OLD = Path(__file__).with_name("journal-0001.jsonl")
NEW_KEY = new_key("gateway-now")
# Numbered by the database, which must know how far it was.
SERIALS = {"deliveries": "delivery_id", "exceptions": "exception_id", "attempts": "attempt_id"}


ARCHIVED = (
    "INSERT INTO archives (first_batch, last_batch, first_position, last_position, file, digest, archived_at) VALUES"
    " (:first_batch, :last_batch, :first_position, :last_position, :file, :digest, :archived_at)"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    made: str = request.getfixturevalue("postgres").url()
    return made


@pytest.fixture
def old(url: str, tmp_path: Path) -> tuple[str, Json]:
    """Write the old journal at its revision; return its URL and what it says of itself."""
    said, *lines = (orjson.loads(line) for line in OLD.read_bytes().splitlines())
    engine = open_engine(url, writing=True)
    migrate_to(engine, said["revision"])
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for line in lines:
            ((name, row),) = line.items()
            table = metadata.tables[name]
            connection.execute(table.insert().values({each: value_of(each, row[each]) for each in row}))
        if engine.dialect.name == "postgresql":
            for name, key in SERIALS.items():
                sequence = func.pg_get_serial_sequence(name, key)
                connection.execute(select(func.setval(sequence, func.max(metadata.tables[name].c[key]))))
    engine.dispose()
    (tmp_path / "master.key").write_text(said["master_key"])
    (tmp_path / "master.key").chmod(0o600)
    return url, said


def value_of(column: str, value: Any) -> Any:
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return bool(value) if column == "test" else value


def migrate_to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def open_old(url: str, tmp_path: Path) -> Journal:
    return Journal.open(url, tmp_path / "master.key", NEW_KEY)


async def test_an_old_journal_verifies_and_reads_after_its_upgrade(old: tuple[str, Json], tmp_path: Path) -> None:
    url, said = old
    assert planned(url) == Upgrade("0001", head())
    assert upgrade(url) == Upgrade("0001", head())
    assert not planned(url).is_needed
    journal = open_old(url, tmp_path)
    old_key = VerifyingKey.from_jwk(said["public_key"])
    result = journal.verify(KeyRing([old_key]))
    assert (result.messages, result.batches, result.breaches) == (6, 4, [])
    read = [row["position"] for row, message_ in contents(journal.reading, Search()) if "header" in message_]
    assert read == [1, 2, 3, 4, 5, 6]
    assert [each["position"] for each in found(journal.reading, Search(case_id="CASE-1"))] == [1, 6]
    assert len(found(journal.reading, Search(since="2026-11-23", until="2026-11-24"))) == 6
    assert sorted(each["kind"] for each in exceptions(journal.reading)) == ["dead_letter", "unexpected_fact"]
    # It goes on: a repeat is known, what is new follows in the chain.
    first = next(message_ for row, message_ in contents(journal.reading, Search(case_id="CASE-1")))
    (again,) = await journal.submit(submission(entry(first)))
    (new,) = await journal.submit(submission(entry(message("kycApplication", "NEW"))))
    assert (accepted(again)["position"], accepted(new)["position"]) == ("1", "7")
    assert journal.verify(KeyRing([old_key, NEW_KEY.public()])).breaches == []
    journal.close()


async def test_what_was_under_way_before_the_upgrade_is_delivered_after_it(
    old: tuple[str, Json], tmp_path: Path
) -> None:
    """A lease of before has no holder: it is over with the process that had it, or with its time."""
    journal = open_old(old[0], tmp_path)
    due = await journal.lease("core", 10, 60)
    assert [each.position for each in due] == [3, 4, 5]
    states = {each["position"]: each["state"] for each in journal.reading.deliveries()}
    assert states == {1: "delivered", 2: "dead", 3: "leased", 4: "leased", 5: "leased", 6: "parked"}
    journal.close()


def test_an_upgrade_gives_postgresql_an_index_of_the_bytes_of_case_ids(old: tuple[str, Json]) -> None:
    url, _ = old
    upgrade(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        found_ = {each["name"]: each["column_names"] for each in inspect(connection).get_indexes("cases")}
    engine.dispose()
    assert found_.get("ix_cases_case_id") == (["case_id"] if url.startswith("postgresql") else None)


async def test_an_archive_of_before_is_signed_by_the_next_run_that_finds_its_file(
    old: tuple[str, Json], tmp_path: Path
) -> None:
    """Nobody signed for it then: its file proves it, and without that anybody could have written its row."""
    url, said = old
    old_key = VerifyingKey.from_jwk(said["public_key"])
    keys = KeyRing([old_key, NEW_KEY.public()])
    upgrade(url)
    journal = open_old(url, tmp_path)
    archiving = Archiving(journal, NEW_KEY, former=(old_key,))
    (file,) = await archiving.archive("2999-01-01", tmp_path / "out")
    (row,) = archiving.archives()
    await journal.run(lambda c: c.exec_driver_sql("DELETE FROM archives"))
    await journal.run(lambda c: c.execute(text(ARCHIVED), {name: row[name] for name in row if f":{name}" in ARCHIVED}))
    await archiving.archive("2000-01-01", tmp_path / "elsewhere")
    (breach,) = journal.verify(keys).breaches
    assert f"({file.name}) is nothing that the gateway said" in breach
    await archiving.archive("2000-01-01", file.parent)
    found_ = journal.verify(keys, file.parent)
    assert (found_.breaches, found_.archived > 0, found_.not_looked_at) == ([], True, 0)
    journal.close()


def test_a_journal_of_a_newer_gateway_is_refused(url: str, tmp_path: Path) -> None:
    upgrade(url)
    engine = open_engine(url, writing=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with engine.begin() as connection, pytest.raises(SettingsInvalid, match=r"9999.*a newer gateway"):
        refuse_newer(connection)
    engine.dispose()
    for refused in (planned, upgrade, lambda at: open_old(at, tmp_path)):
        with pytest.raises(SettingsInvalid, match="9999"):
            refused(url)


def test_an_upgrade_that_fails_changes_nothing(old: tuple[str, Json], monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = old
    engine = open_engine(url, writing=True)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alarms (unexpected INTEGER)"))
    with pytest.raises(SettingsInvalid, match="cannot be upgraded"):
        upgrade(url)
    with engine.begin() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
        columns = connection.execute(text("SELECT * FROM batches LIMIT 1")).keys()
    assert "accepted_at" not in columns
    engine.dispose()


def test_nodes_that_start_together_upgrade_once(old: tuple[str, Json], tmp_path: Path) -> None:
    url, said = old
    opened: list[Journal] = []
    failed: list[Exception] = []

    def start() -> None:
        try:
            opened.append(open_old(url, tmp_path))
        except Exception as error:  # noqa: BLE001 -- shown below
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (failed, len(opened)) == ([], 4)
    keys = KeyRing([VerifyingKey.from_jwk(said["public_key"])])
    assert [journal.verify(keys).breaches for journal in opened] == [[], [], [], []]
    for journal in opened:
        journal.close()


def test_a_new_database_is_brought_to_the_last_revision(url: str) -> None:
    assert (upgrade(url), planned(url)) == (Upgrade(None, head()), Upgrade(head(), head()))
