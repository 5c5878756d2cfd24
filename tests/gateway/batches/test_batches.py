"""A batch that came: taken record by record or whole, counted to the last record, answered and never repeated."""

from dataclasses import replace
from typing import Any

import pytest

from tests.gateway.batches.floor import (
    Floor,
    counts,
    lines,
    manifest_message,
    order,
    reason,
    result,
)
from tests.gateway.conftest import CORE, PARTNER
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import new_key
from xinqiao_adapters.channel import load_channel

CONSUMPTIONS = (load_channel("prepaid-csv", []).folders[0] / "samples" / "consumption-day.csv").read_bytes()
# Of the sample: the last is the count.
ROWS = CONSUMPTIONS.splitlines(keepends=True)


def invalid(number: int) -> Json:
    return order(number, tradeDate="23 January")


async def test_every_record_is_accepted_and_the_result_is_sealed(floor: Floor) -> None:
    content = lines([order(number) for number in range(3)])
    totals = [{"currency": "CNY", "recordCount": "3", "amount": "3000.00"}]
    answer = await floor.take(content, floor.manifest(content, 3, controlTotals=totals))
    found = result(answer)
    assert counts(answer) == (3, 0, 0, 0)
    assert (found["batchNo"], found["acceptedTotals"], found["allOrNothing"]) == ("B1", totals, True)
    assert floor.messages() == 3


async def test_a_refused_record_does_not_stop_the_others_and_says_why(floor: Floor) -> None:
    content = lines([order(1), invalid(2)]) + b"{broken\n" + lines([order(4)])
    answer = await floor.take(content, floor.manifest(content, 4, allOrNothing=False))
    assert counts(answer) == (2, 0, 2, 0)
    assert floor.messages() == 2
    second, third = result(answer)["records"]
    assert (second["lineNo"], second["partnerSerial"], second["reason"]) == (2, "S2", "not_valid")
    assert [each["path"] for each in second["findings"]] == ["subscriptionOrder.tradeDate"]
    assert (third["fileName"], third["lineNo"], third["outcome"]) == ("orders.jsonl", 3, "REJECTED")


async def test_of_a_batch_that_is_all_or_nothing_one_bad_record_refuses_all(floor: Floor) -> None:
    content = lines([order(1), invalid(2), order(3)])
    answer = await floor.take(content, floor.manifest(content, 3, allOrNothing=True))
    assert (answer.refused, counts(answer), floor.messages()) == (True, (0, 0, 3, 0), 0)
    assert [each["reason"] for each in result(answer)["records"]] == ["batch_refused", "not_valid", "batch_refused"]
    again = await floor.take(content, floor.manifest(content, 3, allOrNothing=False))
    assert (counts(again), again.repeat, [each.state for each in floor.stored()]) == ((2, 0, 1, 0), False, ["taken"])


async def test_what_the_journal_itself_refuses_refuses_all_of_a_batch_that_fits_one_commit(floor: Floor) -> None:
    known = order(1)
    first = lines([known])
    await floor.take(first, floor.manifest(first, 1))
    content = lines([order(2), known | {"subscriptionOrder": order(1, "9.00")["subscriptionOrder"]}])
    answer = await floor.take(content, floor.manifest(content, 2, batchNo="B2", sequence=2, allOrNothing=True))
    assert (counts(answer), floor.messages()) == ((0, 0, 2, 0), 1)
    assert [each["reason"] for each in result(answer)["records"]] == ["batch_refused", "conflict"]


async def test_the_same_batch_is_answered_again_to_the_byte(floor: Floor) -> None:
    content = lines([order(1), invalid(2)])
    manifest = floor.manifest(content, 2, allOrNothing=False)
    first = await floor.take(content, manifest)
    again = await floor.take(content, manifest)
    assert (again, floor.messages(), len(floor.stored())) == (replace(first, repeat=True), 1, 1)


async def test_a_file_under_another_name_is_known_by_its_content(floor: Floor) -> None:
    content = lines([order(1)])
    first = await floor.take(content)
    again = await floor.take(content, name="orders (1).jsonl")
    assert (again.batch_no, again.repeat, floor.messages()) == (first.batch_no, True, 1)


async def test_records_of_another_batch_are_ignored_and_a_person_is_told(floor: Floor) -> None:
    content = lines([order(1)])
    await floor.take(content, floor.manifest(content, 1))
    answer = await floor.take(content, floor.manifest(content, 1, batchNo="B2", sequence=2))
    assert (counts(answer), floor.messages()) == ((0, 1, 0, 0), 1)
    assert floor.told() == ["batch B2: its content came before as batch B1"]


