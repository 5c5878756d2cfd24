# ruff: noqa: D103 -- the names say it
"""Inputs that nobody sends who means well: too large, too deep, of another type, with a mark, with entities."""

from collections.abc import Callable, Iterator

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    DuplicateKey,
    ForbiddenXml,
    MalformedJson,
    MalformedXml,
    NotValid,
    UnsupportedMediaType,
    WrongEncoding,
)
from xinqiao.xml_form import write_xml
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.cases.document_types import document_types, in_xml
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import Course, opening, story_of, types
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import answered

# The limit that docs/isolation.md publishes; a channel for certification has it.
_MEBIBYTE = 1 << 20
_TRIES = 3
_XML = "application/xml"
_Bytes = Callable[[GatewayBench], bytes]


def _content_types(_kit: Kit) -> Iterator[tuple[str, str]]:
    for each in ("text/plain", "application/x-www-form-urlencoded", "application/pdf", "image/png", "json"):
        yield each, each


@case("TRN-002", negative=True, over=_content_types)
def another_content_type_is_refused(bench: GatewayBench, content_type: str) -> None:
    message = opening(bench)
    sealed = bench.partner.sealed_bytes(orjson.dumps(message), content_type)
    bench.require_reason(bench.send(message, sealed, content_type), UnsupportedMediaType)


@case("TRN-002")
def a_charset_of_utf_8_may_be_named(bench: GatewayBench) -> None:
    message = opening(bench)
    sealed = bench.partner.sealed_bytes(orjson.dumps(message), "application/json; charset=utf-8")
    bench.send(message, sealed, "charset=utf-8").require_receipt()


@case("TRN-002", negative=True)
def another_charset_is_refused(bench: GatewayBench) -> None:
    message = opening(bench)
    sealed = bench.partner.sealed_bytes(orjson.dumps(message), "application/json; charset=GB18030")
    bench.require_reason(bench.send(message, sealed, "charset=GB18030"), WrongEncoding)


def _one_byte_too_many(bench: GatewayBench) -> bytes:
    content = orjson.dumps(opening(bench))
    return content + b" " * (_MEBIBYTE + 1 - len(content))


def _all_spaces(_bench: GatewayBench) -> bytes:
    return b" " * (_MEBIBYTE + 1000)


