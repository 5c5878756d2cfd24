"""The implementation under test, seen from outside: what is sent to it, what it answers, what was expected."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote
from uuid import uuid4

import orjson

from xinqiao.masking import mask, mask_message
from xinqiao.message import Json, message_type, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, Sealed, SigningKey, seal
from xinqiao.standard import field_at
from xinqiao.testing import example, patched
from xinqiao_conformance.reach import http_client

__all__ = ["Breach", "Exchange", "Target", "personal_values", "with_value"]

_SHOWN = 20_000
_NUMBERS = {"kycApplication": "applicationNo", "contractProposal": "contractNo"}
# What every server says about the transport.
_USUAL = frozenset(
    ("connection", "content-length", "content-type", "date", "keep-alive", "server", "transfer-encoding")
)


class Breach(AssertionError):
    """A requirement that was not met. ``finding`` has what was expected, sent and seen, all of it masked."""

    def __init__(self, expected: str, exchange: "Exchange") -> None:
        self.finding = {"expected": expected, "sent": exchange.shown_sent(), "seen": exchange.shown_seen()}
        super().__init__(f"expected {expected}; seen {self.finding['seen']}")


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


def personal_values(message: Json) -> dict[str, str]:
    """Return the C2 and C3 strings and numbers of a message that can be told from other text, each with its path.

    A value that also stands in a C1 field, as an institution's code does, may be told.
    """
    body = message_type(message).body
    personal, open_to_all = {}, set()
    for path, value in _scalars(message, ""):
        field = field_at(body, path)
        if field is not None and field.sensitivity == "C1":
            open_to_all.add(value)
        elif _is_telling(value):
            personal[value] = path
    return {value: path for value, path in personal.items() if value not in open_to_all}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message sent to a target and its answer: HTTP status, body as ``text``, headers in their order."""

    sent: Json
    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def answer(self) -> Json:
        """Return the answer as JSON; an answer that is no JSON object counts as an empty one."""
        try:
            value = orjson.loads(self.text)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def told(self) -> str:
        """Return the text of the answer with the escapes of JSON undone, so that what it tells can be searched."""
        try:
            return orjson.dumps(orjson.loads(self.text)).decode()
        except ValueError:
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

    def require(self, met: object, expected: str) -> None:
        """Raise ``Breach`` unless ``met``."""
        if not met:
            raise Breach(expected, self)

    def require_receipt(self) -> None:
        """Raise ``Breach`` unless the message was accepted."""
        self.require(self.status in (200, 202) and self.receipt, "HTTP 200 or 202 with a receipt")

    def require_refusal(self, status: int, reason: str) -> None:
        """Raise ``Breach`` unless the message was refused just so."""
        refused = self.status == status and self.rejection.get("reason") == reason
        self.require(refused, f"HTTP {status} with a rejection whose reason is {reason}")

    def shown_sent(self) -> Json:
        """Return what was sent, masked."""
        return mask_message(self.sent, message_type(self.sent).body)

    def shown_seen(self) -> Json:
        """Return the answer with every personal value of what was sent masked.

        ``body`` is JSON where it is, else text; of a body beyond 20,000 characters the beginning, as text.
        """
        text = self._masked(self.told)
        headers = {name: self._masked(unquote(value)) for name, value in self.headers if name.lower() not in _USUAL}
        seen: Json = {"status": self.status}
        if headers:
            seen["headers"] = headers
        try:
            seen["body"] = orjson.loads(text) if len(text) <= _SHOWN else text[:_SHOWN]
        except ValueError:
            seen["body"] = text
        return seen

    def _masked(self, text: str) -> str:
        for value in sorted(personal_values(self.sent), key=len, reverse=True):
            text = text.replace(value, mask(value, "C2"))
        return text


def _object(value: Any) -> Json:  # noqa: ANN401 -- whatever a target answers
    return value if isinstance(value, dict) else {}


class Target:
    """A gateway under test, by its base address and a channel that it knows this suite by."""

    def __init__(
        self,
        url: str,
        *,
        channel: str,
        key: SigningKey,
        sender: str,
        receiver: str,
        test: bool = False,
        timeout: float = 10.0,
    ) -> None:
        self.key = key
        self.path = f"/v1/channels/{channel}/messages"
        self._parties = {"sender": sender, "receiver": receiver}
        self._test = {"test": True} if test else {}
        self._client = http_client(url, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def message(self, body: str) -> Json:
        """Return a valid ``kycApplication`` or ``contractProposal`` of a case that the target has not seen."""
        number = f"CONF-{uuid4().hex[:16].upper()}"
        message = example(body, **self._parties, caseId=number, channelId=None, **self._test)
        message[body][_NUMBERS[body]] = number
        return message

    def sealed(self, message: Json) -> Sealed:
        """Return a message as it is to travel."""
        return seal(write_json(message), CONTENT_TYPE_JSON, self.key)

    def send(self, message: Json, sealed: Sealed | None = None) -> Exchange:
        """Send a message, sealed anew unless ``sealed`` says how. Raises ``httpx.HTTPError``."""
        travelling = sealed or self.sealed(message)
        headers = {"Content-Type": travelling.content_type, SIGNATURE_HEADER: travelling.signature}
        response = self._client.post(self.path, content=travelling.content, headers=headers)
        return Exchange(message, response.status_code, response.text, tuple(response.headers.multi_items()))


def with_value(message: Json, path: str, value: object) -> Json:
    """Return a copy of a message with a value, new or another, at a canonical path such as ``a.b[0].c``."""
    pointer = "/" + path.replace("]", "").replace("[", ".").replace(".", "/")
    return patched(message, [{"op": "replace" if path.endswith("]") else "add", "path": pointer, "value": value}])
