"""The bench of a sender: it is asked to send, the suite's own gateway takes what it sends or refuses it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import httpx

from xinqiao.errors import Retryable, SettingsInvalid
from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording import Context, Recording
from xinqiao.seal import KeyRing
from xinqiao_conformance.benches.listening import ACCEPTED, Attempt, Listening, Turn
from xinqiao_conformance.benches.subject import (
    CHANNEL,
    LONGER,
    Prepared,
    Start,
    Told,
    done,
    new_case,
    person,
    prepared,
    reached,
    recorded,
)
from xinqiao_conformance.benches.web import web_server
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.personal import shown_number, shown_outcome
from xinqiao_conformance.reach import http_client

__all__ = ["SenderBench", "Sent", "sender_bench", "typed"]

_ENDLESS = Text(
    "被拒绝且 retryable 为 false 后仍在重发；应停止并说明结果",
    "it goes on sending after a rejection that says retryable false: end there, and tell the outcome",
)
# Attempts that a report shows of one thing that was asked for.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one request to send: what was ``asked``, what the subject ``told``, what the gateway saw."""

    asked: Json
    told: Told
    attempts: tuple[Attempt, ...]

    @property
    def message(self) -> Json:
        """Return the message that was sent last. Raises ``Breach`` where none was."""
        self.require(self.attempts, "向网关发送一条消息", "a message sent to the gateway")
        return self.attempts[-1].message

    @property
    def header(self) -> Json:
        """Return the header of the message. Raises ``Breach`` where none was sent, or none can be read in it."""
        self.require(self.message and self.attempts[-1].header, "可读的消息头", "a header that can be read")
        return self.attempts[-1].header

    def require(self, met: object, zh: str, en: str, fix: Text | None = None) -> None:
        """Raise ``Breach`` unless ``met``; what was expected is said in Chinese and in English."""
        if not met:
            raise Breach(Text(zh, en), sent=self.asked, seen=self._seen(), fix=fix)

    def _seen(self) -> Json:
        first = self.attempts[0].at if self.attempts else 0.0
        shown = [
            {
                "second": round(each.at - first, 2),
                "messageId": shown_number(each.message_id),
                "answered": each.status,
            }
            for each in self.attempts[:_SHOWN]
        ]
        return {"told": {"status": self.told.status, "outcome": shown_outcome(self.told.outcome)}, "attempts": shown}


class _Doing(Protocol):
    """How a subject is asked to do something."""

    def __call__(self, step: str, query: Mapping[str, str]) -> Told:
        """Ask, and wait for what it says."""
        ...


class SenderBench:
    """A sender under test. ``recording`` holds all that it sent; ``context`` is what checks of it know beside."""

    def __init__(
        self, declaration: Declaration, kit: Kit, given: Prepared, gateway: Listening, recording: Recording, do: _Doing
    ) -> None:
        self.kit, self.patience, self.test = kit, declaration.patience, declaration.test
        self.gateway, self.recording = gateway, recording
        self.institution, self.other = given.institution, given.other
        self.keys = KeyRing([given.key.public()])
        self._do = do
        self._has_sent_each = False

    def send(
        self,
        body: str,
        *turns: Turn,
        then: Turn = ACCEPTED,
        case: str = "",
        correlation: str = "",
    ) -> Sent:
        """Have a message of a type sent; its attempts meet ``turns``, one by one, and further ones ``then``."""
        query = {"case": case or new_case()} | ({"correlation": correlation} if correlation else {})
        return self._ask(body, query, turns, then)

    def correct(self, message_id: str, *turns: Turn) -> Sent:
        """Have an earlier message corrected."""
        return self._ask("correction", {"of": message_id}, turns, ACCEPTED)

    def _ask(self, step: str, query: Mapping[str, str], turns: tuple[Turn, ...], then: Turn) -> Sent:
        before = self.gateway.steer(*turns, then=then)
        asked = {"asked": f"POST /do/{step}", **query, "answers": [_named(each) for each in (*turns, then)]}
        try:
            told = self._do(step, query)
        except httpx.TransportError:
            told = Told(0, "", "failed: no answer")
        finally:
            self.gateway.steer()
        sent = Sent(asked, told, tuple(self.gateway.attempts(before)))
        times = Counter(each.message_id for each in sent.attempts)
        is_endless = _is_final(then) and max(times.values(), default=0) > len(turns) + 1
        sent.require(
            told.status != 0,
            f"在 {self.patience:g} 秒内说明结果",
            f"an outcome within {self.patience:g} seconds",
            _ENDLESS if is_endless else LONGER,
        )
        return sent

    def send_each_type(self) -> None:
        """Have one message of each type of the kit sent, in one case, unless that was done before.

        Whether one is missing is for a case to say.
        """
        if not self._has_sent_each:
            self._has_sent_each, case = True, new_case()
            for body in self.kit.types:
                self.send(body, case=case)

    @cached_property
    def context(self) -> Context:
        """What checks of the recording know beside it."""
        return Context(self.recording.head, "sender", self.keys, self.patience)


