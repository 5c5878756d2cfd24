"""A result with more mistakes than one message lists: every record is in it, and the memory is bounded."""

from collections.abc import Iterator

from tests.gateway.batches.floor import Floor
from xinqiao.manifest import split_seal
from xinqiao.message import Json, read_json
from xinqiao.validation import check
from xinqiao_gateway.batches.result import result_messages, result_totals, written_result
from xinqiao_gateway.journal.file_reading import FileBatch

MANY = 10_300
AT = "2026-11-23T00:00:00.000000Z"
FINDING = {"rule": "mapping.date", "level": "ERROR", "path": "tradeDate", "text": {"zh": "日期", "en": "a date"}}


def pieces() -> Iterator[Json]:
    """Yield what a journal keeps of a batch whose records are all refused."""
    for first in range(0, MANY, 100):
        said = {"fileName": "a.csv", "outcome": "REJECTED", "reason": "content_refused", "findings": [FINDING]}
        records = [said | {"lineNo": first + number} for number in range(1, 101)]
        yield {"records": records, "accepted": {}, "rejected": {"CNY": ["1", "0.10", "0"]}}


def test_every_record_is_listed_and_the_first_ten_thousand_with_their_findings(floor: Floor) -> None:
    batch = FileBatch(
        1, "bank", "B1", "d", "2026-11-23", 1, "s", "refused", "", "each", MANY, MANY, 0, 0, MANY, 0, AT, AT, {}
    )
    channel, key = floor.gateway.channels.find("bank"), floor.gateway.installation.key
    messages = result_messages(batch, channel, floor.gateway.code, result_totals(pieces()), pieces())
    content, signature = split_seal(written_result(batch, messages, channel, key))
    assert signature
    first, second = map(read_json, content.splitlines())
    assert [check(each) for each in (first, second)] == [[], []]
    listed = [each["batchResult"]["records"] for each in (first, second)]
    assert [record["lineNo"] for page in listed for record in page] == list(range(1, MANY + 1))
    assert [sum("findings" in record for record in page) for page in listed] == [10_000, 0]
    assert first["batchResult"]["rejectedTotals"] == second["batchResult"]["rejectedTotals"]
    assert first["batchResult"]["rejectedTotals"][0]["amount"] == "10.30"
