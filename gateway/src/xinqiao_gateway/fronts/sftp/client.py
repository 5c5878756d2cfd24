"""paramiko's SFTP client, with what a gateway needs beside it: bounded pipelines both ways, and any server's texts.

paramiko's own prefetch keeps a whole file in memory where a server answers with less than it was asked for, and its
pipelined writing does not look at the last answers; here every answer is looked at, and so many requests are under way.
"""

import errno
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from paramiko import Channel, SFTPAttributes, SFTPClient, SFTPFile
from paramiko.message import Message
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_EXTENDED,
    CMD_EXTENDED_REPLY,
    CMD_HANDLE,
    CMD_INIT,
    CMD_NAME,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    CMD_VERSION,
    CMD_WRITE,
    SFTP_EOF,
    SFTP_NO_SUCH_FILE,
    SFTP_OK,
    SFTP_PERMISSION_DENIED,
    SFTPError,
    int64,
)

from xinqiao_gateway.fronts.sftp.folder import BLOCK, UNSURE

__all__ = ["Client", "Reading", "Writing"]

# What every server takes (draft-ietf-secsh-filexfer-02, 3). One that says that it takes more is asked for a block at
# once, which halves the work for each byte.
_REQUEST = 32_768
_LIMITS = b"limits@openssh.com"
_MOST_EXTENSIONS = 64
# Requests under way at once: those of 32 KiB fill a line of 1 Gbit/s at 16 ms, those of a block twice that.
_UNDER_WAY = 64
_LEAST_REQUEST = 4_096

_VERSION = 3
_RECEIVE = 1 << 20
_LONGEST_LISTING = 300.0
_LONGEST_TEXT = 200


class Client(SFTPClient):
    """A client whose answers are errors of files: ``FileNotFoundError``, ``PermissionError``, else ``OSError``.

    ``longest_read`` and ``longest_write`` are the bytes that one request may be about.
    """

    longest_read = longest_write = _REQUEST

    # Of the library, without types.
    _send_packet: Callable[[int, Message], None]
    _read_packet: Callable[[], tuple[int, bytes]]
    _request: Callable[..., tuple[int, Message]]
    _async_request: Callable[..., int]
    _read_response: Callable[..., tuple[int, Message]]
    _adjust_cwd: Callable[[str], bytes]

    def __init__(self, session: Channel) -> None:
        self._held = b""
        self._at = 0
        self._says_limits = False
        super().__init__(session)
        if self._says_limits:
            self._take_limits()

    def _read_all(self, size: int) -> bytes:
        """Return the next bytes. All that came is taken at once, since the library moves what it keeps."""
        have = len(self._held) - self._at
        if have < size:
            parts = [self._held[self._at :]]
            while have < size:
                if not (more := self.sock.recv(_RECEIVE)):
                    raise EOFError
                parts.append(more)
                have += len(more)
            self._held, self._at = b"".join(parts), 0
        self._at += size
        return self._held[self._at - size : self._at]

    def _send_version(self) -> int:
        """Say our version and read the server's, with what else it can do, which the library reads over."""
        ours = Message()
        ours.add_int(_VERSION)
        self._send_packet(CMD_INIT, ours)
        kind, content = self._read_packet()
        if kind != CMD_VERSION:
            raise SFTPError(f"the server answered {kind} and not its version")
        said = Message(content)
        version = said.get_int()
        for _ in range(_MOST_EXTENSIONS):
            if not (name := said.get_string()):
                break
            self._says_limits |= name == _LIMITS
            said.get_string()
        return version

    def _take_limits(self) -> None:
        """Ask how long a request may be; a server that does not say after all is asked for little at once."""
        try:
            answer = self._expect(CMD_EXTENDED_REPLY, CMD_EXTENDED, _LIMITS)
        except OSError:
            return
        _packet, read, write = answer.get_int64(), answer.get_int64(), answer.get_int64()
        self.longest_read, self.longest_write = (
            max(min(most or _REQUEST, BLOCK), _LEAST_REQUEST) for most in (read, write)
        )

    def _convert_status(self, message: Message) -> None:
        """Read a status; its text may be in any encoding, and is often Chinese."""
        code = message.get_int()
        text = message.get_string().decode("utf-8", "replace")[:_LONGEST_TEXT]
        if code == SFTP_OK:
            return
        if code == SFTP_EOF:
            raise EOFError(text)
        if code == SFTP_NO_SUCH_FILE:
            raise FileNotFoundError(errno.ENOENT, text)
        if code == SFTP_PERMISSION_DENIED:
            raise PermissionError(errno.EACCES, text)
        raise OSError(errno.EIO, f"the server says {text!r} (code {code})")

    def listed(self, path: str, most: int) -> list[SFTPAttributes]:
        """List a folder, at most so many entries; bytes of names that are not UTF-8 become surrogates."""
        handle = self._expect(CMD_HANDLE, CMD_OPENDIR, self._adjust_cwd(path)).get_string()
        found: list[SFTPAttributes] = []
        ends = time.monotonic() + _LONGEST_LISTING
        try:
            while len(found) < most and (more := _attributes(self._expect(CMD_NAME, CMD_READDIR, handle), most)):
                found += more
                if time.monotonic() > ends:
                    raise TimeoutError(f"the listing takes longer than {_LONGEST_LISTING:.0f} seconds")
        except EOFError:
            pass
        finally:
            self._request(CMD_CLOSE, handle)
        return found[:most]

    def _expect(self, wanted: int, *request: Any) -> Message:  # noqa: ANN401 -- what the library packs
        kind, message = self._request(*request)
        if kind != wanted:
            raise OSError(errno.EPROTO, f"the server answered {kind} and not {wanted}")
        return message