def typed(sent: Sent, body: str) -> bool:
    """Say whether a message of a type was sent, and nothing else."""
    return bool(sent.attempts) and all(body in each.message for each in sent.attempts)


def _is_final(turn: Turn) -> bool:
    return turn.error is not None and not turn.says.get("retryable", issubclass(turn.error, Retryable))


def _named(turn: Turn) -> str:
    if turn.lost:
        return f"connection lost {turn.lost} acceptance"
    if turn.error:
        return turn.error.reason
    if turn.page:
        return f"a page with status {turn.page}"
    said = "receipt of another message" if turn.other else "receipt"
    return f"{said} after {turn.delay:g} s" if turn.delay else said


@contextmanager
def sender_bench(
    declaration: Declaration, kit: Kit, *, start: Start | None = None, ask: Callable[[str], str] | None = None
) -> Iterator[SenderBench]:
    """Reach the sender of a declaration; ``start`` one that runs in this process, ``ask`` who serves one by hand.

    Raises ``CouldNotRun``, ``Breach``, ``SettingsInvalid``, ``KeyUnusable``.
    """
    given, ask = prepared(declaration), ask or person(declaration.patience)
    with ExitStack() as stack:
        recording = stack.enter_context(recorded(declaration, given))
        gateway = Listening(CHANNEL, given.other, KeyRing([given.gateway_key.public()]), recording, kit.transport)
        serve = partial(_served, gateway, kit.transport)
        _, url = stack.enter_context(reached(declaration, given, serve, start, ask))
        if declaration.reach.manual and start is None:
            do: _Doing = _ByHand(gateway, ask)
        else:
            do = _Over(stack.enter_context(http_client(url, declaration.patience)))
        yield SenderBench(declaration, kit, given, gateway, recording, do)


def _served(gateway: Listening, transport: str, port: int) -> AbstractContextManager[str]:
    if transport != "grpc":
        return web_server(gateway.handle, port)
    try:
        from xinqiao_conformance.benches.listening_grpc import grpc_server  # noqa: PLC0415 -- an extra of the SDK
    except ImportError as error:
        raise SettingsInvalid("gRPC 套件需要 kits over gRPC need grpcio: pip install 'xinqiao[grpc]'") from error
    return grpc_server(gateway, port)


class _Over:
    """Asks by the control side of the contract."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, step: str, query: Mapping[str, str]) -> Told:
        return done(self._client, step, query)


class _ByHand:
    """Asks a person, who does it with the subject and says what it showed."""

    def __init__(self, gateway: Listening, ask: Callable[[str], str]) -> None:
        self._gateway, self._ask = gateway, ask

    def __call__(self, step: str, query: Mapping[str, str]) -> Told:
        before = len(self._gateway.attempts())
        wanted = ", ".join(f"{name}={value}" for name, value in query.items())
        said = self._ask(
            f"请发送 {step}（{wanted}），有最终结果后输入系统显示的结果。\n"
            f"Send {step} ({wanted}); when it has come to an end, type what the system shows: accepted, "
            "rejected: REASON, or failed: REASON: "
        )
        sent = self._gateway.attempts(before)
        return Told(200, sent[-1].message_id if sent else "", said)
