"""The encoding of an XML document: which one counts, and what speaks against it.

The order is byte order mark, XML declaration, charset of the content type, profile of the interface. Two that
disagree are refused, and so are bytes that could be either: a text read in the wrong encoding looks well.
"""

import re

from xinqiao.errors import WrongEncoding
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters, Charset, codec_of, mark_of

__all__ = ["as_utf8", "either", "sniffed"]

_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


def sniffed(head: bytes, profile: str, charset: str | None = None) -> tuple[str, int, bool]:
    """Return an XML document's encoding, the length of its byte order mark, and whether any but the profile says it.

    Raises ``WrongEncoding`` for an unknown encoding, and for two encodings that disagree.
    """
    marked, length = mark_of(head)
    declared = _DECLARATION.match(head, length)
    said = {
        "the byte order mark": marked,
        "the XML declaration": declared[1].decode("ascii") if declared else None,
        "the content type": charset,
    }
    agreed = _agreed({who: each for who, each in said.items() if each is not None})
    return agreed or profile, length, agreed is not None


def as_utf8(raw: bytes, profile: str, charset: str | None = None, characters: Characters = NO_CHARACTERS) -> bytes:
    """Return an XML document's bytes in UTF-8, without a byte order mark.

    Raises ``WrongEncoding`` for an unknown encoding, bytes that are not of it (with the byte), a private-use code
    point that ``characters`` lack, two encodings that disagree, and undeclared bytes that are UTF-8 where the
    profile says GB18030.
    """
    name, mark, declared = sniffed(raw, profile, charset)
    content = raw[mark:]
    if content.isascii():
        return content
    found = Charset(name, characters)
    text = found.decode(content, mark)
    if not declared and found.codec != "utf-8" and _is_utf8(content):
        raise either(profile)
    return text.encode("utf-8")


def either(profile: str) -> WrongEncoding:
    """Refuse undeclared bytes that two encodings could be."""
    return WrongEncoding(f"no encoding is declared, and the bytes may be UTF-8 or {profile}: declare which")


def _agreed(said: dict[str, str]) -> str | None:
    """Return the first encoding of those said. Raises ``WrongEncoding`` where another differs."""
    first: tuple[str, str, str] | None = None
    for who, name in said.items():
        codec = codec_of(name)
        if first is None:
            first = (who, name, codec)
        elif codec != first[2]:
            raise WrongEncoding(f"{first[0]} says {first[1]}, {who} says {name[:40]}: let them agree")
    return first[1] if first is not None else None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
