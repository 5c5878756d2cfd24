"""The canonical string: what of a document is signed, and in which order."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

from xinqiao.errors import ContentRefused
from xinqiao_adapters.security.document import Document
from xinqiao_adapters.security.spec import FieldsText, JsonText, PairsText, SignatureSpec

__all__ = ["digest_of", "signed_text"]


def signed_text(spec: SignatureSpec, document: Document) -> bytes:
    """Return what is signed of a document that holds no signature.

    Raises ``ContentRefused`` where a field that is signed is missing or is no text.
    """
    text = _canonical(spec, document)
    return digest_of(spec.digest, text).hex().encode("ascii") if spec.digest else text


def _canonical(spec: SignatureSpec, document: Document) -> bytes:
    text = spec.text
    if isinstance(text, PairsText):
        return _pairs(text, document)
    if isinstance(text, FieldsText):
        return text.join.encode().join(_field(text, document, place) for place in text.fields)
    if isinstance(text, JsonText) and text.placeholder is not None and spec.at is not None:
        document.put(spec.at, text.placeholder)
        canonical = document.content()
        document.take(spec.at)
        return canonical
    return document.content()


def _pairs(text: PairsText, document: Document) -> bytes:
    without = {name.encode() for name in text.without}
    pairs = sorted(each for each in document.pairs() if each[0] not in without)
    return b"&".join(name + b"=" + value for name, value in pairs if value or text.empty)


def _field(text: FieldsText, document: Document, place: str) -> bytes:
    value = document.get(place)
    if value is None:
        raise ContentRefused(f"{place} is missing, and is part of what is signed")
    return place.encode() + b"=" + value if text.names else value


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _sm3(text: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(text)
    return digest.finalize()


_DIGESTS: dict[str, Callable[[bytes], bytes]] = {"SHA256": _sha256, "SM3": _sm3}


def digest_of(name: str, text: bytes) -> bytes:
    """Return the digest of bytes by its name."""
    return _DIGESTS[name](text)