def _attributes(message: Message, most: int) -> list[SFTPAttributes]:
    found = []
    for _ in islice(range(message.get_int()), most):
        name, line = message.get_string(), message.get_string()
        each: SFTPAttributes = SFTPAttributes._from_msg(  # type: ignore[attr-defined]
            message, name.decode("utf-8", "surrogateescape"), line.decode("utf-8", "replace")
        )
        found.append(each)
    return found


def _under_way(length: int) -> int:
    """Return how many requests of a length are under way at once."""
    return min(_UNDER_WAY, max(UNSURE // length, 1))


class _Pipeline:
    """The requests about one file that are under way; answers that come out of turn are kept until they are asked."""

    def __init__(self, client: Client, file: SFTPFile) -> None:
        self._client = client
        self._file = file
        self._early: dict[int, tuple[int, Message]] = {}

    def ask(self, *request: Any) -> int:  # noqa: ANN401 -- what the library packs
        """Send a request about the file; return its number."""
        command, *parts = request
        return self._client._async_request(self, command, self._file.handle, *parts)

    def answer(self, number: int, wanted: int) -> Message:
        """Return the answer to a request. Raises ``EOFError`` at the file's end, else as ``Client``."""
        if number in self._early:
            kind, message = self._early.pop(number)
            if kind == CMD_STATUS:  # the library looked at those alone that came in turn
                self._client._convert_status(message)
        else:
            kind, message = self._client._read_response(number)
        if kind != wanted:
            raise OSError(errno.EPROTO, f"the server answered {kind} and not {wanted}")
        return message

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        """Take an answer that came before the one that is waited for: the library calls this."""
        self._early[number] = (kind, message)


class Reading:
    """A file of the server's that is read ahead, from ``offset`` to the ``end`` that it has when it is opened."""

    def __init__(self, client: Client, file: SFTPFile, offset: int, end: int) -> None:
        self._pipeline = _Pipeline(client, file)
        self._asked = offset
        self._end = end
        self._length = client.longest_read
        self._most = _under_way(client.longest_read)
        # What was asked for and not yet read: number, offset, length.
        self._under_way: deque[tuple[int, int, int]] = deque()
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at the end."""
        if not self._rest:
            self._rest = self._next()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        while self._asked < self._end and len(self._under_way) < self._most:
            length = min(self._length, self._end - self._asked)
            self._under_way.append((self._ask(self._asked, length), self._asked, length))
            self._asked += length
        if not self._under_way:
            return b""
        number, offset, length = self._under_way.popleft()
        try:
            data: bytes = self._pipeline.answer(number, CMD_DATA).get_string()
        except EOFError:  # it became shorter
            return b""
        if len(data) > length:
            raise OSError(errno.EPROTO, f"the server gave {len(data)} bytes where it was asked for {length}")
        if 0 < len(data) < length:  # a server of small answers
            self._length = max(min(self._length, len(data)), _LEAST_REQUEST)
            self._most = _under_way(self._length)
            rest = offset + len(data), length - len(data)
            self._under_way.appendleft((self._ask(*rest), *rest))
        return data

    def _ask(self, offset: int, length: int) -> int:
        return self._pipeline.ask(CMD_READ, int64(offset), length)


class Writing:
    """A file of the server's that is written from ``offset`` on."""

    def __init__(self, client: Client, file: SFTPFile, offset: int) -> None:
        self._pipeline = _Pipeline(client, file)
        self._offset = offset
        self._length = client.longest_write
        self._most = _under_way(client.longest_write)
        self._under_way: deque[int] = deque()

    def write(self, data: bytes, /) -> None:
        """Append bytes."""
        for start in range(0, len(data), self._length):
            piece = data[start : start + self._length]
            self._under_way.append(self._pipeline.ask(CMD_WRITE, int64(self._offset), piece))
            self._offset += len(piece)
            if len(self._under_way) >= self._most:
                self._pipeline.answer(self._under_way.popleft(), CMD_STATUS)

    def finish(self) -> None:
        """Wait until the server has said of every piece that it is written."""
        while self._under_way:
            self._pipeline.answer(self._under_way.popleft(), CMD_STATUS)
