"""Batches in partners' own formats: what a file may be, what it must not be, and results that a profile describes."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.gateway.batches.floor import Floor, counts, open_floor
from xinqiao_adapters.channel import load_channel

RESULT: dict[str, Any] = {
    "message": "batchResult",
    "direction": "out",
    "format": {
        "kind": "csv",
        "encoding": "GB18030",
        "columns": {"行号": {}, "流水号": {}, "结果": {}, "原因": {}},
        "labels": {},
        "ends": [],
        "totals": {},
    },
    "records": "Record",
    "map": {
        "records[0].lineNo": {"from": "./行号", "integer": True},
        "records[0].partnerSerial": {"from": "./流水号"},
        "records[0].outcome": {"from": "./结果", "codes": "outcome"},
        "records[0].reason": {"from": "./原因"},
    },
}
DROPPED = (
    "batchNo", "businessDate", "allOrNothing", "recordCount", "acceptedCount", "rejectedCount", "ignoredCount",
    "heldCount", "acceptedTotals", "rejectedTotals", "processedAt", "records.fileName", "records.messageId",
    "records.findings",
)  # fmt: skip
OUTCOMES = {"成功": "ACCEPTED", "失败": "REJECTED", "重复": "IGNORED", "待处理": "HELD"}


def sample(channel: str, name: str) -> bytes:
    return (load_channel(channel, []).folders[0] / "samples" / name).read_bytes()


def opened(floor: Floor, channel: str, extends: str, **more: Any) -> Floor:
    """Add a channel to a gateway, with parts of its own profile; a bank is another one than that which is there."""
    other = {"name": "另一银行", "type": "bank", "code": "91110000100000100F"} if extends == "demo-bank" else None
    return floor.add(channel, extends, other, **more)


async def test_a_result_is_written_in_the_format_that_the_profile_gives_it(floor: Floor) -> None:
    interface = RESULT | {"dropped": dict.fromkeys(DROPPED, "结果文件只列记录")}
    opened(floor, "csv", "prepaid-csv", interfaces={"result": interface}, codes={"outcome": OUTCOMES})
    content = sample("prepaid-csv", "consumption-day.csv").replace(b"2026-03-07 10:30:00", b"2026-03-07 25:30:00", 1)
    answer = await floor.take(content, channel="csv", name="day.csv")
    assert answer.result.decode("gb18030").splitlines() == ["行号,流水号,结果,原因", "2,,失败,content_refused"]


async def test_a_result_that_the_partners_format_cannot_hold_is_the_standards(floor: Floor) -> None:
    opened(floor, "csv", "prepaid-csv", interfaces={"result": RESULT}, codes={"outcome": OUTCOMES})
    content = sample("prepaid-csv", "consumption-day.csv")
    answer = await floor.take(content, channel="csv", name="day.csv")
    assert sum(counts(answer)) == floor.messages()


async def test_a_file_of_the_fund_exchange_is_taken_with_its_lines(floor: Floor) -> None:
    opened(floor, "wealth", "wealth-ofd")
    answer = await floor.take(sample("wealth-ofd", "subscription.txt"), channel="wealth", name="OFD_03.TXT")
    accepted, _, rejected, held = counts(answer)
    assert (accepted + held, rejected) == (floor.messages(), 0)
    assert floor.messages() > 0


async def test_a_month_of_collections_is_taken(floor: Floor) -> None:
    opened(floor, "abs", "abs-servicer-csv")
    answer = await floor.take(sample("abs-servicer-csv", "collection-month.csv"), channel="abs", name="month.csv")
    assert (answer.refused, sum(counts(answer)[::3])) == (False, floor.messages())


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "%s">]><a>&b;</a>' % (b"b" * 1000)


async def test_bad_xml_is_refused_in_the_partners_own_words(floor: Floor) -> None:
    opened(floor, "xml", "demo-bank", limits={"body": 2048})
    said = {
        "forbidden_xml": BOMB,
        "malformed_xml": b"<KycReq/>" * 3,
        "unknown_interface": b"<a></a>",
        "body_too_large": b"<a>" + b" " * 4096 + b"</a>",
    }
    for expected, content in said.items():
        answer = await floor.take(content, channel="xml", name="kyc.xml")
        assert (answer.result[:5], floor.stored()[0].reason, floor.messages()) == (b"<?xml", expected, 0)


async def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    floor = opened(open_floor(tmp_path), "book", "custodian-valuation")
    raw = sample("custodian-valuation", "valuation-plain.xlsx")
    answer = await floor.take(bomb(raw), channel="book", name="valuation.xlsx")
    assert (answer.refused, floor.messages()) == (True, 0)
    floor.gateway.journal.close()


def bomb(raw: bytes) -> bytes:
    """Return a workbook whose sheet unpacks to 70 MB."""
    out = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(raw)) as book,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written,
    ):
        for each in book.infolist():
            content = book.read(each)
            if each.filename == "xl/worksheets/sheet1.xml":
                content += b" " * 70_000_000
            written.writestr(each.filename, content)
    return out.getvalue()
