"""One try to get a message to a channel: encode, seal, send, and read what the answer proves.

What an attempt came to is a value, ``Attempt``. It says ``delivered`` or ``refused`` on evidence only, ``failed`` only
where nothing can have arrived; all else is ``unknown``.
"""

import re
import time
from dataclasses import dataclass
from functools import cache

import structlog

from xinqiao.adapter import Encoded, QueryingAdapter, Reply
from xinqiao.client import retry_after
from xinqiao.errors import DestinationDown, DestinationRefused, InternalError, Rejected, error_table
from xinqiao.seal import SigningKey
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.way import Exchange, Way
from xinqiao_gateway.journal import Due, refused
from xinqiao_gateway.rotation import Overlap
from xinqiao_gateway.telemetry.observer import NOBODY, Observer
from xinqiao_gateway.telemetry.traces import span

__all__ = ["Attempt", "Destination", "may_be_repeated"]

# The receiver says itself that it has not worked on it: RFC 9110, RFC 8470.
_NOT_TAKEN = frozenset({408, 425, 429, 503})
_BROKEN = frozenset({500, 502, 504, 507, *range(520, 530)})
_CODE = re.compile(r"[A-Za-z0-9_.:-]+(?: [A-Za-z0-9_.:-]+)*")
# The number of a telephone, a card or a person has more digits, however it is grouped.
_LONGEST_CODE, _MOST_DIGITS = 40, 7

_log = structlog.get_logger("delivery")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try proves. ``detail`` holds nothing that a partner wrote but a code: see ``_is_code``.

    ``outcome``: delivered, refused, failed (nothing has arrived), unknown, or missing (the partner, asked, has none).
    ``when_unknown`` is the profile's way: repeat, query or hold. ``channel_up``: whether the channel works as it
    should, None where the try says nothing about that. ``retry_in``: the seconds that the partner asks to wait.
    """

    outcome: str
    reason: str
    detail: str
    when_unknown: str = "repeat"
    channel_up: bool | None = None
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel as it is pushed to; ``way`` is its own, so that its connections are nobody else's.

    ``overlap`` is the gateway's key of before, where that signs as well.
    """

    channel: ServedChannel
    key: SigningKey
    way: Way
    observer: Observer = NOBODY
    overlap: Overlap | None = None

    async def attempt(self, due: Due) -> Attempt:
        """Try a delivery once; never raises but for its cancellation."""
        began = time.perf_counter()
        with span("delivery.attempt", **_about(due)) as shown:
            attempt = await self._safely(due)
            if shown is not None:
                shown.set_attribute("xinqiao.outcome", attempt.outcome)
        self.observer.attempted(due.channel, attempt.outcome, time.perf_counter() - began)
        return attempt

    async def _safely(self, due: Due) -> Attempt:
        try:
            return await self._attempt(due)
        except Rejected as error:
            settled = refused(due.delivery_id, error)
            if due.unknown and not may_be_repeated(self.channel):  # to call lost what may have arrived would be a guess
                return Attempt("unknown", settled.reason, settled.detail, "hold")
            return Attempt(settled.outcome, settled.reason, settled.detail)
        except Exception as error:  # noqa: BLE001 -- one delivery's fault is its own; whether it was sent is not known
            _log.exception("attempt failed", channel=self.channel.channel_id, delivery=due.delivery_id)
            return Attempt("unknown", InternalError.reason, type(error).__name__)

    async def _attempt(self, due: Due) -> Attempt:
        encoded = self.channel.encode(due.message, due.original)
        way, asked_by = self._when_unknown(encoded.interface)
        if due.unknown and way == "hold":
            return Attempt("unknown", DestinationDown.reason, "not sent again: a person finds out", way)
        if due.unknown and way == "query" and asked_by is not None:
            return await self._ask(due, asked_by)
        exchange = await self.way.send(self.channel.sealed(encoded, self.key, self.overlap))
        if not exchange.sent:
            return Attempt("failed", DestinationDown.reason, exchange.fault, way, channel_up=False)
        return self._judged(exchange, due, encoded.interface, way)

    async def _ask(self, due: Due, interface: str) -> Attempt:
        """Ask what became of a message; whatever is no clear answer leaves its outcome unknown."""
        exchange = await self.way.send(self.channel.sealed(self._query(interface, due), self.key, self.overlap))
        if not exchange.sent:
            return Attempt("unknown", DestinationDown.reason, f"asked: {exchange.fault}", "query", channel_up=False)
        attempt = self._judged(exchange, due, interface, "query")
        if attempt.outcome == "failed":  # the query was not answered, which says nothing of the message
            return Attempt("unknown", attempt.reason, attempt.detail, "query", False, attempt.retry_in)
        return attempt

    def _query(self, interface: str, due: Due) -> Encoded:
        adapter = self.channel.adapter
        if not isinstance(adapter, QueryingAdapter):
            raise TypeError(f"the adapter of {self.channel.channel_id} cannot ask")
        return adapter.query(interface, due.message)

    def _when_unknown(self, interface: str) -> tuple[str, str | None]:
        """Return the profile's way for an outcome that is unknown, and the interface that asks."""
        stated = self.channel.channel.profile.interfaces.get(interface)
        return ("repeat", None) if stated is None else (stated.when_unknown, stated.asked_by)

    def _judged(self, exchange: Exchange, due: Due, interface: str, way: str) -> Attempt:
        status, headers = exchange.status, exchange.headers
        down, wait = DestinationDown.reason, retry_after(headers.get("Retry-After"))
        if exchange.fault:
            return Attempt("unknown", down, exchange.fault, way, channel_up=False)
        if status in _NOT_TAKEN:
            return Attempt("failed", down, f"HTTP {status}", way, False, wait)
        if status in _BROKEN:
            return Attempt("unknown", down, f"HTTP {status}", way, False, wait)
        try:
            opened = self.channel.opened_reply(exchange.content, headers)
        except Rejected as error:
            return Attempt("unknown", down, f"HTTP {status}, answer: {error.reason}", way, False, wait)
        reply = self.channel.adapter.read_reply(interface, status, opened, due.message)
        return _read(reply, status, way, wait)


