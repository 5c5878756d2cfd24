"""What a message says of documents: every digest in it, and those of the files that it refers to."""

from collections.abc import Iterator
from typing import Any

from xinqiao.errors import MalformedQuery
from xinqiao.message import Json
from xinqiao_gateway.documents.digests import DocumentDigest

__all__ = ["attachments", "mentioned"]


def attachments(message: Json) -> list[DocumentDigest]:
    """Return the digests of the message's file references (``FileReference``), each once, in order."""
    files = (part for part in _objects(message) if "name" in part and isinstance(part.get("digest"), dict))
    return list(dict.fromkeys(found for part in files if (found := _digest(part["digest"]))))


def mentioned(message: Json) -> set[DocumentDigest]:
    """Return every ``Digest`` in a message: also those of what was signed, sealed or shown."""
    return {found for part in _objects(message) if (found := _digest(part))}


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _digest(part: dict[str, Any]) -> DocumentDigest | None:
    try:
        return DocumentDigest.parse(f"{part['algorithm'].lower()}:{part['value']}")
    except (KeyError, AttributeError, MalformedQuery):
        return None
