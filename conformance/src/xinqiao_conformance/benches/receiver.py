"""The bench of a receiver: the suite's own gateway pushes messages to it, and takes what it sends because of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import httpx

from xinqiao.errors import BodyTooLarge
from xinqiao.message import Json, new_message_id, write_json
from xinqiao.recording import Answer, Context, Recorded, Recording
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, SigningKey, seal
from xinqiao_conformance.benches.listening import Listening
from xinqiao_conformance.benches.subject import (
    CHANNEL,
    Prepared,
    Start,
    new_case,
    person,
    prepared,
    reached,
    recorded,
)
from xinqiao_conformance.benches.web import web_server
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.simulators.drafting import CaseFile, Parties, Sending, drawn_up

__all__ = ["ReceiverBench", "receiver_bench"]

# Bytes of content that a recording holds; what is larger is pushed to be refused for it.
_RECORDED = 262_144


class ReceiverBench:
    """A receiver under test. ``recording`` holds what it was sent and answered, and what it sent because of it."""

    def __init__(
        self,
        declaration: Declaration,
        kit: Kit,
        given: Prepared,
        gateway: Listening,
        recording: Recording,
        client: httpx.Client,
    ) -> None:
        self.kit, self.patience, self.test = kit, declaration.patience, declaration.test
        self.institution, self.other = given.institution, given.other
        self.key: SigningKey = given.gateway_key
        self.gateway, self.recording = gateway, recording
        self._client = client

    def message(self, body: str, case: CaseFile | None = None, changes: Mapping[str, Any] | None = None) -> Json:
        """Return a valid message for the receiver, of a case of its own unless ``case`` says which."""
        case = case or CaseFile(new_case())
        parties = Parties(self.other, self.institution, self.test)
        message = drawn_up(Sending(body, set=changes or {}), parties, case, datetime.now(UTC))
        case.add(message)
        return message

    def adapted(self, message: Json, paths: frozenset[str]) -> Json:
        """Return a published message as one for this receiver, with what is wrong with it, at ``paths``, as it is."""
        header = dict(message["header"])
        header.pop("test", None)
        ours: Json = {"messageId": new_message_id(), "sender": self.other, "receiver": self.institution}
        if "caseId" in header:
            ours["caseId"] = new_case()
        if header.get("replaces") == header.get("messageId"):
            del ours["messageId"]
        ours = {name: value for name, value in ours.items() if f"header.{name}" not in paths}
        return {**message, "header": header | ours | ({"test": True} if self.test else {})}

    def sealed(self, content: Json | bytes, content_type: str = CONTENT_TYPE_JSON) -> Sealed:
        """Seal a message, or bytes, as the gateway."""
        return seal(content if isinstance(content, bytes) else write_json(content), content_type, self.key)

    def push(self, message: Json, sealed: Sealed | None = None, note: str = "") -> Exchange:
        """Push a message, sealed anew unless ``sealed`` says how, and return the answer."""
        travelling = sealed or self.sealed(message)
        headers = {"Content-Type": travelling.content_type, SIGNATURE_HEADER: travelling.signature}
        if not travelling.signature:
            del headers[SIGNATURE_HEADER]
        try:
            response = self._client.post("/messages", content=travelling.content, headers=headers)
        except httpx.TransportError as error:
            exchange = Exchange(message, 0, str(error), (), note)
        else:
            exchange = Exchange(
                message, response.status_code, response.text, tuple(response.headers.multi_items()), note
            )
        self._record(travelling, exchange)
        return exchange

    def _record(self, sealed: Sealed, exchange: Exchange) -> None:
        answer = Answer(exchange.status, exchange.answer or None, dict(exchange.headers)) if exchange.status else None
        if len(sealed.content) > _RECORDED:
            recorded = Recorded("peer", "rest", None, answer=answer, unreadable=BodyTooLarge.reason)
        else:
            recorded = Recorded.of(sealed, "peer", "rest", answer)
        self.recording.append(recorded)

    def reaction(self, pushed: Exchange, body: str) -> Json:
        """Return the message of a type that the receiver sends in answer to what was pushed. Raises ``Breach``."""
        self.settle(pushed, body)
        return self.reactions(pushed, body)[0]

    def settle(self, pushed: Exchange, body: str) -> None:
        """Wait until the receiver has sent a message of a type in answer to what was pushed. Raises ``Breach``."""
        message_id, patience = pushed.sent["header"]["messageId"], f"{self.patience:g}"
        pushed.require(
            self.gateway.await_answer(body, message_id, self.patience),
            f"在 {patience} 秒内发送 {body}，其 correlationId 为 {message_id}",
            f"a message {body} with correlationId {message_id} within {patience} seconds",
        )

    def reactions(self, pushed: Exchange, body: str) -> list[Json]:
        """Return the messages of a type that the receiver sent so far in answer to what was pushed."""
        return [each.message for each in self.gateway.answers(body, pushed.sent["header"]["messageId"])]

    @cached_property
    def context(self) -> Context:
        """Return what checks of the recording know beside it."""
        return Context(self.recording.head, "receiver", KeyRing([self.key.public()]), self.patience)


@contextmanager
def receiver_bench(
    declaration: Declaration, kit: Kit, *, start: Start | None = None, ask: Callable[[str], str] | None = None
) -> Iterator[ReceiverBench]:
    """Reach the receiver of a declaration; ``start`` one that runs in this process, ``ask`` who serves one by hand.

    Raises ``CouldNotRun``, ``Breach``, ``SettingsInvalid``, ``KeyUnusable``.
    """
    given = prepared(declaration)
    with ExitStack() as stack:
        recording = stack.enter_context(recorded(declaration, given))
        gateway = Listening(CHANNEL, given.other, KeyRing([given.gateway_key.public()]), recording)
        serve = partial(web_server, gateway.handle)
        _, url = stack.enter_context(reached(declaration, given, serve, start, ask or person(declaration.patience)))
        client = stack.enter_context(http_client(url, declaration.patience))
        yield ReceiverBench(declaration, kit, given, gateway, recording, client)
