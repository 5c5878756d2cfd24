"""How bytes are written as text in a message: base64 or hex, each with one spelling."""

import base64
import binascii
from collections.abc import Callable

__all__ = ["read_bytes", "write_bytes"]


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data)


def _hex(data: bytes) -> bytes:
    return data.hex().encode("ascii")


def _upper_hex(data: bytes) -> bytes:
    return _hex(data).upper()


_WRITERS: dict[str, Callable[[bytes], bytes]] = {"base64": _base64, "hex": _hex, "HEX": _upper_hex}


def write_bytes(encoding: str, data: bytes) -> bytes:
    """Return bytes as the text of an encoding (``base64``, ``hex``, ``HEX``)."""
    return _WRITERS[encoding](data)


def read_bytes(encoding: str, text: bytes) -> bytes:
    """Return the bytes of a text. Raises ``ValueError`` for any spelling but the one that is written."""
    try:
        data = base64.b64decode(text, validate=True) if encoding == "base64" else binascii.unhexlify(text)
    except binascii.Error as error:
        raise ValueError(f"this is no {encoding}") from error
    if write_bytes(encoding, data) != text:
        raise ValueError(f"this is another spelling than that of {encoding}")
    return data
