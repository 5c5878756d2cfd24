"""Who takes messages: each with a name, how it is started and what a request to it looks like."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.endpoints.node_red import node_red
from bench.endpoints.requests import BANK, TRUST, Request, plain, signed
from bench.endpoints.serving import free_port, serving
from xinqiao.seal import SigningKey, write_key
from xinqiao_gateway.installation import add_channel

__all__ = ["CONTENDERS", "Contender", "Place", "serve_gateway"]


_QUEUE = 100_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender runs: a folder of its own, the sender's key, an empty PostgreSQL database's URL or nothing."""

    folder: Path
    key: SigningKey
    database: str


@dataclass(frozen=True, slots=True)
class Contender:
    """``start`` serves on the port that it yields. ``database`` is ``sqlite``, ``postgresql`` or empty."""

    name: str
    title: str
    database: str
    start: Callable[[Place], AbstractContextManager[int]]
    request: Request


@contextmanager
def serve_gateway(place: Place, push_url: str | None = None) -> Iterator[int]:
    """Run the gateway with two canonical channels, ``bench`` and ``core``; the core pulls, or is pushed to."""
    data, key_file = place.folder / "gateway", place.folder / "bench.pub.jwk"
    if not data.exists():
        write_key(place.key.public(), key_file)
        core = {"name": "core", "type": "trust-company", "code": TRUST}
        bank = {"name": "bank", "type": "bank", "code": BANK}
        add_channel(data, "core", extends="canonical", keys=[key_file], institution=core, push_url=push_url)
        add_channel(data, "bench", extends="canonical", keys=[key_file], institution=bank)
    port = free_port()
    command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", str(port)]
    # Nobody pulls from the core: a million messages wait for it, and more must be taken.
    environment = {"XINQIAO_QUEUE": str(_QUEUE)} | ({"XINQIAO_JOURNAL_URL": place.database} if place.database else {})
    with serving(command, f"http://127.0.0.1:{port}/v1/health", environment):
        yield port


@contextmanager
def _peer(place: Place) -> Iterator[int]:
    database = place.database or f"sqlite:///{place.folder / 'peer.db'}"
    with _uvicorn("bench.peer:app", "/openapi.json", {"PEER_DATABASE": database}) as port:
        yield port


@contextmanager
def _bare(place: Place) -> Iterator[int]:
    with _uvicorn("bench.endpoints.bare:app", "/", {"BARE_DATABASE": str(place.folder / "bare.db")}) as port:
        yield port


@contextmanager
def _checking(place: Place) -> Iterator[int]:
    key_file = place.folder / "bench.pub.jwk"
    write_key(place.key.public(), key_file)
    environment = {"BARE_DATABASE": str(place.folder / "bare.db"), "BARE_KEY": str(key_file)}
    with _uvicorn("bench.endpoints.bare:app", "/", environment) as port:
        yield port


@contextmanager
def _uvicorn(app: str, path: str, environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    with serving(command, f"http://127.0.0.1:{port}{path}", environment | {"PYTHONPATH": _python_path()}):
        yield port


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))


CONTENDERS = (
    Contender("gateway", "gateway, SQLite", "sqlite", serve_gateway, signed),
    Contender("gateway_postgresql", "gateway, PostgreSQL", "postgresql", serve_gateway, signed),
    Contender("peer", "FastAPI + pydantic + SQLAlchemy, SQLite", "sqlite", _peer, plain),
    Contender("peer_postgresql", "FastAPI + pydantic + SQLAlchemy, PostgreSQL", "postgresql", _peer, plain),
    Contender("node_red", "Node-RED, SQLite", "sqlite", lambda place: node_red(place.folder), plain),
    Contender("bare", "limit: bare ASGI, batch commit, SQLite", "sqlite", _bare, plain),
    Contender("checking", "limit: the same, signature and message checked", "sqlite", _checking, signed),
)
