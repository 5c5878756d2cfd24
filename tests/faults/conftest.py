"""A whole gateway over real HTTP whose database fails, with a core that is pushed to and says what it got."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
import uvicorn
from sqlalchemy import Connection, Engine, event
from structlog.testing import capture_logs

from tests.gateway.conftest import CORE, PARTNER, message
from tests.gateway.delivery.partner import Script, running, takes
from xinqiao.message import Json, write_json
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, SigningKey, new_key, seal, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.fronts.rest.serving import listen
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

PATIENCE = 60.0


@dataclass
class Core:
    """The destination: counts the messages that it got, by id."""

    got: Counter[str] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def script(self, content: Json) -> Iterator[bytes]:
        yield from takes(content)
        with self.changed:
            self.got[content["header"]["messageId"]] += 1
            self.changed.notify_all()

    def wait_for(self, ids: set[str]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: ids <= self.got.keys(), PATIENCE), ids - self.got.keys()


@dataclass
class House:
    """A served gateway; ``accepted`` are the receipts that it gave, by message id."""

    gateway: Gateway
    key: SigningKey
    http: httpx.Client
    core: Core
    accepted: dict[str, Json] = field(default_factory=dict)
    sent: dict[str, Json] = field(default_factory=dict)

    def post(self, content: bytes) -> httpx.Response:
        signature = seal(content, "application/json", self.key).signature
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
        return self.http.post("/v1/channels/partner/messages", content=content, headers=headers)

    def send(self, sent: Json) -> httpx.Response:
        """Send a message; its receipt, if it gets one, must be the same each time."""
        response = self.post(write_json(sent))
        if response.status_code in {200, 202}:
            receipt = orjson.loads(response.content)["receipt"]
            message_id = sent["header"]["messageId"]
            assert self.accepted.setdefault(message_id, receipt) == receipt
            self.sent[message_id] = sent
        return response

    def insist(self, sent: Json) -> None:
        """Send a message until it is accepted; the first may meet a connection that is no more."""
        answers = []
        for _ in range(10):
            answers.append(self.send(sent).status_code)
            if answers[-1] in {200, 202}:
                return
        raise AssertionError(answers)

    def refused(self, sent: Json) -> None:
        """Send a message, which must be answered with "later", and with nothing that is a promise."""
        response = self.send(sent)
        assert (response.status_code, reason(response)) == (503, "journal_unavailable")
        assert int(response.headers["Retry-After"]) >= 1

    def ready(self) -> bool:
        """Ask as a load balancer does."""
        status = self.http.get("/v1/ready").status_code
        assert status in {200, 503}
        return status == 200

    def check(self) -> None:
        """All that was acknowledged is there once, proven, repeated with the same receipt, and arrives, each once."""
        self.check_once()
        assert self.core.got == Counter(set(self.accepted))

    def check_once(self) -> None:
        """Check it all, but for arrivals that were not recorded: those are repeated under their id."""
        for each in list(self.sent.values()):
            self.insist(each)
        journal, ids = self.gateway.journal, set(self.accepted)
        self.core.wait_for(ids)
        found = journal.verify(KeyRing([self.gateway.installation.key.public()]))
        assert found.breaches == []
        assert sorted(int(each["position"]) for each in self.accepted.values()) == list(range(1, found.messages + 1))
        assert ids == self.core.got.keys()


def reason(response: httpx.Response) -> str:
    found: str = orjson.loads(response.content)["rejection"]["reason"]
    return found


def fresh() -> Json:
    return message("subscriptionOrder", None)


@contextmanager
def serve(gateway: Gateway, **options: Any) -> Iterator[str]:
    """Serve a gateway on a free port of this machine, by a thread."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(build_app(gateway), log_config=None, ws="none", timeout_graceful_shutdown=2, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
        assert not thread.is_alive()


def equip(data: Path, push_url: str | None, **limits: float) -> SigningKey:
    """Add the channels ``partner``, with limits, and ``core``; return the key of both."""
    key, public = new_key("partner-1"), data.parent / "partner.pub.jwk"
    write_key(key.public(), public)
    profile = add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    if limits:
        profile.write_text(profile.read_text() + f"limits: {orjson.dumps(limits).decode()}\n")
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE, push_url=push_url)
    return key


Enter = Callable[..., House]


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """Start a house on a database (SQLite in its folder by default), with a clock of the test's where it has one."""
    monkeypatch.setenv("XINQIAO_RETRY__FIRST", "0.05")
    monkeypatch.setenv("XINQIAO_RETRY__CAP", "0.5")
    with ExitStack() as stack:
        stack.enter_context(capture_logs())  # the console's way shows objects that other threads change

        def start(url: str | None = None, script: Script | None = None, **parts: Any) -> House:
            if url:
                monkeypatch.setenv("XINQIAO_JOURNAL_URL", url)
            core = Core()
            partner = stack.enter_context(running(script or core.script))
            key = equip(tmp_path / "data", partner.url)
            gateway = Gateway(open_installation(tmp_path / "data"), **parts)
            base = stack.enter_context(serve(gateway))
            http = stack.enter_context(httpx.Client(base_url=base, timeout=PATIENCE, trust_env=False))
            return House(gateway, key, http, core)

        yield start


@dataclass
class Pragmas:
    """Statements that run on each connection before its transactions begin."""

    said: list[str] = field(default_factory=list)

    def run(self, connection: Connection) -> None:
        for each in self.said:
            connection.exec_driver_sql(each)


@pytest.fixture
def pragmas() -> Iterator[Pragmas]:
    found = Pragmas()
    event.listen(Engine, "begin", found.run)
    yield found
    event.remove(Engine, "begin", found.run)


def endure(house: House, break_it: Callable[[], object], mend: Callable[[], object]) -> None:
    """Send before, during and after a fault, and check what must hold of each."""
    for _ in range(3):
        house.insist(fresh())
    house.core.wait_for(set(house.accepted))  # what is settled twice because its record failed is another test's
    with capture_logs() as said:
        break_it()
        during = [fresh() for _ in range(3)]
        for each in during:
            house.refused(each)
        assert not house.ready()
        mend()
        for each in (*during, fresh()):
            house.insist(each)
        assert house.ready()
    states = [each["event"] for each in said if each["event"] in {"journal available", "journal unavailable"}]
    assert states == ["journal unavailable", "journal available"]
    house.check()
