# ruff: noqa: D103 -- the names say it
"""What a gateway delivers: in order, once, as the bytes that came, and to nobody else."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import orjson

from xinqiao.errors import MalformedQuery, NotAuthorized, XinqiaoError
from xinqiao.message import Json
from xinqiao.seal import access_token, new_key, open_stored
from xinqiao_conformance.benches.channel import Channel
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.benches.ways import messages_path
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import Course, opening
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_Written = Callable[[Json], bytes]
_SOON = 1.0


def _ids(channel: Channel) -> list[str]:
    return [each.message_id for each in channel.received]


@case("TRN-006", needs={"pull"})
def messages_of_a_case_are_delivered_in_the_order_of_their_acceptance(bench: GatewayBench) -> None:
    course = Course(bench)
    course.go(course.steps)
    _require_order(course)


@case("TRN-006", negative=True, needs={"pull"})
def messages_of_cases_that_go_side_by_side_keep_the_order_of_each(bench: GatewayBench) -> None:
    courses = [Course(bench) for _ in range(3)]
    for number in range(len(courses[0].steps)):
        for course in courses if number % 2 else reversed(courses):
            course.go([course.steps[number]])
    for course in courses:
        _require_order(course)


def _require_order(course: Course) -> None:
    for channel in (course.bench.core, course.bench.partner):
        sent = [
            exchange
            for step, exchange in zip(course.steps, course.exchanges, strict=True)
            if course.receiver(step) is channel
        ]
        for each in sent:
            course.bench.require_delivery(each, channel)
        ids = [each.sent["header"]["messageId"] for each in sent]
        came = [each for each in _ids(channel) if each in ids]
        if sent:
            sent[-1].require(
                came == ids, "按受理顺序送达，各一次", "deliveries in the order of acceptance, each of them once"
            )


def _as_it_is(message: Json) -> bytes:
    return orjson.dumps(message)


def _indented(message: Json) -> bytes:
    return orjson.dumps(message, option=orjson.OPT_INDENT_2) + b"\n"


def _with_keys_in_another_order(message: Json) -> bytes:
    return orjson.dumps(message, option=orjson.OPT_SORT_KEYS)


def _escaped(message: Json) -> bytes:
    text = orjson.dumps(with_value(message, "header.branch", "北京")).decode()
    return text.replace("北京", "\\u5317\\u4eac").replace('"header"', '"h\\u0065ader"').encode()


def _with_unknown_fields(message: Json) -> bytes:
    return orjson.dumps(with_value(message, "header.fieldOfTomorrow", {"a": [1, 2.50, None]}))


def _written(_kit: Kit) -> Iterator[tuple[str, _Written]]:
    for each in (_as_it_is, _indented, _with_keys_in_another_order, _escaped, _with_unknown_fields):
        yield each.__name__.strip("_"), each


@case("SEC-006", negative=True, needs={"pull"}, over=_written)
def what_was_sealed_is_carried_on_as_the_bytes_that_came(bench: GatewayBench, written: _Written) -> None:
    message = opening(bench)
    content = written(message)
    exchange = bench.send(message, bench.partner.sealed_bytes(content), written.__name__.strip("_"))
    exchange.require_receipt()
    delivered = bench.require_delivery(exchange, bench.core)
    exchange.require(delivered.content == content, "送达的字节与所收字节相同", "the bytes that came, and no others")


@case("SEC-002", needs={"pull"})
def what_is_delivered_bears_the_gateways_seal(bench: GatewayBench) -> None:
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    delivered = bench.require_delivery(exchange, bench.core)
    try:
        open_stored(delivered, bench.gateway_keys)
        said = ""
    except XinqiaoError as error:
        said = error.detail
    exchange.require(
        not said, f"送达的消息带网关的有效签名：{said}", f"a valid seal of the gateway over what is delivered: {said}"
    )


@case("ENV-013", negative=True, needs={"pull"})
def a_repeat_is_not_delivered_again(bench: GatewayBench) -> None:
    message = opening(bench)
    exchanges = [bench.send(message) for _ in range(3)]
    conflicting = bench.send(with_value(message, "header.correlationId", message["header"]["messageId"]))
    last = bench.send(opening(bench))
    last.require_receipt()
    bench.require_delivery(exchanges[0], bench.core)
    bench.require_delivery(last, bench.core)
    came = _ids(bench.core).count(message["header"]["messageId"])
    conflicting.require(came == 1, "该编号只送达一次", "one delivery under this id")


@case("TRN-007", negative=True, needs={"pull"})
def a_channel_that_fetches_nothing_does_not_delay_another(bench: GatewayBench) -> None:
    for _ in range(30):
        bench.core.send(bench.message("ping", back=True)).require_receipt()
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    bench.require_delivery(exchange, bench.core)


@case("TRN-008", negative=True, needs={"pull"})
def what_was_fetched_and_not_acknowledged_comes_again(bench: GatewayBench) -> None:
    bench.core.collected()
    before = bench.core.cursor
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    bench.require_delivery(exchange, bench.core)
    again = [each.content for each in bench.core.page(before).sealed]
    delivered = bench.core.by_id[exchange.sent["header"]["messageId"]].sealed.content
    exchange.require(delivered in again, "未经确认的消息再次送达", "the same message again: it was not acknowledged")


@case("TRN-008", negative=True, needs={"pull"})
def a_cursor_that_was_not_delivered_acknowledges_nothing(bench: GatewayBench) -> None:
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    asked = bench.core.ask(str(10**12))
    asked.require(
        asked.reason == MalformedQuery.reason,
        f"原因为 {MalformedQuery.reason} 的拒绝：该游标从未给出",
        f"a rejection whose reason is {MalformedQuery.reason}: this cursor was never given",
    )
    bench.require_delivery(exchange, bench.core)


@case("TRN-009", negative=True, needs={"pull"})
def a_message_stays_for_a_channel_whose_fetching_fails(bench: GatewayBench) -> None:
    exchange = bench.send(opening(bench))
    exchange.require_receipt()
    for token in ("", "nonsense", bench.partner.token()):
        bench.core.ask(bench.core.cursor, token)
    bench.require_delivery(exchange, bench.core)


@case("TRN-009", negative=True, needs={"pull"})
def messages_that_wait_are_delivered_page_by_page_and_none_is_left_out(bench: GatewayBench) -> None:
    bench.core.collected()
    sent = [bench.send(opening(bench)) for _ in range(7)]
    for each in sent:
        each.require_receipt()
    bench.require_delivery(sent[-1], bench.core)
    missing = [each for each in sent if each.sent["header"]["messageId"] not in bench.core.by_id]
    for each in missing:
        each.require(met=False, zh="送达", en="its delivery")


def _another_channels(bench: GatewayBench) -> str:
    return bench.partner.token()


def _by_the_partners_key(bench: GatewayBench) -> str:
    return access_token(bench.partner.key, messages_path(bench.core.id))


def _by_a_key_of_the_same_name(bench: GatewayBench) -> str:
    return access_token(new_key(bench.core.key.kid), messages_path(bench.core.id))


def _for_another_address(bench: GatewayBench) -> str:
    return access_token(bench.core.key, messages_path(bench.partner.id))


def _an_old_one(bench: GatewayBench) -> str:
    at = datetime.now(UTC) - timedelta(minutes=10)
    return access_token(bench.core.key, messages_path(bench.core.id), at)


def _one_of_tomorrow(bench: GatewayBench) -> str:
    at = datetime.now(UTC) + timedelta(minutes=10)
    return access_token(bench.core.key, messages_path(bench.core.id), at)


def _none(_bench: GatewayBench) -> str:
    return ""


def _nonsense(_bench: GatewayBench) -> str:
    return "a.b.c"


def _changed(bench: GatewayBench) -> str:
    head, body, signature = bench.core.token().split(".")
    return f"{head}.{body}.{signature[:-4]}{'AAAA' if signature[-4:] != 'AAAA' else 'BBBB'}"


_Token = Callable[[GatewayBench], str]


def _tokens(_kit: Kit) -> Iterator[tuple[str, _Token]]:
    for each in (
        *(_another_channels, _by_the_partners_key, _by_a_key_of_the_same_name, _for_another_address),
        *(_an_old_one, _one_of_tomorrow, _none, _nonsense, _changed),
    ):
        yield each.__name__.strip("_"), each


@case("SEC-008", negative=True, needs={"pull"}, over=_tokens)
def messages_of_a_channel_are_given_to_its_owner_alone(bench: GatewayBench, token: _Token) -> None:
    asked = bench.core.ask(bench.core.cursor, token(bench))
    asked.require(
        asked.reason == NotAuthorized.reason,
        f"原因为 {NotAuthorized.reason} 的拒绝",
        f"a rejection whose reason is {NotAuthorized.reason}",
    )


@case("SEC-008", negative=True, needs={"pull"})
def a_message_is_delivered_to_its_receiver_and_to_nobody_else(bench: GatewayBench) -> None:
    exchange, back = bench.send(opening(bench)), bench.core.send(bench.message("ping", back=True))
    for each, to in ((exchange, bench.core), (back, bench.partner)):
        each.require_receipt()
        bench.require_delivery(each, to)
    strangers = [bench.stranger] if bench.stranger else []
    for each, others in ((exchange, [bench.partner, *strangers]), (back, [bench.core, *strangers])):
        for other in others:
            came = each.sent["header"]["messageId"] in other.collected()
            each.require(not came, f"不送达 {other.institution}", f"no delivery to {other.institution}")


def _measured(bench: GatewayBench) -> tuple[Exchange, float]:
    message = opening(bench)
    sealed = bench.partner.sealed(message)
    begun = time.monotonic()
    exchange = bench.send(message, sealed)
    return exchange, time.monotonic() - begun


@case("TRN-011")
def acceptance_is_answered_within_a_second(bench: GatewayBench) -> None:
    for _ in range(3):
        exchange, seconds = _measured(bench)
        exchange.require_receipt()
        exchange.require(
            seconds <= _SOON,
            f"{_SOON:g} 秒内受理，实为 {seconds:.1f} 秒",
            f"acceptance within {_SOON:g} s, not {seconds:.1f} s",
        )
