"""The head of a mail: who says to have sent it, what about, and what a server said of it.

It is read alone and first: of a mail from a stranger nothing else is. Header lines are bytes of anybody's; what is not
ASCII and not encoded is read as UTF-8, else as GB18030.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser
from typing import Any

from xinqiao.errors import ContentRefused

__all__ = ["LARGEST_HEAD", "PARSER_FAULTS", "Head", "decoded_header", "outside_quotes", "read_head"]

LARGEST_HEAD = 65_536
# A single header that is read; the library's time for one grows faster than its length.
_LONGEST_HEADER = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_FOLD = re.compile(r"\r?\n")
# What the library raises for headers that nobody writes in earnest.
PARSER_FAULTS = (LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True, slots=True)
class Head:
    """``sender`` is the one address of From, in lower case; ``digest`` stands for the Message-ID (SHA-256, hex).

    ``digest`` is empty where there is no Message-ID. ``results`` are the Authentication-Results, the topmost first.
    """

    sender: str
    subject: str
    digest: str
    results: tuple[str, ...]

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2]


def read_head(content: bytes) -> Head:
    """Read the head that a mail begins with. Raises ``ContentRefused`` for one that is no single sender's."""
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(_head_of(content)).raw_items()
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.lower(), []).append(str(value))
    identity = "".join(_one(named, "message-id").split())
    return Head(
        sender=_sender(named),
        subject=str(decoded_header("Subject", _one(named, "subject"))),
        digest=hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest() if identity else "",
        results=tuple(_unfolded(each)[:_LONGEST_HEADER] for each in named.get("authentication-results", ())),
    )


def decoded_header(name: str, value: str) -> Any:  # noqa: ANN401 -- a header of the library's, by its name
    """Return a header as the library reads it, its stray bytes decoded.

    Raises ``ContentRefused`` for one that is too long or cannot be read.
    """
    if len(value) > _LONGEST_HEADER:
        raise ContentRefused(f"the header {name} is longer than {_LONGEST_HEADER} characters")
    try:
        return policy.default.header_factory(name, _unfolded(value))
    except PARSER_FAULTS as error:
        raise ContentRefused(f"the header {name} cannot be read") from error


def outside_quotes(value: str) -> str:
    """Return what of a header stands neither in quotes nor in a comment."""
    kept: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for each in value:
        if is_escaped:
            is_escaped = False
        elif each == "\\" and (is_quoted or depth):
            is_escaped = True
        elif each == '"' and not depth:
            is_quoted = not is_quoted
            kept.append(" ")
        elif not is_quoted and each in "()":
            depth = max(depth + (1 if each == "(" else -1), 0)
        elif not is_quoted and not depth:
            kept.append(each)
    return "".join(kept)


def _head_of(content: bytes) -> bytes:
    """Return the head that a mail begins with.

    Raises ``ContentRefused`` where it has no end in sight, and for control characters and lone carriage returns: the
    library drops some and takes others for the end of a line, mail servers do not, and so would see another sender.
    """
    start = content[: LARGEST_HEAD + 4]
    ends = [at for at in (start.find(b"\r\n\r\n"), start.find(b"\n\n")) if at >= 0]
    if not ends:
        raise ContentRefused(f"the head of the mail does not end within {LARGEST_HEAD} bytes")
    head = start[: min(ends) + 2]
    if _CONTROL.search(head):
        raise ContentRefused("a control character stands in the head of the mail")
    return head


def _one(named: dict[str, list[str]], name: str) -> str:
    """Return a header that stands once, or nowhere: which of two counts would be a guess."""
    found = named.get(name, [])
    if len(found) > 1:
        raise ContentRefused(f"the header {name} stands {len(found)} times")
    return found[0] if found else ""


def _sender(named: dict[str, list[str]]) -> str:
    value = _one(named, "from")
    header = decoded_header("From", value)
    addresses: Iterable[Any] = header.addresses
    found = [f"{each.username}@{each.domain}".lower() for each in addresses]
    # A name that looks like an address beside the real one: the library takes the first, people may take the second.
    if len(found) != 1 or outside_quotes(_unfolded(value)).count("@") != 1:
        raise ContentRefused("From does not name one sender")
    return found[0]


def _unfolded(value: str) -> str:
    """Return a header in one line, its stray bytes decoded."""
    raw = _FOLD.sub("", value).encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