def _a_long_text(bench: GatewayBench) -> bytes:
    return orjson.dumps(with_value(opening(bench), "header.branch", "长" * (_MEBIBYTE // 3)))


def _many_fields(bench: GatewayBench) -> bytes:
    return orjson.dumps({**opening(bench), "many": {f"field{number:06}": number for number in range(60_000)}})


def _large(_kit: Kit) -> Iterator[tuple[str, _Bytes]]:
    for each in (_one_byte_too_many, _all_spaces, _a_long_text, _many_fields):
        yield each.__name__.strip("_"), each


@case("TRN-003", negative=True, over=_large)
def a_body_beyond_a_mebibyte_is_refused(bench: GatewayBench, large: _Bytes) -> None:
    answers = (bench.send_bytes(large(bench), note=large.__name__.strip("_")) for _ in range(_TRIES))
    bench.require_reason(answered(answers), BodyTooLarge)


@case("TRN-003", negative=True)
def after_a_body_that_is_too_large_others_are_taken(bench: GatewayBench) -> None:
    bench.send_bytes(_all_spaces(bench), note="too large")
    bench.send(opening(bench)).require_receipt()


def _nested(opened: bytes, closed: bytes, depth: int) -> _Bytes:
    def content(bench: GatewayBench) -> bytes:
        message = with_value(opening(bench), "header.deep", "HERE")
        return orjson.dumps(message).replace(b'"HERE"', opened * depth + b"1" + closed * depth)

    return content


_DEEP: dict[str, _Bytes] = {
    "300 lists": _nested(b"[", b"]", 300),
    "300 objects": _nested(b'{"a":', b"}", 300),
    "100,000 lists": _nested(b"[", b"]", 100_000),
    "100,000 objects": _nested(b'{"a":', b"}", 100_000),
    "100,000 lists that do not end": lambda _bench: b"[" * 100_000,
    "100,000 objects that do not end": lambda _bench: b'{"a":' * 100_000,
}


def _deep(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in _DEEP)


@case("SEC-010", negative=True, over=_deep)
def what_is_nested_too_deep_is_refused(bench: GatewayBench, name: str) -> None:
    bench.require_reason(bench.send_bytes(_DEEP[name](bench), note=name), MalformedJson)


def _lengths(kit: Kit) -> Iterator[tuple[str, tuple[str, object]]]:
    yield "a case id of 1,000 characters", ("header.caseId", "C" * 1000)
    yield "a case id of 100,000 characters", ("header.caseId", "C" * 100_000)
    yield "a serial of 10,000 characters", ("header.partnerSerial", "1" * 10_000)
    yield "a branch of 100,000 characters outside the first plane", ("header.branch", "𠮷" * 100_000)
    yield "a revision beyond 31 bits", ("header.revision", 2**40)
    yield "a revision beyond 63 bits", ("header.revision", 2**63)
    yield "a body of 5,000 items", (story_of(kit.business)[0].body, [{}] * 5000)


@case("SEC-010", negative=True, over=_lengths)
def lengths_and_items_beyond_the_limits_are_refused(bench: GatewayBench, long: tuple[str, object]) -> None:
    path, value = long
    bench.require_reason(bench.send(with_value(opening(bench), path, value)), NotValid)


@case("SEC-010", negative=True)
def a_flood_of_unknown_fields_does_not_hide_an_error(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    flood = {f"a{number}": number for number in range(5000)}
    exchange = bench.send({**message, body: flood})
    bench.require_reason(exchange, NotValid)
    findings = exchange.rejection.get("findings")
    levels = [each.get("level") for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []
    bounded = "ERROR" in levels and len(levels) <= 1000
    exchange.require(bounded, "findings 含 ERROR，且不超过 1,000 条", "findings with an ERROR, at most 1,000 of them")


@case("MSG-006", negative=True)
def a_byte_order_mark_is_refused(bench: GatewayBench) -> None:
    content = b"\xef\xbb\xbf" + orjson.dumps(opening(bench))
    bench.require_reason(bench.send_bytes(content, note="a byte order mark"), MalformedJson)


def _encodings(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in ("gb18030", "big5hkscs"))


@case("MSG-006", negative=True, over=_encodings)
def another_encoding_is_refused(bench: GatewayBench, encoding: str) -> None:
    message = with_value(opening(bench), "header.branch", "北京中心支行")
    content = orjson.dumps({"header": message["header"]}).decode().encode(encoding)
    bench.require_reason(bench.send_bytes(content, note=encoding), WrongEncoding)


@case("MSG-006", negative=True)
def utf_16_is_refused(bench: GatewayBench) -> None:
    content = orjson.dumps(opening(bench)).decode().encode("utf-16")
    exchange = bench.send_bytes(content, note="UTF-16")
    refused = exchange.reason in (WrongEncoding.reason, MalformedJson.reason)
    exchange.require(
        refused, "原因为 wrong_encoding 或 malformed_json 的拒绝", "a rejection: wrong_encoding or malformed_json"
    )


@case("MSG-005", negative=True, over=types)
def a_message_whose_body_is_there_twice_is_refused(bench: GatewayBench, body: str) -> None:
    message = bench.message(body)
    content = orjson.dumps(message)[:-1] + b"," + orjson.dumps({body: message[body]})[1:]
    bench.require_reason(bench.send(message, bench.partner.sealed_bytes(content), "the body twice"), DuplicateKey)


@case("SEC-009", negative=True, needs={"xml"}, over=document_types)
def document_types_and_entities_are_refused(bench: GatewayBench, name: str) -> None:
    message = opening(bench)
    sealed = bench.partner.sealed_bytes(in_xml(message, name), _XML)
    bench.require_reason(bench.send(message, sealed, name), ForbiddenXml)


@case("MSG-002", needs={"xml"})
def a_message_in_xml_is_the_same_message(bench: GatewayBench) -> None:
    course = Course(bench)
    message = course.message(course.steps[0])
    first = bench.send(message, bench.partner.sealed_bytes(in_xml(message), _XML), "in XML")
    first.require_receipt()
    again = bench.send(message)
    again.require(again.receipt == first.receipt, "与 XML 形式相同的受理回执", "the receipt of its XML form, unchanged")


@case("TRN-001", negative=True, needs={"xml"})
def xml_that_is_not_well_formed_is_refused(bench: GatewayBench) -> None:
    content = write_xml(opening(bench))[:-3]
    bench.require_refusal(bench.send_bytes(content, _XML, "cut off"), MalformedXml)
