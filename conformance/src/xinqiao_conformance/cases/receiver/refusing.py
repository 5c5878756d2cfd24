# ruff: noqa: D103 -- the names say it
"""What a receiver refuses beside what is not valid: versions, types, addressees, content types, sizes."""

from collections.abc import Callable, Iterator

from xinqiao.finding import errors_in
from xinqiao.message import Json, write_json
from xinqiao.validation import check
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.cases.receiver.taking import types
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import answered

# Larger than any limit that is published for messages, and deeper than any message is.
_TOO_LARGE = 8 << 20
_TOO_DEEP = 5_000
_TRIES = 3
_DEEP = {"lists": (b"[", b"]"), "objects": (b'{"a":', b"}")}
_CLEAR = frozenset({"malformed_json", "not_valid", "content_refused", "body_too_large"})

_Change = Callable[[ReceiverBench, Json], Json]


def _with_header(message: Json, **said: object) -> Json:
    return {**message, "header": {**message["header"], **said}}


@case("ENV-020", over=types)
def a_message_of_a_later_version_with_unknown_fields_is_taken(bench: ReceiverBench, body: str) -> None:
    message = _with_header(bench.message(body), standardVersion="1.9", laterField="later")
    later = {**message, body: {**message[body], "laterField": {"deep": ["later", 1]}}}
    bench.push(later).require_receipt()


def _versions(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((version, version) for version in ("2.0", "0.9", "10.0"))


@case("ENV-021", negative=True, over=_versions)
def another_major_version_is_refused(bench: ReceiverBench, version: str) -> None:
    message = _with_header(bench.message(bench.kit.types[0]), standardVersion=version)
    bench.push(message).require_refusal(422, "unsupported_version")


def _bodies(_kit: Kit) -> Iterator[tuple[str, _Change]]:
    def renamed(bench: ReceiverBench, message: Json) -> Json:
        return {"header": message["header"], "bodyOfALaterVersion": message[bench.kit.types[0]]}

    def none(_bench: ReceiverBench, message: Json) -> Json:
        return {"header": message["header"]}

    def two(_bench: ReceiverBench, message: Json) -> Json:
        return {**message, "ping": {}}

    yield "a_body_that_the_standard_does_not_define", renamed
    yield "no_body", none
    yield "two_bodies", two


@case("ENV-022", negative=True, over=_bodies)
def a_body_that_is_none_of_the_standard_is_refused(bench: ReceiverBench, change: _Change) -> None:
    message = change(bench, bench.message(bench.kit.types[0]))
    bench.push(message).require_refusal(422, "unknown_message_type")


@case("ENV-009", negative=True, over=types)
def a_message_for_somebody_else_is_refused(bench: ReceiverBench, body: str) -> None:
    message = _with_header(bench.message(body), receiver=bench.other, sender=bench.institution)
    bench.push(message).require_refusal(403, "receiver_mismatch")


@case("ENV-017", negative=True, over=types)
def a_message_of_the_other_kind_of_traffic_is_refused(bench: ReceiverBench, body: str) -> None:
    message = bench.message(body)
    header = {name: value for name, value in message["header"].items() if name != "test"}
    if not bench.test:
        header["test"] = True
    bench.push({**message, "header": header}).require_refusal(403, "test_mismatch")


@case("TRN-002", negative=True)
def another_content_type_is_refused(bench: ReceiverBench) -> None:
    message = bench.message(bench.kit.types[0])
    sealed = bench.sealed(message, "text/plain")
    bench.push(message, sealed).require_refusal(415, "unsupported_media_type")


@case("TRN-002")
def a_content_type_with_a_parameter_is_taken(bench: ReceiverBench) -> None:
    message = bench.message(bench.kit.types[0])
    bench.push(message, bench.sealed(message, "application/json; charset=utf-8")).require_receipt()


@case("TRN-003", negative=True)
def a_body_beyond_any_limit_is_refused(bench: ReceiverBench) -> None:
    message = bench.message(bench.kit.types[0])
    sealed = bench.sealed(write_json(message).ljust(_TOO_LARGE))
    answers = (bench.push(message, sealed, note=f"{_TOO_LARGE} bytes") for _ in range(_TRIES))
    answered(answers).require_refusal(413, "body_too_large")


def _depths(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in _DEEP)


@case("SEC-010", negative=True, over=_depths)
def what_is_nested_too_deep_is_refused_with_a_clear_error(bench: ReceiverBench, kind: str) -> None:
    message = bench.message(bench.kit.types[0])
    begin, end = _DEEP[kind]
    deep = begin * _TOO_DEEP + b"1" + end * _TOO_DEEP
    content = write_json(message)[:-1] + b',"laterField":' + deep + b"}"
    exchange = bench.push(message, bench.sealed(content), note=f"{_TOO_DEEP} {kind}, one in another")
    clear = 400 <= exchange.status < 500 and exchange.reason in _CLEAR
    exchange.require(clear, "4xx 与说明原因的拒绝", f"4xx with a rejection for {', '.join(sorted(_CLEAR))}")


@case("MSG-005", negative=True, over=types)
def a_message_that_names_a_key_twice_is_refused(bench: ReceiverBench, body: str) -> None:
    message = bench.message(body)
    twice = write_json(message).replace(b'"header":{', b'"header":{"caseId":"CASE-OTHER",', 1)
    bench.push(message, bench.sealed(twice), note="header.caseId twice").require_refusal(400, "duplicate_key")


@case("MSG-002", negative=True, over=types)
def a_rejection_is_a_valid_message_itself(bench: ReceiverBench, body: str) -> None:
    exchange = bench.push(_with_header(bench.message(body), createdAt="yesterday"))
    exchange.require(exchange.rejection, "拒绝消息：createdAt 不是时间", "a rejection: createdAt is no time")
    wrong = ", ".join(each.path for each in errors_in(check(exchange.answer, strict=True)))
    exchange.require(not wrong, f"合法的拒绝消息；有误：{wrong}", f"a valid rejection; wrong are {wrong}")
