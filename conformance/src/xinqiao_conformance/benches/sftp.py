"""The suite's own SFTP server for file partners that bring a client: one login, one folder. Needs asyncssh (``sftp``).

What happens in the folder is seen where it is watched; the server carries the files and no more.
"""

import asyncio
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncssh

from xinqiao.errors import SettingsInvalid

__all__ = ["Login", "sftp_server"]

_USER = "partner"
_HOST = "127.0.0.1"
# Seconds that the server may take to be there, and to end.
_BOUND = 10.0


@dataclass(frozen=True, slots=True)
class Login:
    """Where the server is, how one logs in, and the fingerprint of its key, as ``ssh-keygen -lf`` writes it."""

    address: str
    password: str
    host_key: str

    def environment(self) -> dict[str, str]:
        """Return the environment of the contract."""
        return {
            "XINQIAO_SFTP": self.address,
            "XINQIAO_SFTP_PASSWORD": self.password,
            "XINQIAO_SFTP_HOST_KEY": self.host_key,
        }


@contextmanager
def sftp_server(folder: Path, place: Path) -> Iterator[Login | None]:
    """Serve a folder and yield the login; None where asyncssh is not installed. Raises ``SettingsInvalid``.

    Host key, password and port are kept in ``place``, so that a subject that runs already finds them as they were.
    """
    try:
        import asyncssh  # noqa: PLC0415 -- the extra ``sftp``
    except ModuleNotFoundError:
        yield None
        return
    key_file, password_file, port_file = (place / f"sftp.{each}" for each in ("key", "password", "port"))
    if not key_file.exists():
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(key_file)
        key_file.chmod(0o600)
        password_file.write_text(secrets.token_urlsafe(24), encoding="ascii")
        password_file.chmod(0o600)
    key = asyncssh.read_private_key(key_file)
    password = password_file.read_text(encoding="ascii")
    port = int(port_file.read_text(encoding="ascii")) if port_file.exists() else 0
    with ExitStack() as stack:
        try:
            taken = stack.enter_context(_running(folder, key, password, port))
        except OSError as error:
            raise SettingsInvalid(
                f"{port_file} 所记端口已被占用 the port is taken by another process ({error.strerror or error}); "
                "删除此文件后另选端口 delete the file, and another port is chosen"
            ) from error
        port_file.write_text(str(taken), encoding="ascii")
        yield Login(f"sftp://{_USER}@{_HOST}:{taken}", password, key.get_fingerprint())


@contextmanager
def _running(folder: Path, key: "asyncssh.SSHKey", password: str, port: int) -> Iterator[int]:
    """Run the server on an event loop in a thread of its own; yield its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sftp", daemon=True)
    thread.start()
    guests: set[asyncssh.SSHServerConnection] = set()
    try:
        listening = _listen(folder, key, password, port, guests)
        server = asyncio.run_coroutine_threadsafe(listening, loop).result(_BOUND)
        try:
            yield server.get_port()
        finally:
            asyncio.run_coroutine_threadsafe(_close(server, guests), loop).result(_BOUND)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_BOUND)
        loop.close()


async def _listen(
    folder: Path, key: "asyncssh.SSHKey", password: str, port: int, guests: "set[asyncssh.SSHServerConnection]"
) -> "asyncssh.SSHAcceptor":
    import asyncssh  # noqa: PLC0415 -- as above

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._guest = conn
            guests.add(conn)

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncssh names it
            guests.discard(self._guest)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            return username == _USER and secrets.compare_digest(given.encode(), password.encode())

    class Folder(asyncssh.SFTPServer):
        def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]") -> None:
            super().__init__(channel, chroot=str(folder).encode())

    return await asyncssh.listen(
        _HOST, port, server_factory=Door, server_host_keys=[key], sftp_factory=Folder, allow_scp=False
    )


async def _close(server: "asyncssh.SSHAcceptor", guests: "set[asyncssh.SSHServerConnection]") -> None:
    """End the server and whoever is still connected."""
    server.close()
    await server.wait_closed()
    left = tuple(guests)
    for guest in left:
        guest.abort()
    for guest in left:
        await guest.wait_closed()
    # Transports close at the loop's next turn.
    await asyncio.sleep(0)
