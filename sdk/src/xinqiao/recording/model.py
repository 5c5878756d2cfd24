"""What a recording holds: its head and its exchanges, each a line of JSON.

The first line is the head, ``{"recording": "1", "standard": "1.0", "masked": false, "subject": "<institution code>",
"test": true}``; each further line is an exchange, a message and what was answered::

    {"at": "2026-01-22T09:30:00.000000+08:00",   when it was sent (or came), with an offset
     "by": "subject" | "peer",                   who sent it: who is judged, or the other side
     "transport": "rest" | "grpc" | "sftp" | "h5",
     "attempt": 1,                               which sending of the same message this is
     "message": {…} | null,                      canonical; null where the bytes could not be read
     "unreadable": "malformed_json",             why not: a reason of the error table; only beside a null message
     "sealed": {"content": base64, "contentType": "…", "signature": "…"},   the exact bytes, where they are known
     "answer": {"status": 202, "message": {receipt or rejection} | null, "headers": {"Retry-After": "1"}} | null,
     "delivered": [{…}]}                         what the subject carried on because of it, canonical

``status`` is that of HTTP; a transport without one says null, and the answer's message says the rest. An ``answer`` of
null: none came. A masked recording has no ``content``, and of a signature the protected header alone.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, get_args

from xinqiao.errors import ContentRefused, Rejected, UnsupportedVersion
from xinqiao.forms import form_of, read_form
from xinqiao.message import Json, timestamp
from xinqiao.seal import Sealed
from xinqiao.standard import STANDARD_VERSION, message_types

__all__ = ["Answer", "By", "Head", "Recorded", "Transport", "body_of", "header_of"]

_VERSION = "1"
_INSTITUTION = re.compile("[0-9A-Z]{18}")
_REASON = re.compile("[a-z_]{1,40}")

By = Literal["subject", "peer"]
Transport = Literal["rest", "grpc", "sftp", "h5"]


def header_of(message: Json | None) -> Json:
    """Return the header of a message that may be anything; an empty one where it has none."""
    header = message.get("header") if message else None
    return header if isinstance(header, dict) else {}


def body_of(message: Json | None) -> str | None:
    """Return the body's key where a message has exactly one that the standard defines, and that is an object."""
    bodies = [name for name in message or () if name in message_types()]
    return bodies[0] if message and len(bodies) == 1 and isinstance(message[bodies[0]], dict) else None