async def test_a_number_with_another_content_is_a_conflict(floor: Floor) -> None:
    for content, expected in ((lines([order(1)]), None), (lines([order(2)]), "conflict")):
        answer = await floor.take(content, floor.manifest(content, 1))
        assert (reason(answer) if expected else None) == expected
    assert floor.messages() == 1


async def test_what_replaces_a_batch_ignores_what_is_the_same_and_holds_what_changed(floor: Floor) -> None:
    same, changed = order(1), order(2)
    first = lines([same, changed])
    await floor.take(first, floor.manifest(first, 2))
    changed = changed | {"subscriptionOrder": order(2, "7.00")["subscriptionOrder"]}
    content = lines([same, changed, order(3)])
    answer = await floor.take(content, floor.manifest(content, 3, replacesBatchNo="B1"))
    assert (counts(answer), floor.messages(), floor.told()) == ((1, 1, 0, 1), 4, [])


TOTAL = {"currency": "CNY", "recordCount": "2", "amount": "2000.00"}


@pytest.mark.parametrize(
    ("records", "said", "expected"),
    [
        (3, {}, "manifest_mismatch"),
        (2, {"digest": {"value": "0" * 64}}, "manifest_mismatch"),
        (2, {"digest": {"algorithm": "SM3"}}, "manifest_mismatch"),
        (2, {"file": {"size": "1"}}, "manifest_mismatch"),
        (2, {"name": "others.jsonl"}, "manifest_mismatch"),
        (2, {"controlTotals": [TOTAL | {"amount": "2000.01"}]}, "manifest_mismatch"),
        (2, {"controlTotals": [TOTAL | {"recordCount": "1"}]}, "manifest_mismatch"),
        (2, {"controlTotals": [TOTAL | {"currency": "USD"}]}, "manifest_mismatch"),
        (2, {"files": []}, "not_valid"),
        (2, {"recordCount": "5"}, "not_valid"),
        (2, {"batchNo": "B 1"}, "not_valid"),
        (2, {"businessDate": "2026-02-30"}, "not_valid"),
        (2, {"sender": CORE["code"]}, "sender_mismatch"),
        (2, {"receiver": PARTNER["code"]}, "receiver_mismatch"),
        (2, {"key": new_key("partner-1")}, "signature_invalid"),
    ],
)
async def test_a_batch_that_its_manifest_does_not_fit_is_refused_whole(
    refusing: Floor, records: int, said: dict[str, Any], expected: str
) -> None:
    content = lines([order(1), order(2)])
    assert reason(await refusing.take(content, refusing.manifest(content, records, **said))) == expected
    assert (refusing.last(), refusing.stored()[0].state) == (0, "refused")


async def test_a_partner_reads_its_own_names_and_sums_and_what_to_do_where_its_manifest_differs(
    refusing: Floor,
) -> None:
    content = lines([order(1), order(2)])
    named = await refusing.take(content, refusing.manifest(content, 2, name="others.jsonl"))
    summed = await refusing.take(content, refusing.manifest(content, 2, controlTotals=[TOTAL | {"amount": "2000.01"}]))
    rejections = [read_json(each.result)["rejection"] for each in (named, summed)]
    found = [[(each["value"], each["expected"]) for each in said["findings"]] for said in rejections]
    assert found == [[("others.jsonl", "orders.jsonl")], [("2000.01", "2000.00")] * 2]
    assert rejections[0]["text"]["en"] == (
        "the file and its manifest do not agree; nothing of the batch was accepted: "
        "they differ in batchManifest.files[0].file.name"
    )
    assert (named.batch_no, summed.batch_no) == ("B1", "B1")


async def test_a_person_is_told_of_a_batch_that_was_refused_until_it_comes_mended(floor: Floor) -> None:
    content = lines([order(1)])
    for _ in range(2):
        await floor.take(content, floor.manifest(content, 2))
    said = "batch B1: it was refused whole, for manifest_mismatch; batch show 1 says more"
    assert floor.told("open") == [said]
    await floor.take(content, floor.manifest(content, 1))
    assert (floor.told("open"), floor.told("resolved")) == ([], [said])


async def test_a_person_is_told_of_a_batch_of_which_every_record_was_refused(floor: Floor) -> None:
    content = lines([invalid(1)])
    await floor.take(content, floor.manifest(content, 1))
    assert floor.told() == ["batch B1: it was refused whole, for batch_refused; batch show 1 says more"]


