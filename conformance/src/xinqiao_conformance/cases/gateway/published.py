# ruff: noqa: D103 -- the names say it
"""The published vectors: a gateway gives each the verdict that the vector says."""

import base64
from collections.abc import Callable, Iterator

from xinqiao.errors import DuplicateKey, MalformedJson, NotValid, OutOfOrder, WrongEncoding
from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao.testing import example, faults_of
from xinqiao.validation import check
from xinqiao_conformance.benches.gateway import GatewayBench
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.findings import require_findings
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.processes import processes
from xinqiao_conformance.published import (
    UNKNOWN_CODE,
    UNKNOWN_FIELD,
    Vector,
    byte_vectors,
    form_vectors,
    is_taken,
    rules_of,
)

_Over = Callable[[Kit], Iterator[tuple[str, Vector]]]

_UNREAD = {each.reason: each for each in (DuplicateKey, MalformedJson, WrongEncoding)}


def _vectors(chosen: Callable[[Vector], bool]) -> _Over:
    def over(kit: Kit) -> Iterator[tuple[str, Vector]]:
        for body in kit.types:
            for each in form_vectors(body):
                if chosen(each):
                    yield f"{body}: {each['name']}", each

    return over


def _sent(bench: GatewayBench, vector: Vector) -> Exchange:
    paths = (each["path"] for each in vector.get("findings", ()))
    kept = tuple(path.removeprefix("header.").partition(".")[0] for path in paths if path.startswith("header."))
    return bench.send(bench.readdressed(vector["json"], kept), note=vector["name"])


def _require_taken(exchange: Exchange, body: str) -> None:
    """Raise ``Breach`` where a message was refused for what it says; its case may expect another one first."""
    if not (exchange.reason == OutOfOrder.reason and _may_come_too_early(body)):
        exchange.require_receipt()


def _may_come_too_early(body: str) -> bool:
    """Say whether a message may be refused for its order as the first of a case: a request that opens none."""
    is_request = message_types()[body].message_class == "REQUEST"
    return is_request and not any(body in each["opens"] for each in processes().values())


def _require_notes(exchange: Exchange, vector: Vector) -> None:
    """Raise ``Breach`` where a receipt does not note what is no error."""
    if exchange.receipt:
        notes = exchange.receipt.get("notes")
        noted = {each.get("path") for each in notes if isinstance(each, dict)} if isinstance(notes, list) else set()
        paths = ", ".join(sorted({each["path"] for each in vector["findings"]} - noted))
        exchange.require(not paths, f"回执 notes 中有 {paths}", f"receipt.notes with {paths}")


@case("MSG-004", over=_vectors(lambda each: bool(each["valid"]) and not rules_of(each)))
def a_valid_vector_is_taken(bench: GatewayBench, vector: Vector) -> None:
    _require_taken(_sent(bench, vector), vector["body"])


@case("MSG-004", negative=True, over=_vectors(lambda each: not is_taken(each)))
def an_invalid_vector_is_refused(bench: GatewayBench, vector: Vector) -> None:
    bench.require_reason(_sent(bench, vector), NotValid)


@case(
    "MSG-004", negative=True, over=_vectors(lambda each: bool(each["valid"]) and bool(rules_of(each) - {UNKNOWN_CODE}))
)
def a_vector_with_a_warning_is_taken_and_the_warning_noted(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange, vector["body"])
    _require_notes(exchange, vector)


@case("ENV-020", negative=True, over=_vectors(lambda each: rules_of(each) == {UNKNOWN_FIELD}))
def a_vector_with_an_unknown_field_is_taken_and_the_field_noted(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange, vector["body"])
    _require_notes(exchange, vector)


@case("MSG-010", negative=True, over=_vectors(lambda each: bool(each["valid"]) and UNKNOWN_CODE in rules_of(each)))
def a_code_that_its_list_does_not_have_is_noted_and_no_error(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange, vector["body"])
    _require_notes(exchange, vector)


def _faults(kit: Kit) -> Iterator[tuple[str, Json]]:
    for body in kit.types:
        for fault in faults_of(example(body, channelId=None), f"{body} {kit.business}"):
            rule, path = fault.finding
            if rule != UNKNOWN_FIELD and not path.startswith("header."):
                yield f"{body}: {fault.name}", fault.message


@case("MSG-001", negative=True, over=_faults)
def a_message_with_a_fault_is_refused_with_its_finding(bench: GatewayBench, message: Json) -> None:
    require_findings(bench, bench.send(bench.readdressed(message)))


@case("MSG-020", negative=True, over=_faults)
def a_finding_names_the_canonical_path(bench: GatewayBench, message: Json) -> None:
    exchange = bench.send(bench.readdressed(message))
    findings = exchange.rejection.get("findings")
    listed = [each for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []
    errors = {str(each.get("path")) for each in listed if each.get("level") == "ERROR"}
    right = {each.path for each in errors_in(check(exchange.sent))}
    exchange.require(
        bool(errors) and errors <= right,
        f"findings 的路径为 {', '.join(sorted(right))}",
        f"findings at the canonical paths {', '.join(sorted(right))}",
    )


def _bytes(chosen: Callable[[str], bool]) -> _Over:
    def over(_kit: Kit) -> Iterator[tuple[str, Vector]]:
        for each in byte_vectors():
            # A gateway may take several messages in one input, which is a list.
            if chosen(each["outcome"]) and each["name"] != "an array":
                yield each["name"], each

    return over


def _sent_bytes(bench: GatewayBench, vector: Vector) -> Exchange:
    content = base64.b64decode(vector["base64"]) if "base64" in vector else vector["text"].encode()
    return bench.send_bytes(content, note=vector["name"])


@case("MSG-005", negative=True, over=_bytes(lambda outcome: outcome == "duplicate_key"))
def a_key_twice_is_refused(bench: GatewayBench, vector: Vector) -> None:
    bench.require_reason(_sent_bytes(bench, vector), DuplicateKey)


@case("MSG-004", negative=True, over=_bytes(lambda outcome: outcome in ("malformed_json", "wrong_encoding")))
def bytes_that_are_no_json_are_refused(bench: GatewayBench, vector: Vector) -> None:
    bench.require_reason(_sent_bytes(bench, vector), _UNREAD[vector["outcome"]])


@case("MSG-004", negative=True, over=_bytes(lambda outcome: outcome == "read"))
def json_that_is_no_message_is_read_and_refused_for_what_it_says(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent_bytes(bench, vector)
    refused = exchange.reason and exchange.reason not in _UNREAD
    exchange.require(
        refused,
        "针对内容的拒绝：这些字节是合法的 JSON",
        "a rejection for what it says: these bytes are JSON",
    )
