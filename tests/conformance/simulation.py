"""Simulators over HTTP, and the reference gateway that they send to, which pushes what it takes."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

import httpx

from xinqiao.client import Client
from xinqiao.errors import UnknownChannel
from xinqiao.message import Json, message_type, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, SigningKey, new_key
from xinqiao.testing import example
from xinqiao_conformance.benches.web import web_server
from xinqiao_conformance.clock import VirtualClock
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.references.gateway import Outcome, Party, ReferenceGateway, Waiting
from xinqiao_conformance.scenarios import Side
from xinqiao_conformance.simulators.controls import controls
from xinqiao_conformance.simulators.core.core import Core, read_behaviour
from xinqiao_conformance.simulators.core.system import CoreSystem
from xinqiao_conformance.simulators.drafting import Parties
from xinqiao_conformance.simulators.engine import Engine
from xinqiao_conformance.simulators.outbox import Outbox
from xinqiao_conformance.simulators.script import script_of
from xinqiao_conformance.simulators.serving import application

from .conftest import Peer, served

START = datetime.fromisoformat("2026-01-05T10:00:00+08:00")
KEY = new_key("partner-1")
NOTICE = "disclosureNotice"
_WAIT = timedelta(seconds=20)
# What the core sends because of what comes by decisions of its own, beyond its script.
_DECIDED = {"kycDecision", "signatureEvidence", "fundsMatch", "deliveryConfirmation", "contractEffective"}


class Passing(ReferenceGateway):
    """Knows institutions by code, keeps what it takes in ``taken``, pushes what is expected to ``addresses``."""

    def __init__(self, *institutions: str) -> None:
        super().__init__()
        self.taken: list[Json] = []
        self.addresses: dict[str, str] = {}
        self._known = {f"c{number}": Party(f"c{number}", code, KEY) for number, code in enumerate(institutions)}
        self.outbox: Outbox[tuple[str, Waiting], int] = Outbox(self._push)
        self.outbox.start()

    def find(self, channel: str) -> Party:
        if channel not in self._known:
            raise UnknownChannel(channel)
        return self._known[channel]

    def require_receiver(self, header: Json) -> None:
        """Serve everybody."""

    def receive(self, message: Json, waiting: Waiting) -> Outcome:
        outcome = super().receive(message, waiting)
        self.taken.append(message)
        return outcome

    def deliver(self, message: Json, waiting: Waiting) -> None:
        url = self.addresses.get(message["header"]["receiver"])
        if url:
            self.outbox.post([(url, waiting)])

    def _push(self, due: tuple[str, Waiting]) -> int:
        url, waiting = due
        headers = {"Content-Type": waiting.content_type, SIGNATURE_HEADER: self.sealed(waiting).signature}
        return httpx.post(url, content=waiting.content, headers=headers, timeout=10).raise_for_status().status_code


class Alone:
    """One simulated institution, and the gateway that it sends to."""

    def __init__(
        self,
        name: str,
        stack: ExitStack,
        clock: VirtualClock | None = None,
        gateway: Passing | None = None,
        channel: str = "c0",
        counterparty: str = "",
    ) -> None:
        script = script_of(name)
        self.gateway = gateway or Passing(script.institution)
        url = stack.enter_context(web_server(self.gateway.handle))
        script = replace(script, counterparty=counterparty or script.counterparty)
        client, keys = Client(url, channel, KEY), KeyRing([self.gateway.key.public()])
        if name == "core":
            behaviour = read_behaviour()
            core = Core(behaviour, clock.now if clock else lambda: START)
            self.engine: Engine = CoreSystem(
                core, behaviour, client, keys, _WAIT, clock=clock, test=True, script=script
            )  # fmt: skip
        else:
            self.engine = Engine(script, client, keys, _WAIT, clock=clock, test=True)
        self.peer = Peer(stack.enter_context(served(application(self.engine, controls(self.engine)))))

    @property
    def sent(self) -> list[str]:
        """What has reached the gateway, by type, once all that is due now has."""
        assert self.engine.settled(20)
        return [message_type(each).body for each in self.gateway.taken]

    @property
    def key(self) -> SigningKey:
        return self.gateway.key

    @property
    def steered(self) -> list[str]:
        return [each["outcome"] for each in self.peer.events() if each["direction"] == "steered"]

    def rule(self, message: str, do: str, **more: object) -> None:
        answer = httpx.post(f"{self.peer.url}/rules", json={"message": message, "do": do, **more}, timeout=5)
        assert answer.status_code == 200, answer.text

    def advance(self, by: str) -> str:
        now: str = httpx.post(f"{self.peer.url}/clock", params={"advance": by}, timeout=30).json()["now"]
        return now


class Stage:
    """Both sides of a business, simulated, on one clock; the walker of its paths."""

    def __init__(self, sides: Mapping[Side, str], stack: ExitStack) -> None:
        self.clock = VirtualClock(START)
        codes = {side: script_of(name).institution for side, name in sides.items()}
        self.gateway = Passing(codes["opener"], codes["counterparty"])
        self.sides = {
            "opener": self._side(sides["opener"], stack, "c0", codes["counterparty"]),
            "counterparty": self._side(sides["counterparty"], stack, "c1", codes["opener"]),
        }
        for each in self.sides.values():
            self.gateway.addresses[each.engine.script.institution] = f"{each.peer.url}/messages"
        self._seen: set[str] = set()

    def _side(self, name: str, stack: ExitStack, channel: str, counterparty: str) -> Alone:
        return Alone(name, stack, self.clock, self.gateway, channel, counterparty)

    def parties(self, by: Side) -> Parties:
        script = self.sides[by].engine.script
        return Parties(script.institution, script.counterparty, test=True)

    def now(self) -> datetime:
        return self.clock.now()

    def sends_itself(self, by: Side, body: str) -> bool:
        script = self.sides[by].engine.script
        replies = {each.sending.body for several in script.replies.values() for each in several}
        return body in replies or (script.name == "core" and body in _DECIDED)

    def send(self, by: Side, message: Json) -> Exchange:
        body, case_id = message_type(message).body, message["header"]["caseId"]
        done = self.sides[by].peer.do(body, case=case_id).json()
        assert done["outcome"] == "accepted", done
        sent = next(each for each in self.gateway.taken if each["header"]["messageId"] == done["messageId"])
        self._seen.add(done["messageId"])
        return Exchange(sent, 202, write_json({"receipt": {"position": done["position"]}}).decode())

    def await_message(self, by: Side, body: str, case_id: str) -> Json | None:
        # What is pushed is answered only when the answers to it are queued: nothing left twice means nothing to come.
        for _ in range(5):
            assert all(each.engine.settled(10) for each in self.sides.values())
            assert self.gateway.outbox.settled(10)
        mine = self.sides[by].engine.script.institution
        for each in self.gateway.taken:
            header = each["header"]
            is_theirs = body in each and (header["sender"], header["caseId"]) == (mine, case_id)
            if is_theirs and header["messageId"] not in self._seen:
                self._seen.add(header["messageId"])
                return each
        return None

    def advance(self, by: timedelta) -> None:
        self.clock.advance(by)


def push(to: Alone, body: str, case: str = "CASE-1", sender: str = "", **changes: object) -> Json:
    """Push a published example with changes to an institution, from its counterparty."""
    script = to.engine.script
    parties = {"sender": sender or script.counterparty, "receiver": script.institution}
    message = example(body, **parties, caseId=case, test=True)
    message[body] |= changes
    answer = to.peer.push(write_json(message), CONTENT_TYPE_JSON, to.key)
    assert answer.status_code == 202, answer.text
    return message
