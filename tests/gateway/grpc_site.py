"""A gateway that serves gRPC on a port of this machine, in the test's own event loop."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import httpx
import yaml

from tests.acceptance.ports import free_port
from tests.gateway.conftest import CORE, PARTNER
from xinqiao.client import AsyncClient, Client, Retry
from xinqiao.exchange.v1.exchange_pb import SealedMessage
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, SigningKey, new_key, seal, write_key
from xinqiao_gateway.fronts.grpc.front import GrpcFront
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["ONCE", "GrpcSite", "installed", "serving", "trailer"]

ONCE = Retry(attempts=1)


@dataclass(frozen=True)
class GrpcSite:
    """A gateway over gRPC, with the key that all its channels trust."""

    data: Path
    key: SigningKey
    gateway: Gateway
    front: GrpcFront
    port: int

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def keys(self) -> KeyRing:
        return KeyRing([self.gateway.installation.key.public()])

    def client(self, channel: str = "partner", scheme: str = "grpc", **other: Any) -> AsyncClient:
        given: dict[str, Any] = {"retry": ONCE, "gateway_keys": self.keys, "timeout": 10} | other
        return AsyncClient(f"{scheme}://{self.target}", channel, self.key, **given)

    def blocking(self, channel: str = "partner", **other: Any) -> Client:
        given: dict[str, Any] = {"retry": ONCE, "gateway_keys": self.keys, "timeout": 10} | other
        return Client(f"grpc://{self.target}", channel, self.key, **given)

    def rest(self, channel: str = "partner", **other: Any) -> AsyncClient:
        """Return a client over REST of the same gateway."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(build_app(self.gateway)))
        given: dict[str, Any] = {"retry": ONCE, "gateway_keys": self.keys} | other
        return AsyncClient("http://gateway", channel, self.key, http=http, **given)

    def channel(self, *options: tuple[str, int]) -> Any:
        """Return a channel of grpcio, for calls in bytes."""
        return grpc.aio.insecure_channel(self.target, options)

    def sealed(self, message: Json, channel: str = "partner", *, tag: str = "", key: SigningKey | None = None) -> bytes:
        """Return a message as ``Submit`` takes it."""
        return self.sealed_bytes(write_json(message), channel, tag=tag, key=key)

    def sealed_bytes(
        self, content: bytes, channel: str = "partner", *, tag: str = "", key: SigningKey | None = None
    ) -> bytes:
        signature = seal(content, CONTENT_TYPE_JSON, key or self.key).signature
        return SealedMessage(
            channel_id=channel, content=content, content_type=CONTENT_TYPE_JSON, signature=signature, tag=tag
        ).to_binary()


def trailer(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """Return what came with the end of a call."""
    found: Any = error.trailing_metadata() or ()
    return dict(found)


def installed(folder: Path, channel: str = "partner", **settings: Any) -> tuple[Path, SigningKey]:
    """Return the folder of an installation with a partner's and the core's channel, and the key of both.

    A channel with another name is a shipped one, in the place of the partner's.
    """
    made, key = _made()
    data = Path(shutil.copytree(made, folder / "data"))
    if channel != "partner":
        shutil.rmtree(data / "channels" / "partner")
        add_channel(data, channel, extends=channel, keys=[made.parent / "partner.pub.jwk"])
    (data / "gateway.yaml").write_text(yaml.safe_dump(settings | {"grpc_port": free_port()}), encoding="utf-8")
    return data, key


@cache
def _made() -> tuple[Path, SigningKey]:
    """Return an installation to copy; its keys and its journal's tables are there, which takes most of the time."""
    folder = Path(tempfile.mkdtemp(prefix="xinqiao-grpc-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key, data, public = new_key("partner-1"), folder / "data", folder / "partner.pub.jwk"
    write_key(key.public(), public)
    add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    Gateway(open_installation(data)).journal.close()
    return data, key


@asynccontextmanager
async def serving(data: Path, key: SigningKey) -> AsyncIterator[GrpcSite]:
    """Serve an installation until the block ends."""
    gateway = Gateway(open_installation(data))
    front = GrpcFront(gateway)
    await gateway.start()
    try:
        await front.start()
        try:
            yield GrpcSite(data, key, gateway, front, gateway.service.settings.grpc_port or 0)
        finally:
            await front.stop()
    finally:
        await gateway.stop()
