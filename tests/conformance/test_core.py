"""The simulated core as a process of its own, over HTTP."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from xinqiao.client import Client
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, SigningKey, new_key, write_key
from xinqiao.testing import TRUST_COMPANY, example
from xinqiao_conformance.references.gateway import Outcome, Waiting
from xinqiao_conformance.references.gateway_open import OpenGateway, gateway_application
from xinqiao_conformance.simulators.core.core import Core, read_behaviour
from xinqiao_conformance.simulators.core.system import CoreSystem
from xinqiao_conformance.simulators.serving import application

from .conftest import Peer, Serve, Start, eventually, served

CHANNEL = "demo-core"


class Recording(OpenGateway):
    """The reference gateway, and what reached it."""

    def __init__(self, keys: KeyRing) -> None:
        super().__init__(CHANNEL, TRUST_COMPANY, keys)
        self.taken: list[Json] = []
        self.raw: list[bytes] = []

    def accept(self, channel: str, sealed: Sealed) -> Outcome:
        self.raw.append(sealed.content)
        return super().accept(channel, sealed)

    def receive(self, message: Json, waiting: Waiting) -> Outcome:
        self.taken.append(message)
        return super().receive(message, waiting)


@pytest.fixture
def gateway(partner_keys: KeyRing) -> Recording:
    return Recording(partner_keys)


@pytest.fixture
def arguments(partner_key_file: Path, gateway_key: SigningKey, tmp_path: Path) -> list[str]:
    public = tmp_path / "gateway.jwk"
    write_key(gateway_key.public(), public)
    return ["core", "--channel", CHANNEL, "--key", str(partner_key_file), "--gateway-key", str(public)]


@pytest.fixture
def core(serve: Serve, gateway: Recording, partner_key: SigningKey, gateway_keys: KeyRing) -> Peer:
    behaviour = read_behaviour()
    client = Client(serve(gateway_application(gateway)), CHANNEL, partner_key)
    core = Core(behaviour, lambda: datetime.now(UTC))
    system = CoreSystem(core, behaviour, client, gateway_keys, wait=timedelta(seconds=20))
    return Peer(serve(application(system)))


def shown(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["direction"], each["messageType"], each["outcome"]) for each in events]


def test_a_pushed_application_is_receipted_and_decided(core: Peer, gateway: Recording, gateway_key: SigningKey) -> None:
    application = example("kycApplication")
    answer = core.push(write_json(application), CONTENT_TYPE_JSON, gateway_key)
    assert answer.json()["receipt"]["acceptedMessageId"] == application["header"]["messageId"]
    [decision] = eventually(lambda: gateway.taken)
    assert decision["kycDecision"]["outcome"] == "APPROVED"
    events = eventually(lambda: core.events() if len(core.events()) == 2 else [])
    assert shown(events) == [("received", "kycApplication", "accepted"), ("sent", "kycDecision", "accepted")]
    assert [each["number"] for each in core.events(after=1)] == [2]


def test_a_repeat_is_receipted_and_not_decided_again(core: Peer, gateway: Recording, gateway_key: SigningKey) -> None:
    application = write_json(example("kycApplication"))
    answers = [core.push(application, CONTENT_TYPE_JSON, gateway_key) for _ in range(2)]
    assert [list(answer.json())[1] for answer in answers] == ["receipt", "receipt"]
    core.push(write_json(example("kycApplication", caseId="CASE-2")), CONTENT_TYPE_JSON, gateway_key)
    eventually(lambda: any(each["header"]["caseId"] == "CASE-2" for each in gateway.taken))
    assert len(gateway.taken) == 2


def test_a_push_that_another_key_sealed_is_refused(core: Peer, gateway: Recording) -> None:
    answer = core.push(write_json(example("kycApplication")), CONTENT_TYPE_JSON, new_key("gateway-1"))
    assert (answer.status_code, answer.json()["rejection"]["reason"]) == (401, "signature_invalid")
    assert shown(core.events()) == [("received", "", "rejected: signature_invalid")]


@pytest.mark.parametrize(
    ("header", "reason"),
    [({"receiver": "91110000100020002F"}, "receiver_mismatch"), ({"test": True}, "test_mismatch")],
)
def test_a_push_for_somebody_else_or_from_a_test_is_refused(
    core: Peer, gateway: Recording, gateway_key: SigningKey, header: dict[str, object], reason: str
) -> None:
    answer = core.push(write_json(example("kycApplication", **header)), CONTENT_TYPE_JSON, gateway_key)
    assert (answer.status_code, answer.json()["rejection"]["reason"]) == (403, reason)
    assert gateway.taken == []


def test_a_core_under_test_takes_test_traffic(
    serve: Serve, gateway: Recording, partner_key: SigningKey, gateway_keys: KeyRing, gateway_key: SigningKey
) -> None:
    behaviour = read_behaviour()
    client = Client(serve(gateway_application(gateway)), CHANNEL, partner_key)
    core = Core(behaviour, lambda: datetime.now(UTC))
    system = CoreSystem(core, behaviour, client, gateway_keys, timedelta(seconds=20), test=True)
    peer = Peer(serve(application(system)))
    answer = peer.push(write_json(example("kycApplication", test=True)), CONTENT_TYPE_JSON, gateway_key)
    assert answer.status_code == 202
    [decision] = eventually(lambda: gateway.taken)
    assert decision["header"]["test"] is True


def test_events_show_nothing_personal(core: Peer, gateway: Recording, gateway_key: SigningKey) -> None:
    core.push(write_json(example("kycApplication")), CONTENT_TYPE_JSON, gateway_key)
    eventually(lambda: len(core.events()) == 2)
    assert [value for value in ("王小明", "11010119800101007X") if value in str(core.events())] == []


def test_a_gateway_that_is_down_gets_the_same_bytes_when_it_is_back(
    start: Start, gateway: Recording, gateway_key: SigningKey, arguments: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        core = start(*arguments, "--gateway", url)
        core.push(write_json(example("kycApplication")), CONTENT_TYPE_JSON, gateway_key)
    with served(gateway_application(gateway), port=int(url.rpartition(":")[2])):
        [decision] = eventually(lambda: gateway.taken)
        events = eventually(lambda: core.events(after=1))
    assert [events[0]["messageId"], events[0]["outcome"]] == [decision["header"]["messageId"], "accepted"]
    assert len(set(gateway.raw)) == 1


def test_a_nav_report_cannot_be_sent_before_a_trust_is_effective(core: Peer) -> None:
    answer = core.do("nav")
    assert (answer.status_code, answer.json()) == (409, {"error": "no trust is effective"})


def test_a_whole_trust_is_set_up_and_reported_on(core: Peer, gateway: Recording, gateway_key: SigningKey) -> None:
    instruction, entry = example("deliveryInstruction"), example("accountEntry")
    cash = instruction["deliveryInstruction"]["cash"]
    entry["accountEntry"] |= {"amount": cash["amount"], "counterparty": cash["payerAccount"]}
    for message in (example("kycApplication"), example("contractProposal"), instruction, entry):
        core.push(write_json(message), CONTENT_TYPE_JSON, gateway_key)
    eventually(lambda: len(gateway.taken) == 5)
    done = [core.do(step).json() for step in ("nav", "disclosure")]
    assert [each["outcome"] for each in done] == ["accepted", "accepted"]
    assert [body for each in gateway.taken for body in each if body != "header"] == [
        "kycDecision",
        "signatureEvidence",
        "fundsMatch",
        "deliveryConfirmation",
        "contractEffective",
        "navReport",
        "disclosureNotice",
    ]


def test_as_a_process_it_stops_when_told(start: Start, arguments: list[str]) -> None:
    core = start(*arguments, "--gateway", "http://127.0.0.1:9")
    core.popen.terminate()
    assert core.popen.wait(timeout=10) == 0


def test_it_says_that_it_is_healthy(core: Peer) -> None:
    assert httpx.get(f"{core.url}/health", timeout=5).json() == {"status": "ok"}
