"""Batches from a folder to the result file, by way of the poller: settled once, however often it looks."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.batches.floor import ORIGIN, Floor, lines, manifest_message, open_floor, order
from xinqiao.message import write_json
from xinqiao_gateway.batches.taking import Taking
from xinqiao_gateway.fronts.sftp.file_front import FileFront
from xinqiao_gateway.fronts.sftp.taking import Arrived, Facts


def arrived(floor: Floor, content: bytes, manifest: bytes | None, modified: int = 1) -> Arrived:
    spool = floor.data.parent / "orders.jsonl"
    spool.write_bytes(content)
    facts = Facts("bank", "orders.jsonl", len(content), modified)
    return Arrived(facts, spool, "", "", manifest, ORIGIN)


async def test_a_file_is_settled_once_its_result_is_written_back(floor: Floor) -> None:
    taking, content = (
        Taking(floor.with_parts("bank", files={"seal": "none", "result": "{name}.rst"}).gateway),
        lines([order(1)]),
    )
    came = arrived(floor, content, write_json(manifest_message(content, 1)))
    assert await taking.settled(came.facts) is None
    taken = await taking.take(came)
    (written,) = taken.results
    assert (taken.settlement, written.name, b'"acceptedCount":"1"' in written.content.read_bytes()) == (
        "accepted",
        "orders.jsonl.rst",
        True,
    )
    await taking.settle(came)
    assert (written.content.exists(), await Taking(floor.gateway).settled(came.facts)) == (False, "accepted")
    other = arrived(floor, content, None, modified=2)
    assert await taking.settled(other.facts) is None


async def test_a_profile_that_asks_for_a_seal_gets_no_file_without_one(floor: Floor) -> None:
    taking, content = Taking(floor.with_parts("bank", files={"seal": "required"}).gateway), lines([order(1)])
    came = arrived(floor, content, write_json(manifest_message(content, 1)))
    taken = await taking.take(came)
    assert (taken.settlement, b"signature_missing" in taken.results[0].content.read_bytes()) == ("refused", True)
    await taking.settle(came)
    assert await taking.settled(came.facts) == "refused"


@pytest.mark.parametrize("good", [True, False])
async def test_what_is_put_into_a_folder_comes_back_as_a_result(tmp_path: Path, good: bool) -> None:
    floor = open_floor(tmp_path).with_parts("bank", files={"every": 1})
    content = lines([order(1), order(2)])
    manifest = floor.manifest(content, 2 if good else 3)
    front = FileFront(floor.gateway)
    inbox = floor.data / "files" / "bank" / "in"
    inbox.mkdir(parents=True)
    (inbox / "orders.jsonl").write_bytes(content)
    (inbox / "orders.jsonl.manifest").write_bytes(manifest)
    (inbox / "orders.jsonl.ok").write_bytes(b"")
    await front.start()
    place = inbox.parent / ("archive" if good else "error") / "orders.jsonl"
    async with asyncio.timeout(20):
        while not place.exists():
            await asyncio.sleep(0.01)
    await front.stop()
    found = (inbox.parent / "result" / "orders.jsonl.result").read_bytes()
    assert (b'"acceptedCount":"2"' in found, b'"reason":"manifest_mismatch"' in found) == (good, not good)
    assert (floor.messages(), list(inbox.iterdir())) == (2 if good else 0, [])
    floor.gateway.journal.close()


async def test_once_a_mended_file_has_left_the_inbox_the_plain_result_is_its_own(tmp_path: Path) -> None:
    floor = open_floor(tmp_path).with_parts("bank", files={"every": 1})
    content = lines([order(1)])
    channel = floor.data / "files" / "bank"
    (channel / "in").mkdir(parents=True)
    front, answers = FileFront(floor.gateway), []
    await front.start()
    for records in (2, 1):
        (channel / "in" / "orders.jsonl").write_bytes(content)
        (channel / "in" / "orders.jsonl.manifest").write_bytes(floor.manifest(content, records))
        (channel / "in" / "orders.jsonl.ok").write_bytes(b"")
        front.wake("bank")
        async with asyncio.timeout(20):
            while (channel / "in" / "orders.jsonl").exists():
                await asyncio.sleep(0.01)
        answers.append((channel / "result" / "orders.jsonl.result").read_bytes())
    await front.stop()
    assert [b'"manifest_mismatch"' in answers[0], b'"acceptedCount":"1"' in answers[1]] == [True, True]
    assert (channel / "result" / "orders.jsonl.result.1").read_bytes() == answers[0]
