"""The bank's documents: written from templates in GB18030, read with lxml."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from typing import Any

import jinja2
from lxml import etree

__all__ = [
    "CONTENT_TYPE",
    "ENCODING",
    "Document",
    "DocumentError",
    "Rsp",
    "fen",
    "read_document",
    "read_rsp",
    "write_document",
]

ENCODING = "GB18030"
CONTENT_TYPE = f"application/xml; charset={ENCODING}"


class DocumentError(ValueError):
    """Bytes that are no document of the bank; ``reason`` is ``malformed_xml`` or ``forbidden_xml``."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Document:
    """A document that came in: its root's name, the serials of its head, and its body."""

    root: str
    serial: str
    case_id: str | None
    body: etree._Element = field(repr=False, compare=False)

    def text(self, path: str) -> str | None:
        """Return the text at a path below ``Body``, or None."""
        found = self.body.findtext(path)
        return found.strip() if found is not None else None


@dataclass(frozen=True, slots=True)
class Rsp:
    """The reply of either side. ``code`` 0000 is success; ``errors`` hold Code, Path, Value, Expect and Msg."""

    code: str
    text: str
    errors: list[dict[str, str]]


def fen(yuan: str) -> str:
    """Return an amount in fen. Raises ``ValueError`` for what is no amount in whole fen."""
    if not yuan.replace(".", "", 1).isdecimal():
        raise ValueError(f"{yuan!r} is no amount in yuan")
    amount = Decimal(yuan) * 100
    if amount != amount.to_integral_value():
        raise ValueError(f"{yuan} yuan are not whole fen")
    return str(int(amount))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _environment() -> jinja2.Environment:
    loader = jinja2.FunctionLoader(lambda name: (files(__package__) / "templates" / name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(fen=fen, sha256=_sha256)
    return environment


_TEMPLATES = _environment()


def write_document(root: str, values: Mapping[str, Any]) -> bytes:
    """Return a document's bytes, from the template of its root element."""
    text = _TEMPLATES.get_template(f"{root}.xml").render(values)
    lines = (line for line in text.splitlines() if line.strip())
    return "\n".join([f'<?xml version="1.0" encoding="{ENCODING}"?>', *lines, ""]).encode(ENCODING)


def _parse(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError("malformed_xml", str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentError("forbidden_xml", "a document has no document type")
    return root


def read_document(content: bytes) -> Document:
    """Read a notice. Raises ``DocumentError`` where it is not of the bank's shape."""
    root = _parse(content)
    serial, body = root.findtext("Head/SeqNo"), root.find("Body")
    if not serial or body is None:
        raise DocumentError("malformed_xml", "Head/SeqNo or Body is missing")
    return Document(str(root.tag), serial, root.findtext("Head/BizNo"), body)


def read_rsp(content: bytes) -> Rsp:
    """Read a reply. Raises ``DocumentError`` where it is none."""
    root = _parse(content)
    code = root.findtext("Head/RetCode")
    if root.tag != "Rsp" or not code:
        raise DocumentError("malformed_xml", "Rsp/Head/RetCode is missing")
    errors = [{str(part.tag): part.text or "" for part in error} for error in root.iterfind("Body/Err")]
    return Rsp(code, root.findtext("Head/RetMsg") or "", errors)
