"""A mail, taken apart: its texts and its attachments. Nothing is opened that is in an attachment.

What a mail may cost is bounded before the library parses it: parts, depth and headers are counted in the raw bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import (
    CloseBoundaryNotFoundDefect,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
    StartBoundaryNotFoundDefect,
)
from email.message import EmailMessage, Message
from itertools import islice
from typing import Any

from xinqiao.errors import ContentRefused, FileRefused, WrongEncoding
from xinqiao_gateway.fronts.mail.head import PARSER_FAULTS, Head, decoded_header, read_head

__all__ = ["Attachment", "Letter", "read_letter"]

_MOST_PARTS = 100
_DEEPEST = 10
# The parser's time for one header grows with the square of its length, 0.4 s for this; for parts with their number.
_LONGEST_HEADER = 4096
_MOST_HEADERS = 65_536
_MOST_BORDERS = 5000
_BORDER = re.compile(rb"^--", re.MULTILINE)
_STRUCTURE = re.compile(rb"^content-[a-z-]{1,40}:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_NESTING = re.compile(rb"boundary[*0-9]*\s*=|multipart/|message/", re.IGNORECASE)
# Defects that say that bytes are missing or changed.
_BROKEN = (
    CloseBoundaryNotFoundDefect,
    StartBoundaryNotFoundDefect,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
# A mail of short lines would take many times its size: each is an object of the library's.
_LINES_AT_LEAST, _SHORTEST_LINE = 200_000, 40
# What the charsets of mails are read with; no others, as Python has some that take a time that grows with the square of
# a text. Partners write one of the Chinese names and mean GB18030, which holds all of them.
_CODECS = {
    **dict.fromkeys(("gb18030", "gb2312", "gbk", "gb_2312-80", "cp936"), "gb18030"),
    **dict.fromkeys(("big5", "cp950"), "big5"),
    **dict.fromkeys(("iso-8859-1", "latin1", "windows-1252"), "cp1252"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; ``number`` from 1 is what it is called where its name might say too much."""

    number: int
    name: str
    content_type: str
    content: bytes

    @property
    def shown(self) -> str:
        """What it is called in logs and exceptions: its number, and the end of its name."""
        ending = re.search(r"\.[0-9A-Za-z]{1,8}$", self.name)
        return f"attachment {self.number}" + (f" ({ending[0].lower()})" if ending else "")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail: its head, what is to be read in it as plain text and as HTML, and its attachments."""

    head: Head
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def read_letter(content: bytes) -> Letter:
    """Take a mail apart. Raises ``ContentRefused``, ``FileRefused``, ``WrongEncoding``."""
    head = read_head(content)
    _check_shape(content)
    try:
        message = message_from_bytes(content, policy=policy.default)
        parts = list(_leaves(message, 0))
        texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
        attachments: list[Attachment] = []
        for part in parts:
            kind, name = part.get_content_type(), _name(part)
            if kind in texts and not name and part.get_content_disposition() != "attachment":
                texts[kind].append(_text(part))
            elif not _is_decoration(part):
                attachments.append(Attachment(len(attachments) + 1, name, kind, _content(part)))
    except PARSER_FAULTS as error:
        raise ContentRefused(f"the mail cannot be taken apart: {type(error).__name__}") from error
    return Letter(head, "\n".join(texts["text/plain"]), "\n".join(texts["text/html"]), tuple(attachments))


def _check_shape(content: bytes) -> None:
    """Refuse what would cost the parser too much, however the mail nests."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if next(islice(_BORDER.finditer(lines), _MOST_BORDERS, None), None) is not None:
        raise FileRefused(f"more than {_MOST_BORDERS} lines of the mail begin as the border of a part does")
    if lines.count(b"\n") > _LINES_AT_LEAST + len(lines) // _SHORTEST_LINE:
        raise FileRefused("the mail has more lines than any mail of its size")
    count = total = nesting = 0
    for found in _STRUCTURE.finditer(lines):
        header = found[0]
        count, total, nesting = count + 1, total + len(header), nesting + len(_NESTING.findall(header))
        if count > 6 * _MOST_PARTS or nesting > 4 * _DEEPEST:
            raise FileRefused(f"the mail has more than {_MOST_PARTS} parts, or parts within parts beyond {_DEEPEST}")
        if len(header) > _LONGEST_HEADER or total > _MOST_HEADERS:
            raise FileRefused(
                f"a header of a part is longer than {_LONGEST_HEADER} bytes, or all are than {_MOST_HEADERS}"
            )


def _leaves(part: "Message[Any, Any]", depth: int) -> Iterator[EmailMessage]:
    """Yield the parts that hold no others; a mail within the mail is an attachment."""
    if any(isinstance(defect, _BROKEN) for defect in part.defects):
        raise ContentRefused("the mail is cut, or its parts have no end")
    assert isinstance(part, EmailMessage)  # noqa: S101 -- so says the policy
    if part.get_content_maintype() != "multipart" or not isinstance(part.get_payload(), list):
        yield part
        return
    if depth >= _DEEPEST:
        raise FileRefused(f"the mail has parts within parts, deeper than {_DEEPEST}")
    for number, below in enumerate(part.iter_parts()):
        if number >= _MOST_PARTS:
            raise FileRefused(f"the mail has more than {_MOST_PARTS} parts")
        yield from _leaves(below, depth + 1)


def _name(part: EmailMessage) -> str:
    """Return the file name of a part, without the folders that some write before it; empty where it has none."""
    raw = {name.lower(): str(value) for name, value in part.raw_items()}
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        if header in raw:
            found = decoded_header(header, raw[header]).params.get(parameter)
            if found:
                return "".join(each for each in re.split(r"[/\\]", str(found))[-1] if each.isprintable())[:200]
    return "mail.eml" if part.get_content_maintype() == "message" else ""


def _is_decoration(part: EmailMessage) -> bool:
    """Whether a part is an image that belongs to how the body looks."""
    is_inline = part.get_content_disposition() == "inline" or part["content-id"] is not None
    return part.get_content_maintype() == "image" and is_inline


def _content(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        return b""  # a mail within the mail is not opened, and no profile can name it as input
    content = part.get_payload(decode=True)
    if any(isinstance(defect, _BROKEN) for defect in part.defects):
        raise ContentRefused("the base64 of a part is cut or not base64")
    return content if isinstance(content, bytes) else b""


def _text(part: EmailMessage) -> str:
    """Return the text of a body; one whose charset is not said, not known or not true is UTF-8 or GB18030."""
    content = _content(part)
    said = (part.get_content_charset() or "").lower()
    for codec in (_CODECS.get(said, "utf-8"), "utf-8", "gb18030"):
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    raise WrongEncoding("the body is neither of the charset that it says, nor UTF-8 or GB18030")
