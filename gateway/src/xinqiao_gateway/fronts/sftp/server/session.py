"""One SFTP session: bytes in, requests in their order, answers out; bounded on both ways."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncssh
import structlog

from xinqiao_gateway.fronts.sftp.server import wire
from xinqiao_gateway.fronts.sftp.server.requests import Requests
from xinqiao_gateway.fronts.sftp.server.wire import BadPacket, Reader, Request

__all__ = ["Session"]

# Answers that may wait for a client which does not take them; then no more of its requests are done.
_WAITING = 4 * 1024 * 1024

_log = structlog.get_logger("sftp")


class Session(asyncssh.SSHServerSession[bytes]):
    """A session. ``requests`` makes what answers it, ``heard`` is told whenever the client says something."""

    def __init__(self, requests: Callable[[], Requests], heard: Callable[[], None]) -> None:
        self._new_requests, self._heard = requests, heard
        self._requests: Requests | None = None
        self._unread = bytearray()
        self._under_way: asyncio.Task[None] | None = None
        self._is_begun = self._is_held = self._is_ended = self._is_lost = False

    @property
    def under_way(self) -> asyncio.Task[None] | None:
        """What is being done in a thread, if anything."""
        return self._under_way

    @property
    def is_over(self) -> bool:
        """Whether its channel is gone."""
        return self._is_lost

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        """Take the channel."""
        self._channel = chan
        chan.set_write_buffer_limits(high=_WAITING)

    def subsystem_requested(self, subsystem: str) -> bool:
        """Begin, where it is SFTP; a shell and commands are refused as asyncssh does by itself."""
        if subsystem != "sftp":
            return False
        self._requests = self._new_requests()
        return True

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 -- its parent's
        """Do what is asked."""
        self._heard()
        self._unread += data
        self._work()

    def eof_received(self) -> bool:
        """End once all is done that was asked before."""
        self._is_ended = True
        self._work()
        return True

    def pause_writing(self) -> None:
        """Do nothing more for a client that does not take its answers."""
        self._is_held = True
        self._channel.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_held = False
        self._channel.resume_reading()
        self._work()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- its parent's
        """Leave what is open as far as it came, after what is under way."""
        self._is_lost = self._is_held = True
        self._unread.clear()
        if self._under_way is None:
            self._leave()

    def _work(self) -> None:
        try:
            while self._under_way is None and not self._is_held and (packet := self._next()) is not None:
                self._do(packet)
        except BadPacket as error:
            _log.warning("session ended", why=f"bad packet: {error}")
            self._channel.abort()
            return
        if self._is_ended and self._under_way is None and not self._is_held:
            self._leave()
            self._channel.exit(0)

    def _next(self) -> bytes | None:
        if len(self._unread) < 4:
            return None
        size = int.from_bytes(self._unread[:4], "big")
        if not 0 < size <= wire.LARGEST:
            raise BadPacket(f"{size} bytes; at most {wire.LARGEST}")
        if len(self._unread) < size + 4:
            return None
        packet = bytes(memoryview(self._unread)[4 : size + 4])
        del self._unread[: size + 4]
        return packet

    def _do(self, packet: bytes) -> None:
        if self._requests is None:
            raise BadPacket("no session was begun")
        if not self._is_begun:
            if Reader(packet).byte() != Request.INIT:
                raise BadPacket("a session begins with its version")
            self._is_begun = True
            self._say(wire.version())
            return
        answer = self._requests.answer(packet)
        if isinstance(answer, bytes):
            self._say(answer)
        else:
            self._channel.pause_reading()
            self._under_way = asyncio.get_running_loop().create_task(self._finish(answer))

    async def _finish(self, answer: Awaitable[bytes]) -> None:
        content = b""
        try:
            content = await answer
        except BadPacket as error:
            _log.warning("session ended", why=f"bad packet: {error}")
        except Exception:  # noqa: BLE001 -- the top of the task
            _log.exception("request failed")
        self._under_way = None
        if self._is_lost:
            self._leave()
            return
        if not content:
            self._channel.abort()
            return
        self._say(content)
        if not self._is_held:
            self._channel.resume_reading()
        self._work()

    def _say(self, content: bytes) -> None:
        """Send an answer, unless the client has closed its end meanwhile."""
        if not self._channel.is_closing():
            self._channel.write(content)

    def _leave(self) -> None:
        if self._requests is not None:
            self._requests.leave()
