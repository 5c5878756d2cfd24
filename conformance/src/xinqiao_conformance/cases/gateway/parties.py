"""From whom a message may come, whom it may be for, in which environment, and in which version of the standard."""

from collections.abc import Callable, Iterator

from xinqiao.errors import (
    ReceiverMismatch,
    SealInvalid,
    SenderMismatch,
    UnknownMessageType,
    UnsupportedVersion,
)
from xinqiao.errors import TestMismatch as OtherEnvironment
from xinqiao.message import Json
from xinqiao.rules.check_digits import social_credit_check_character
from xinqiao_conformance.benches.gateway import GatewayBench, with_value, without_value
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import opening, types
from xinqiao_conformance.kits import Kit

__all__ = ["UNSERVED"]

_Changed = Callable[[GatewayBench, Json], Json]


def _code(first: str) -> str:
    return first + social_credit_check_character(first)


# Codes of institutions that are well-formed and nobody has.
UNSERVED = (_code("91999999999999999"), _code("91110105MA00AAAA0"))


def _named_as_the_core(bench: GatewayBench, message: Json) -> Json:
    return with_value(message, "header.sender", bench.core.institution)


def _named_as_nobody_known(_bench: GatewayBench, message: Json) -> Json:
    return with_value(message, "header.sender", UNSERVED[0])


def _named_with_the_cores_channel(bench: GatewayBench, message: Json) -> Json:
    return with_value(message, "header.channelId", bench.core.id)


def _senders(_kit: Kit) -> Iterator[tuple[str, _Changed]]:
    for each in (_named_as_the_core, _named_as_nobody_known, _named_with_the_cores_channel):
        yield each.__name__.strip("_"), each


@case("ENV-008", negative=True, over=_senders)
def a_message_that_its_channel_cannot_have_sent_is_refused(bench: GatewayBench, changed: _Changed) -> None:
    bench.require_reason(bench.send(changed(bench, opening(bench))), SenderMismatch)


@case("ENV-008", negative=True)
def a_message_over_the_channel_of_another_institution_is_refused(bench: GatewayBench) -> None:
    message = opening(bench)
    exchange = bench.partner.send(message, note="over the core's channel", by=bench.core.id)
    refused = exchange.reason in (SealInvalid.reason, SenderMismatch.reason)
    exchange.require(
        refused,
        "原因为 signature_invalid 或 sender_mismatch 的拒绝",
        "a rejection whose reason is signature_invalid or sender_mismatch",
    )


def _receivers(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((code, code) for code in UNSERVED)


@case("ENV-009", negative=True, over=_receivers)
def a_message_for_an_institution_that_is_not_served_is_refused(bench: GatewayBench, code: str) -> None:
    bench.require_reason(bench.send(with_value(opening(bench), "header.receiver", code)), ReceiverMismatch)


def _of_the_other_environment(message: Json) -> Json:
    if message["header"].get("test"):
        return without_value(message, "header.test")
    return with_value(message, "header.test", value=True)


@case("ENV-017", negative=True, over=types)
def a_message_of_the_other_environment_is_refused(bench: GatewayBench, body: str) -> None:
    bench.require_reason(bench.send(_of_the_other_environment(bench.message(body))), OtherEnvironment)


@case("ENV-017", negative=True, needs={"pull"})
def a_message_of_the_other_environment_is_never_delivered(bench: GatewayBench) -> None:
    astray, after = _of_the_other_environment(opening(bench)), opening(bench)
    exchange = bench.send(astray)
    last = bench.send(after)
    last.require_receipt()
    bench.require_delivery(last, bench.core)
    came = astray["header"]["messageId"] in bench.core.by_id
    exchange.require(not came, "不送达", "no delivery")


def _versions(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((version, version) for version in ("2.0", "0.9", "10.1"))


@case("ENV-021", negative=True, over=_versions)
def a_message_of_another_major_version_is_refused(bench: GatewayBench, version: str) -> None:
    bench.require_reason(bench.send(with_value(opening(bench), "header.standardVersion", version)), UnsupportedVersion)


def _later(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((version, version) for version in ("1.1", "1.12"))


@case("ENV-020", over=_later)
def a_message_of_a_later_minor_version_is_taken(bench: GatewayBench, version: str) -> None:
    bench.send(with_value(opening(bench), "header.standardVersion", version)).require_receipt()


def _in_the_header(_bench: GatewayBench, message: Json) -> Json:
    return with_value(message, "header.fieldOfTomorrow", "1")


def _in_the_body(_bench: GatewayBench, message: Json) -> Json:
    return with_value(message, f"{_body(message)}.fieldOfTomorrow", {"deep": [{"er": 1}]})


def _unknown(_kit: Kit) -> Iterator[tuple[str, _Changed]]:
    for each in (_in_the_header, _in_the_body):
        yield each.__name__.strip("_"), each


@case("ENV-020", negative=True, over=_unknown)
def an_unknown_field_is_noted_and_no_error(bench: GatewayBench, changed: _Changed) -> None:
    exchange = bench.send(changed(bench, with_value(opening(bench), "header.standardVersion", "1.7")))
    exchange.require_receipt()
    notes = exchange.receipt.get("notes")
    paths = [str(each.get("path")) for each in notes if isinstance(each, dict)] if isinstance(notes, list) else []
    noted = any(path.endswith(".fieldOfTomorrow") for path in paths)
    exchange.require(noted, "回执 notes 中有该字段", "receipt.notes with the field")


@case("ENV-020", negative=True, needs={"pull"}, over=_unknown)
def an_unknown_field_is_kept_on_the_way(bench: GatewayBench, changed: _Changed) -> None:
    exchange = bench.send(changed(bench, opening(bench)))
    exchange.require_receipt()
    sealed = bench.require_delivery(exchange, bench.core)
    exchange.require(b"fieldOfTomorrow" in sealed.content, "送达的消息保留该字段", "the field in what is delivered")


def _body(message: Json) -> str:
    return next(name for name in message if name != "header")


def _of_an_unknown_type(_bench: GatewayBench, message: Json) -> Json:
    return {"header": message["header"], "noSuchMessage": {}}


def _without_a_body(_bench: GatewayBench, message: Json) -> Json:
    return {"header": message["header"]}


def _with_two_bodies(bench: GatewayBench, message: Json) -> Json:
    return {**message, "ping": bench.message("ping")["ping"]}


def _in_snake_case(_bench: GatewayBench, message: Json) -> Json:
    body = _body(message)
    return {"header": message["header"], "".join(f"_{c.lower()}" if c.isupper() else c for c in body): message[body]}


def _bodies(_kit: Kit) -> Iterator[tuple[str, _Changed]]:
    for each in (_of_an_unknown_type, _without_a_body, _with_two_bodies, _in_snake_case):
        yield each.__name__.strip("_"), each


@case("ENV-022", negative=True, over=_bodies)
def a_body_that_the_standard_does_not_define_is_refused(bench: GatewayBench, changed: _Changed) -> None:
    bench.require_reason(bench.send(changed(bench, opening(bench))), UnknownMessageType)
