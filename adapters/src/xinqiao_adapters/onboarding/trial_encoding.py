"""The encoding of bytes that do not say it: by trying, and by how common their Chinese characters are."""

import re

from xinqiao.errors import WrongEncoding

__all__ = ["decoded", "private_characters"]

_MARKS = ((b"\xef\xbb\xbf", "UTF-8", "utf-8"), (b"\x84\x31\x95\x33", "GB18030", "gb18030"))
# Unicode §23.5: what these mean the two sides agree on.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_CHINESE = re.compile("[一-鿿]")
# Of real text, so much is in the first level of GB 2312 (3,755 characters in use every day).
_COMMON = 0.6


def decoded(raw: bytes) -> tuple[str, str]:
    """Return the encoding of a text, as profiles name it, and the text without its byte order mark.

    Raises ``WrongEncoding`` where it is neither UTF-8 nor GB18030, or reads as no Chinese text in either.
    """
    for mark, name, codec in _MARKS:
        if raw.startswith(mark):
            return name, _text(raw[len(mark) :], codec)
    try:
        return "UTF-8", raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _text(raw, "gb18030")
    chinese = _CHINESE.findall(text)
    if not chinese or sum(map(_is_common, chinese)) < _COMMON * len(chinese):
        raise WrongEncoding("the bytes are no UTF-8, and as GB18030 they are no Chinese text: say what they are")
    return ("GBK" if _fits_gbk(text) else "GB18030"), text


def private_characters(text: str) -> frozenset[str]:
    """Return the private-use characters in a text: a partner's own rare ones (生僻字)."""
    return frozenset(_PRIVATE.findall(text))


def _text(raw: bytes, codec: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise WrongEncoding(f"byte {error.start} is neither UTF-8 nor GB18030") from error


def _is_common(character: str) -> bool:
    try:
        return 0xB0 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def _fits_gbk(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True
