"""Archives: contents move to files and back, whole or not at all, and evidence, search and idempotency stay."""

import gzip
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.gateway.test_journal import KEY, accepted, entry, journal, message, open_journal, submission
from xinqiao.errors import Conflict, ContentGone, JournalUnavailable, SealInvalid, SettingsInvalid
from xinqiao.evidence import CHAIN_TYPE
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import KeyRing, new_key, seal
from xinqiao_gateway.journal import Journal, Settlement, archive, release, tables
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.upkeep.archive_file import check_archive, manifest_path
from xinqiao_gateway.upkeep.archiving import Archiving, silent

__all__ = ["journal"]

KEYS = KeyRing([KEY.public()])
AHEAD = datetime(2999, 1, 1, tzinfo=UTC)
LATER = "2999-01-01"


async def settle_all(journal: Journal) -> None:
    while due := await journal.lease("core", 100, 60):
        for each in due:
            done = Settlement(each.delivery_id, "delivered", "delivered", "", "0000", lease=each.lease)
            await journal.settle(done)


async def filled(journal: Journal, count: int = 5) -> list[Json]:
    """Accept and deliver messages of cases of their own, one of every two as its raw input only."""
    sent = [message("kycApplication", f"C{number}") for number in range(count)]
    for number, each in enumerate(sent):
        await journal.submit(submission(entry(each, raw=number % 2 == 0)))
    await settle_all(journal)
    return sent


def shown(journal: Journal, sent: list[Json]) -> list[Json]:
    return [journal.reading.message(each["header"]["messageId"])["message"] for each in sent]


def contents(journal: Journal) -> int:
    m, r = tables.messages.c, tables.raws.c
    with journal.reading.engine.begin() as connection:
        rows = connection.execute(select(r.content, m.canonical).join(tables.raws, r.raw_id == m.raw_id)).all()
    return sum(bool(row.content) or row.canonical is not None for row in rows)


async def test_what_is_settled_moves_to_a_file_and_comes_back(journal: Journal, tmp_path: Path) -> None:
    sent = await filled(journal)
    before = journal.verify(KEYS)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    assert (file.name, contents(journal)) == ("archive-1-5.jsonl.gz", 0)
    assert journal.verify(KEYS) == before
    with pytest.raises(ContentGone, match="unarchive"):
        shown(journal, sent)
    await Archiving(journal, KEY).unarchive(file)
    assert shown(journal, sent) == sent
    assert journal.verify(KEYS) == before
    assert Archiving(journal, KEY).archives() == []


async def test_an_archived_message_is_found_and_its_repeat_gets_the_first_receipt(
    journal: Journal, tmp_path: Path
) -> None:
    first = message("kycApplication")
    (outcome,) = await journal.submit(submission(entry(first)))
    await settle_all(journal)
    await Archiving(journal, KEY).archive(LATER, tmp_path)
    (again,) = await journal.submit(submission(entry(first)))
    assert accepted(again) == accepted(outcome)
    assert [row["position"] for row in found(journal.reading, Search(case_id="CASE-1"))] == [1]


async def test_what_somebody_waits_for_stays_with_all_that_came_after_it(journal: Journal, tmp_path: Path) -> None:
    await filled(journal, 3)
    await journal.submit(submission(entry(message("kycApplication", "OPEN"), pushed=False)))
    await filled_after(journal)
    archiving = Archiving(journal, KEY)
    assert [file.name for file in await archiving.archive(LATER, tmp_path)] == ["archive-1-3.jsonl.gz"]
    assert archiving.eligible(LATER) == archive.Eligible(None, 4)


