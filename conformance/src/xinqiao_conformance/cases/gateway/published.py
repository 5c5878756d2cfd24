# ruff: noqa: D103 -- the names say it
"""The published vectors: a gateway gives each the verdict that the vector says."""

import base64
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from xinqiao.errors import DuplicateKey, MalformedJson, NotValid, OutOfOrder, WrongEncoding
from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.testing import example, faults_of
from xinqiao.validation import check
from xinqiao_conformance.benches.gateway import GatewayBench
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.findings import require_findings
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

Vector = dict[str, Any]
_Over = Callable[[Kit], Iterator[tuple[str, Vector]]]

_UNKNOWN_FIELD, _UNKNOWN_CODE = "schema.unknown_field", "XQ-R-009"
_UNREAD = {each.reason: each for each in (DuplicateKey, MalformedJson, WrongEncoding)}


@cache
def _read(name: str) -> Vector:
    found: Vector = orjson.loads((files("xinqiao") / "schemas" / "vectors" / name).read_bytes())
    return found


def _rules(vector: Vector) -> set[str]:
    return {each["rule"] for each in vector.get("findings", ())}


def _is_valid(vector: Vector) -> bool:
    """Say whether a receiver takes it: one that is strict refuses unknown fields, a gateway keeps them."""
    return bool(vector["valid"]) or _rules(vector) == {_UNKNOWN_FIELD}


def _vectors(chosen: Callable[[Vector], bool]) -> _Over:
    def over(kit: Kit) -> Iterator[tuple[str, Vector]]:
        for body in kit.types:
            for each in _read(f"forms/{body}.json")["cases"]:
                if chosen(each):
                    yield f"{body}: {each['name']}", {**each, "body": body}

    return over


def _sent(bench: GatewayBench, vector: Vector) -> Exchange:
    paths = (each["path"] for each in vector.get("findings", ()))
    kept = tuple(path.removeprefix("header.").partition(".")[0] for path in paths if path.startswith("header."))
    return bench.send(bench.readdressed(vector["json"], kept), note=vector["name"])


def _require_taken(exchange: Exchange) -> None:
    """Raise ``Breach`` where a message was refused for what it says; its case may expect another one first."""
    if exchange.reason != OutOfOrder.reason:
        exchange.require_receipt()


def _require_notes(exchange: Exchange, vector: Vector) -> None:
    """Raise ``Breach`` where a receipt does not note what is no error."""
    if exchange.receipt:
        notes = exchange.receipt.get("notes")
        noted = {each.get("path") for each in notes if isinstance(each, dict)} if isinstance(notes, list) else set()
        paths = ", ".join(sorted({each["path"] for each in vector["findings"]} - noted))
        exchange.require(not paths, f"回执 notes 中有 {paths}", f"receipt.notes with {paths}")


@case("MSG-004", over=_vectors(lambda each: bool(each["valid"]) and not _rules(each)))
def a_valid_vector_is_taken(bench: GatewayBench, vector: Vector) -> None:
    _require_taken(_sent(bench, vector))


@case("MSG-004", negative=True, over=_vectors(lambda each: not _is_valid(each)))
def an_invalid_vector_is_refused(bench: GatewayBench, vector: Vector) -> None:
    bench.require_reason(_sent(bench, vector), NotValid)


@case(
    "MSG-004", negative=True, over=_vectors(lambda each: bool(each["valid"]) and bool(_rules(each) - {_UNKNOWN_CODE}))
)
def a_vector_with_a_warning_is_taken_and_the_warning_noted(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange)
    _require_notes(exchange, vector)


@case("ENV-020", negative=True, over=_vectors(lambda each: _rules(each) == {_UNKNOWN_FIELD}))
def a_vector_with_an_unknown_field_is_taken_and_the_field_noted(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange)
    _require_notes(exchange, vector)


@case("MSG-010", negative=True, over=_vectors(lambda each: bool(each["valid"]) and _UNKNOWN_CODE in _rules(each)))
def a_code_that_its_list_does_not_have_is_noted_and_no_error(bench: GatewayBench, vector: Vector) -> None:
    exchange = _sent(bench, vector)
    _require_taken(exchange)
    _require_notes(exchange, vector)


def _faults(kit: Kit) -> Iterator[tuple[str, Json]]:
    for body in kit.types:
        for fault in faults_of(example(body, channelId=None), f"{body} {kit.business}"):
            rule, path = fault.finding
            if rule != _UNKNOWN_FIELD and not path.startswith("header."):
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
        for each in _read("json.json")["cases"]:
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
