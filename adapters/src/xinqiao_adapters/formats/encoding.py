"""The encoding of raw input: which one counts, and what speaks against it.

The order is byte order mark, XML declaration, charset of the content type, profile of the interface. Two that
disagree are refused, and so are bytes that could be either: a text read in the wrong encoding looks well.
"""

import re

from xinqiao.errors import WrongEncoding

__all__ = ["as_utf8", "charset_of", "require_utf8"]

# Python's name for each encoding that partners name; GB18030 reads all that GBK and GB2312 hold.
_CODECS = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
}
_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\x84\x31\x95\x33": "GB18030"}
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def charset_of(content_type: str) -> str | None:
    """Return the charset that a content type names, or None."""
    found = _CHARSET.search(content_type)
    return found[1] if found is not None else None


def as_utf8(raw: bytes, profile: str, charset: str | None = None) -> bytes:
    """Return an XML document's bytes in UTF-8, without a byte order mark.

    Raises ``WrongEncoding`` for an unknown encoding, bytes that are not of it (with the byte), two encodings
    that disagree, and undeclared bytes that are UTF-8 where the profile says GB18030.
    """
    mark = next((each for each in _MARKS if raw.startswith(each)), b"")
    content = raw.removeprefix(mark)
    declared = _DECLARATION.match(content)
    said = {
        "the byte order mark": _MARKS.get(mark),
        "the XML declaration": declared[1].decode("ascii") if declared else None,
        "the content type": charset,
    }
    agreed = _agreed({who: each for who, each in said.items() if each is not None})
    name, codec = agreed or (profile, _codec(profile))
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise WrongEncoding(f"byte {error.start + len(mark)} is not {name}") from error
    if agreed is None and codec != "utf-8" and not content.isascii() and _is_utf8(content):
        raise WrongEncoding(f"no encoding is declared, and the bytes may be UTF-8 or {profile}: declare which")
    return content if codec == "utf-8" else text.encode("utf-8")


def require_utf8(charset: str | None) -> None:
    """Raise ``WrongEncoding`` where a content type names another encoding than the UTF-8 of all JSON."""
    if charset is not None and charset.upper() != "US-ASCII" and _codec(charset) != "utf-8":
        raise WrongEncoding(f"the content type says {charset[:40]}, JSON is UTF-8")


def _agreed(said: dict[str, str]) -> tuple[str, str] | None:
    """Return the first encoding of those said, and its codec. Raises ``WrongEncoding`` where another differs."""
    first: tuple[str, str, str] | None = None
    for who, name in said.items():
        codec = _codec(name)
        if first is None:
            first = (who, name, codec)
        elif codec != first[2]:
            raise WrongEncoding(f"{first[0]} says {first[1]}, {who} says {name[:40]}: let them agree")
    return first[1:] if first is not None else None


def _codec(name: str) -> str:
    codec = _CODECS.get(name.upper())
    if codec is None:
        raise WrongEncoding(f"encoding {name[:40]} is declared; known: UTF-8, GB18030, GBK, GB2312")
    return codec


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
