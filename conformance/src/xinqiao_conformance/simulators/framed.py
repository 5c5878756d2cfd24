"""A partner that speaks framed TCP, to try a channel by hand: it sends a file in a frame, or answers whoever calls.

Its frame is a text: a run of ``#`` stands for the length of the body in digits, all else for itself.
"""

import asyncio
import codecs
import re
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

__all__ = ["framed"]

framed = typer.Typer(no_args_is_help=True, help="带长度报文头的 TCP / Framed TCP: a length before each document.")

Result = TypeVar("Result")
_LONGEST = 16 * 1024 * 1024
# Seconds that a caller has for its request.
_PATIENCE = 60.0


def _charset(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


Head = Annotated[str, typer.Option(help="报文头，一串 # 是报文体长度 / The head; a run of # is the body's length.")]
Size = Annotated[int, typer.Option(help="报文头字节数，不足补空格 / Bytes of the head, filled up with blanks.")]
Encoding = Annotated[str, typer.Option(help="显示所用字符集 / Character set that is shown.", callback=_charset)]


class NoFrame(Exception):
    """Bytes that are not framed as agreed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A head with the digits of its length from ``first`` to ``last``."""

    head: bytes
    first: int
    last: int

    def around(self, body: bytes, head: bytes | None = None) -> bytes:
        """Return a body in its frame; ``head`` is that of the request that it answers."""
        digits = b"%0*d" % (self.last - self.first, len(body))
        known = head or self.head
        if self.first + len(digits) != self.last:
            raise NoFrame(f"a body of {len(body)} bytes is longer than {self.last - self.first} digits say")
        return known[: self.first] + digits + known[self.last :] + body

    async def read(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
        """Return head and body of what comes. Raises ``NoFrame``."""
        try:
            head = await reader.readexactly(len(self.head))
            said = head[self.first : self.last]
            if not said.isdigit() or int(said) > _LONGEST:
                raise NoFrame(f"{said!r} is no length; the head was {head!r}")
            return head, await reader.readexactly(int(said))
        except asyncio.IncompleteReadError as error:
            raise NoFrame(f"the connection ended after {len(error.partial)} bytes: {error.partial[:80]!r}") from error


def _frame(head: str, size: int) -> Frame:
    runs = [*re.finditer("#+", head)]
    if len(runs) != 1 or not head.isascii() or (size and size < len(head)):
        raise typer.BadParameter("ASCII with one run of #, no longer than --size", param_hint="--head")
    return Frame(head.encode("ascii").ljust(size), *runs[0].span())


@framed.command()
def send(
    address: Annotated[str, typer.Argument(help="主机:端口 / host:port")],
    file: Annotated[Path, typer.Argument(help="报文体 / The body.", exists=True, dir_okay=False)],
    *,
    head: Head,
    size: Size = 0,
    timeout: Annotated[float, typer.Option(help="秒 / Seconds for the whole.")] = 30.0,
    encoding: Encoding = "GB18030",
) -> None:
    """发送一个文件，显示应答 / Send a file and show the answer. Exit code 1: there was none."""
    frame, (host, _, port) = _frame(head, size), address.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter("write host:port", param_hint="ADDRESS")
    answer = _run(asyncio.wait_for(_exchanged(frame, host, int(port), file.read_bytes()), timeout))
    print(answer.decode(encoding, "backslashreplace"))


async def _exchanged(frame: Frame, host: str, port: int, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(frame.around(body))
        await writer.drain()
        return (await frame.read(reader))[1]
    finally:
        writer.close()


@framed.command()
def answer(
    file: Annotated[Path, typer.Argument(help="应答报文体 / The body of every answer.", exists=True, dir_okay=False)],
    *,
    port: Annotated[int, typer.Option(help="监听端口 / Port to listen on.")],
    head: Head,
    size: Size = 0,
    encoding: Encoding = "GB18030",
) -> None:
    """在本机监听，对每个请求给出同样的应答 / Listen on this machine and answer every request alike."""
    _run(_listened(_frame(head, size), port, file.read_bytes(), encoding))


async def _listened(frame: Frame, port: int, body: bytes, encoding: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                head, request = await frame.read(reader)
            said = f"{head.decode('ascii', 'backslashreplace')}\n{request.decode(encoding, 'backslashreplace')}"
            print(said, flush=True)
            writer.write(frame.around(body, head))
            await writer.drain()
        except (NoFrame, OSError) as error:
            print(str(error) or type(error).__name__, file=sys.stderr)
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        print(f"127.0.0.1:{port}", flush=True)
        await server.serve_forever()


def _run(work: Awaitable[Result]) -> Result:
    async def run() -> Result:
        return await work

    try:
        return asyncio.run(run())
    except (NoFrame, OSError, TimeoutError) as error:
        _stop(str(error) or type(error).__name__)


def _stop(said: str) -> NoReturn:
    print(said, file=sys.stderr)
    sys.exit(1)
