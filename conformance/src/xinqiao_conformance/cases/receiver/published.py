# ruff: noqa: D103 -- the names say it
"""The published vectors: a receiver gives each the verdict that the vector says."""

import base64
from collections.abc import Callable, Iterator
from itertools import islice

from xinqiao.errors import DuplicateKey, MalformedJson, WrongEncoding, XinqiaoError, error_table
from xinqiao.standard import field_at
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange, personal_values
from xinqiao_conformance.published import (
    UNKNOWN_CODE,
    UNKNOWN_FIELD,
    Vector,
    byte_vectors,
    form_vectors,
    is_taken,
    rules_of,
)

Over = Callable[[Kit], Iterator[tuple[str, Vector]]]

# Of each type so many, where many would show the same.
_FEW = 3
_UNREAD = frozenset(each.reason for each in (DuplicateKey, MalformedJson, WrongEncoding))


def _paths(vector: Vector) -> frozenset[str]:
    return frozenset(each["path"] for each in vector.get("findings", ()))


def _is_plain(vector: Vector) -> bool:
    """Say whether another requirement than that on vectors is about it."""
    return UNKNOWN_FIELD not in rules_of(vector) and not (vector["valid"] and UNKNOWN_CODE in rules_of(vector))


def _vectors(chosen: Callable[[Vector], object], most: int | None = None) -> Over:
    def over(kit: Kit) -> Iterator[tuple[str, Vector]]:
        for body in kit.types:
            for each in islice(filter(chosen, form_vectors(body)), most):
                yield f"{body}: {each['name']}", each

    return over


def _is_personal(vector: Vector) -> bool:
    fields = (field_at(vector["body"], path) for path in _paths(vector))
    return not is_taken(vector) and any(each is not None and each.sensitivity != "C1" for each in fields)


def _push(bench: ReceiverBench, vector: Vector) -> Exchange:
    return bench.push(bench.adapted(vector["json"], _paths(vector)), note=vector["name"])


def require_invalid(exchange: Exchange) -> None:
    """Raise ``Breach`` unless a message was refused as not valid."""
    exchange.require_refusal(422, "not_valid")


@case("MSG-004", over=_vectors(lambda each: is_taken(each) and _is_plain(each)))
def a_valid_vector_is_taken(bench: ReceiverBench, vector: Vector) -> None:
    _push(bench, vector).require_receipt()


@case("MSG-004", negative=True, over=_vectors(lambda each: not is_taken(each)))
def an_invalid_vector_is_refused(bench: ReceiverBench, vector: Vector) -> None:
    require_invalid(_push(bench, vector))


@case("ENV-020", over=_vectors(lambda each: rules_of(each) == {UNKNOWN_FIELD}))
def a_vector_with_an_unknown_field_is_taken(bench: ReceiverBench, vector: Vector) -> None:
    _push(bench, vector).require_receipt()


@case("MSG-010", over=_vectors(lambda each: each["valid"] and UNKNOWN_CODE in rules_of(each)))
def a_code_that_its_list_does_not_have_is_no_error(bench: ReceiverBench, vector: Vector) -> None:
    _push(bench, vector).require_receipt()


@case("MSG-020", negative=True, over=_vectors(lambda each: not is_taken(each), _FEW))
def a_finding_names_the_canonical_path(bench: ReceiverBench, vector: Vector) -> None:
    exchange = _push(bench, vector)
    exchange.require(exchange.rejection, "附 findings 的拒绝", "a rejection with findings")
    findings = exchange.rejection.get("findings")
    listed = [each for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []
    missing = ", ".join(sorted(_paths(vector) - {str(each.get("path")) for each in listed}))
    exchange.require(not missing, f"findings 中有路径 {missing}", f"findings at {missing}")


@case("PRV-003", negative=True, over=_vectors(_is_personal, _FEW))
def a_refusal_tells_no_personal_value(bench: ReceiverBench, vector: Vector) -> None:
    exchange = _push(bench, vector)
    exchange.require(exchange.rejection, "拒绝消息", "a rejection")
    personal = {value: path for value, path in personal_values(exchange.sent).items() if _is_secret(bench, value, path)}
    for zh, en, told in (("正文", "body", exchange.told), ("标头", "headers", exchange.told_in_headers)):
        paths = ", ".join(sorted(path for value, path in personal.items() if value in told))
        exchange.require(
            not paths, f"应答{zh}中不含 {paths} 的原值", f"no raw value of {paths} in the {en} of the answer"
        )


def _is_secret(bench: ReceiverBench, value: str, path: str) -> bool:
    """Say whether a personal value stands nowhere else: in no enumeration, nor in an institution's code."""
    field = field_at(path.partition(".")[0], path)
    listed = field is not None and "enum" in field.schema.get("items", field.schema)
    return not listed and value not in bench.institution + bench.other


def _bytes(chosen: Callable[[str], bool]) -> Over:
    def over(_kit: Kit) -> Iterator[tuple[str, Vector]]:
        for each in byte_vectors():
            if chosen(each["outcome"]):
                yield each["name"], each

    return over


def _push_bytes(bench: ReceiverBench, vector: Vector) -> Exchange:
    content = base64.b64decode(vector["base64"]) if "base64" in vector else vector["text"].encode()
    return bench.push({}, bench.sealed(content), note=vector["name"])


def _error(reason: str) -> type[XinqiaoError]:
    return next(each for each in error_table() if each.reason == reason)


def _refuses(bench: ReceiverBench, vector: Vector) -> None:
    error = _error(vector["outcome"])
    _push_bytes(bench, vector).require_refusal(error.http_status, error.reason)


@case("MSG-004", negative=True, over=_bytes(lambda outcome: outcome in {"malformed_json", "wrong_encoding"}))
def bytes_that_are_no_json_are_refused(bench: ReceiverBench, vector: Vector) -> None:
    _refuses(bench, vector)


@case("MSG-005", negative=True, over=_bytes(lambda outcome: outcome == "duplicate_key"))
def a_key_twice_is_refused(bench: ReceiverBench, vector: Vector) -> None:
    _refuses(bench, vector)


@case("MSG-004", negative=True, over=_bytes(lambda outcome: outcome == "read"))
def json_that_is_no_message_is_read_and_refused_for_what_it_says(bench: ReceiverBench, vector: Vector) -> None:
    exchange = _push_bytes(bench, vector)
    refused = exchange.status == 422 and exchange.reason and exchange.reason not in _UNREAD
    exchange.require(
        refused,
        "HTTP 422 与针对内容的拒绝：这些字节是合法的 JSON",
        "HTTP 422 with a rejection for what it says: these bytes are JSON",
    )
