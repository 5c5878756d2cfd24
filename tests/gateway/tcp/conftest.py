"""An insurer that calls by framed TCP, with the head of 73 bytes that the shipped channel has, and a core."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree
from sqlalchemy import select

from tests.gateway.conftest import CORE
from tests.gateway.tcp.certificates import Certificate
from xinqiao.seal import new_key, write_key
from xinqiao_adapters.loader import shipped_directory
from xinqiao_gateway.fronts.tcp.front import TcpFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal.tables import raws

__all__ = ["KEY", "SIZE", "Line", "framed", "free_port", "notice", "read_profile", "reply", "write_profile"]

SIZE = 73
_LONGEST = 10.0
KEY = new_key("partner-1")


def framed(body: bytes, *, length: bytes | None = None, code: bytes = b"SLRS    ") -> bytes:
    """Return a body in the insurer's frame, made by hand."""
    return (b"X1.0" + (b"%08d" % len(body) if length is None else length) + code + b"0 0").ljust(SIZE) + body


def notice(serial: str = "YS260421000032", amount: int = 150_000) -> bytes:
    """Return a premium notice (3002) of the insurer's with a serial of its own."""
    body = (shipped_directory() / "insurer-tcp/frames/premium_notice.bin").read_bytes()[SIZE:]
    return body.replace(b"YS260421000032", serial.encode()).replace(b"150000", str(amount).encode())


def reply(answer: bytes) -> tuple[str, str | None, str | None]:
    """Return what one framed answer says: the code that it repeats, the flag and the serial; nothing may follow it."""
    length = int(answer[4:12])
    assert (answer[:4], len(answer)) == (b"X1.0", SIZE + length)
    root = etree.fromstring(answer[SIZE:])
    return answer[12:20].decode(), root.findtext("Head/Flag"), root.findtext("Head/TranNo")


def read_profile(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return found


def write_profile(path: Path, profile: dict[str, Any]) -> None:
    path.write_text(yaml.dump(profile, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


@dataclass
class Line:
    """A gateway that listens for the insurer, in the loop of the test."""

    data: Path
    gateway: Gateway
    front: TcpFront
    port: int
    host: str = "127.0.0.1"

    async def connect(self, **tls: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port, **tls)

    async def talk(self, *pieces: bytes, ends: bool = False, **tls: Any) -> bytes:
        """Send pieces by one connection and return all that comes back until the gateway closes it."""
        async with asyncio.timeout(_LONGEST):
            reader, writer = await self.connect(**tls)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if ends:
                    writer.write_eof()
                return await reader.read()
            finally:
                writer.transport.abort()

    def serials(self) -> list[str]:
        """Return the insurer's serials of what the core has to take, in the order of the journal."""
        waiting = self.gateway.journal.reading.waiting("core", 0, 100)
        return [each.message["header"]["partnerSerial"] for each in waiting]

    def evidence(self) -> list[str]:
        """Return what stands for a signature, of each input that is kept."""
        with self.gateway.journal.reading.engine.begin() as connection:
            return list(connection.execute(select(raws.c.signature).order_by(raws.c.raw_id)).scalars())

    def profile(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the channel's profile; it holds after a reload."""
        path = self.data / "channels" / "line" / "channel.yaml"
        found = read_profile(path)
        change(found)
        write_profile(path, found)


Opening = Callable[..., Awaitable[Line]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the channels ``line`` and ``core``, and an empty journal."""
    folder = tmp_path_factory.mktemp("tcp")
    write_key(KEY.public(), folder / "partner.jwk")
    data = folder / "data"
    own = read_profile(Path(__file__).parent / "line.yaml")
    core: dict[str, Any] = {"channel": "core", "extends": "canonical", "institution": CORE}
    for profile in (own, core):
        keys = data / "channels" / profile["channel"] / "keys"
        keys.mkdir(parents=True)
        write_key(KEY.public(), keys / "1.jwk")
        write_profile(keys.parent / "channel.yaml", profile)
    (data / "gateway.yaml").write_text("retry: {first: 0.02, cap: 0.05, pause: 0.01, longest_pause: 0.05}\n")
    Gateway(open_installation(data)).journal.close()
    return data


def installed(template: Path, data: Path, section: dict[str, Any], nav: dict[str, Any], **more: Any) -> None:
    """Make an installation whose channel ``line`` says more."""
    shutil.copytree(template, data)
    path = data / "channels" / "line" / "channel.yaml"
    profile = read_profile(path) | more
    profile["tcp"] |= section
    profile["interfaces"]["nav"] |= nav
    write_profile(path, profile)


@asynccontextmanager
async def opened(data: Path, port: int) -> AsyncIterator[Line]:
    gateway = Gateway(open_installation(data))
    front = TcpFront(gateway)
    await gateway.start()
    try:
        await front.start()
        yield Line(data, gateway, front, port)
        await front.stop()
    finally:
        await gateway.stop()


@pytest.fixture
async def line(tmp_path: Path, template: Path) -> AsyncIterator[Opening]:
    """Open a line whose profile says so much of ``tcp``; by default this machine's address is what is trusted."""
    numbers = count()
    async with AsyncExitStack() as stack:

        async def opening(
            *,
            listen: dict[str, Any] | None = None,
            profile: dict[str, Any] | None = None,
            nav: dict[str, Any] | None = None,
            files: dict[str, bytes] | None = None,
            keys: dict[str, bytes] | None = None,
            tls: Certificate | None = None,
            **section: Any,
        ) -> Line:
            port, data = free_port(), tmp_path / f"data-{next(numbers)}"
            listening = {"port": port, "allow": ["127.0.0.0/8"], **(listen or {})}
            tcp = {"trust": "address", "listen": listening, **section}
            installed(template, data, tcp, nav or {}, **(profile or {}))
            for name, content in (files or {}).items():
                (data / "channels" / "line" / name).write_bytes(content)
            for path in (data / "channels" / "line" / "keys").iterdir() if keys else ():
                path.unlink()
            for name, content in (keys or {}).items():
                (data / "channels" / "line" / "keys" / name).write_bytes(content)
                (data / "channels" / "line" / "keys" / name).chmod(0o600)
            if tls is not None:
                path = tls.written(tmp_path / "gateway.pem")
                with (data / "gateway.yaml").open("a") as settings:
                    settings.write(f"tls_certificate: {path}\ntls_key: {path}\n")
            return await stack.enter_async_context(opened(data, port))

        yield opening
