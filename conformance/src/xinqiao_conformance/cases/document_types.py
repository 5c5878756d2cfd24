"""XML that brings a document type or entities along: what stands before the root, and what the case number becomes.

SEC-009; what each of them would do to a parser that follows it, the names say.
"""

from collections.abc import Iterator, Mapping

from xinqiao.message import Json
from xinqiao.xml_form import write_xml
from xinqiao_conformance.kits import Kit

__all__ = ["DOCUMENT_TYPES", "document_types", "in_xml"]

DOCUMENT_TYPES: Mapping[str, tuple[bytes, bytes]] = {
    "a document type": (b"<!DOCTYPE message>", b""),
    "an entity": (b'<!DOCTYPE message [<!ENTITY a "CASE">]>', b"&a;"),
    "a file of the machine": (b'<!DOCTYPE message [<!ENTITY a SYSTEM "file:///etc/hostname">]>', b"&a;"),
    "an address": (b'<!DOCTYPE message [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>', b"&a;"),
    "a document type from elsewhere": (b'<!DOCTYPE message SYSTEM "http://127.0.0.1:9/message.dtd">', b""),
    "a parameter from elsewhere": (b'<!DOCTYPE message [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>', b""),
    "entities that grow": (
        b'<!DOCTYPE message [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>',
        b"&d;",
    ),
}


def document_types(_kit: Kit) -> Iterator[tuple[str, str]]:
    """Yield the names, for a case that runs over them."""
    yield from ((name, name) for name in DOCUMENT_TYPES)


def in_xml(message: Json, document_type: str = "") -> bytes:
    """Return a message in XML, with one of the document types brought along."""
    prolog, reference = DOCUMENT_TYPES[document_type] if document_type else (b"", b"")
    head, _, rest = write_xml(message).partition(b"?>")
    content = head + b"?>" + prolog + rest
    return content.replace(message["header"]["caseId"].encode(), reference) if reference else content