async def filled_after(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication", "AFTER"))))
    await settle_all(journal)


async def test_an_open_exception_keeps_its_message(journal: Journal, tmp_path: Path) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    (due,) = await journal.lease("core", 10, 60)
    await journal.settle(Settlement(due.delivery_id, "dead", "refused", "destination_refused", "no", lease=due.lease))
    await journal.run(lambda c: release.skip(c, due.delivery_id, "done by hand", now=journal.now(), by="anna"))
    x = tables.exceptions
    await journal.run(lambda c: c.execute(update(x).values(state="open")))
    assert await Archiving(journal, KEY).archive(LATER, tmp_path) == []
    await journal.run(lambda c: c.execute(update(x).values(state="resolved")))
    assert len(await Archiving(journal, KEY).archive(LATER, tmp_path)) == 1


async def test_what_was_accepted_since_stays(journal: Journal, tmp_path: Path) -> None:
    await filled(journal, 2)
    assert await Archiving(journal, KEY).archive("2000-01-01", tmp_path) == []
    assert contents(journal) == 2


async def test_archives_follow_each_other_and_one_taken_back_is_archived_again(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.upkeep.archiving._LARGEST_FILE", 2)
    monkeypatch.setattr("xinqiao_gateway.upkeep.archiving._LARGEST_COMMIT", 1)
    sent = await filled(journal)
    archiving = Archiving(journal, KEY)
    names = ["archive-1-2.jsonl.gz", "archive-3-4.jsonl.gz", "archive-5-5.jsonl.gz"]
    files = await archiving.archive(LATER, tmp_path)
    assert [file.name for file in files] == names
    await archiving.unarchive(files[1])
    assert shown(journal, sent[2:4]) == sent[2:4]
    assert [file.name for file in await archiving.archive(LATER, tmp_path)] == names[1:2]
    assert (journal.verify(KEYS).breaches, contents(journal)) == ([], 0)


class Fault(Exception):
    """The process ends here."""


def failing(_self: object, *_given: Any, **_named: Any) -> Any:
    raise Fault


def failing_second() -> Callable[..., Any]:
    """Return a step that works once and then fails."""
    clear, calls = archive.clear, iter((False, True))
    return lambda *given: failing(*given) if next(calls) else clear(*given)


# What fails, and how many contents are still there then.
STEPS = {
    "while it is written": ("upkeep.archive_file._line", failing, 4),
    "before it is read back": ("upkeep.archiving.check_archive", failing, 4),
    "before it is known": ("journal.archive.register", failing, 4),
    "before contents go": ("upkeep.archiving.Archiving._clear", failing, 4),
    "while contents go": ("journal.archive.clear", failing_second(), 3),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_leaves_the_journal_whole_and_the_next_run_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    journal = open_journal(tmp_path)
    sent = await filled(journal, 4)
    monkeypatch.setattr("xinqiao_gateway.upkeep.archiving._LARGEST_COMMIT", 1)
    name, fault, left = STEPS[step]
    with monkeypatch.context() as patched:
        patched.setattr(f"xinqiao_gateway.{name}", fault)
        with pytest.raises((Fault, JournalUnavailable)):
            await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    journal.close()
    journal = open_journal(tmp_path)
    assert (journal.verify(KEYS).breaches, contents(journal)) == ([], left)
    await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    assert (journal.verify(KEYS).breaches, contents(journal)) == ([], 0)
    (known,) = Archiving(journal, KEY).archives()
    await Archiving(journal, KEY).unarchive(tmp_path / "out" / known["file"])
    assert shown(journal, sent) == sent
    journal.close()


async def test_an_archive_is_checked_without_the_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await filled(journal, 3)
    chain = journal.verify(KEYS).chain
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    journal.close()
    (tmp_path / "journal.db").unlink()
    manifest = check_archive(file, KEYS, silent)
    assert (manifest["first_batch"], manifest["last_batch"], manifest["after"]) == (1, 3, chain)
    with pytest.raises(SealInvalid):
        check_archive(file, KeyRing([new_key("other").public()]), silent)


async def test_an_archive_that_was_damaged_or_changed_is_refused_and_nothing_comes_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    content = file.read_bytes()
    for damaged in (content[:-20], content[:200] + b"x" + content[201:], b"", gzip.compress(b"{}\n")):
        file.write_bytes(damaged)
        with pytest.raises(SealInvalid):
            await Archiving(journal, KEY).unarchive(file)
    file.unlink()
    with pytest.raises(SettingsInvalid):
        await Archiving(journal, KEY).unarchive(file)
    assert contents(journal) == 0
    journal.close()


async def test_a_forged_manifest_is_refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    manifest = manifest_path(file)
    manifest.write_bytes(manifest.read_bytes().replace(b'"last_batch":2', b'"last_batch":3'))
    with pytest.raises(SealInvalid):
        check_archive(file, KEYS, silent)
    manifest.unlink()
    with pytest.raises(SettingsInvalid, match="beside"):
        check_archive(file, KEYS, silent)
    journal.close()


async def test_an_archive_of_another_journal_is_a_conflict(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (open_journal(tmp_path / name) for name in ("one", "two"))
    await filled(one, 2)
    await filled(two, 2)
    (file,) = await Archiving(one, KEY).archive(LATER, tmp_path / "out")
    with pytest.raises(Conflict, match="not the one of this journal"):
        await Archiving(two, KEY).unarchive(file)
    assert two.verify(KEYS).breaches == []
    one.close()
    two.close()


def claims(journal: Journal) -> list[Json]:
    """Return the rows that say what is archived, without their numbers."""
    rows = Archiving(journal, KEY).archives()
    return [{name: value for name, value in row.items() if name != "archive_id"} for row in rows]


async def test_who_deletes_contents_and_says_that_they_are_archived_is_found(journal: Journal, tmp_path: Path) -> None:
    """A row as the gateway would write it, and a file of that name and digest; its key alone is missing."""
    await filled(journal)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path)
    (real,) = claims(journal)
    forged = archive.claim(real, bytes.fromhex(journal.verify(KEYS).chain))
    signature = seal(forged, archive.CLAIM_TYPE, new_key("gateway-test")).signature
    for changed in ({"signature": signature}, {"signature": ""}, {"digest": "0" * 64}, {"archived_at": "2020-01-01"}):
        await journal.run(lambda c, changed=changed: c.execute(update(tables.archives).values(changed)))  # type: ignore[misc]
        (breach,) = journal.verify(KEYS, tmp_path).breaches
        assert breach.startswith(f"archive 1 ({file.name}) is nothing that the gateway said")
        await journal.run(lambda c: c.execute(update(tables.archives).values(real)))
    assert journal.verify(KEYS, tmp_path).breaches == []


async def test_what_was_said_of_another_journal_says_nothing_of_this_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (open_journal(tmp_path / name) for name in ("one", "two"))
    await filled(one, 2)
    await filled(two, 2)
    await Archiving(one, KEY).archive(LATER, tmp_path)
    await two.run(lambda c: c.execute(insert(tables.archives).values(claims(one))))
    (breach,) = two.verify(KEYS, tmp_path).breaches
    assert "is nothing that the gateway said" in breach
    one.close()
    two.close()


async def test_verification_looks_at_the_files_of_a_folder_and_counts_what_it_does_not_look_at(
    tmp_path: Path,
) -> None:
    journal = open_journal(tmp_path)
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    await filled_after(journal)
    found = [journal.verify(KEYS, folder) for folder in (None, tmp_path / "out")]
    assert [(each.breaches, each.archived, each.not_looked_at) for each in found] == [([], 2, 2), ([], 2, 0)]

    def said() -> tuple[list[str], int]:
        result = journal.verify(KEYS, file.parent)
        return result.breaches, result.not_looked_at

    named = f"archive 1 ({file.name})"
    file.write_bytes(b"another")
    assert said() == ([f"{named} is another file than the one that was archived"], 2)
    file.unlink()
    assert said() == ([f"{named} cannot be read: {file}: No such file or directory"], 2)
    file.mkdir()
    assert said() == ([f"{named} cannot be read: {file}: Is a directory"], 2)
    journal.close()


async def test_an_old_claim_put_back_proves_nothing_without_its_file(journal: Journal, tmp_path: Path) -> None:
    """Who may write to the database deletes contents and says again what the gateway signed of them once."""
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path)
    (old,) = claims(journal)
    await Archiving(journal, KEY).unarchive(file)
    file.unlink()
    await journal.run(lambda c: c.execute(insert(tables.archives).values(old)))
    await journal.run(lambda c: archive.clear(c, 1, 2))
    unseen = journal.verify(KEYS)
    assert (unseen.breaches, unseen.not_looked_at) == ([], 2)
    (breach,) = journal.verify(KEYS, tmp_path).breaches
    assert "cannot be read" in breach


async def unsign(journal: Journal, **changed: Any) -> None:
    """Make the row of an archive one from before the gateway signed."""
    await journal.run(lambda c: c.execute(update(tables.archives).values(signature="", **changed)))


async def test_an_archive_of_before_is_signed_where_its_file_proves_it(journal: Journal, tmp_path: Path) -> None:
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    await unsign(journal)
    assert len(journal.verify(KEYS).breaches) == 1
    assert await Archiving(journal, KEY).archive(LATER, tmp_path / "elsewhere") == []
    assert len(journal.verify(KEYS).breaches) == 1
    assert await Archiving(journal, KEY).archive(LATER, file.parent) == []
    found = journal.verify(KEYS, file.parent)
    assert (found.breaches, found.not_looked_at) == ([], 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "0" * 64}, {"first_position": 2}, {"last_position": 3}, {"first_batch": 2}, {"last_batch": 3},
        {"last_batch": 9},
    ],
)  # fmt: skip
async def test_an_archive_that_its_file_does_not_prove_stays_unsigned(
    journal: Journal, tmp_path: Path, changed: dict[str, Any]
) -> None:
    await filled(journal, 2)
    await Archiving(journal, KEY).archive(LATER, tmp_path)
    await filled_after(journal)
    await unsign(journal, **changed)
    with pytest.raises(SettingsInvalid, match="another file than the one that the journal knows"):
        await Archiving(journal, KEY).finish(tmp_path)
    assert [each["signature"] for each in claims(journal)] == [""]


