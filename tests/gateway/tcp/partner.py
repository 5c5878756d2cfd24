"""An insurer's server of framed TCP: it answers by script, also as no such server should."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.gateway.tcp.conftest import SIZE, framed

__all__ = ["Partner", "answers", "framed_answer", "serving"]

# Writes what goes back for the request with that number, counted from 1.
Script = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Partner:
    """``got`` are the whole frames that came."""

    script: Script
    size: int = SIZE
    length: tuple[int, int] = (4, 12)
    port: int = 0
    got: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readexactly(self.size)
            self.got.append(head + await reader.readexactly(int(head[slice(*self.length)])))
            await self.script(len(self.got), self.got[-1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has gone
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    script: Script, tls: ssl.SSLContext | None = None, *, size: int = SIZE, length: tuple[int, int] = (4, 12)
) -> AsyncIterator[Partner]:
    """Run a partner on a free port of this machine."""
    partner = Partner(script, size, length)
    server = await asyncio.start_server(partner.serve, "127.0.0.1", 0, ssl=tls)
    partner.port = server.sockets[0].getsockname()[1]
    async with server:
        yield partner


def framed_answer(flag: str, state: str | None = None) -> bytes:
    """Return an answer of the insurer's, or with a state one to a query."""
    said = f"<Body><TranState>{state}</TranState></Body>" if state else ""
    return framed(f"<TranData><Head><Flag>{flag}</Flag></Head>{said}</TranData>".encode(), code=b"XINQIAO ")


def answers(*said: bytes | None) -> Script:
    """Answer one after the other, the last one for ever; None: the connection is reset without a byte."""

    async def script(number: int, request: bytes, writer: asyncio.StreamWriter) -> None:
        answer = said[min(number, len(said)) - 1]
        if answer is None:
            at_once = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            writer.transport.abort()
            return
        writer.write(answer)
        await writer.drain()

    return script
