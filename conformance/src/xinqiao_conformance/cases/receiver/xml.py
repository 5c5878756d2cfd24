# ruff: noqa: D103 -- the names say it
"""The XML form of messages, for receivers that take it: the same message, and nothing that XML may do beside."""

from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.document_types import document_types, in_xml
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.cases.receiver.taking import types
from xinqiao_conformance.observing import Exchange

_XML = "application/xml"


def _push(bench: ReceiverBench, body: str, document_type: str = "") -> Exchange:
    message = bench.message(body)
    return bench.push(message, bench.sealed(in_xml(message, document_type), _XML), note=document_type)


@case("MSG-002", needs={"xml"}, over=types)
def a_message_in_xml_is_taken(bench: ReceiverBench, body: str) -> None:
    _push(bench, body).require_receipt()


@case("ENV-002", negative=True, needs={"xml"}, over=types)
def the_same_message_in_json_is_a_repeat(bench: ReceiverBench, body: str) -> None:
    first = _push(bench, body)
    first.require_receipt()
    second = bench.push(first.sent)
    second.require(second.receipt == first.receipt, "与首次相同的受理回执", "the receipt of the first time, unchanged")


@case("SEC-009", negative=True, needs={"xml"}, over=document_types)
def document_types_and_entities_are_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, bench.kit.types[0], name).require_refusal(400, "forbidden_xml")
