"""What is left of a batch when the gateway ends in the middle, and what is kept of its file, for how long."""

import asyncio
import time
from pathlib import Path

import orjson
import pytest

from tests.gateway.batches.floor import Floor, counts, lines, open_floor, order, result
from tests.gateway.conftest import BANK, TRUST
from tests.postgres import Postgres
from xinqiao.errors import ContentGone, InProgress, JournalUnavailable, Overloaded
from xinqiao.message import Json
from xinqiao_gateway.batches.batches import Batches, kept_in
from xinqiao_gateway.batches.came import Answer
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.intake_records import Records
from xinqiao_gateway.journal import Outcome
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.file_reading import key_of
from xinqiao_gateway.journal.file_retention import count_kept_files, forget_files
from xinqiao_gateway.journal.files import raise_stalled
from xinqiao_gateway.journal.listing import exceptions
from xinqiao_gateway.journal.search import Search, found

MANY = 700


def mixed() -> list[Json]:
    """Return orders, of which every hundredth is not valid, and one that comes twice."""
    orders = [order(number, tradeDate="no day") if number % 100 == 7 else order(number) for number in range(MANY - 1)]
    return [*orders, orders[0]]


async def begun(floor: Floor, content: bytes, manifest: bytes) -> tuple[asyncio.Task[Answer], asyncio.Event]:
    """Begin to take a batch; return once its first piece is taken, with what lets the others go on."""
    intake, first, others = floor.gateway.intake.records, asyncio.Event(), asyncio.Event()
    take = intake.take

    async def one_by_one(channel: ServedChannel, records: Records) -> tuple[Outcome, ...]:
        if first.is_set():
            await others.wait()
        outcomes = await take(channel, records)
        first.set()
        return outcomes

    intake.take = one_by_one  # type: ignore[method-assign]
    taking = asyncio.create_task(floor.take(content, manifest))
    async with asyncio.timeout(30):
        await first.wait()
    return taking, others


async def broken_off(floor: Floor, content: bytes, manifest: bytes) -> int:
    """Let the journal close while a batch is taken; return how many records were accounted for."""
    taking, others = await begun(floor, content, manifest)
    await asyncio.to_thread(floor.gateway.journal.close)
    others.set()
    with pytest.raises(JournalUnavailable):
        await taking
    again = Gateway(open_installation(floor.data))
    floor.gateway, floor.batches = again, Batches(again)
    return floor.stored()[0].done


async def cut_off(floor: Floor, content: bytes, manifest: bytes) -> None:
    """Cancel who takes a batch, in the middle."""
    taking, others = await begun(floor, content, manifest)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    others.set()


async def test_a_batch_goes_on_after_a_crash_and_counts_what_it_accepted_before(floor: Floor) -> None:
    content = lines(mixed())
    manifest = floor.manifest(content, MANY, allOrNothing=False)
    assert 0 < await broken_off(floor, content, manifest) < MANY
    answer = await floor.take(content, manifest)
    assert (counts(answer), floor.messages()) == ((MANY - 8, 1, 7, 0), MANY - 8)
    assert [each["lineNo"] for each in result(answer)["records"]] == [*range(8, MANY, 100), MANY]
    assert not answer.repeat


async def test_of_a_batch_that_is_refused_whole_nothing_is_accepted_before_or_after_a_crash(floor: Floor) -> None:
    content = lines(mixed())
    manifest = floor.manifest(content, MANY, allOrNothing=True)
    assert 0 < await broken_off(floor, content, manifest) < MANY
    answer = await floor.take(content, manifest)
    assert (counts(answer), answer.refused, floor.messages()) == ((0, 0, MANY, 0), True, 0)


async def test_two_nodes_at_one_batch_on_postgresql_take_each_record_once(tmp_path: Path, postgres: Postgres) -> None:
    floor = open_floor(tmp_path, {"gateway.yaml": f"journal_url: {postgres.url()}\n"})
    content = lines(mixed())
    manifest = floor.manifest(content, MANY, allOrNothing=False)
    other = Floor(floor.data, floor.key, Gateway(open_installation(floor.data)))
    tried = await asyncio.gather(floor.take(content, manifest), other.take(content, manifest), return_exceptions=True)
    assert {type(each) for each in tried if isinstance(each, BaseException)} <= {InProgress}
    other.gateway.journal.close()
    assert counts(await floor.take(content, manifest)) == (MANY - 8, 1, 7, 0)
    assert floor.messages() == MANY - 8
    floor.gateway.journal.close()


async def test_a_full_queue_stops_a_batch_where_it_is_and_refuses_no_record(tmp_path: Path) -> None:
    floor = open_floor(tmp_path, {"gateway.yaml": "queue: 1\n"})
    first, content = lines([order(1)]), lines([order(2), order(3)])
    await floor.take(first, floor.manifest(first, 1))
    await floor.gateway.surveillance.turn()
    manifest = floor.manifest(content, 2, batchNo="B2", sequence=2, allOrNothing=False)
    with pytest.raises(Overloaded):
        await floor.take(content, manifest)
    assert [(each.state, each.done) for each in floor.stored()] == [("open", 0), ("taken", 1)]
    floor.gateway.journal.close()


async def test_a_full_queue_is_no_reason_to_refuse_all_of_a_batch(tmp_path: Path) -> None:
    floor = open_floor(tmp_path, {"gateway.yaml": "queue: 1\n"})
    first, content = lines([order(1)]), lines([order(2), order(3)])
    await floor.take(first, floor.manifest(first, 1))
    await floor.gateway.surveillance.turn()
    with pytest.raises(Overloaded):
        await floor.take(content, floor.manifest(content, 2, batchNo="B2", sequence=2, allOrNothing=True))
    assert [(each.state, each.done) for each in floor.stored()] == [("taken", 1)]
    floor.gateway.journal.close()


