"""Servers on free ports and keys, for tests that speak HTTP."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from xinqiao.seal import SIGNATURE_HEADER, KeyRing, SigningKey, new_key, seal, write_key
from xinqiao_conformance.simulators.serving import listen

Serve = Callable[[Starlette], str]
Value = TypeVar("Value")


@contextmanager
def served(app: Starlette, port: int = 0, started: list[uvicorn.Server] | None = None) -> Iterator[str]:
    """Serve an application until the context ends; ``started`` gets the server, so that several may end together."""
    listener = listen("127.0.0.1", port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    if started is not None:
        started.append(server)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve applications in this process, each on a free port, until the test ends."""
    started: list[uvicorn.Server] = []
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app, started=started))
        for server in started:
            server.should_exit = True


@pytest.fixture(scope="session")
def partner_key() -> SigningKey:
    return new_key("partner-1")


@pytest.fixture(scope="session")
def gateway_key() -> SigningKey:
    return new_key("gateway-1")


@pytest.fixture(scope="session")
def gateway_keys(gateway_key: SigningKey) -> KeyRing:
    return KeyRing([gateway_key.public()])


@pytest.fixture(scope="session")
def partner_keys(partner_key: SigningKey) -> KeyRing:
    return KeyRing([partner_key.public()])


@pytest.fixture
def partner_key_file(partner_key: SigningKey, tmp_path: Path) -> Path:
    path = tmp_path / "partner.jwk"
    write_key(partner_key, path)
    return path


@dataclass(frozen=True)
class Peer:
    """A simulated institution, by its address."""

    url: str

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = httpx.get(f"{self.url}/events", params={"after": after}, timeout=5).json()
        return said

    def do(self, step: str, timeout: float = 30, **options: str) -> httpx.Response:
        return httpx.post(f"{self.url}/do/{step}", params=options, timeout=timeout)

    def push(self, content: bytes, content_type: str, key: SigningKey) -> httpx.Response:
        sealed = seal(content, content_type, key)
        headers = {"Content-Type": content_type, SIGNATURE_HEADER: sealed.signature}
        return httpx.post(f"{self.url}/messages", content=content, headers=headers, timeout=5)


@dataclass(frozen=True)
class Process(Peer):
    """A simulated institution or gateway in a process of its own."""

    popen: subprocess.Popen[str]


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start ``xinqiao-conformance simulate …`` as a process; it is stopped when the test ends."""
    running: list[subprocess.Popen[str]] = []

    def starting(*arguments: str) -> Process:
        command = [sys.executable, "-m", "xinqiao_conformance", "simulate", *arguments]
        popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(popen)
        assert popen.stdout is not None
        too_late = threading.Timer(30, popen.kill)
        too_late.start()
        ready = json.loads(popen.stdout.readline() or "{}")
        too_late.cancel()
        assert ready.get("ready") is True
        return Process(ready["url"], popen)

    yield starting
    for popen in running:
        popen.kill()
        popen.communicate(timeout=10)


def eventually(look: Callable[[], Value], within: float = 20.0) -> Value:
    """Look again and again until something true is seen; fail when ``within`` seconds are over."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {within} s"
        threading.Event().wait(0.02)
    return seen
