"""The writer: whoever waits is answered in time, and what is at fault fails alone and says why."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, text

from tests.gateway.test_journal import KEY, accepted, entry, journal, message, open_journal, submission
from tests.postgres import Postgres
from xinqiao.errors import ContentRefused, JournalUnavailable
from xinqiao.seal import KeyRing
from xinqiao_gateway.journal import Accepted, Entry, Journal, Submission, writer

__all__ = ["journal"]


def one(case_id: str | None = None, **changes: Any) -> Entry:
    return entry(message("subscriptionOrder", case_id, **changes))


def many(count: int) -> Submission:
    return submission(*(one() for _ in range(count)))


async def test_a_database_that_hangs_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_LONGEST_WAIT", 0.3)
    monkeypatch.setattr(writer, "_HANGING", 0.1)
    journal = open_journal(tmp_path)
    first, second, third = submission(one()), submission(one()), submission(one())
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # for longer than anybody may wait, and less than the busy time-out
    with pytest.raises(JournalUnavailable, match="no commit within"):
        await journal.submit(first)
    assert not journal.healthy()
    with pytest.raises(JournalUnavailable, match="does not answer"):
        await journal.submit(second)
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.undo()
    async with asyncio.timeout(30):
        await journal.beat()
    assert journal.healthy()
    # What was under way when its caller gave up was stored; sent again it says so.
    assert [(await journal.submit(each))[0].repeat for each in (first, third)] == [True, False]  # type: ignore[union-attr]
    journal.close()


async def test_a_submission_that_nobody_waits_for_is_not_stored_later(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    held, released = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_connection: Connection) -> None:
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(30)

    holding = asyncio.create_task(journal.run(hold))
    await held.wait()
    left = asyncio.create_task(journal.submit(submission(one())))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    released.set()
    await holding
    (outcome,) = await journal.submit(submission(one()))
    assert accepted(outcome)["position"] == "1"
    journal.close()


@pytest.mark.parametrize("at", range(4))
async def test_what_postgresql_cannot_hold_fails_alone_with_a_reason(
    tmp_path: Path, postgres: Postgres, at: int
) -> None:
    journal = open_journal(tmp_path, url=postgres.journal_url())
    sent = [submission(one()) for _ in range(4)]
    poison = Submission(sent[at].entries, b"{}", "text/plain; x=\0", "signature", atomic=False)
    sent[at] = poison
    outcomes = await asyncio.gather(*map(journal.submit, sent), return_exceptions=True)
    error = outcomes[at]
    assert isinstance(error, ContentRefused)
    assert "NUL" in error.detail
    others = [each for number, each in enumerate(outcomes) if number != at]
    assert all(isinstance(each, list) and isinstance(each[0], Accepted) for each in others)
    assert journal.healthy()
    assert journal.verify(KeyRing([KEY.public()])).breaches == []
    journal.close()


async def test_an_overlong_value_is_refused_without_being_quoted(tmp_path: Path, postgres: Postgres) -> None:
    journal = open_journal(tmp_path, url=postgres.journal_url())
    found = submission(one())
    overlong = Submission(found.entries, found.content, "x" * 5000, found.signature, atomic=False)
    with pytest.raises(ContentRefused, match="too long") as raised:
        await journal.submit(overlong)
    assert "xxx" not in str(raised.value)
    assert journal.healthy()
    journal.close()


async def test_an_input_of_ten_thousand_messages_is_stored_whole(journal: Journal) -> None:
    large = many(10_000)
    outcomes, (small,) = await asyncio.gather(journal.submit(large), journal.submit(submission(one())))
    assert sorted(int(accepted(each)["position"]) for each in (*outcomes, small)) == list(range(1, 10_002))
    assert await journal.submit(large) == [Accepted(accepted(each), repeat=True) for each in outcomes]


async def test_an_act_that_is_refused_leaves_the_others_of_its_commit(journal: Journal) -> None:
    def fail(_connection: Connection) -> None:
        raise ContentRefused("no")

    def look(connection: Connection) -> object:
        return connection.execute(text("SELECT 1")).scalar()

    refusal, found = await asyncio.gather(journal.run(fail), journal.run(look), return_exceptions=True)
    assert isinstance(refusal, ContentRefused)
    assert found == 1


async def test_what_takes_too_long_or_asks_for_too_much_is_no_outage(tmp_path: Path, postgres: Postgres) -> None:
    journal = open_journal(tmp_path, url=postgres.journal_url())

    def slow(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = 20"))
        connection.execute(text("SELECT pg_sleep(60)"))

    def wide(connection: Connection) -> None:
        connection.execute(text("SELECT 1 WHERE 1 IN :all").bindparams(bindparam("all", range(70_000), expanding=True)))

    for act in (slow, wide):
        failed, outcomes = await asyncio.gather(
            journal.run(act), journal.submit(submission(one())), return_exceptions=True
        )
        assert isinstance(failed, JournalUnavailable)
        assert isinstance(outcomes, list)
        assert isinstance(outcomes[0], Accepted)
        assert journal.healthy()
    journal.close()


async def test_an_act_whose_values_the_database_cannot_hold_says_that(tmp_path: Path, postgres: Postgres) -> None:
    journal = open_journal(tmp_path, url=postgres.journal_url())
    with pytest.raises(ContentRefused, match="NUL"):
        await journal.run(lambda c: c.execute(text("SELECT :said"), {"said": "\0"}))
    assert journal.healthy()
    journal.close()
