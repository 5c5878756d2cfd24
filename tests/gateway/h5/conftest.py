"""A gateway with channels that have pages, the launches of their partners, and a browser without JavaScript."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from starlette.testclient import TestClient

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST
from tests.gateway.h5.browser import Browser
from xinqiao.launch import Actor, Launch, Role, launch_token, launch_url
from xinqiao.message import Json
from xinqiao.seal import SigningKey, new_key, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

HOST = "https://shop.example.com"
FLOWS = ["kyc-person", "kyc-institution", "subscription", "redemption", "delivery-cash", "statement", "disclosure"]
FLOWS += ["cashier"]
PAGES = {"flows": FLOWS, "frame_ancestors": [HOST], "idle": 1800, "keep": 86400}


@dataclass
class Clock:
    """The gateway's clock: moved by hand, so that nothing has to be waited for."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pages:
    """The pages of a gateway: make launches, open them, look at what became of it. ``case_id`` is the test's own."""

    data: Path
    key: SigningKey
    http: TestClient
    gateway: Gateway
    clock: Clock
    case_id: str = "CASE-0"

    def token(self, flow: str = "kyc-person", case_id: str = "", **about: Any) -> str:
        """Return a launch's token; ``role``, ``actor``, ``key``, ``channel`` and the parts of ``Launch`` by name."""
        case_id = case_id or self.case_id
        role: Role = about.pop("role", "CUSTOMER")
        actor = Actor(role, about.pop("actor", f"{role.lower()}-1"))
        key, channel = about.pop("key", self.key), about.pop("channel", "partner")
        code, at = about.pop("code", TRUST), about.pop("at", datetime.fromtimestamp(self.clock.now, UTC))
        return launch_token(key, Launch(flow, case_id, actor, **about), gateway_code=code, channel=channel, at=at)

    def url(self, flow: str = "kyc-person", case_id: str = "", **about: Any) -> str:
        """Return a launch's address."""
        channel = about.get("channel", "partner")
        return launch_url("", channel, self.token(flow, case_id, **about))

    def open(self, flow: str = "kyc-person", case_id: str = "", **about: Any) -> Browser:
        """Return a browser that used a new launch."""
        return Browser(self.http).launch(self.url(flow, case_id, **about))

    def messages(self, case_id: str = "") -> list[Json]:
        """Return the messages of a case that are in the journal, whole."""
        token = (self.data / "admin.token").read_text()
        headers = {"Authorization": f"Bearer {token}"}
        listed = self.http.get("/v1/messages", params={"case_id": case_id or self.case_id}, headers=headers)
        listed.raise_for_status()
        reading = self.gateway.journal.reading
        return [reading.message(each["message_id"]) for each in orjson.loads(listed.content)]


def add_pages(data: Path, channel: str, pages: Json) -> None:
    """Give a channel of an installation the section ``h5``."""
    path = data / "channels" / channel / "channel.yaml"
    profile = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(profile | {"h5": pages}, allow_unicode=True))


def started(folder: Path, running: ExitStack, **changed: Any) -> Pages:
    """Start a gateway with pages in a folder, with changes to the section ``h5``."""
    key, clock = new_key("partner-1"), Clock()
    public, data = folder / "partner.pub.jwk", folder / "data"
    write_key(key.public(), public)
    add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    add_channel(data, "sandbox", extends="canonical", keys=[public], institution=PARTNER, test=True)
    for channel in ("partner", "sandbox"):
        add_pages(data, channel, PAGES | changed)
    gateway = Gateway(open_installation(data), now=clock)
    http = running.enter_context(TestClient(build_app(gateway), follow_redirects=True))
    return Pages(data, key, http, gateway, clock)


@pytest.fixture
def make_pages(tmp_path: Path) -> Iterator[Callable[..., Pages]]:
    """Return what starts a gateway of the test's own, with changes to the section ``h5``."""
    with ExitStack() as running:
        yield lambda **changed: started(tmp_path, running, **changed)


@pytest.fixture
def fresh(make_pages: Callable[..., Pages]) -> Pages:
    """A gateway of the test's own, for tests that look at all that is in its journal."""
    return make_pages()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with ExitStack() as running:
        yield started(tmp_path_factory.mktemp("h5"), running)


@pytest.fixture
def pages(shared: Pages) -> Pages:
    """A gateway whose channel ``partner`` has pages for the shipped flows, and a case that no other test has.

    Its clock is where it was at the beginning, wherever a test before moved it to.
    """
    shared.clock.now = Clock.now
    shared.case_id = f"CASE-{next(_CASES)}"
    return shared


_CASES = count(1)

__all__ = ["BANK", "HOST", "PAGES", "TRUST", "Pages", "add_pages"]
