"""The three forms of a message: JSON, XML and binary (protobuf). One message in any of them is the same message."""

import re
from typing import Literal

from xinqiao.errors import ContentRefused, MalformedBinary
from xinqiao.message import Json, read_json, write_json
from xinqiao.xml_form import read_xml, write_xml

__all__ = ["Form", "form_of", "read_form", "write_form"]

Form = Literal["json", "xml", "binary"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Field 1 (header) with its length, then field 1 of that (message id) with its own, 36.
_BINARY = re.compile(rb"\n[\x00-\xff]{1,3}\n\$", re.DOTALL)


def form_of(content: bytes) -> Form:
    """Return the form of a message: XML begins with ``<``, binary with the header and its id; else it is JSON."""
    if _BINARY.match(content):
        return "binary"
    return "xml" if content.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] == b"<" else "json"


def read_form(content: bytes, form: Form) -> Json:
    """Read a message in a form.

    Raises the errors of ``read_json`` and ``read_xml``; of binary ``MalformedBinary`` for bytes that are no protobuf
    message of the standard, and ``ContentRefused`` where it has fields of a later version: they cannot cross.
    """
    if form == "json":
        return read_json(content)
    if form == "xml":
        return read_xml(content)
    from xinqiao import v1  # noqa: PLC0415 -- the typed messages take a third of a second to load
    from xinqiao.typed import from_canonical, to_canonical  # noqa: PLC0415

    try:
        typed = v1.Message.from_binary(content)
    except ValueError as error:
        raise MalformedBinary(str(error)) from error
    message = to_canonical(typed)
    # Nobody knows the types of fields of a later version, so they cannot leave the binary form.
    if len(from_canonical(message).to_binary()) != len(typed.to_binary()):
        raise ContentRefused("it holds fields or values that this version does not know and JSON could not name")
    return message


def write_form(message: Json, form: Form) -> bytes:
    """Write a message in a form.

    Raises ``ContentRefused`` (XML) or ``NotValid`` with findings (binary) for what the form cannot hold.
    """
    if form == "json":
        return write_json(message)
    if form == "xml":
        return write_xml(message)
    from xinqiao.typed import from_canonical  # noqa: PLC0415 -- see above

    return from_canonical(message).to_binary()
