"""The embedded SFTP server of a gateway in a folder, and clients for it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.gateway.conftest import CORE, PARTNER
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.fronts.sftp.server.front import SftpServer
from xinqiao_gateway.fronts.sftp.server.keys import allow_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation


@dataclass
class Served:
    """A running server. ``files`` is the folder of the channel ``bank``."""

    data: Path
    runner: asyncio.Runner
    gateway: Gateway
    server: SftpServer
    keys: dict[str, Path]
    arrived: list[str] = field(default_factory=list)

    @property
    def files(self) -> Path:
        return self.data / "files" / "bank"

    @property
    def port(self) -> int:
        assert self.server.address is not None
        return self.server.address[1]

    def heard(self) -> list[str]:
        """Return of which channels files arrived."""
        self.runner.run(asyncio.sleep(0))
        return self.arrived

    def reload(self) -> None:
        async def reload() -> None:
            await self.gateway.reload()
            await self.server.reload(frozenset({"bank", "insurer"}))

        self.runner.run(reload())

    def transport(self, **options: Any) -> paramiko.Transport:
        transport = paramiko.Transport(("127.0.0.1", self.port), **options)
        transport.start_client(timeout=10)
        return transport

    @contextmanager
    def client(self, channel: str = "bank", key: str | None = None) -> Iterator[paramiko.SFTPClient]:
        transport = self.transport()
        try:
            transport.auth_publickey(channel, paramiko.Ed25519Key.from_private_key_file(str(self.keys[key or channel])))
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            client.get_channel().settimeout(10)  # type: ignore[union-attr]
            yield client
        finally:
            transport.close()


def make_key(path: Path) -> Path:
    """Write an SSH key and its public part, ``.pub``."""
    private = Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(*form))
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" somebody@bank\n")
    return path


@contextmanager
def serving(folder: Path, **limits: Any) -> Iterator[Served]:
    """Run a server with two channels that have a key each; ``limits`` are settings of ``sftp``."""
    data, keys = folder / "data", {each: make_key(folder / each) for each in ("bank", "insurer", "stranger")}
    seal = folder / "partner.pub.jwk"
    write_key(new_key("partner-1").public(), seal)
    data.mkdir()
    settings = {"sftp_port": free_port(), "sftp": {"spare": 0} | limits}
    (data / "gateway.yaml").write_text(yaml.safe_dump(settings))
    for channel, institution in (("bank", PARTNER), ("insurer", CORE)):
        add_channel(data, channel, extends="canonical", keys=[seal], institution=institution)
        allow_key(data / "channels" / channel / "ssh", keys[channel].with_suffix(".pub"))
    with asyncio.Runner() as runner:
        gateway = Gateway(open_installation(data))
        arrived: list[str] = []
        server = SftpServer(gateway, arrived.append)
        try:
            runner.run(server.start())
            yield Served(data, runner, gateway, server, keys, arrived)
        finally:
            runner.run(server.stop())
            gateway.journal.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
