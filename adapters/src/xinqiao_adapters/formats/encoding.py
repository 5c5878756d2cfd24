"""The encodings of partners' texts, and their own rare characters.

GBK and GB2312 are read as GB18030, which holds all of both. What goes out in them is theirs only: a character that
needs four bytes is refused (in XML it becomes a character reference). A private-use code point means what the
channel's ``characters`` say; one that they lack is refused with its byte, both ways: it is never kept, and never ``?``.
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from xinqiao.errors import WrongEncoding
from xinqiao.finding import Text
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.converters import Unfit

__all__ = [
    "NO_CHARACTERS",
    "Characters",
    "Charset",
    "CharsetDecoder",
    "Unheld",
    "charset_for",
    "charset_of",
    "codec_of",
    "mark_of",
    "require_utf8",
    "translated",
]

# Python's name for each encoding that partners name; GB18030 reads all that GBK and GB2312 hold.
_CODECS = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
}
_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\x84\x31\x95\x33": "GB18030"}
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
# Unicode §23.5: the three areas that mean only what two sides agree on.
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


class Unheld(Unfit):
    """A character that an encoding does not hold. ``said`` names its code point, which is no personal data."""

    def __init__(self, character: str, encoding: str) -> None:
        point = _point(character)
        self.said = Text(f"编码 {encoding} 中没有字符 {point}", f"{encoding} does not hold the character {point}")
        super().__init__(self.said.en)


def _point(character: str) -> str:
    return f"U+{ord(character):04X}"


@dataclass(frozen=True, slots=True)
class Characters:
    """A channel's rare characters (生僻字): the partner's private code point → the one of Unicode."""

    table: Mapping[str, str] = field(default_factory=dict)

    def read(self, text: str) -> str:
        """Return a text with the partner's code points translated.

        Raises ``KeyError`` with the first private-use character that the table lacks.
        """
        return _PRIVATE_USE.sub(lambda found: self.table[found[0]], text) if _PRIVATE_USE.search(text) else text


NO_CHARACTERS = Characters()


def _lacking(character: str, place: str) -> WrongEncoding:
    """Refuse a private-use character at a place."""
    return WrongEncoding(
        f"{place} is the private-use code point {_point(character)}: the input may be of another encoding; for a rare "
        f'character add what it means to the channel\'s characters, such as {{"{_point(character)}": "U+9FB4"}}'
    )


def translated(text: str, characters: Characters, place: str) -> str:
    """Return a text that an escape may have brought a private-use character into. Raises ``WrongEncoding``."""
    try:
        return characters.read(text)
    except KeyError as error:
        raise _lacking(error.args[0], place) from error


class Charset:
    """An encoding and the channel's rare characters; both directions.

    ``name`` is what partners call it, ``codec`` what Python reads it with.
    """

    def __init__(self, name: str, characters: Characters = NO_CHARACTERS) -> None:
        self.name = name
        self.codec = codec_of(name)
        self.characters = characters
        held = _held(name.upper())
        self._held = held
        self._out = {
            ord(own): partners for partners, own in characters.table.items() if held is None or partners in held
        }
        self._partners = re.compile(f"([{''.join(self._out.values())}])") if self._out else None

    def decode(self, raw: bytes, at: int = 0) -> str:
        """Return the text of bytes that begin at byte ``at`` of the input.

        Raises ``WrongEncoding`` that names the byte and, for a private-use one, the code point.
        """
        try:
            text = raw.decode(self.codec)
        except UnicodeDecodeError as error:
            raise WrongEncoding(f"byte {at + error.start} is not {self.name}") from error
        return text if text.isascii() else self._read(text, at)

    def _read(self, text: str, at: int) -> str:
        try:
            return self.characters.read(text)
        except KeyError as error:
            before = text.partition(error.args[0])[0]
            raise _lacking(error.args[0], f"byte {at + len(before.encode(self.codec))}") from error

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text. Raises ``Unheld`` for a character that the encoding does not hold."""
        if text.isascii():
            return text.encode("ascii")
        private = _PRIVATE_USE.search(text)
        if private is not None:
            raise Unheld(private[0], self.name)
        written = text.translate(self._out)
        if self._held is not None and not self._held.issuperset(written):
            raise Unheld(next(each for each in written if each not in self._held), self.name)
        try:
            return written.encode(self.codec)
        except UnicodeEncodeError as error:  # half of a surrogate pair
            raise Unheld(written[error.start], self.name) from error

    def holds(self, text: str) -> bool:
        """Whether ``encode`` takes a text."""
        try:
            self.encode(text)
        except Unheld:
            return False
        return True

    def encode_markup(self, markup: str) -> bytes:
        """Return the bytes of XML: a character that the encoding does not have becomes a character reference."""
        written = markup.translate(self._out)
        if self._partners is None:
            return self._referenced(written)
        parts = self._partners.split(written)
        return b"".join(
            part.encode(self.codec) if place % 2 else self._referenced(part) for place, part in enumerate(parts)
        )

    def _referenced(self, markup: str) -> bytes:
        # Python's gbk lacks the two-byte 䶮, and its gb2312 reads and writes "·" and "—" as nobody else does.
        if self._held is None or self._held.issuperset(markup):
            return markup.encode(self.codec, "xmlcharrefreplace")
        return "".join(each if each in self._held else f"&#{ord(each)};" for each in markup).encode(self.codec)

    def mark(self, head: bytes) -> int:
        """Return the length of the byte order mark that ``head`` begins with, 0 where there is none.

        Raises ``WrongEncoding`` for the mark of another encoding.
        """
        name, length = mark_of(head)
        if name is not None and codec_of(name) != self.codec:
            raise WrongEncoding(f"the byte order mark says {name}, the profile says {self.name}: let them agree")
        return length

    def decoder(self, at: int = 0) -> "CharsetDecoder":
        """Return a decoder for an input that comes in pieces, the first of which begins at byte ``at``."""
        return CharsetDecoder(self, at)