async def test_a_damaged_archive_of_before_stays_unsigned(journal: Journal, tmp_path: Path) -> None:
    await filled(journal, 2)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path)
    file.write_bytes(b"another")
    await unsign(journal)
    with pytest.raises(SealInvalid):
        await Archiving(journal, KEY).finish(tmp_path)
    assert [each["signature"] for each in claims(journal)] == [""]


async def test_an_archive_of_before_of_another_journal_is_not_signed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (open_journal(tmp_path / name) for name in ("one", "two"))
    await filled(one, 2)
    await filled(two, 2)
    await Archiving(one, KEY).archive(LATER, tmp_path)
    await two.run(lambda c: c.execute(insert(tables.archives).values(claims(one))))
    await unsign(two)
    with pytest.raises(SettingsInvalid, match="another file than the one that the journal knows"):
        await Archiving(two, KEY).finish(tmp_path)
    one.close()
    two.close()


async def test_what_a_clock_signed_that_was_ahead_is_archived_and_checked(journal: Journal, tmp_path: Path) -> None:
    await filled(journal, 1)
    (row,) = (row for kind, row in read_rows(journal) if kind == "batch")
    signature = seal(row["chain"], CHAIN_TYPE, KEY, AHEAD).signature
    await journal.run(lambda c: c.execute(update(tables.batches).values(signature=signature)))
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path)
    stored = read_json(manifest_path(file).read_bytes())
    sealed = seal(write_json(stored["manifest"]), "application/vnd.xinqiao.manifest+json", KEY, AHEAD)
    manifest_path(file).write_bytes(write_json(stored | {"signature": sealed.signature}))
    assert check_archive(file, KEYS, silent)["last_batch"] == 1
    assert journal.verify(KEYS, tmp_path).breaches == []