def may_be_repeated(channel: ServedChannel) -> bool:
    """Say whether all that goes out may be sent again, whatever became of it."""
    interfaces = channel.channel.profile.interfaces.values()
    return all(each.when_unknown == "repeat" for each in interfaces if each.goes_out)


def _about(due: Due) -> dict[str, str | int]:
    return {
        "xinqiao.channel": due.channel,
        "xinqiao.delivery": due.delivery_id,
        "xinqiao.position": due.position,
        "xinqiao.message_id": str(due.message["header"]["messageId"]),
    }


def _read(reply: Reply, status: int, way: str, wait: float | None) -> Attempt:
    code = _code(reply.code)
    if reply.accepted:
        return Attempt("delivered", "", code, way, channel_up=True)
    said = f"HTTP {status} {code}".strip()
    if reply.accepted is not None:
        return Attempt("refused", DestinationRefused.reason, said, way, channel_up=True)
    if reply.missing:
        return Attempt("missing", "", said, way, channel_up=True)
    detail = f"HTTP {status}, not an answer to this message"
    return Attempt("unknown", DestinationDown.reason, detail, way, False, wait)


def _code(said: str) -> str:
    """Return the code of an answer where it is one: a partner's own words may hold personal data."""
    return said if said in _reasons() or _is_code(said) else ""


def _is_code(said: str) -> bool:
    """Say whether a text is shaped as return codes are, and not as a number or a name of somebody."""
    if len(said) > _LONGEST_CODE or not _CODE.fullmatch(said) or sum(map(str.isdigit, said)) > _MOST_DIGITS:
        return False
    tokens = said.split(" ")
    return len(tokens) == 1 or all(each.isupper() or any(map(str.isdigit, each)) for each in tokens)


@cache
def _reasons() -> frozenset[str]:
    return frozenset(each.reason for each in error_table())