@dataclass(frozen=True, slots=True)
class Head:
    """Whom a recording is about (``subject``, an institution code), of test traffic or not, masked or not."""

    subject: str
    test: bool
    masked: bool = False

    def __post_init__(self) -> None:
        if not _INSTITUTION.fullmatch(self.subject):
            raise ContentRefused(f"subject is {self.subject[:40]!r}, the code of an institution is expected")

    def as_json(self) -> Json:
        """Return the first line of a recording."""
        said = {"masked": self.masked, "subject": self.subject, "test": self.test}
        return {"recording": _VERSION, "standard": STANDARD_VERSION} | said

    @classmethod
    def from_json(cls, line: Json) -> Self:
        """Read the first line. Raises ``UnsupportedVersion`` or ``ContentRefused``."""
        if "recording" not in line:
            raise ContentRefused('it is no recording: its first line is {"recording": "1", …}')
        standard = line.get("standard")
        if line["recording"] != _VERSION or not isinstance(standard, str) or not standard.startswith("1."):
            said = f"recording {str(line['recording'])[:20]!r} of standard {str(standard)[:20]!r}"
            raise UnsupportedVersion(f"{said}; read here: recording '1' of standard '1.x'")
        kinds = {"recording": (str,), "standard": (str,), "masked": (bool,), "subject": (str,), "test": (bool,)}
        _require(line, kinds, kinds.keys())
        return cls(line["subject"], line["test"], line["masked"])


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: HTTP's status (None on a transport without one), the canonical message, headers."""

    status: int | None
    message: Json | None
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """Return a header by its name, however it is written."""
        return next((value for each, value in self.headers.items() if each.lower() == name.lower()), None)

    def as_json(self) -> Json:
        """Return the ``answer`` of an exchange."""
        return {"status": self.status, "message": self.message, "headers": dict(self.headers)}

    @classmethod
    def from_json(cls, part: Json) -> Self:
        """Read the ``answer`` of an exchange. Raises ``ContentRefused``."""
        kinds = {"status": (int, type(None)), "message": (dict, type(None)), "headers": (dict,)}
        _require(part, kinds, kinds.keys(), "answer.")
        if not all(isinstance(value, str) for value in part["headers"].values()):
            raise ContentRefused("answer.headers: each is text")
        return cls(part["status"], part["message"], part["headers"])


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange. ``number`` is which one of its recording it is, from 1; the recording gives it."""

    by: By
    transport: Transport
    message: Json | None
    at: str = field(default_factory=timestamp)
    answer: Answer | None = None
    sealed: Sealed | None = None
    attempt: int = 1
    delivered: tuple[Json, ...] = ()
    unreadable: str | None = None
    number: int = 0

    @classmethod
    def of(
        cls,
        sealed: Sealed,
        by: By,
        transport: Transport,
        answer: Answer | None,
        *,
        at: str | None = None,
        attempt: int = 1,
        delivered: tuple[Json, ...] = (),
    ) -> Self:
        """Record bytes as they travelled, now or ``at``; they are read here, and what cannot be read is recorded too.

        For content in one of the standard's own forms: of a partner's format only who maps it knows the message.
        """
        message, unreadable = None, None
        try:
            message = read_form(sealed.content, form_of(sealed.content))
        except Rejected as error:
            unreadable = error.reason
        return cls(by, transport, message, at or timestamp(), answer, sealed, attempt, delivered, unreadable)

    @property
    def header(self) -> Json:
        """The message's header; an empty one where it has none."""
        return header_of(self.message)

    @property
    def message_id(self) -> str | None:
        """The message's id, where it has one."""
        return _text(self.header.get("messageId"))

    @property
    def case_id(self) -> str | None:
        """The message's business case, where it names one."""
        return _text(self.header.get("caseId"))

    @property
    def body(self) -> str | None:
        """The key of the message's body, where it has exactly one of the standard."""
        return body_of(self.message)

    @property
    def time(self) -> datetime:
        """When it was, as an instant."""
        return datetime.fromisoformat(self.at)

    def as_json(self) -> Json:
        """Return the line of the exchange; what it does not have is left out."""
        line: Json = {"at": self.at, "by": self.by, "transport": self.transport, "attempt": self.attempt}
        line |= {"message": self.message} | ({"unreadable": self.unreadable} if self.unreadable else {})
        if self.sealed:
            content = {"content": base64.b64encode(self.sealed.content).decode("ascii")} if self.sealed.content else {}
            line["sealed"] = {
                **content,
                "contentType": self.sealed.content_type,
                "signature": self.sealed.signature,
            }
        line["answer"] = self.answer.as_json() if self.answer else None
        return line | ({"delivered": list(self.delivered)} if self.delivered else {})

    @classmethod
    def from_json(cls, line: Json, number: int = 0) -> Self:
        """Read the line of an exchange. Raises ``ContentRefused``, which says where."""
        _require(line, _KINDS, ("at", "by", "transport", "attempt", "message", "answer"))
        for name, choices in (("by", get_args(By)), ("transport", get_args(Transport))):
            if line[name] not in choices:
                raise ContentRefused(f"{name} is {line[name][:20]!r}, one of {', '.join(choices)} is expected")
        if not _REASON.fullmatch(line.get("unreadable", "unknown")):
            raise ContentRefused("unreadable is no reason of the error table, such as malformed_json")
        delivered = line.get("delivered", [])
        if not all(isinstance(each, dict) for each in delivered):
            raise ContentRefused("delivered: each is a message")
        return cls(
            by=line["by"],
            transport=line["transport"],
            message=line["message"],
            at=_instant(line["at"]),
            answer=Answer.from_json(line["answer"]) if line["answer"] is not None else None,
            sealed=_sealed(line["sealed"]) if "sealed" in line else None,
            attempt=line["attempt"],
            delivered=tuple(delivered),
            unreadable=line.get("unreadable"),
            number=number,
        )


_KINDS: Mapping[str, tuple[type, ...]] = {
    "at": (str,),
    "by": (str,),
    "transport": (str,),
    "attempt": (int,),
    "message": (dict, type(None)),
    "unreadable": (str,),
    "sealed": (dict,),
    "answer": (dict, type(None)),
    "delivered": (list,),
}


def _require(part: Json, kinds: Mapping[str, tuple[type, ...]], needed: Any, where: str = "") -> None:  # noqa: ANN401
    """Hold a part to its members. Unknown ones are refused: nobody would mask what they hold."""
    for name in needed:
        if name not in part:
            raise ContentRefused(f"{where}{name} is missing")
    for name, value in part.items():
        if name not in kinds:
            raise ContentRefused(f"{where}{name[:40]} is no member of a recording")
        # A flag is a number to Python.
        if type(value) not in kinds[name]:
            raise ContentRefused(f"{where}{name} is {type(value).__name__}, expected {kinds[name][0].__name__}")


def _instant(text: str) -> str:
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        offset = None
    if offset is None:
        raise ContentRefused(f"at is {text[:40]!r}, a time with its offset (2026-01-22T09:30:00+08:00) is expected")
    return text


def _sealed(part: Json) -> Sealed:
    kinds: Mapping[str, tuple[type, ...]] = {"content": (str,), "contentType": (str,), "signature": (str,)}
    _require(part, kinds, ("contentType", "signature"), "sealed.")
    try:
        content = base64.b64decode(part.get("content", ""), validate=True)
    except binascii.Error as error:
        raise ContentRefused("sealed.content is not base64") from error
    return Sealed(content, part["contentType"], part["signature"])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