def read_rows(journal: Journal) -> list[tuple[str, Any]]:
    with journal.reading.engine.begin() as connection:
        return list(archive.rows_of(connection, archive.Span(1, 1, 1, 1)))


async def test_what_is_erased_after_it_was_archived_stays_erased(journal: Journal, tmp_path: Path) -> None:
    (sent,) = await filled(journal, 1)
    (file,) = await Archiving(journal, KEY).archive(LATER, tmp_path)
    parties = "|".join(sorted((sent["header"]["sender"], sent["header"]["receiver"])))
    await journal.run(lambda c: erase_case(c, "C0", False, parties, "asked for", "2026-11-23T00:00:00Z"))
    await Archiving(journal, KEY).unarchive(file)
    with pytest.raises(ContentGone, match="destroyed"):
        shown(journal, [sent])
    assert journal.verify(KEYS).breaches == []


async def test_two_that_archive_at_once_do_it_once(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(journal, 2)
    register = archive.register

    def twice(*given: Any) -> None:
        register(*given)
        register(*given)

    monkeypatch.setattr(archive, "register", twice)
    with pytest.raises(Conflict, match="already"):
        await Archiving(journal, KEY).archive(LATER, tmp_path)
    assert (contents(journal), Archiving(journal, KEY).archives()) == (2, [])


async def test_a_compacted_journal_gives_the_pages_of_large_messages_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db", isolation_level=None) as connection:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("VACUUM")
    connection.close()
    journal = open_journal(tmp_path)
    for number in range(5):
        large = replace(submission(entry(message("kycApplication", f"C{number}"))), content=bytes(100_000))
        await journal.submit(large)
    await settle_all(journal)
    pages = "PRAGMA page_count"
    before = await journal.run(lambda c: c.exec_driver_sql(pages).scalar_one())
    await Archiving(journal, KEY).archive(LATER, tmp_path / "out")
    after = await journal.run(lambda c: c.exec_driver_sql(pages).scalar_one())
    empty = await journal.run(lambda c: c.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    assert (before - after > 100, empty) == (True, 0)
    assert journal.verify(KEYS).breaches == []
    journal.close()
