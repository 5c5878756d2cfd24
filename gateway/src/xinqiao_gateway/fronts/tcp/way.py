"""The way out by framed TCP: a connection for each message, which its answer comes back by."""

import asyncio
import ssl
import time
from functools import cached_property
from itertools import count
from urllib.parse import urlsplit

from xinqiao.errors import MalformedFrame, XinqiaoError
from xinqiao_adapters.docking.certificates import beside, read_certificates
from xinqiao_adapters.docking.frame import Kept, compile_frame
from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.way import Exchange
from xinqiao_gateway.fronts.tcp.stream import Stream
from xinqiao_gateway.fronts.tcp.tls import client_context, pinned

__all__ = ["TcpWay"]

_ANSWERED = 200


class TcpWay:
    """Calls one address, by ``tcp://`` or ``tls://``, with messages in the channel's frame."""

    def __init__(self, channel: ServedChannel, push: Push) -> None:
        section = channel.channel.profile.tcp
        assert section is not None  # noqa: S101 -- a profile without one is not loaded: tcp_standing
        self._channel = channel
        self._section = section
        self._push = push
        self._frame = compile_frame(section)
        address = urlsplit(push.url)
        self._host, self._port = address.hostname, address.port
        # Numbers go up over a restart as well.
        self._numbers = count(time.time_ns() // 1_000_000)

    async def send(self, outgoing: Outgoing) -> Exchange:
        """Connect, write a frame and read the framed answer, within the time limit.

        Raises ``MalformedFrame`` where the message is longer than its frame can say: no repeat would help.
        """
        asked = self._frame.asking(next(self._numbers))
        signature = next(iter(outgoing.headers.values()), "") if self._frame.signs else ""
        framed = self._frame.write(outgoing.content, asked, signature)
        deadline = asyncio.get_running_loop().time() + self._push.timeout
        try:
            stream = await self._connected()
        except (OSError, XinqiaoError) as error:
            return Exchange(fault=type(error).__name__, sent=False)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchanged(stream, framed, asked)
        except (OSError, asyncio.IncompleteReadError) as error:
            return Exchange(fault=type(error).__name__)
        finally:
            # TLS says goodbye; whether the other side does says nothing of its answer, and is not waited for.
            stream.writer.close()
            stream.writer.transport.abort()

    async def close(self) -> None:
        """Close nothing: no connection outlives its message."""

    async def _connected(self) -> Stream:
        """Connect; nothing is written. Raises ``OSError``, ``KeyUnusable``.

        So short a time is given to it that the time for the whole never ends before it.
        """
        tls = self._tls
        async with asyncio.timeout(self._push.timeout / 2):
            stream = Stream(
                *await asyncio.open_connection(
                    self._host,
                    self._port,
                    ssl=tls,
                    ssl_handshake_timeout=self._push.timeout / 2 if tls else None,
                )
            )
        if self._pinned and pinned(stream.writer.get_extra_info("ssl_object"), self._pinned) is None:
            stream.writer.transport.abort()
            raise ssl.SSLCertVerificationError("the certificate shown is none of tcp.call.server")
        return stream

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        if self._push.scheme != "tls":
            return None
        return client_context(self._section.call, self._channel.channel.folders)

    @cached_property
    def _pinned(self) -> tuple[bytes, ...]:
        name = self._section.call.server
        if self._tls is None or name is None:
            return ()
        return read_certificates(beside(self._channel.channel.folders, name))

    async def _exchanged(self, stream: Stream, framed: bytes, asked: Kept) -> Exchange:
        """Write a frame and read the one that answers it; whatever is no such frame proves nothing."""
        stream.writer.write(framed)
        await stream.writer.drain()
        try:
            head = self._frame.read(await stream.reader.readexactly(self._frame.size))
            if head.body > self._channel.body_limit:
                return Exchange(fault=f"the answer is longer than {self._channel.body_limit} bytes")
            if not self._frame.answers(asked, head.kept):
                return Exchange(fault="the answer is to another request")
            content = self._frame.body(head, await stream.reader.readexactly(head.come))
        except MalformedFrame as error:
            return Exchange(fault=f"the answer: {error.reason}")
        return Exchange(_ANSWERED, self._headers(head.signature), content)

    def _headers(self, signature: str) -> dict[str, str]:
        """Return what HTTP has headers for: the type of the content, and a signature that is not in it."""
        seals = self._channel.seals
        name = seals.reply.header if seals is not None and seals.reply is not None else None
        return {"Content-Type": self._section.content_type} | ({name: signature} if name and signature else {})
