"""One connection of a partner's: its requests one after the other, each answered before the next is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from xinqiao.errors import BodyTooLarge, MalformedFrame, SlowBody, XinqiaoError
from xinqiao_adapters.docking.frame import Frame, Head
from xinqiao_adapters.docking.tcp import Tcp
from xinqiao_gateway.answers import Answered, answer_acceptance, answer_error
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.tcp.stream import Stream
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.service import Service

__all__ = ["Conversation"]

# How long (seconds) and how much of what a partner still sends is read away after a last answer.
_AFTER, _MOST_AFTER = 2.0, 32 * 1024 * 1024
_CHUNK = 65_536

_log = structlog.get_logger("tcp")


class Conversation:
    """Reads, hands on and answers. ``attested`` is what says from whom it all is where no signature does.

    ``is_busy``: a request has begun, and its answer is not out yet. ``stopping`` is set where no further one shall be.
    """

    def __init__(
        self, gateway: Gateway, channel_id: str, section: Tcp, frame: Frame, stream: Stream, attested: str
    ) -> None:
        self.is_busy = self.stopping = False
        self._gateway = gateway
        self._channel_id = channel_id
        self._limits = section.connection
        self._content_type = section.content_type
        self._frame = frame
        self._stream = stream
        self._attested = attested
        self._first = b""

    async def run(self) -> None:
        """Talk until the partner ends, errs or is silent for too long; the connection is closed by whoever made it."""
        while await self._begins():
            self.is_busy = True
            is_whole = await self._exchange()
            if not is_whole or self.stopping or not self._limits.several:
                await self._end(is_whole=is_whole)
                return
            self.is_busy = False

    async def _begins(self) -> bool:
        """Wait for the first byte of a request and say whether it came."""
        try:
            async with asyncio.timeout(self._limits.idle):
                self._first = await self._stream.reader.readexactly(1)
        except (asyncio.IncompleteReadError, TimeoutError):
            return False
        return True

    async def _exchange(self) -> bool:
        """Answer a request; say whether it was read whole and answered, so that another may follow."""
        # What it began with it ends with, whatever is reloaded meanwhile.
        service = self._gateway.service
        channel: ServedChannel | None = None
        head: Head | None = None
        is_read = False
        try:
            channel = service.channels.find(self._channel_id)
            async with _in_time(self._limits.read):
                head = self._frame.read(self._first + await self._bytes(self._frame.size - 1))
                content = await self._content(service, channel, head)
            is_read = True
            # A signature that nobody verifies is no evidence.
            signature = "" if self._attested else head.signature
            raw = Raw(channel.channel_id, content, self._content_type, signature, self._attested)
            answered = answer_acceptance(await service.intake.accept(raw), self._gateway.code)
        except XinqiaoError as error:
            _log.info("request refused", channel=self._channel_id, reason=error.reason)
            answered = answer_error(error, self._gateway.code, channel)
        return await self._answer(answered, head) and is_read

    async def _content(self, service: Service, channel: ServedChannel, head: Head) -> bytes:
        """Read the body where its channel may send one now. Raises ``BodyTooLarge`` before anything of it is read."""
        if head.body > channel.body_limit:
            raise BodyTooLarge(f"{head.body} bytes, at most {channel.body_limit} are taken")
        with service.intake.admission.reading(channel.channel_id):
            return self._frame.body(head, await self._bytes(head.come))

    async def _bytes(self, count: int) -> bytes:
        try:
            return await self._stream.reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            said = f"the connection ended {count - len(error.partial)} bytes before the frame did"
            raise MalformedFrame(said) from error

    async def _answer(self, answered: Answered, head: Head | None) -> bool:
        """Write an answer where the frame allows one, and say whether it was written."""
        if head is None and self._frame.repeats:
            return False
        try:
            kept = head.kept if head is not None else ()
            framed = self._frame.write(answered.content, kept, self._signature(answered))
        except MalformedFrame as error:
            _log.error("answer does not fit", channel=self._channel_id, why=error.detail)
            return False
        writer = self._stream.writer
        writer.write(framed)
        async with asyncio.timeout(self._limits.read):
            await writer.drain()
        return True

    def _signature(self, answered: Answered) -> str:
        """Return the signature of an answer, where it is one beside the content."""
        return next(iter(answered.headers.values()), "") if self._frame.signs else ""

    async def _end(self, *, is_whole: bool) -> None:
        """Say that nothing follows, and read away what comes still.

        The system would else reset the connection, and a reset may overtake the answer.
        """
        reader, writer = self._stream.reader, self._stream.writer
        if writer.can_write_eof():
            writer.write_eof()
        elif is_whole:
            return  # TLS says the end as it closes
        left = _MOST_AFTER
        try:
            async with asyncio.timeout(_AFTER):
                while left > 0 and (chunk := await reader.read(_CHUNK)):
                    left -= len(chunk)
        except TimeoutError:
            _log.debug("partner sends on", channel=self._channel_id)


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    """Raise ``SlowBody`` where what is done in the context takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise SlowBody(f"the frame had not arrived after {seconds:g} s") from error