async def test_a_manifest_without_a_seal_counts_only_where_the_login_stands_for_it(floor: Floor) -> None:
    content = lines([order(1)])
    bare = write_json(manifest_message(content, 1))
    assert reason(await floor.take(content, bare)) == "signature_missing"
    assert reason(await floor.take(content, None, sealed=True)) == "signature_missing"
    assert counts(await floor.take(content, bare, sealed=False)) == (1, 0, 0, 0)


@pytest.mark.parametrize("manifest", [b"", b"\xff\xfe", b"{", b"[]", b"x" * 2_000_000, write_json(order(1))])
async def test_what_is_no_manifest_refuses_the_batch(refusing: Floor, manifest: bytes) -> None:
    answer = await refusing.take(lines([order(1)]), manifest, sealed=False)
    assert (answer.refused, refusing.last()) == (True, 0)


async def test_what_was_refused_whole_may_come_again_mended(floor: Floor) -> None:
    content = lines([order(1)])
    assert reason(await floor.take(content, floor.manifest(content, 2))) == "manifest_mismatch"
    assert counts(await floor.take(content, floor.manifest(content, 1))) == (1, 0, 0, 0)
    assert [each.state for each in floor.stored()] == ["taken"]


async def test_a_batch_of_no_records_is_a_batch(floor: Floor) -> None:
    assert reason(await floor.take(b"")) == "manifest_mismatch"
    answer = await floor.take(b"", floor.manifest(b"", 0))
    assert (counts(answer), answer.refused) == ((0, 0, 0, 0), False)
    bare = floor.manifest(b"", 0, batchNo="B2", sequence=2, files=None)
    assert counts(await floor.take(b"", bare)) == (0, 0, 0, 0)
    bare = floor.manifest(b"", 0, batchNo="B3", sequence=3, files=None)
    assert reason(await floor.take(lines([order(1)]), bare)) == "manifest_mismatch"


async def prepaid(floor: Floor, content: bytes) -> Any:
    return await floor.take(content, channel="prepaid", name="day.csv")


async def test_a_partners_own_format_is_taken_record_by_record(floor: Floor) -> None:
    broken = CONSUMPTIONS.replace(b"2026-03-07 10:30:00", b"2026-03-07 25:30:00", 1)
    answer = await prepaid(floor.add("prepaid", "prepaid-csv"), broken)
    assert [each["lineNo"] for each in result(answer)["records"]] == [2]
    accepted, _, rejected, held = counts(answer)
    assert (rejected, accepted + held) == (1, floor.messages())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"".join(ROWS[:3]), "content_refused"),
        (b"".join([*ROWS[:2], *ROWS[3:]]), "content_refused"),
        (CONSUMPTIONS[: len(CONSUMPTIONS) // 2], "content_refused"),
        (CONSUMPTIONS.decode("utf-8-sig").encode("gb18030"), "wrong_encoding"),
        (b"\x00\x01\x02" * 100, "content_refused"),
        (b"PK\x03\x04" + bytes(1000), "content_refused"),
    ],
    ids=["without its end", "a row short", "cut in two", "another encoding", "no text", "a zip"],
)
async def test_a_file_that_is_not_whole_is_refused_before_anything_is_accepted(
    refusing: Floor, content: bytes, expected: str
) -> None:
    answer = await prepaid(refusing, content)
    assert (reason(answer), refusing.last()) == (expected, 0)


async def test_gaps_in_sequence_and_days_to_come_are_told_and_refuse_nothing(floor: Floor) -> None:
    odd: list[dict[str, Any]] = [{"sequence": 1}, {"sequence": 3}, {"sequence": 2}, {"businessDate": "2099-01-05"}]
    for number, said in enumerate(odd):
        content = lines([order(number)])
        manifest = floor.manifest(content, 1, batchNo=f"B{number}", **said)
        assert counts(await floor.take(content, manifest)) == (1, 0, 0, 0)
    assert floor.told() == [
        "batch B1: it is number 3 of its day, and number 2 did not come",
        "batch B2: it is number 2 of its day, and came after number 3",
        "batch B3: its business date 2099-01-05 is still to come",
    ]


async def test_a_record_with_the_key_of_another_in_its_file_is_ignored_or_a_conflict(floor: Floor) -> None:
    one = order(1)
    other = one | {"subscriptionOrder": order(2)["subscriptionOrder"]}
    content = lines([one, one, other])
    answer = await floor.take(content, floor.manifest(content, 3, allOrNothing=False))
    assert (counts(answer), floor.messages()) == ((1, 1, 1, 0), 1)
