# ruff: noqa: D103 -- the names say it
"""The error table: each reason that a sender can provoke has one status on each transport, and no other."""

from collections.abc import Callable, Iterator

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    CaseMissing,
    Conflict,
    DuplicateKey,
    MalformedJson,
    MalformedQuery,
    NotAuthorized,
    NotValid,
    OutOfOrder,
    ReceiverMismatch,
    SealExpired,
    SealInvalid,
    SenderMismatch,
    UnknownChannel,
    UnknownMessageType,
    UnsupportedMediaType,
    UnsupportedVersion,
    WrongEncoding,
    XinqiaoError,
    error_table,
)
from xinqiao.errors import TestMismatch as OtherEnvironment
from xinqiao.message import Json
from xinqiao_conformance.benches.forging import FORGERIES
from xinqiao_conformance.benches.gateway import GatewayBench, with_value, without_value
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.parties import UNSERVED
from xinqiao_conformance.cases.gateway.stories import opening
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_Provoke = Callable[[GatewayBench], Exchange]


def _changed(path: str, value: object) -> _Provoke:
    return lambda bench: bench.send(with_value(opening(bench), path, value))


def _raw(content: bytes, content_type: str = "application/json") -> _Provoke:
    return lambda bench: bench.send_bytes(content, content_type, "bytes")


def _empty(bench: GatewayBench) -> Exchange:
    message = opening(bench)
    return bench.send({name: part if name == "header" else {} for name, part in message.items()})


def _conflicting(bench: GatewayBench) -> Exchange:
    message = opening(bench)
    bench.send(message)
    return bench.send(with_value(message, "header.caseId", new_case()))


def _without_body(bench: GatewayBench) -> Exchange:
    return bench.send({"header": opening(bench)["header"]})


def _of_the_other_environment(bench: GatewayBench) -> Exchange:
    message: Json = opening(bench)
    is_test = message["header"].get("test", False)
    return bench.send(without_value(message, "header.test") if is_test else with_value(message, "header.test", True))


def _sealed_as(forgery: str) -> _Provoke:
    def provoke(bench: GatewayBench) -> Exchange:
        message = opening(bench)
        sealed = FORGERIES[forgery](orjson.dumps(message), bench.partner.key)
        return bench.send(message, sealed, forgery)

    return provoke


def _over_no_channel(bench: GatewayBench) -> Exchange:
    return bench.partner.send(opening(bench), note="over a channel that nobody has", by="conformance-no-such-channel")


_PROVOKED: dict[type[XinqiaoError], _Provoke] = {
    MalformedJson: _raw(b'{"header":'),
    DuplicateKey: _raw(b'{"header": {}, "header": {}}'),
    WrongEncoding: _raw('{"header": "信桥"}'.encode("gb18030")),
    BodyTooLarge: _raw(b" " * (1 << 21)),
    UnsupportedMediaType: _raw(b"{}", "text/plain"),
    UnknownChannel: _over_no_channel,
    SealInvalid: _sealed_as("a key that nobody registered"),
    SealExpired: _sealed_as("ten minutes and a second later"),
    NotAuthorized: lambda bench: bench.core.ask(token=""),
    SenderMismatch: lambda bench: bench.send(with_value(opening(bench), "header.sender", bench.core.institution)),
    ReceiverMismatch: _changed("header.receiver", UNSERVED[0]),
    OtherEnvironment: _of_the_other_environment,
    MalformedQuery: lambda bench: bench.core.ask("x"),
    UnknownMessageType: _without_body,
    UnsupportedVersion: _changed("header.standardVersion", "3.0"),
    NotValid: _empty,
    Conflict: _conflicting,
    CaseMissing: lambda bench: bench.send(bench.message("kycApplication", caseId=None)),
    OutOfOrder: lambda bench: bench.send(bench.message("paymentInstruction")),
}
# Reasons that no other requirement asks for: what provokes them must be refused for them.
_ITS_OWN = (MalformedJson, UnknownChannel, NotAuthorized, MalformedQuery, CaseMissing)
# Reasons that fetching has; and one that only businesses have whose cases are opened by name.
_OF_FETCHING = (NotAuthorized, MalformedQuery)
_NAMED = ("family-trust", "insurance-trust")


def _provoked(kit: Kit) -> Iterator[tuple[str, type[XinqiaoError]]]:
    for error in _PROVOKED:
        if error not in _OF_FETCHING and (kit.business in _NAMED or error is not CaseMissing):
            yield error.reason, error


def _fetched(_kit: Kit) -> Iterator[tuple[str, type[XinqiaoError]]]:
    yield from ((error.reason, error) for error in _OF_FETCHING)


@case("TRN-001", negative=True, over=_provoked)
def a_refusal_has_the_status_of_its_reason(bench: GatewayBench, error: type[XinqiaoError]) -> None:
    _require_row(bench, error)


@case("TRN-001", negative=True, needs={"pull"}, over=_fetched)
def a_refusal_to_give_has_the_status_of_its_reason(bench: GatewayBench, error: type[XinqiaoError]) -> None:
    _require_row(bench, error)


def _require_row(bench: GatewayBench, error: type[XinqiaoError]) -> None:
    exchange = _PROVOKED[error](bench)
    if error in _ITS_OWN:
        bench.require_refusal(exchange, error)
    known = {each.reason: each for each in error_table()}
    exchange.require(exchange.reason in known, "原因取自错误表的拒绝", "a rejection whose reason is in the error table")
    bench.require_refusal(exchange, known[exchange.reason])


@case("TRN-001", negative=True, over=_provoked)
def a_rejection_says_in_both_languages_why_and_whether_to_try_again(
    bench: GatewayBench, error: type[XinqiaoError]
) -> None:
    exchange = _PROVOKED[error](bench)
    text = exchange.rejection.get("text")
    both = isinstance(text, dict) and text.get("zh") and text.get("en")
    exchange.require(both, "rejection.text 含 zh 与 en", "rejection.text in zh and en")
    known = {each.reason: each.retryable for each in error_table()}
    said = exchange.rejection.get("retryable", False)
    exchange.require(
        said is known.get(exchange.reason),
        f"rejection.retryable 为 {known.get(exchange.reason)}",
        f"rejection.retryable is {known.get(exchange.reason)}",
    )
