# ruff: noqa: D103 -- the names say it
"""What a gateway answers to a message, to a repeat of it, and to another under the same id."""

import re
from collections.abc import Callable, Iterator

from xinqiao.errors import Conflict, SealInvalid
from xinqiao.evidence import verify_receipt
from xinqiao.finding import errors_in
from xinqiao.message import Json, timestamp
from xinqiao.validation import check
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import Course, opening, story_of
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_POSITION = re.compile(r"0|[1-9][0-9]{0,18}")
_Other = Callable[[GatewayBench, Json], Json]


def _steps(kit: Kit) -> Iterator[tuple[str, int]]:
    for number, step in enumerate(story_of(kit.business)):
        yield f"{step.body} {'from the core' if step.is_back else 'from the partner'}", number


@case("ENV-001", over=_steps)
def a_valid_message_is_answered_with_a_receipt_that_names_id_and_position(bench: GatewayBench, number: int) -> None:
    course = Course(bench)
    exchange = course.go(course.steps[: number + 1]).exchanges[-1]
    message_id = exchange.sent["header"]["messageId"]
    named = exchange.receipt.get("acceptedMessageId")
    exchange.require(
        named == message_id, f"回执的 acceptedMessageId 为 {message_id}", f"receipt.acceptedMessageId is {message_id}"
    )
    position = exchange.receipt.get("position")
    numeric = isinstance(position, str) and _POSITION.fullmatch(position)
    exchange.require(numeric, "回执的 position 为十进制字符串", "receipt.position is a decimal string")


@case("ENV-001")
def positions_follow_the_order_of_acceptance(bench: GatewayBench) -> None:
    exchanges = [bench.send(opening(bench)) for _ in range(3)]
    for each in exchanges:
        each.require_receipt()
    positions = [int(each.receipt["position"]) for each in exchanges if str(each.receipt.get("position")).isdecimal()]
    rising = len(positions) == len(exchanges) and positions == sorted(set(positions))
    exchanges[-1].require(rising, "position 逐条递增", "positions that rise from message to message")


def _require_valid_answer(exchange: Exchange, body: str) -> None:
    exchange.require(body in exchange.answer, f"应答为一条 {body} 消息", f"an answer that is a message {body}")
    wrong = errors_in(check(exchange.answer, strict=True))
    paths = ", ".join(each.path for each in wrong[:10])
    exchange.require(not wrong, f"应答本身合法，{paths} 有误", f"an answer that is valid itself; see {paths}")


@case("MSG-002")
def a_receipt_is_a_valid_message_of_the_standard(bench: GatewayBench) -> None:
    _require_valid_answer(bench.send(opening(bench)), "receipt")


@case("MSG-002", negative=True)
def a_rejection_is_a_valid_message_of_the_standard(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    for wrong in (with_value(message, f"{body}.colour", {"a": 1}), with_value(message, f"{body}", {})):
        exchange = bench.send(wrong)
        if exchange.rejection:
            _require_valid_answer(exchange, "rejection")
    _require_valid_answer(bench.send_bytes(b"{"), "rejection")


@case("ENV-011", negative=True)
def receipt_and_rejection_name_the_message_that_they_answer(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    for each in (message, with_value(opening(bench), body, {})):
        exchange = bench.send(each)
        header = exchange.answer.get("header")
        named = header.get("correlationId") if isinstance(header, dict) else None
        message_id = each["header"]["messageId"]
        exchange.require(
            named == message_id, f"应答的 correlationId 为 {message_id}", f"header.correlationId is {message_id}"
        )


def _unchanged(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return message


def _written_anew(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return with_value(message, "header.createdAt", timestamp())


def _from_another_branch(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return with_value(with_value(message, "header.branch", "另一支行"), "header.operator", "OP-2")


def _as_another_file(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return {name: message[name] for name in reversed(message)}


def _repeats(_kit: Kit) -> Iterator[tuple[str, _Other]]:
    for each in (_unchanged, _written_anew, _from_another_branch, _as_another_file):
        yield each.__name__.strip("_"), each


@case("ENV-002", negative=True, over=_repeats)
def a_repeat_is_answered_with_the_same_receipt(bench: GatewayBench, repeated: _Other) -> None:
    message = opening(bench)
    first = bench.send(message)
    first.require_receipt()
    second = bench.send(repeated(bench, message))
    second.require_receipt()
    second.require(second.receipt == first.receipt, "与首次相同的受理回执", "the receipt of the first time, unchanged")


@case("ENV-002", negative=True)
def a_message_that_was_refused_may_come_again_under_its_id(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    bench.send(with_value(message, body, {}))
    bench.send(message).require_receipt()


def _of_another_body(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return with_value(message, f"{_body(message)}.fieldOfTomorrow", "1")


def _of_another_case(bench: GatewayBench, message: Json) -> Json:  # noqa: ARG001
    return with_value(message, "header.caseId", new_case())


def _that_answers_another(bench: GatewayBench, message: Json) -> Json:
    return with_value(message, "header.correlationId", bench.message("ping")["header"]["messageId"])


def _of_another_type(bench: GatewayBench, message: Json) -> Json:
    step = next(each for each in story_of(bench.kit.business) if each.body != _body(message) and not each.is_back)
    return {"header": message["header"], step.body: bench.message(step.body)[step.body]}


def _body(message: Json) -> str:
    return next(name for name in message if name != "header")


def _others(_kit: Kit) -> Iterator[tuple[str, _Other]]:
    for each in (_of_another_body, _of_another_case, _that_answers_another, _of_another_type):
        yield each.__name__.strip("_"), each


@case("ENV-003", negative=True, over=_others)
def the_same_id_with_other_content_is_refused_as_a_conflict(bench: GatewayBench, other: _Other) -> None:
    message = opening(bench)
    first = bench.send(message)
    first.require_receipt()
    bench.require_refusal(bench.send(other(bench, message)), Conflict)


@case("ENV-003", negative=True)
def a_conflict_takes_nothing_from_the_message_that_was_first(bench: GatewayBench) -> None:
    message = opening(bench)
    first = bench.send(message)
    first.require_receipt()
    bench.send(_of_another_body(bench, message))
    again = bench.send(message)
    again.require(
        again.receipt == first.receipt, "首条消息的受理回执不变", "the receipt of the first message, unchanged"
    )


def _proved(bench: GatewayBench, exchange: Exchange, receipt: Json) -> None:
    try:
        verify_receipt(receipt, bench.gateway_keys, exchange.sent)
        said = ""
    except SealInvalid as error:
        said = error.detail
    exchange.require(
        not said,
        f"回执附可用网关公钥离线验证的存在性证明：{said}",
        f"a receipt with an inclusion proof that verifies offline with the gateway's key: {said}",
    )


@case("ENV-019", needs={"proofs"})
def a_receipt_proves_itself_with_the_gateways_public_key(bench: GatewayBench) -> None:
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    _proved(bench, exchange, exchange.receipt)


@case("ENV-019", negative=True, needs={"proofs"})
def the_receipt_of_a_repeat_proves_itself_as_the_first(bench: GatewayBench) -> None:
    message = opening(bench)
    bench.send(message).require_receipt()
    again = bench.send(message)
    _proved(bench, again, again.receipt)
