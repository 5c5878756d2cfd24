"""What a client asks of its channel's folder, done: one request in, one answer out.

Reads and writes are done at once; whatever may wait for the disk is done in a thread, and the client's next request
after it. What is not listed here (links, owners, folders to be made) is refused.
"""

import asyncio
import errno
import hashlib
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from xinqiao.errors import FileRefused
from xinqiao_gateway.fronts.sftp.server import wire
from xinqiao_gateway.fronts.sftp.server.handles import Download, Handles, Listing
from xinqiao_gateway.fronts.sftp.server.home import Home, attributes_of
from xinqiao_gateway.fronts.sftp.server.layout import Path, located
from xinqiao_gateway.fronts.sftp.server.upload import Upload
from xinqiao_gateway.fronts.sftp.server.wire import Attributes, Fault, Open, Reader, Request, Status

__all__ = ["Answer", "Caller", "Requests"]

Answer = bytes | Awaitable[bytes]

_log = structlog.get_logger("sftp")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a channel, by a key; ``arrived`` is told of each file that came."""

    channel_id: str
    fingerprint: str
    arrived: Callable[[str], None]


class Requests:
    """The requests of one session, and what it has open."""

    def __init__(self, home: Home, caller: Caller, most_handles: int) -> None:
        self._home, self._caller = home, caller
        self._handles = Handles(most_handles)
        self._at_once: dict[int, Callable[[int, Reader], Answer]] = {
            Request.READ: self._read,
            Request.WRITE: self._write,
            Request.CLOSE: self._close,
            Request.FSTAT: self._fstat,
            Request.FSETSTAT: self._fsetstat,
            Request.READDIR: self._readdir,
            Request.REALPATH: self._realpath,
            Request.EXTENDED: self._extended,
            Request.MKDIR: _refuse,
            Request.RMDIR: _refuse,
            Request.SYMLINK: _refuse,
            Request.READLINK: _refuse,
        }
        self._in_thread: dict[int, Callable[[int, Reader], bytes]] = {
            Request.OPEN: self._open,
            Request.OPENDIR: self._opendir,
            Request.LSTAT: self._stat,
            Request.STAT: self._stat,
            Request.SETSTAT: self._setstat,
            Request.REMOVE: self._remove,
            Request.RENAME: self._rename,
        }

    def answer(self, packet: bytes) -> Answer:
        """Return the answer to a request, or what it comes from. Raises ``BadPacket``."""
        reader = Reader(packet)
        kind, number = reader.byte(), reader.number()
        if (work := self._in_thread.get(kind)) is not None:
            return _answered(number, asyncio.to_thread(work, number, reader))
        try:
            return self._at_once.get(kind, _unsupported)(number, reader)
        except (Fault, FileRefused, OSError) as error:
            return _fault(number, error)

    def leave(self) -> None:
        """Close all that is open; uploads stay as far as they came."""
        for opened in self._handles.drop_all():
            if isinstance(opened, Upload):
                self._home.leave(opened)
                self._note("upload broken off", self._inbox_path(opened), size=opened.size)
            elif isinstance(opened, Download):
                opened.close()

    def _read(self, number: int, reader: Reader) -> bytes:
        download = self._handles.download(reader.text())
        content = download.read(reader.long(), reader.number())
        return wire.data(number, content) if content else wire.status(number, Status.END)

    def _write(self, number: int, reader: Reader) -> bytes:
        upload = self._handles.upload(reader.text())
        upload.write(reader.long(), reader.data())
        upload.begin_flush()
        return wire.status(number, Status.OK)

    def _close(self, number: int, reader: Reader) -> Answer:
        opened = self._handles.drop(reader.text())
        if isinstance(opened, Upload):
            return _answered(number, self._finish(number, opened))
        if isinstance(opened, Download):
            opened.close()
            self._note("file read", opened.path, size=opened.sent)
        return wire.status(number, Status.OK)

    async def _finish(self, number: int, upload: Upload) -> bytes:
        try:
            await upload.flushed()
        except OSError:
            self._home.leave(upload)
            raise
        digest = await asyncio.to_thread(self._home.finish, upload)
        self._note("file uploaded", self._inbox_path(upload), size=upload.size, digest=digest)
        self._caller.arrived(self._caller.channel_id)
        return wire.status(number, Status.OK)

    def _fstat(self, number: int, reader: Reader) -> bytes:
        return wire.attributes(number, attributes_of(self._handles.file(reader.text()).attributes()))

    def _fsetstat(self, number: int, reader: Reader) -> bytes:
        return _changed(number, reader, self._handles.file(reader.text()).attributes().st_size)

    def _readdir(self, number: int, reader: Reader) -> bytes:
        page = self._handles.listing(reader.text()).page()
        if not page:
            return wire.status(number, Status.END)
        return wire.names(number, [(name, _line(name, found), found) for name, found in page])

    def _realpath(self, number: int, reader: Reader) -> bytes:
        path = _said(located(reader.text(), upward=True))
        return wire.names(number, [(path, path, None)])

    def _extended(self, number: int, reader: Reader) -> bytes:
        if reader.text() != wire.LIMITS:
            return _unsupported(number, reader)
        return wire.limits(number, self._handles.most)

    def _open(self, number: int, reader: Reader) -> bytes:
        path, how = located(reader.text()), Open(reader.number() & 0x3F)
        self._handles.check_room()
        if how & (Open.WRITE | Open.APPEND):
            return wire.handle(number, self._handles.keep(self._home.open_to_write(path, how)))
        return wire.handle(number, self._handles.keep(Download(path, self._home.open_to_read(path))))

    def _opendir(self, number: int, reader: Reader) -> bytes:
        path = located(reader.text(), upward=True)
        self._handles.check_room()
        return wire.handle(number, self._handles.keep(Listing(self._home.listed(path))))

    def _stat(self, number: int, reader: Reader) -> bytes:
        return wire.attributes(number, self._home.attributes(located(reader.text(), upward=True)))

    def _setstat(self, number: int, reader: Reader) -> bytes:
        return _changed(number, reader, self._home.attributes(located(reader.text())).size)

    def _remove(self, number: int, reader: Reader) -> bytes:
        path = located(reader.text())
        self._home.remove(path)
        self._note("file removed", path)
        return wire.status(number, Status.OK)

    def _rename(self, number: int, reader: Reader) -> bytes:
        old, new = located(reader.text()), located(reader.text())
        self._home.rename(old, new)
        self._note("file renamed", old, to=_hidden(new))
        if new[:-1] == self._home.layout.inbox:
            self._caller.arrived(self._caller.channel_id)
        return wire.status(number, Status.OK)

    def _inbox_path(self, upload: Upload) -> Path:
        return (*self._home.layout.inbox, upload.name)

    def _note(self, action: str, path: Path, **said: object) -> None:
        _log.info(action, channel=self._caller.channel_id, key=self._caller.fingerprint, file=_hidden(path), **said)


async def _answered(number: int, work: Awaitable[bytes]) -> bytes:
    try:
        return await work
    except (Fault, FileRefused, OSError) as error:
        return _fault(number, error)


def _refuse(_number: int, _reader: Reader) -> bytes:
    raise Fault(Status.DENIED, "folders and links are not made, changed or followed here")


def _unsupported(number: int, _reader: Reader) -> bytes:
    return wire.status(number, Status.UNSUPPORTED, "not done here")


def _changed(number: int, reader: Reader, size: int) -> bytes:
    """Answer a change of attributes: times and modes are the server's own, and said to be set so that clients go on.

    So is the size that it has: some clients (OpenSSH's scp) end an upload with that.
    """
    flags, wanted = reader.changes()
    if wire.changes_more_than_times(flags) or wanted not in {None, size}:
        raise Fault(Status.DENIED, "size and owner of a file are not set")
    return wire.status(number, Status.OK)


def _fault(number: int, error: Fault | FileRefused | OSError) -> bytes:
    """Return the answer for what was not done; the words are ours, so that no path of this machine is in them."""
    if isinstance(error, Fault):
        return wire.status(number, error.status, error.said)
    if isinstance(error, FileRefused):
        return wire.status(number, Status.DENIED, error.detail)
    if error.errno == errno.ENOENT:
        return wire.status(number, Status.NO_SUCH_FILE, "no such file")
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}:
        return wire.status(number, Status.DENIED, "it is no regular file")
    _log.error("disk failed", why=errno.errorcode.get(error.errno or 0, "unknown"))
    return wire.status(number, Status.FAILURE, "it could not be done here; try again later")


def _line(name: str, found: Attributes) -> str:
    """Return a line as ``ls -l`` has it, without owners."""
    changed = time.strftime("%b %d %H:%M", time.gmtime(found.modified))
    return f"{stat.filemode(found.mode)} 1 - - {found.size:>12} {changed} {name}"


def _said(path: Path) -> str:
    return "/" + "/".join(path)


def _hidden(path: Path) -> str:
    """Return a path as logs have it: a name may be a person's, its digest tells who knows it that it is the one."""
    return _said((*path[:-1], hashlib.sha256(path[-1].encode()).hexdigest()[:12]))
