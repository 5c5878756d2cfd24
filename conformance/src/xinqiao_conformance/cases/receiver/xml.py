# ruff: noqa: D103 -- the names say it
"""The XML form of messages, for receivers that take it: the same message, and nothing that XML may do beside."""

from collections.abc import Iterator

from xinqiao.xml_form import write_xml
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.cases.receiver.taking import types
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_XML = "application/xml"
# What stands before the root, and what a case number is replaced by.
_FORBIDDEN = {
    "a document type": (b"<!DOCTYPE message>", b""),
    "an entity": (b'<!DOCTYPE message [<!ENTITY a "CASE">]>', b"&a;"),
    "a file of the machine": (b'<!DOCTYPE message [<!ENTITY a SYSTEM "file:///etc/hostname">]>', b"&a;"),
    "an address": (b'<!DOCTYPE message [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>', b"&a;"),
    "a document type from elsewhere": (b'<!DOCTYPE message SYSTEM "http://127.0.0.1:9/message.dtd">', b""),
    "an entity of a parameter": (b'<!DOCTYPE message [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>', b""),
    "entities that grow": (
        b'<!DOCTYPE message [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>',
        b"&d;",
    ),
}


def _forbidden(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in _FORBIDDEN)


def _push(bench: ReceiverBench, body: str, prolog: bytes = b"", reference: bytes = b"", note: str = "") -> Exchange:
    message = bench.message(body)
    content = write_xml(message)
    if prolog:
        head, _, rest = content.partition(b"?>")
        content = head + b"?>" + prolog + rest
    if reference:
        content = content.replace(message["header"]["caseId"].encode(), reference)
    return bench.push(message, bench.sealed(content, _XML), note=note)


@case("MSG-002", needs={"xml"}, over=types)
def a_message_in_xml_is_taken(bench: ReceiverBench, body: str) -> None:
    _push(bench, body).require_receipt()


@case("ENV-002", negative=True, needs={"xml"}, over=types)
def the_same_message_in_json_is_a_repeat(bench: ReceiverBench, body: str) -> None:
    first = _push(bench, body)
    first.require_receipt()
    second = bench.push(first.sent)
    second.require(second.receipt == first.receipt, "与首次相同的受理回执", "the receipt of the first time, unchanged")


@case("SEC-009", negative=True, needs={"xml"}, over=_forbidden)
def document_types_and_entities_are_refused(bench: ReceiverBench, name: str) -> None:
    prolog, reference = _FORBIDDEN[name]
    exchange = _push(bench, bench.kit.types[0], prolog, reference, name)
    exchange.require_refusal(400, "forbidden_xml")
