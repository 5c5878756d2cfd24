"""The journal: what is acknowledged is durable, numbered without gaps, proven and unreadable without its keys."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, insert, literal, select, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import OperationalError

from tests.postgres import Postgres
from xinqiao.errors import (
    Conflict,
    ContentRefused,
    JournalUnavailable,
    KeyUnusable,
    NotFound,
    OutOfOrder,
    SettingsInvalid,
)
from xinqiao.evidence import verify_receipt
from xinqiao.message import Header, Json, content_digest, message_type, new_message_id, write_json
from xinqiao.seal import KeyRing, SigningKey, new_key
from xinqiao.testing import example
from xinqiao_gateway.journal import (
    Accepted,
    Entry,
    Journal,
    Outcome,
    Refused,
    Selection,
    Settlement,
    Submission,
    holds,
    release,
)
from xinqiao_gateway.journal.database import migrate, open_engine
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.listing import exceptions
from xinqiao_gateway.journal.tables import cases, messages, metadata
from xinqiao_gateway.journal.timeline import timeline

KEY = new_key("gateway-test")


def open_journal(folder: Path, key: SigningKey = KEY, url: str | None = None) -> Journal:
    return Journal.open(url or f"sqlite:///{folder / 'journal.db'}", folder / "master.key", key)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Journal]:
    url = request.getfixturevalue("postgres").journal_url() if request.param == "postgresql" else None
    journal = open_journal(tmp_path, url=url)
    yield journal
    journal.close()


def message(body: str, case_id: str | None = "CASE-1", **changes: Any) -> Json:
    found = example(body, messageId=new_message_id())
    header = {name: part for name, part in found["header"].items() if name != "caseId"}
    if case_id:
        header["caseId"] = case_id
    return {"header": header, body: found[body] | changes}


def entry(
    found: Json,
    channel: str = "bank",
    destination: str = "core",
    key: str | None = None,
    *,
    raw: bool = False,
    pushed: bool = True,
) -> Entry:
    header = Header.of(found)
    kind = message_type(found)
    return Entry(
        header=header,
        message_type=kind,
        message=found,
        channel=channel,
        interface="any",
        key=key or header.message_id,
        digest=content_digest(found),
        canonical=None if raw else write_json(found),
        destinations=((destination, pushed),),
    )


def submission(*entries: Entry, atomic: bool = False) -> Submission:
    content = write_json(entries[0].message)
    return Submission(entries, content, "application/json", "header..signature", atomic)


def pushed(_channel: str) -> bool:
    return True


async def replay(journal: Journal, delivery_id: int) -> None:
    await journal.run(lambda c: release.replay(c, delivery_id, pushed, now=journal.now(), reason="mended", by="anna"))


async def release_parked(journal: Journal, pushed: Callable[[str], bool]) -> set[str]:
    """Let the one message go on that is parked."""
    (parked,) = journal.reading.deliveries("parked")

    def act(connection: Connection) -> set[str]:
        return holds.release_held(
            connection, journal.reading, parked["position"], pushed, now=journal.now(), reason="known", by="anna+bo"
        )

    return await journal.run(act)


def accepted(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Accepted)
    return outcome.receipt


def refused(outcome: Outcome) -> Exception:
    assert isinstance(outcome, Refused)
    return outcome.error


async def test_a_receipt_names_the_message_its_position_and_proves_it(journal: Journal) -> None:
    found = message("kycApplication")
    (outcome,) = await journal.submit(submission(entry(found)))
    receipt = accepted(outcome)
    assert receipt["acceptedMessageId"] == found["header"]["messageId"]
    assert receipt["position"] == "1"
    assert receipt["digest"] == {"algorithm": "SHA256", "value": content_digest(found)}
    assert verify_receipt(receipt, KeyRing([KEY.public()]), found) == "gateway-test"


async def test_a_repeat_gets_the_first_receipt_again(journal: Journal) -> None:
    found = message("kycApplication")
    (first,) = await journal.submit(submission(entry(found)))
    await asyncio.gather(*(journal.submit(submission(entry(message("kycApplication", f"C{n}")))) for n in range(20)))
    (again,) = await journal.submit(submission(entry(found)))
    assert again == Accepted(accepted(first), repeat=True)


async def test_the_same_key_with_other_content_is_a_conflict_and_changes_nothing(journal: Journal) -> None:
    found = message("kycApplication")
    await journal.submit(submission(entry(found)))
    changed = {**found, "kycApplication": found["kycApplication"] | {"purpose": "其他"}}
    (outcome,) = await journal.submit(submission(entry(changed)))
    assert isinstance(refused(outcome), Conflict)
    assert journal.reading.message(found["header"]["messageId"])["message"] == found


async def test_positions_are_gapless_and_refusals_take_none(journal: Journal) -> None:
    orders = [message("subscriptionOrder", None) for _ in range(50)]
    late = [message("deliveryInstruction", f"NONE-{n}") for n in range(10)]
    outcomes = await asyncio.gather(*(journal.submit(submission(entry(each))) for each in [*orders, *late]))
    positions = sorted(int(each.receipt["position"]) for (each,) in outcomes if isinstance(each, Accepted))
    assert positions == list(range(1, 51))
    assert all(isinstance(refused(outcome), OutOfOrder) for (outcome,) in outcomes[50:])


async def test_an_atomic_input_is_accepted_whole_or_not_at_all(journal: Journal) -> None:
    good, bad = message("subscriptionOrder", None), message("deliveryInstruction", "NONE")
    outcomes = await journal.submit(submission(entry(good), entry(bad), atomic=True))
    assert [type(refused(outcome)).__name__ for outcome in outcomes] == ["BatchRefused", "OutOfOrder"]
    with pytest.raises(NotFound):
        journal.reading.message(good["header"]["messageId"])
    (outcome, other) = await journal.submit(submission(entry(good), entry(bad)))
    assert accepted(outcome)["position"] == "1"
    assert isinstance(refused(other), OutOfOrder)


async def test_the_same_key_twice_in_one_input_is_stored_once(journal: Journal) -> None:
    found = message("subscriptionOrder", None)
    first, second = await journal.submit(submission(entry(found), entry(found), atomic=True))
    assert second == Accepted(accepted(first), repeat=True)
    assert journal.verify(KeyRing([KEY.public()])).messages == 1


async def test_a_record_that_returns_to_an_older_body_is_a_correction_again(journal: Journal) -> None:
    a, b = message("kycApplication"), message("kycApplication")
    b["kycApplication"] |= {"applicationNo": "OTHER"}
    sent = [replace(entry(each, key="K1"), corrects=True) for each in (a, b, b, a, a, b)]
    outcomes = [each for one in sent for each in await journal.submit(submission(one))]
    got = [(accepted(each)["position"], isinstance(each, Accepted) and each.repeat) for each in outcomes]
    assert got == [("1", False), ("2", False), ("2", True), ("3", False), ("3", True), ("4", False)]
    raised = [each["detail"] for each in exceptions(journal.reading) if each["kind"] == "correction"]
    assert raised == ["corrects position 1", "corrects position 2", "corrects position 3"]
    with journal.reading.engine.begin() as connection:
        keys = connection.execute(select(messages.c.partner_key)).scalars().all()
    assert not any(each.digest[:32] in key for each in sent for key in keys)


async def test_what_a_partner_answered_goes_with_its_case(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    (due,) = await journal.lease("core", 10, 60)
    text = "not_valid: 张三 110101199003077758"
    await journal.settle(Settlement(due.delivery_id, "dead", "refused", "destination_refused", text, lease=due.lease))
    assert await journal.replay_selected(Selection(case="CASE-1"), pushed, by="anna", reason="mended") == 1
    parties = "|".join(timeline(journal.reading, "CASE-1")["parties"])
    await journal.run(lambda c: erase_case(c, "CASE-1", False, parties, "over", "2026-11-23T00:00:00.000000Z"))
    (delivery,) = journal.reading.deliveries()
    assert [each["detail"] for each in delivery["tried"]] == ["", "anna: mended"]


async def test_deliveries_of_a_state_are_found_without_reading_the_others(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for number, channel in enumerate(("core", "other", "third")):
        await journal.submit(submission(entry(message("kycApplication", f"C{number}"), destination=channel)))
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM deliveries" in statement and not statement.startswith("EXPLAIN"):
            plans.extend(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(journal.reading.engine, "before_cursor_execute", explain)
    assert [each["channel"] for each in journal.reading.deliveries("pending")] == ["third", "other", "core"]
    assert journal.reading.deliveries("dead") == []
    assert [each for each in plans if "SCAN deliveries" in each] == []
    event.remove(journal.reading.engine, "before_cursor_execute", explain)
    journal.close()


async def test_the_items_of_a_case_are_found_by_its_id_and_no_other_case_is_read(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await journal.submit(submission(entry(message("kycApplication"))))
    shown = {column.name: column for column in cases.c}
    for case_id in ("CASE-1#order:1", "CASE-1#order:2", "CASE-10#order:1", "CASE-1$"):
        changed = {"case_id": literal(case_id), "process": literal("p/order")}
        row = select(*((changed | {n: c for n, c in shown.items() if n not in changed})[name] for name in shown))
        stored = insert(cases).from_select(list(shown), row.where(cases.c.case_id == "CASE-1"))
        await journal.run(lambda c, stored=stored: c.execute(stored))  # type: ignore[misc]
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM cases" in statement and not statement.startswith("EXPLAIN"):
            plans.extend(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(journal.reading.engine, "before_cursor_execute", explain)
    (kind,) = timeline(journal.reading, "CASE-1")["items"]
    event.remove(journal.reading.engine, "before_cursor_execute", explain)
    assert (kind["kind"], kind["states"]) == ("order", {"kyc_pending": 2})
    assert [each for each in plans if "SCAN" in each] == []
    journal.close()


ITEMS = """
INSERT INTO cases (case_id, test, parties, opener, process, state, memory, opened_at, changed_at)
SELECT :before || n, test, parties, opener, 'p/order', state, memory, opened_at, changed_at
FROM cases, generate_series(1, :count) AS n WHERE case_id = 'CASE-1'
"""


async def test_postgresql_finds_the_items_of_a_case_by_an_index_among_many(tmp_path: Path, postgres: Postgres) -> None:
    """By the bytes of their ids, which holds in any collation: the index of the primary key is of no use for it."""
    journal = open_journal(tmp_path, url=postgres.journal_url())
    await journal.submit(submission(entry(message("kycApplication"))))
    for before, count in (("CASE-1#order:", 3), ("CASE-1$", 20_000), ("CASE-10#order:", 20_000)):
        made = text(ITEMS).bindparams(before=before, count=count)
        await journal.run(lambda c, made=made: c.execute(made))  # type: ignore[misc]
    await journal.run(lambda c: c.execute(text("ANALYZE cases")))
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "~>=~" in statement and not statement.startswith("EXPLAIN"):
            plans.append("\n".join(row[0] for row in cursor.execute(f"EXPLAIN {statement}", parameters)))

    event.listen(journal.reading.engine, "before_cursor_execute", explain)
    (kind,) = timeline(journal.reading, "CASE-1")["items"]
    event.remove(journal.reading.engine, "before_cursor_execute", explain)
    assert (kind["kind"], kind["states"]) == ("order", {"kyc_pending": 3})
    assert [("ix_cases_case_id" in each, "Seq Scan" in each) for each in plans] == [(True, False)] * 2
    journal.close()


async def test_an_unexpected_fact_is_stored_parked_and_raised(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    fact = message("accountEntry")
    (outcome,) = await journal.submit(submission(entry(fact)))
    assert accepted(outcome)["position"] == "2"
    (raised,) = exceptions(journal.reading)
    assert (raised["kind"], raised["position"], raised["expected"]) == (
        "unexpected_fact", 2, "kycApplication, kycDecision",
    )  # fmt: skip
    assert [each.position for each in await journal.lease("core", 10, 60)] == [1]
    assert await release_parked(journal, pushed) == {"core"}
    assert exceptions(journal.reading) == []


async def test_everything_is_there_after_the_journal_is_opened_again(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    found = message("kycApplication")
    (first,) = await journal.submit(submission(entry(found, raw=True)))
    (leased,) = await journal.lease("core", 10, 60)
    journal.close()
    again = open_journal(tmp_path)
    assert again.reading.message(found["header"]["messageId"])["message"] == found
    assert await again.submit(submission(entry(found, raw=True))) == [Accepted(accepted(first), repeat=True)]
    assert [due.delivery_id for due in await again.lease("core", 10, 60)] == [leased.delivery_id]
    again.close()


async def test_a_lane_keeps_its_order_and_a_dead_letter_blocks_it(journal: Journal) -> None:
    first, second, other = message("kycApplication"), message("kycApplication"), message("kycApplication", "CASE-2")
    for each in (first, second, other):
        await journal.submit(submission(entry(each)))
    due = await journal.lease("core", 10, 60)
    assert [each.position for each in due] == [1, 3]
    given_up = Settlement(due[0].delivery_id, "dead", "refused", "destination_refused", "no", lease=due[0].lease)
    await journal.settle(given_up)
    assert await journal.lease("core", 10, 60) == []
    assert [each["kind"] for each in exceptions(journal.reading)] == ["dead_letter"]
    await replay(journal, due[0].delivery_id)
    (again,) = await journal.lease("core", 10, 60)
    assert (again.position, again.attempts) == (1, 1)
    await journal.settle(Settlement(again.delivery_id, "delivered", "delivered", "", "0000", lease=again.lease))
    assert [each.position for each in await journal.lease("core", 10, 60)] == [2]


async def test_only_a_dead_or_parked_delivery_can_be_replayed(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    (due,) = await journal.lease("core", 10, 60)
    with pytest.raises(NotFound):
        await replay(journal, due.delivery_id)


async def test_contents_are_encrypted_and_open_with_the_master_key_only(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    found = message("kycApplication")
    await journal.submit(submission(entry(found)))
    journal.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    document = found["kycApplication"]["applicant"]["documents"][0]["number"]
    assert document.encode() not in stored
    assert found["kycApplication"]["applicant"]["name"].encode() not in stored


@pytest.mark.parametrize("lost", [True, False])
async def test_a_journal_opens_with_its_own_master_key_only(tmp_path: Path, lost: bool) -> None:
    journal = open_journal(tmp_path)
    await journal.submit(submission(entry(message("kycApplication"))))
    journal.close()
    (tmp_path / "master.key").unlink() if lost else (tmp_path / "master.key").write_text("00" * 32)
    with pytest.raises(KeyUnusable, match="backup" if lost else "the one of this journal"):
        open_journal(tmp_path)
    assert (tmp_path / "master.key").exists() is not lost


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://x", "sqlite:////proc/none/journal.db"])
def test_a_database_that_cannot_be_opened_is_a_setting_to_correct(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be opened"):
        Journal.open(url, tmp_path / "master.key", KEY)


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database at all, only text" * 100)
    with pytest.raises(SettingsInvalid, match="cannot be opened"):
        open_journal(tmp_path)


async def test_a_case_of_somebody_else_is_not_found(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    with pytest.raises(NotFound):
        timeline(journal.reading, "CASE-1", institution="91110000100020002F")


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("00" * 32)
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        open_journal(tmp_path)


FORGED_ARCHIVE = (
    "INSERT INTO archives (first_batch, last_batch, first_position, last_position, file, digest, archived_at) VALUES ("
)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE messages SET receiver = '91110000100000000R' WHERE position = 3",
        "UPDATE raws SET content = x'00' WHERE raw_id = 2",
        "DELETE FROM messages WHERE position = 5",
        "DELETE FROM batches WHERE batch = 2",
        "UPDATE batches SET signature = (SELECT signature FROM batches WHERE batch = 1) WHERE batch = 2",
        "UPDATE batches SET signature = '' WHERE batch = 2",
        "UPDATE messages SET position = 100 WHERE position = 5",
        "UPDATE messages SET commitment = x'00' WHERE position = 3",
        "UPDATE raws SET signature = 'forged' WHERE raw_id = 2",
        "UPDATE raws SET content_type = 'text/plain' WHERE raw_id = 2",
        "UPDATE batches SET root = x'00' WHERE batch = 2",
        "DELETE FROM data_keys WHERE scope LIKE 'case:%C1'",
        "UPDATE messages SET canonical = NULL WHERE position = 3",
        "UPDATE raws SET scope = 'case:x' WHERE raw_id = 2",
        "UPDATE raws SET scope = (SELECT scope FROM raws WHERE raw_id = 1) WHERE raw_id = 2",
        "UPDATE batches SET accepted_at = '9999-01-01T00:00:00.000000Z' WHERE batch = 2",
        "UPDATE data_keys SET wrapped = x'00' WHERE scope LIKE 'case:%C1'",
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE scope LIKE '%C2') WHERE scope LIKE '%C1'",
        "UPDATE data_keys SET wrapped = x'' WHERE scope LIKE 'input:%'",
        "UPDATE data_keys SET wrapped = zeroblob(60) WHERE scope LIKE 'input:%'",
        "DELETE FROM data_keys WHERE scope LIKE 'input:%'",
        "UPDATE raws SET content = x'' WHERE raw_id = 2",
        FORGED_ARCHIVE + "1, 1, 1, 1, 'f', 'd', 'x')",
        FORGED_ARCHIVE + f"1, 1, 1, 1, 'archive-1-1.jsonl.gz', '{'0' * 64}', '2026-11-23T00:00:00.000000Z')",
        FORGED_ARCHIVE + f"1, 1, 1, 2, 'archive-1-1.jsonl.gz', '{'0' * 64}', 'x')",
        FORGED_ARCHIVE + f"1, 99, 1, 99, 'archive-1-99.jsonl.gz', '{'0' * 64}', 'x')",
    ],
)
async def test_verification_finds_any_changed_missing_or_reordered_row(tmp_path: Path, tampering: str) -> None:
    journal = open_journal(tmp_path)
    for number in range(5):
        await journal.submit(submission(entry(message("kycApplication", f"C{number}"))))
    await journal.submit(submission(*(entry(message("kycApplication", f"TWO-{number}")) for number in range(2))))
    keys = KeyRing([KEY.public()])
    assert journal.verify(keys).breaches == []
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(tampering)
    connection.close()
    assert journal.verify(keys).breaches != []
    journal.close()


def execute(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / "journal.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_a_database_that_fails_refuses_and_promises_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    execute(tmp_path, "ALTER TABLE raws RENAME TO gone")
    found = message("kycApplication")
    with pytest.raises(JournalUnavailable):
        await journal.submit(submission(entry(found)))
    execute(tmp_path, "ALTER TABLE gone RENAME TO raws")
    (outcome,) = await journal.submit(submission(entry(found)))
    assert accepted(outcome)["position"] == "1"
    assert journal.reading.message(found["header"]["messageId"])["message"] == found
    journal.close()


async def test_a_key_whose_commit_failed_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path)
    found, commit = message("kycApplication"), DefaultDialect.do_commit
    full = OperationalError("COMMIT", {}, Exception("disk full"))
    monkeypatch.setattr(DefaultDialect, "do_commit", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(JournalUnavailable):
        await journal.submit(submission(entry(found)))
    monkeypatch.setattr(DefaultDialect, "do_commit", commit)
    (outcome,) = await journal.submit(submission(entry(found)))
    assert accepted(outcome)["position"] == "1"
    journal.close()
    again = open_journal(tmp_path)
    assert again.reading.message(found["header"]["messageId"])["message"] == found
    again.close()


async def test_one_act_that_fails_does_not_fail_what_is_committed_with_it(journal: Journal) -> None:
    sent = [journal.submit(submission(entry(message("kycApplication", f"C{number}")))) for number in range(20)]
    *outcomes, failed = await asyncio.gather(*sent, replay(journal, 2**70), return_exceptions=True)
    assert isinstance(failed, ContentRefused | JournalUnavailable)
    assert all(isinstance(each, list) and isinstance(each[0], Accepted) for each in outcomes)
    assert journal.verify(KeyRing([KEY.public()])).breaches == []


async def test_one_case_whose_key_is_unusable_refuses_its_own_messages_only(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await journal.submit(submission(entry(message("kycApplication", "LOST"))))
    journal.close()
    execute(tmp_path, "UPDATE data_keys SET wrapped = x'00112233445566778899aabbccddeeff' WHERE scope LIKE 'case:%'")
    journal = open_journal(tmp_path)
    lost, fine = await asyncio.gather(
        journal.submit(submission(entry(message("kycApplication", "LOST")))),
        journal.submit(submission(entry(message("kycApplication", "FINE")))),
    )
    assert isinstance(refused(lost[0]), KeyUnusable)
    assert isinstance(fine[0], Accepted)
    journal.close()


async def test_two_institutions_number_their_cases_by_themselves(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    other = message("kycApplication")
    other["header"]["sender"] = "91110000100020002F"
    (outcome,) = await journal.submit(submission(entry(other, channel="insurer")))
    assert accepted(outcome)["position"] == "2"
    case = timeline(journal.reading, "CASE-1", institution="91110000100020002F")
    assert [each["sender"] for each in case["messages"]] == ["91110000100020002F"]


async def test_a_lease_whose_time_is_over_is_given_to_the_next(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    (first,) = await journal.lease("core", 10, seconds=-1)
    (again,) = await journal.lease("core", 10, seconds=60)
    assert again.delivery_id == first.delivery_id
    assert await journal.lease("core", 10, seconds=60) == []
    await journal.give_back([again.delivery_id])
    assert [each.delivery_id for each in await journal.lease("core", 10, 60)] == [again.delivery_id]


async def test_a_parked_fact_that_is_released_reaches_a_partner_that_pulls(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"), pushed=False)))
    await journal.submit(submission(entry(message("accountEntry"), pushed=False)))
    await journal.submit(submission(entry(message("subscriptionOrder", None), pushed=False)))
    handed_out = await journal.waiting("core", 0, 10)
    assert [each.message["header"].get("caseId") for each in handed_out] == ["CASE-1", None]
    assert await release_parked(journal, lambda _channel: False) == {"core"}
    (released,) = await journal.waiting("core", handed_out[-1].cursor, 10)
    assert "accountEntry" in released.message


async def test_a_parked_fact_that_is_released_moves_its_case_if_that_expects_it_now(journal: Journal) -> None:
    decision = message("kycDecision")
    decision["header"] |= {"sender": "913100001000100012", "receiver": "91110000100000000R"}
    await journal.submit(submission(entry(decision)))
    await journal.submit(submission(entry(message("kycApplication"))))
    assert timeline(journal.reading, "CASE-1")["state"] == "kyc_pending"
    await release_parked(journal, pushed)
    assert timeline(journal.reading, "CASE-1")["state"] == "kyc_approved"


async def test_a_channel_that_changes_between_push_and_pull_keeps_what_is_under_way(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"), pushed=False)))
    await journal.rearrange("core", pushed=True)
    (due,) = await journal.lease("core", 10, 60)
    await journal.give_back([due.delivery_id])
    await journal.rearrange("core", pushed=False)
    assert len(await journal.waiting("core", 0, 10)) == 1


async def test_readers_do_not_keep_the_writer_waiting(journal: Journal) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(15):
            stack.enter_context(journal.reading.engine.connect())
        async with asyncio.timeout(5):
            await journal.submit(submission(entry(message("kycApplication"))))


async def test_a_read_that_nobody_waits_for_ends_before_the_connections_are_closed(journal: Journal) -> None:
    reads, go_on = threading.Event(), threading.Event()
    read: list[int] = []

    def slow() -> None:
        with journal.reading.engine.begin() as connection:
            reads.set()
            go_on.wait(10)
            read.append(connection.execute(select(literal(1))).scalar_one())

    reading = asyncio.create_task(journal.read(slow))
    assert await asyncio.to_thread(reads.wait, 10)
    reading.cancel()
    closing = asyncio.create_task(asyncio.to_thread(journal.close))
    ended, _ = await asyncio.wait({closing}, timeout=0.2)
    go_on.set()
    await closing
    assert (ended, read) == (set(), [1])


async def test_a_journal_that_is_closed_is_not_read_any_more(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.waiting("core", 0, 1)


async def test_a_journal_that_is_closed_says_so_and_leaves_nobody_waiting(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close()
    assert not journal.healthy()
    with pytest.raises(JournalUnavailable):
        await journal.submit(submission(entry(message("kycApplication"))))


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'journal.db'}")
    migrate(engine)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