async def test_a_batch_that_is_cut_off_goes_on_where_it_was(floor: Floor) -> None:
    content = lines(mixed())
    manifest = floor.manifest(content, MANY, allOrNothing=False)
    await cut_off(floor, content, manifest)
    assert counts(await floor.take(content, manifest)) == (MANY - 8, 1, 7, 0)


async def test_a_person_is_told_of_a_batch_whose_file_does_not_come_again(tmp_path: Path) -> None:
    now = time.time()
    floor = open_floor(tmp_path, now=lambda: now)
    content = lines(mixed())
    manifest = floor.manifest(content, MANY, allOrNothing=False)
    await cut_off(floor, content, manifest)
    journal, told = floor.gateway.journal, []
    for later in (0, 3601, 7200):
        await journal.run(lambda c, at=now + later: raise_stalled(c, at))  # type: ignore[misc]
        told.append(sum("batch fetch" in each["detail"] for each in exceptions(journal.reading)))
    assert told == [0, 1, 1]
    key = key_of(journal.reading, floor.stored()[0])
    assert b"".join(kept_in(floor.gateway.installation).content(key)) == content
    await floor.take(content, manifest)
    assert not [each for each in exceptions(journal.reading) if "batch fetch" in each["detail"]]
    journal.close()


async def test_kept_files_go_after_their_time_and_the_batch_is_known_still(floor: Floor) -> None:
    content = lines([order(1), order(2, tradeDate="no day")])
    manifest = floor.manifest(content, 2, allOrNothing=False)
    first = await floor.take(content, manifest)
    refused = lines([order(3, tradeDate="no day")])
    await floor.take(refused, name="refused.jsonl")
    journal, soon = floor.gateway.journal, floor.gateway.journal.now() + 60
    assert await journal.run(lambda c: forget_files(c, soon - 3600, 100, soon)) == 0
    assert await journal.run(lambda c: count_kept_files(c, soon)) == 2
    assert await journal.run(lambda c: forget_files(c, soon, 100, soon)) == 2
    assert await journal.run(lambda c: forget_files(c, soon, 100, soon)) == 0
    floor.reopened()
    again = await floor.take(content, manifest)
    assert (counts(again), again.repeat, floor.stored()[-1].details) == (counts(first), True, None)
    assert [each for each in (floor.data / "documents" / "files").rglob("*") if each.is_file()] == []
    with pytest.raises(ContentGone, match="another number"):
        await floor.take(refused, name="refused.jsonl")
    assert floor.messages() == 1


async def test_a_file_waits_for_the_rate_of_its_channel_and_loses_nothing(floor: Floor) -> None:
    floor.with_parts("bank", limits={"rate": 2000, "burst": 10})
    content = lines([order(number) for number in range(600)])
    answer = await floor.take(content, floor.manifest(content, 600, allOrNothing=False))
    assert (counts(answer), floor.messages()) == ((600, 0, 0, 0), 600)


async def test_the_evidence_of_each_message_leads_to_the_file(floor: Floor) -> None:
    content = lines([order(number) for number in range(300)])
    manifest = floor.manifest(content, 300, allOrNothing=False)
    await floor.take(content, manifest)
    reading, stored = floor.gateway.journal.reading, floor.stored()[0]
    with reading.engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT content, signature, raw_id FROM raws ORDER BY raw_id").all()
    key = key_of(reading, stored)
    pieces = [orjson.loads(key.decrypt(row.content, f"raw:{row.raw_id}")) for row in rows]
    assert [(each["batchNo"], each["firstRecord"], each["lastRecord"]) for each in pieces] == [
        ("B1", 1, 256),
        ("B1", 257, 300),
    ]
    assert {row.signature.encode() for row in rows} == {manifest.splitlines()[-1]}
    assert b"".join(kept_in(floor.gateway.installation).content(key)) == content
    assert floor.messages() == 300


async def test_a_file_goes_with_the_first_of_its_cases_that_is_erased(floor: Floor) -> None:
    orders = [order(number) for number in range(2)]
    for number, each in enumerate(orders):
        each["header"]["caseId"] = f"CASE-{number}"
    content = lines(orders)
    manifest = floor.manifest(content, 2, allOrNothing=False)
    first = await floor.take(content, manifest)
    assert counts(first)[0] == 2
    journal, stored = floor.gateway.journal, floor.stored()[0]
    parties = "|".join(sorted((BANK, TRUST)))
    await journal.run(lambda c: erase_case(c, "CASE-0", False, parties, "asked for", "2026-11-23T00:00:00.000000Z"))
    with pytest.raises(ContentGone):
        key_of(journal.reading, stored)
    again = await floor.take(content, manifest)
    assert (counts(again), again.repeat, floor.stored()[0].details) == (counts(first), True, None)
    assert floor.messages() == 2
    assert len(found(journal.reading, Search(case_id="CASE-1"), 10)) == 1


async def test_the_kept_file_is_removed_once_nobody_can_read_it(floor: Floor) -> None:
    one = order(1)
    one["header"]["caseId"] = "CASE-9"
    content = lines([one])
    await floor.take(content)
    folder = floor.data / "documents" / "files"
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 1
    parties = "|".join(sorted((BANK, TRUST)))
    at = "2026-11-23T00:00:00.000000Z"
    await floor.gateway.journal.run(lambda c: erase_case(c, "CASE-9", False, parties, "asked for", at))
    floor.batches = Batches(floor.gateway)
    await floor.take(lines([order(2)]), name="next.jsonl")
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 1
    key = key_of(floor.gateway.journal.reading, floor.stored()[0])
    assert b"SO00000002" in b"".join(kept_in(floor.gateway.installation).content(key))
