"""The port of one channel: who may connect, how many at once, and how it all ends."""

import asyncio
import socket
import ssl
from functools import partial
from ipaddress import ip_address, ip_network

import structlog

from xinqiao.errors import NotAuthorized, SettingsInvalid
from xinqiao_adapters.docking.certificates import fingerprint
from xinqiao_adapters.docking.frame import compile_frame
from xinqiao_adapters.docking.tcp import Listen, Tcp
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.listening import listen
from xinqiao_gateway.fronts.tcp.conversation import Conversation
from xinqiao_gateway.fronts.tcp.stream import Stream
from xinqiao_gateway.fronts.tcp.tls import pinned, read_listening
from xinqiao_gateway.gateway import Gateway

__all__ = ["Listener"]

# Seconds: for a handshake, to say goodbye by TLS, and after an accept that failed (too many open files).
_HANDSHAKE, _GOODBYE, _PAUSE = 10.0, 2.0, 1.0
_BUFFER = 65_536

_log = structlog.get_logger("tcp")


class Listener:
    """Listens for one channel, as its profile says. ``open`` it, ``shut`` it, then ``finish`` what is under way."""

    def __init__(self, gateway: Gateway, channel: ServedChannel, section: Tcp, listen: Listen) -> None:
        """Read the certificates. Raises ``SettingsInvalid`` or ``KeyUnusable``."""
        self.channel_id = channel.channel_id
        self._gateway = gateway
        self._section, self._listen = section, listen
        self._frame = compile_frame(section)
        self._allowed = [ip_network(each) for each in listen.allow]
        self._clients, self._tls = read_listening(gateway.installation.settings, channel.channel.folders, listen)
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        # Each connection; None until it may talk.
        self._connections: dict[asyncio.Task[None], Conversation | None] = {}

    def open(self) -> None:
        """Listen, and take connections. Raises ``SettingsInvalid`` where the port is not to be had."""
        host, port = self._listen.host, self._listen.port
        try:
            self._socket = listen(host, port)
        except SettingsInvalid as error:
            raise SettingsInvalid(f"channel {self.channel_id}: tcp.listen: {error.detail}") from error
        self._socket.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._socket), name=f"tcp {self.channel_id}")
        _log.info("listening", channel=self.channel_id, host=host, port=port, tls=self._tls is not None)

    async def shut(self) -> None:
        """Take no further connection and no further request; the port is free afterwards."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
        for task, conversation in self._connections.items():
            if conversation is None or not conversation.is_busy:
                task.cancel()
            else:
                conversation.stopping = True

    async def finish(self, seconds: float) -> None:
        """Let requests under way be answered; cut off those that take longer. What was accepted stays accepted."""
        if self._connections:
            await asyncio.wait(self._connections, timeout=seconds)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                _log.warning("accept failed", channel=self.channel_id, error=type(error).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            host = address[0].partition("%")[0]  # an address of IPv6 may name the interface
            if not self._admits(host):
                connection.close()
                await asyncio.sleep(0)  # who is refused again and again keeps nobody else waiting
                continue
            task = asyncio.create_task(self._serve(connection, host))
            self._connections[task] = None
            task.add_done_callback(partial(self._forget, connection))

    def _forget(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        connection.close()  # a task that is cancelled before it begins does nothing itself

    def _admits(self, host: str) -> bool:
        """Say whether one more connection from an address is taken; nothing was read of it."""
        most = self._section.connection.most
        if self._allowed and not any(ip_address(host) in each for each in self._allowed):
            _log.warning("address not allowed", channel=self.channel_id, address=host, reason=NotAuthorized.reason)
            return False
        if len(self._connections) >= most:
            _log.warning("too many connections", channel=self.channel_id, most=most)
            return False
        return True

    async def _serve(self, connection: socket.socket, host: str) -> None:
        """Talk by one connection, and close it, however it ends."""
        try:
            stream = await self._stream(connection)
        except OSError as error:
            _log.warning("handshake failed", channel=self.channel_id, address=host, error=type(error).__name__)
            return
        try:
            await self._talk(stream, host)
        except NotAuthorized as error:
            _log.warning("certificate not known", channel=self.channel_id, address=host, reason=error.reason)
        except OSError as error:
            _log.info("connection lost", channel=self.channel_id, error=type(error).__name__)
        except Exception:  # noqa: BLE001 -- the top of the task; whether the partner was answered is not known
            _log.exception("connection failed", channel=self.channel_id)
        finally:
            # Where all went well it is closed; else nothing waits for a partner that does not read.
            stream.writer.transport.abort()

    async def _talk(self, stream: Stream, host: str) -> None:
        attested = self._attested(stream, host)
        conversation = Conversation(self._gateway, self.channel_id, self._section, self._frame, stream, attested)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- it runs in one
        self._connections[task] = conversation
        await conversation.run()
        stream.writer.close()
        async with asyncio.timeout(_GOODBYE):
            await stream.writer.wait_closed()

    async def _stream(self, connection: socket.socket) -> Stream:
        """Make streams of an accepted connection, after its handshake. Raises ``OSError`` where that fails."""
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        reader = asyncio.StreamReader(limit=_BUFFER, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            connection,
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE if self._tls else None,
            ssl_shutdown_timeout=_GOODBYE if self._tls else None,
        )
        return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def _attested(self, stream: Stream, host: str) -> str:
        """Return what stands for a signature, empty where one is asked for. Raises ``NotAuthorized``."""
        channel: ssl.SSLObject | None = stream.writer.get_extra_info("ssl_object")
        certificate = pinned(channel, self._clients)
        if self._clients and certificate is None:
            raise NotAuthorized("the certificate shown is none of the partner's")
        if self._section.trust == "certificate" and certificate is not None:
            return f"tcp certificate {fingerprint(certificate)}"
        return f"tcp address {host}" if self._section.trust == "address" else ""
