# ruff: noqa: D103 -- the names say it
"""What a receiver answers to a message, to a repeat of it, and to another under the same id."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from xinqiao.message import Json, timestamp
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.kits import Kit

_POSITION = re.compile(r"0|[1-9][0-9]{0,18}")
_AT_ONCE = 4


def types(kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((body, body) for body in kit.types)


@case("ENV-001", over=types)
def a_valid_message_is_answered_with_a_receipt_that_names_id_and_position(bench: ReceiverBench, body: str) -> None:
    exchange = bench.push(bench.message(body))
    exchange.require_receipt()
    message_id = exchange.sent["header"]["messageId"]
    named = exchange.receipt.get("acceptedMessageId") == message_id
    exchange.require(named, f"回执的 acceptedMessageId 为 {message_id}", f"receipt.acceptedMessageId is {message_id}")
    position = exchange.receipt.get("position")
    numeric = isinstance(position, str) and _POSITION.fullmatch(position)
    exchange.require(numeric, "回执的 position 为十进制字符串", "receipt.position is a decimal string")


def _written_anew(message: Json) -> Json:
    """Return a message as a retry may write it: another time, the same content."""
    return {**message, "header": {**message["header"], "createdAt": timestamp()}}


@case("ENV-002", negative=True, over=types)
def a_repeat_is_answered_with_the_same_receipt(bench: ReceiverBench, body: str) -> None:
    message = bench.message(body)
    first = bench.push(message)
    first.require_receipt()
    for again in (message, _written_anew(message)):
        repeat = bench.push(again)
        repeat.require_receipt()
        repeat.require(
            repeat.receipt == first.receipt, "与首次相同的受理回执", "the receipt of the first time, unchanged"
        )


@case("ENV-003", negative=True, over=types)
def the_same_id_with_other_content_is_refused_as_a_conflict(bench: ReceiverBench, body: str) -> None:
    message = bench.message(body)
    bench.push(message).require_receipt()
    other = {**message, "header": {**message["header"], "caseId": f"{message['header']['caseId']}-2"}}
    bench.push(other).require_refusal(409, "conflict")


@case("ENV-003", negative=True)
def a_conflict_leaves_the_first_message_as_it_was(bench: ReceiverBench) -> None:
    message = bench.message(bench.kit.types[0])
    bench.push(message).require_receipt()
    bench.push({**message, "header": {**message["header"], "caseId": f"{message['header']['caseId']}-2"}})
    bench.push(message).require_receipt()


@case("ENV-013", negative=True)
def of_repeats_that_come_at_once_one_is_taken(bench: ReceiverBench) -> None:
    message = bench.message(bench.kit.types[0])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(bench.push, [message] * _AT_ONCE))
    taken = [each for each in answers if each.status == 202]
    for each in answers:
        # Who comes while the first is under way may be told so.
        waits = each.status == 503 and each.reason == "in_progress"
        each.require(waits or each.receipt, "受理回执，或 503 与 in_progress", "a receipt, or 503 with in_progress")
    answers[0].require(len(taken) <= 1, "只有一次以 202 受理", "202 once at the most")
    receipts = [each.receipt for each in answers if each.receipt]
    same = all(each == receipts[0] for each in receipts)
    answers[0].require(receipts and same, "至少一份回执，且各份相同", "a receipt, and the same one in every answer")


@case("ENV-013", negative=True)
def a_message_that_was_refused_is_taken_once_it_is_right(bench: ReceiverBench) -> None:
    """What was refused was not received, so the same id is no repeat of it."""
    message = bench.message(bench.kit.types[0])
    bench.push({**message, "header": {**message["header"], "businessDate": "2026-13-45"}})
    bench.push(message).require_receipt()
