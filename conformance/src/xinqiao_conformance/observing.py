"""What the suite sees of a subject: one message and its answer, and what was expected of it instead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

import orjson

from xinqiao.finding import Text
from xinqiao.masking import mask, mask_message
from xinqiao.message import Json
from xinqiao.standard import field_at, message_types
from xinqiao_conformance.bounding import bounded, bounded_place, bounded_text

__all__ = ["Breach", "CouldNotRun", "Exchange", "Owner", "Unseen", "answered", "personal_values"]

Owner = Literal["subject", "gateway", "suite"]

_SHOWN = 20_000
# Headers of an answer and characters of one, and places of a finding, that are shown.
_HEADERS = 30
_HEADER = 1_000
_LISTED = 100
# What every server says about the transport.
_USUAL = frozenset(
    ("connection", "content-length", "content-type", "date", "keep-alive", "server", "transfer-encoding")
)


class CouldNotRun(Exception):
    """The suite says nothing about the subject: it was not reached, the set-up is wrong, or the suite stopped."""


class Unseen(Exception):
    """Nothing that a case is about occurred, and the standard leaves it to the subject whether it does."""


class Breach(AssertionError):
    """A requirement that was not met: what was expected, sent and seen, all of it masked, and how to mend it.

    ``owner`` is whose matter it is; ``difference`` names the places where what was seen is not what was expected;
    ``exchanges`` are numbers in the recording.
    """

    def __init__(
        self,
        expected: Text,
        *,
        sent: Json | None = None,
        seen: Json | None = None,
        difference: Sequence[Mapping[str, Any]] = (),
        fix: Text | None = None,
        owner: Owner = "subject",
        exchanges: Sequence[int] = (),
    ) -> None:
        self.expected, self.fix, self.owner = bounded_text(expected), fix, owner
        self.sent = None if sent is None else bounded(sent)
        self.seen = None if seen is None else bounded(seen)
        self.difference = tuple(bounded_place(each) for each in difference[:_LISTED])
        self.exchanges = tuple(exchanges[:_LISTED])
        super().__init__(f"expected {self.expected.en}; seen {self.seen}")


def personal_values(message: Json) -> dict[str, str]:
    """Return the C2 and C3 strings and numbers of a message that can be told from other text, each with its path.

    A value that also stands in a C1 field, as an institution's code does, may be told.
    """
    body = _body_of(message)
    personal, open_to_all = {}, set()
    for path, value in _scalars(message, ""):
        found = field_at(body, path) if body else None
        if found is not None and found.sensitivity == "C1":
            open_to_all.add(value)
        elif _is_telling(value):
            personal[value] = path
    return {value: path for value, path in personal.items() if value not in open_to_all}


def _body_of(message: Json) -> str:
    """Return the name of the body where it is one of the standard's, else nothing."""
    named = [name for name in message if name in message_types()]
    return named[0] if len(named) == 1 else ""


def _scalars(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _scalars(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for part in value:
            yield from _scalars(part, path)
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, orjson.dumps(value).decode()


def _is_telling(value: str) -> bool:
    """Say whether a value is long enough not to turn up in an answer by chance; a Chinese name is short."""
    return len(value) >= (5 if value.isascii() else 2)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message sent and its answer: ``status`` as HTTP says it (0 where none came), body as ``text``, headers.

    ``sent`` is the message that was meant; the bytes may have been something else, which ``note`` then says.
    """

    sent: Json
    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def answer(self) -> Json:
        """Return the answer as JSON; one that is no JSON object, or too deep to be written again, counts as empty."""
        try:
            value = orjson.loads(self.text)
            orjson.dumps(value)
        except (ValueError, TypeError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def told(self) -> str:
        """Return the text of the answer with the escapes of JSON undone, so that what it tells can be searched."""
        try:
            return orjson.dumps(orjson.loads(self.text)).decode()
        except (ValueError, TypeError):
            # No JSON, or nested deeper than is written again.
            return self.text

    @property
    def told_in_headers(self) -> str:
        """Return the headers of the answer, as they are and with percent escapes undone."""
        return "\n".join(f"{name}: {value}\n{unquote(value)}" for name, value in self.headers)

    @property
    def receipt(self) -> Json:
        """Return the body of the receipt, empty where there is none."""
        return _object(self.answer.get("receipt"))

    @property
    def rejection(self) -> Json:
        """Return the body of the rejection, empty where there is none."""
        return _object(self.answer.get("rejection"))

    @property
    def reason(self) -> str:
        """Return the reason of the rejection, empty where there is none."""
        return str(self.rejection.get("reason", ""))

    def header(self, name: str) -> str:
        """Return a header of the answer, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def require(self, met: object, zh: str, en: str, fix: Text | None = None) -> None:
        """Raise ``Breach`` unless ``met``; what was expected is said in Chinese and in English."""
        if not met:
            raise Breach(Text(zh, en), sent=self.shown_sent(), seen=self.shown_seen(), fix=fix)

    def require_receipt(self) -> None:
        """Raise ``Breach`` unless the message was accepted."""
        accepted = self.status in (200, 202) and self.receipt
        self.require(accepted, "HTTP 200 或 202，并附受理回执", "HTTP 200 or 202 with a receipt")

    def require_refusal(self, status: int, reason: str) -> None:
        """Raise ``Breach`` unless the message was refused just so."""
        refused = self.status == status and self.reason == reason
        self.require(
            refused,
            f"HTTP {status} 与原因为 {reason} 的拒绝",
            f"HTTP {status} with a rejection whose reason is {reason}",
        )

    def shown_sent(self) -> Json:
        """Return what was sent, masked."""
        body = _body_of(self.sent)
        shown = mask_message(self.sent, body) if body else {"names": sorted(self.sent)}
        return {**shown, "note": self.note} if self.note else shown

    def shown_seen(self) -> Json:
        """Return the answer with every personal value of what was sent masked.

        ``body`` is JSON where it is, else text; of a body beyond 20,000 characters the beginning, as text.
        """
        # Masked before it is cut: half of a value would tell, too.
        text = self._masked(self.told[: 4 * _SHOWN])
        told = [(name, value) for name, value in self.headers if name.lower() not in _USUAL]
        headers = {name: self._masked(unquote(value))[:_HEADER] for name, value in told[:_HEADERS]}
        seen: Json = {"status": self.status}
        if headers:
            seen["headers"] = headers
        try:
            seen["body"] = orjson.loads(text) if len(text) <= _SHOWN else text[:_SHOWN]
        except ValueError:
            seen["body"] = text[:_SHOWN]
        return seen

    def _masked(self, text: str) -> str:
        for value in sorted(personal_values(self.sent), key=len, reverse=True):
            text = text.replace(value, mask(value, "C2"))
        return text


def answered(exchanges: Iterable[Exchange]) -> Exchange:
    """Return the first exchange with an answer, or the last without one.

    Who refuses a large body before all of it has come may close the connection, and his answer may be lost with it.
    """
    last: Exchange | None = None
    for each in exchanges:
        last = each
        if each.status:
            break
    if last is None:
        raise ValueError("of no exchange none is answered")
    return last


def _object(value: Any) -> Json:  # noqa: ANN401 -- whatever a subject answers
    return value if isinstance(value, dict) else {}
