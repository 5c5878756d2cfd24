"""A folder on a partner's SFTP server as a ``Folder``, over one connection that is made when it is needed."""

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paramiko import SFTPAttributes, SFTPError
from paramiko.ssh_exception import SSHException

from xinqiao.errors import DestinationDown, FileRefused
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.fronts.sftp.client import Client, Reading, Writing
from xinqiao_gateway.fronts.sftp.connection import Connection
from xinqiao_gateway.fronts.sftp.folder import Entry, Kind, Sink, Source
from xinqiao_gateway.fronts.sftp.names import checked_path

__all__ = ["RemoteFolder"]

# More entries than this nobody reads; the partner clears its folder, or lets us archive.
_MOST_ENTRIES = 50_000
_KINDS: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_LINES: dict[str, Kind] = {"d": "folder", "l": "link"}
_HOME = "/~"


class RemoteFolder:
    """A folder on a server. A path that begins with ``/`` is below the server's root, and not below the folder.

    ``secrets`` is the folder of the files that the login names.
    """

    def __init__(self, address: Address, login: Login, secrets: Path) -> None:
        self._address = address
        self._login = login
        self._secrets = secrets
        self._connection: Connection | None = None
        self._origin = ""

    @property
    def origin(self) -> str:
        """Return which server it is, by the host key that it showed last; empty before it was reached."""
        return self._origin

    def entries(self, path: str = "") -> list[Entry]:
        """List a folder."""
        with self._asked() as client:
            found = client.listed(self._path(path), _MOST_ENTRIES + 1)
        if len(found) > _MOST_ENTRIES:
            raise FileRefused(f"folder {path!r} holds more than {_MOST_ENTRIES} entries; clear it")
        listed = (_entry(each.filename, each) for each in found if each.filename not in {".", ".."})
        return sorted(listed, key=lambda each: each.name)

    def stat(self, name: str) -> Entry:
        """Return what is known of a file."""
        with self._asked() as client:
            return _entry(name.rpartition("/")[2], client.lstat(self._path(name)))

    @contextmanager
    def read(self, name: str, offset: int = 0) -> Iterator[Source]:
        """Open a file to read ahead."""
        found = self.stat(name)
        _check_regular(found, name)
        with self._asked() as client, client.open(self._path(name), "rb") as file:
            yield Reading(client, file, offset, found.size)

    @contextmanager
    def write(self, name: str, offset: int = 0) -> Iterator[Sink]:
        """Open a file to write many pieces at once; at the end the server has said of each that it is written."""
        if offset:
            found = self.stat(name)
            _check_regular(found, name)
            if found.size < offset:
                raise OSError(errno.EINVAL, f"there are less than {offset} bytes to continue", name)
        with self._asked() as client, client.open(self._path(name), "r+b" if offset else "wb") as file:
            writing = Writing(client, file, offset)
            yield writing
            writing.finish()

    def rename(self, old: str, new: str) -> None:
        """Move a file. Not every server refuses a name that is taken, so it is looked for first, where that may be."""
        if self._exists(new, unseen=False):
            raise FileExistsError(errno.EEXIST, "there is one already", new)
        with self._asked() as client:
            client.rename(self._path(old), self._path(new))

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self._asked() as client:
            client.remove(self._path(name))

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; what may not be looked at is taken to be there."""
        if not path or self._exists(path, unseen=True):
            return
        self.make_folder(path.rpartition("/")[0])
        try:
            with self._asked() as client:
                client.mkdir(self._path(path))
        except OSError:
            if not self._exists(path, unseen=True):  # else somebody made it meanwhile
                raise

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exists(self, name: str, *, unseen: bool) -> bool:
        """Say whether there is something of a name; ``unseen`` where that may not be looked at."""
        try:
            self.stat(name)
        except FileNotFoundError:
            return False
        except PermissionError:
            return unseen
        return True

    def _path(self, name: str) -> str:
        parts = "/".join(checked_path(name.removeprefix("/")))
        if name.startswith("/"):
            return f"/{parts}"
        root = self._address.folder
        if root == _HOME or root.startswith(f"{_HOME}/"):
            root = root.removeprefix(_HOME).removeprefix("/") or "."
        return f"{root.rstrip('/')}/{parts}" if parts else root

    @contextmanager
    def _asked(self) -> Iterator[Client]:
        """Lend the connection; after a fault of the line the next call makes another."""
        if self._connection is None:
            self._connection = Connection.open(self._address, self._login, self._secrets)
            self._origin = f"sftp {self._address.user}@{self._address.host} host key {self._connection.host_key}"
        try:
            yield self._connection.client
        except (SSHException, SFTPError, EOFError, TimeoutError, ConnectionError) as error:
            raise self._lost(error) from error
        except OSError as error:
            if error.errno is None:  # the library's word for a connection that is closed
                raise self._lost(error) from error
            raise

    def _lost(self, error: Exception) -> DestinationDown:
        self.close()
        where = f"sftp://{self._address.user}@{self._address.host}:{self._address.port}"
        return DestinationDown(f"{where}: the connection broke: {str(error)[:200] or type(error).__name__}")


def _entry(name: str, found: SFTPAttributes) -> Entry:
    if found.st_mode is not None:
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "other")
    else:  # some servers say it in the line for people alone
        kind = _LINES.get(getattr(found, "longname", "")[:1], "file")
    if found.st_size is None:  # without a size nothing shows that it is whole
        return Entry(name, 0, 0, "other")
    return Entry(name, found.st_size, found.st_mtime or 0, kind)


def _check_regular(found: Entry, name: str) -> None:
    if found.kind != "file":
        raise FileRefused(f"{name!r} is a {found.kind}, which is not opened here")