class _Encoded(Protocol):
    """What a profile says of a format of text."""

    @property
    def encoding(self) -> str: ...


class _Incremental(Protocol):
    def decode(self, data: bytes, final: bool = False) -> str: ...
    def getstate(self) -> tuple[bytes, int]: ...


class CharsetDecoder:
    """Decodes an input piece by piece; a character may be cut between two."""

    def __init__(self, charset: Charset, at: int) -> None:
        self._charset = charset
        self._at = at
        self._decoder: _Incremental = codecs.getincrementaldecoder(charset.codec)()

    def decode(self, raw: bytes, final: bool = False) -> str:
        """Return the text of the next piece; ``final`` says that none follows.

        Raises ``WrongEncoding`` as ``Charset.decode`` does, also for an input that ends inside a character.
        """
        start = self._at - len(self._decoder.getstate()[0])
        self._at += len(raw)
        try:
            text = self._decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            raise WrongEncoding(f"byte {start + error.start} is not {self._charset.name}") from error
        return text if text.isascii() else self._charset._read(text, start)


@cache
def _held(name: str) -> frozenset[str] | None:
    """Return the characters that are one or two bytes in GBK or GB2312; None for encodings of all Unicode."""
    if _CODECS.get(name) != "gb18030" or name == "GB18030":
        return None
    pairs = [bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    two = {pair: pair.decode("gb18030", "ignore") for pair in pairs}
    known = {text for pair, text in two.items() if len(text) == 1 and (name == "GBK" or _is_gb2312(pair, text))}
    return frozenset(known) | {chr(each) for each in range(0x80)}


def _is_gb2312(pair: bytes, text: str) -> bool:
    """Whether a pair is of GB2312, or a private-use one: partners add those to any of these encodings."""
    own = pair[1] >= 0xA1 and len(pair.decode("gb2312", "ignore")) == 1
    return own or _PRIVATE_USE.fullmatch(text) is not None


def charset_for(loaded: LoadedProfile, spec: _Encoded) -> Charset:
    """Return the charset of a format's encoding with the channel's characters.

    Raises ``ProfileInvalid`` where the table does not lead from private-use code points to others, one to one.
    """
    seen: dict[str, str] = {}
    table = {}
    for partners, own in loaded.profile.characters.items():
        where = ("characters", partners)
        theirs, ours = (_character(loaded, partners, each) for each in (partners, own))
        if not _PRIVATE_USE.fullmatch(theirs) or _PRIVATE_USE.fullmatch(ours):
            loaded.fail(where, "a private-use code point of the partner's leads to one of Unicode that is not")
        if ours in seen:
            loaded.fail(where, f"{own} is {seen[ours]} already: which one goes out would be a guess")
        seen[ours] = partners
        table[theirs] = ours
    return Charset(spec.encoding, Characters(table))


def _character(loaded: LoadedProfile, partners: str, point: str) -> str:
    value = int(point.removeprefix("U+"), 16)
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        loaded.fail(("characters", partners), f"{point} is no code point of Unicode")
    return chr(value)


def mark_of(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that a byte order mark names and the mark's length, or None and 0."""
    mark = next((each for each in _MARKS if head.startswith(each)), b"")
    return _MARKS.get(mark), len(mark)


def charset_of(content_type: str) -> str | None:
    """Return the charset that a content type names, or None."""
    found = _CHARSET.search(content_type)
    return found[1] if found is not None else None


def require_utf8(charset: str | None) -> None:
    """Raise ``WrongEncoding`` where a content type names another encoding than the UTF-8 of all JSON."""
    if charset is not None and charset.upper() != "US-ASCII" and codec_of(charset) != "utf-8":
        raise WrongEncoding(f"the content type says {charset[:40]}, JSON is UTF-8")


def codec_of(name: str) -> str:
    """Return Python's name of an encoding. Raises ``WrongEncoding`` for one that is not known here."""
    codec = _CODECS.get(name.upper())
    if codec is None:
        raise WrongEncoding(f"encoding {name[:40]} is declared; known: UTF-8, GB18030, GBK, GB2312")
    return codec
