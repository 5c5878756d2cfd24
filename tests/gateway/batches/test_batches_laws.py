"""Conservation: every record of every batch is accepted, ignored, refused or held, and the journal holds as many."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.batches.floor import Floor, counts, lines, open_floor, order, result
from xinqiao.message import Json
from xinqiao_gateway.batches.came import Answer

KINDS = ("new", "known", "repeated", "changed", "invalid", "broken")
NUMBERS = itertools.count(10)


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    """Return one gateway for all examples."""
    with TemporaryDirectory() as folder:
        floor = open_floor(Path(folder))
        yield floor
        assert floor.messages() == floor.last()
        floor.gateway.journal.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=12),
    atomic=st.booleans(),
    replaces=st.booleans(),
)
def test_no_record_is_lost_and_none_is_counted_twice(
    floor: Floor, kinds: list[str], atomic: bool, replaces: bool
) -> None:
    one = order(next(NUMBERS))
    take(floor, lines([one]), 1)
    content, last, expected = b"", one, []
    for kind in kinds:
        line, last, word = record(kind, one, last)
        content += line
        # A second correction of one record, in one file, contradicts the first.
        is_first = kind == "changed" and "HELD" not in expected
        expected.append("HELD" if is_first and replaces else word)
    if atomic and "REJECTED" in expected:
        expected = ["REJECTED"] * len(kinds)
    said: dict[str, Any] = {"replacesBatchNo": "B1"} if replaces else {}
    before = floor.last()
    answer = take(floor, content, len(kinds), allOrNothing=atomic, **said)
    words = ["ACCEPTED", "IGNORED", "REJECTED", "HELD"]
    listed = {each["lineNo"]: each["outcome"] for each in result(answer).get("records", ())}
    assert [listed.get(line, "ACCEPTED") for line in range(1, len(kinds) + 1)] == expected
    assert counts(answer) == tuple(expected.count(word) for word in words)
    assert floor.last() - before == expected.count("ACCEPTED") + expected.count("HELD")


def take(floor: Floor, content: bytes, records: int, **said: Any) -> Answer:
    number = next(NUMBERS)
    manifest = floor.manifest(content, records, batchNo=f"B{number}", sequence=number, **said)
    return asyncio.run(floor.take(content, manifest))


def record(kind: str, one: Json, last: Json) -> tuple[bytes, Json, str]:
    """Return a line, the last order that is new with it, and what becomes of it by itself."""
    match kind:
        case "new":
            fresh = order(next(NUMBERS))
            return lines([fresh]), fresh, "ACCEPTED"
        case "known":
            return lines([one]), last, "IGNORED"
        case "repeated":
            return lines([last]), last, "IGNORED"
        case "changed":
            body = order(next(NUMBERS))["subscriptionOrder"]
            return lines([one | {"subscriptionOrder": body}]), last, "REJECTED"
        case "invalid":
            return lines([order(next(NUMBERS), tradeDate="no day")]), last, "REJECTED"
    return b"{broken\n", last, "REJECTED"
