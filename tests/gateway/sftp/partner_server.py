"""A partner's SFTP server: a real one, on a free port of this machine, in a thread of its own."""

import asyncio
import functools
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login, Permissions
from xinqiao_gateway.fronts.sftp.remote_folder import RemoteFolder

PASSWORD = "correct horse"


@dataclass
class Behaviour:
    """What the server does other than a good one; changed while it runs.

    ``denied`` are the operations that it refuses, ``unreadable`` files that it does not give, ``invented`` names that
    it lists beside its own, ``bare`` lines without kind and time. ``breaks_after`` are the bytes that it sends or takes
    until it drops the connection, once; ``small`` the most bytes that it gives at once, ``generous`` lets it give more
    than it is asked for. From the byte ``silent_from`` on it gives no answer, from ``deaf_from`` on it reads
    nothing, and the byte ``full_at`` it cannot write. ``sizes`` are of what it was asked to read and to write.
    """

    denied: set[str] = field(default_factory=set)
    breaks_after: int | None = None
    small: int | None = None
    generous: bool = False
    silent_from: int | None = None
    unreadable: set[str] = field(default_factory=set)
    invented: list[bytes] = field(default_factory=list)
    bare: list[bytes] = field(default_factory=list)
    deaf_from: int | None = None
    full_at: int | None = None
    sizes: list[int] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


class _Files(asyncssh.SFTPServer):
    behaviour: Behaviour
    root: Path

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self._connection = channel.get_connection()
        super().__init__(channel, chroot=str(self.root).encode())

    def _check(self, operation: str) -> None:
        self.behaviour.asked.append(operation)
        if operation in self.behaviour.denied:
            raise asyncssh.SFTPPermissionDenied("权限不足")

    def _carried(self, size: int) -> None:
        left = self.behaviour.breaks_after
        if left is None:
            return
        self.behaviour.breaks_after = left - size
        if left < size:
            self.behaviour.breaks_after = None
            self._connection.abort()
            raise asyncssh.SFTPConnectionLost("gone")

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        self._check("list")
        for name in self.behaviour.invented:
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs(size=1, permissions=0o100644, mtime=1, atime=1))
        for line in self.behaviour.bare:
            yield asyncssh.SFTPName(line.split()[-1], longname=line, attrs=asyncssh.SFTPAttrs(size=1))
        async for each in super().scandir(path):
            yield each

    def lstat(self, path: bytes) -> Any:
        self._check("stat")
        return super().lstat(path)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        self._check("write" if pflags & asyncssh.FXF_WRITE else "read")
        if path.decode() in self.behaviour.unreadable:
            raise asyncssh.SFTPPermissionDenied("权限不足")
        opened = super().open(path, pflags, attrs)
        self.behaviour.opened.append(opened)
        return opened

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._carried(size)
        self.behaviour.sizes.append(size)
        if self.behaviour.silent_from is not None and offset >= self.behaviour.silent_from:
            await asyncio.sleep(60)
        content: bytes = super().read(
            file_obj, offset, min(size, self.behaviour.small or size) + self.behaviour.generous
        )  # type: ignore[assignment]
        return content

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        self._carried(len(data))
        self.behaviour.sizes.append(len(data))
        if self.behaviour.deaf_from is not None and offset >= self.behaviour.deaf_from:
            self._connection._transport.pause_reading()  # type: ignore[union-attr]
        if self.behaviour.full_at is not None and offset <= self.behaviour.full_at < offset + len(data):
            raise asyncssh.SFTPFailure("磁盘已满")
        return super().write(file_obj, offset, data)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._check("rename")
        return super().rename(oldpath, newpath)

    def remove(self, path: bytes) -> Any:
        self._check("remove")
        return super().remove(path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        self._check("mkdir")
        return super().mkdir(path, attrs)


class _Logins(asyncssh.SSHServer):
    password: str | None
    connections: list[asyncssh.SSHServerConnection]

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        return password == self.password


@dataclass
class PartnerServer:
    """A server that runs; ``root`` is what its one user, ``bank``, sees."""

    root: Path
    port: int
    secrets: Path
    behaviour: Behaviour
    host_key: asyncssh.SSHKey

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    def address(self, folder: str = "/") -> Address:
        return Address(user="bank", host="127.0.0.1", port=self.port, folder=folder)

    def login(self, **said: Any) -> Login:
        known: dict[str, Any] = {"host_keys": [self.fingerprint], "password_file": "password", "timeout": 5} | said
        known["permissions"] = Permissions(**known.get("permissions", {}))
        return Login(**known)

    def folder(self, path: str = "/", **login: Any) -> RemoteFolder:
        return RemoteFolder(self.address(path), self.login(**login), self.secrets)


def write_secret(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@contextmanager
def serving(
    folder: Path,
    *,
    password: str | None = PASSWORD,
    clients: list[asyncssh.SSHKey] | None = None,
    authority: asyncssh.SSHKey | None = None,
    port: int = 0,
    host_key: asyncssh.SSHKey | None = None,
    narrow: bool = False,
) -> Iterator[PartnerServer]:
    """Serve ``folder/partner``; ``folder/secrets`` holds the right password.

    ``narrow``: little room for what it has not read.
    """
    root, secrets, behaviour = folder / "partner", folder / "secrets", Behaviour()
    for each in (root, secrets):
        each.mkdir(exist_ok=True)
    write_secret(secrets / "password", PASSWORD.encode() + b"\n")
    key = host_key or asyncssh.generate_private_key("ssh-ed25519")
    files = type("Files", (_Files,), {"behaviour": behaviour, "root": root})
    logins: Any = type("Logins", (_Logins,), {"password": password, "connections": []})
    lines = [each.export_public_key().decode() for each in clients or []]
    if authority is not None:
        lines.append(f"cert-authority {authority.export_public_key().decode()}")
    known = asyncssh.import_authorized_keys("".join(lines)) if lines else None
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if narrow:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    listener.bind(("127.0.0.1", port))
    listen = functools.partial(
        asyncssh.listen,
        sock=listener,
        server_factory=logins,
        server_host_keys=[key],
        sftp_factory=files,
        authorized_client_keys=known,
        window=64 * 1024 * 1024,  # wider than the line, so that it is that which fills up
    )
    listening = asyncio.run_coroutine_threadsafe(_begin(listen), loop).result(10)
    try:
        yield PartnerServer(root, listening.get_port(), secrets, behaviour, key)
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening, logins.connections), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        for each in behaviour.opened:  # the library forgets those of a connection that broke while it read
            each.close()


async def _begin(listen: Callable[[], Awaitable[asyncssh.SSHAcceptor]]) -> asyncssh.SSHAcceptor:
    return await listen()


async def _end(listening: asyncssh.SSHAcceptor, connections: list[asyncssh.SSHServerConnection]) -> None:
    listening.close()
    await listening.wait_closed()
    for each in connections:
        each.abort()
    await asyncio.gather(*(each.wait_closed() for each in connections), return_exceptions=True)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
