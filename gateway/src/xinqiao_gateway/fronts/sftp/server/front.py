"""The SFTP server as a front: a thread with an event loop of its own, so that big files keep no message waiting."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh
import structlog
import uvloop

from xinqiao.errors import ConfigurationError, SettingsInvalid
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.sftp.server.door import Door, Resident
from xinqiao_gateway.fronts.sftp.server.guest import Guest
from xinqiao_gateway.fronts.sftp.server.home import Home
from xinqiao_gateway.fronts.sftp.server.keys import HostKey, host_key, login_keys
from xinqiao_gateway.fronts.sftp.server.layout import Layout
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings
from xinqiao_gateway.gateway import Gateway

__all__ = ["SftpServer"]

# What is spoken, the best first; nothing that SHA-1, CBC, or a finite field under 4096 bits stands for.
_EXCHANGES = (
    "mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
)  # fmt: skip
_DIGESTS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
_SIGNATURES = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
# Large packets and a wide window: the client sends on while what it sent is written.
_PACKET = 128 * 1024
_WINDOW = 8 * 1024 * 1024
_KEEPALIVE = 30
# How long what is under way may take once it is to stop.
_LONGEST_END = 10.0

_log = structlog.get_logger("sftp")


class SftpServer:
    """Serves each channel's folder to whoever holds one of its keys; without ``sftp_port`` it does nothing.

    ``arrived`` is told, in the gateway's event loop, of each channel whose partner finished or renamed a file.
    """

    name = "sftp"

    def __init__(self, gateway: Gateway, arrived: Callable[[str], None] = lambda _channel_id: None) -> None:
        self._gateway, self._arrived = gateway, arrived
        self._homes: dict[str, Home] = {}
        self._guests: set[Guest] = set()
        self._house: _House | None = None
        self.address: tuple[str, int] | None = None

    async def start(self) -> None:
        """Listen. Raises ``SettingsInvalid``, ``KeyUnusable``."""
        settings = self._gateway.installation.settings
        if settings.sftp_port is None:
            return
        own = await asyncio.to_thread(host_key, self._gateway.installation.data)
        listener = _listen(settings.sftp_host, settings.sftp_port)
        self.address = listener.getsockname()[:2]
        self._door = Door(settings.sftp)
        self._door.residents = await asyncio.to_thread(self._residents)
        self._house = _House()
        await self._house.run(self._open(listener, own, settings.sftp))
        _log.info("listening", port=self.address[1], host_key=own.fingerprint)

    async def reload(self, changed: frozenset[str]) -> None:
        """Take up channels and keys as they are now; who is logged in and may no more, or differently, is shown out."""
        if self._house is not None:
            residents = await asyncio.to_thread(self._residents)
            await self._house.run(self._move(residents, changed))

    async def stop(self) -> None:
        """Let in nobody, let what is under way end, and show all out."""
        house, self._house = self._house, None
        if house is not None:
            with contextlib.suppress(TimeoutError):  # a disk that does not answer keeps nobody here
                await asyncio.wait_for(house.run(self._close()), 2 * _LONGEST_END)
            await house.end()

    def _residents(self) -> dict[str, Resident]:
        """Return the channels whose partners may log in; one whose keys cannot be read has no login until they can."""
        found = (self._resident(each) for each in self._gateway.channels)
        return {each.channel_id: each for each in found if each is not None}

    def _resident(self, channel: ServedChannel) -> Resident | None:
        channel_id, data = channel.channel_id, self._gateway.installation.data
        profile, settings = channel.channel.profile, self._gateway.installation.settings.sftp
        try:
            keys = login_keys(data / "channels" / channel_id / "ssh")
            layout = Layout.of(profile)
            limits = (
                settings
                if profile.files is None
                else settings.model_copy(update={"largest": min(settings.largest, profile.files.largest)})
            )
            home = self._homes.get(channel_id)
            if home is None or (home.layout, home.room.limits) != (layout, limits):
                home = Home(data / "files" / channel_id, layout, limits)
            home.make()
        except (ConfigurationError, OSError) as error:
            _log.error("channel has no login", channel=channel_id, why=getattr(error, "detail", None) or str(error))
            return None
        self._homes[channel_id] = home
        return Resident(channel_id, keys, layout, home, limits) if keys else None

    async def _open(self, listener: socket.socket, own: HostKey, limits: SftpSettings) -> None:
        self._acceptor = await asyncssh.listen(
            sock=listener,
            server_factory=lambda: Guest(self._door, limits, self._tell, self._guests),
            server_host_keys=[asyncssh.import_private_key(own.private)],
            server_version="Xinqiao",
            encoding=None,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_host=None,
            allow_pty=False,
            agent_forwarding=False,
            kex_algs=_EXCHANGES,
            encryption_algs=limits.ciphers,
            mac_algs=_DIGESTS,
            signature_algs=_SIGNATURES,
            compression_algs=["none"],
            login_timeout=limits.login,
            keepalive_interval=_KEEPALIVE,
            window=_WINDOW,
            max_pktsize=_PACKET,
        )

    def _tell(self, channel_id: str) -> None:
        """Say in the gateway's event loop that something arrived."""
        if self._house is not None:
            self._house.outside.call_soon_threadsafe(self._arrived, channel_id)

    async def _move(self, residents: dict[str, Resident], changed: frozenset[str]) -> None:
        before, self._door.residents = self._door.residents, residents
        for guest in list(self._guests):
            had = guest.resident
            if had is None or (had.channel_id not in changed and had.channel_id in residents):
                continue
            if not had.is_as(residents.get(had.channel_id)):
                guest.show_out("the channel has changed; connect again")
        _log.info("channels with a login", count=len(residents), before=len(before))

    async def _close(self) -> None:
        self._acceptor.close()
        under_way = [task for guest in self._guests for task in guest.under_way]
        if under_way:
            await asyncio.wait(under_way, timeout=_LONGEST_END)
        for guest in list(self._guests):
            guest.show_out("the server stops")


class _House:
    """A thread with an event loop; what it is given runs there."""

    def __init__(self) -> None:
        self.outside = asyncio.get_running_loop()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="sftp", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something there and wait for it."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def end(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, _LONGEST_END)

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._ended())
        self._loop.close()

    async def _ended(self) -> None:
        """Let connections be closed and threads end."""
        loop = asyncio.get_running_loop()
        left = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await loop.shutdown_default_executor()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise SettingsInvalid(f"sftp_port: cannot listen on {host}:{port}: {error.strerror}") from error
