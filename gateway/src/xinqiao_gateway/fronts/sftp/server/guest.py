"""One connection to the SFTP server: how it logs in, what it may open, and when it is shown out."""

import asyncio
from collections.abc import Callable

import asyncssh
import structlog

from xinqiao_gateway.fronts.sftp.server.door import Door, Resident
from xinqiao_gateway.fronts.sftp.server.keys import fingerprint_of
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings
from xinqiao_gateway.fronts.sftp.server.requests import Caller, Requests
from xinqiao_gateway.fronts.sftp.server.session import Session

__all__ = ["Guest"]

# Keys that a client may try; one with more of them names the right one.
_MOST_TRIES = 10
_MOST_SESSIONS = 4

_log = structlog.get_logger("sftp")


class Guest(asyncssh.SSHServer):
    """A connection. Only a key, or a certificate that names the channel, opens; only SFTP is spoken then."""

    def __init__(self, door: Door, limits: SftpSettings, arrived: Callable[[str], None], guests: "set[Guest]") -> None:
        self._door, self._limits, self._arrived, self._guests = door, limits, arrived, guests
        self._connection: asyncssh.SSHServerConnection | None = None
        self._address = ""
        self._user = ""
        self._key = ""
        self._tries = 0
        self.resident: Resident | None = None
        self._sessions: list[Session] = []
        self._is_in = False
        self._timer: asyncio.TimerHandle | None = None
        self._last_heard = 0.0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Let it in, or not."""
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        if why := self._door.refusal(self._address):
            _log.warning("connection refused", why=why)
            conn.abort()
            return
        self._is_in = True
        self._door.enter(self._address)
        self._guests.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- its parent's
        """Count it out; one that was let in and never logged in has failed."""
        if not self._is_in:
            return
        self._is_in = False
        self._guests.discard(self)
        self._door.leave(self._address, has_arrived=self.resident is not None)
        if self._timer is not None:
            self._timer.cancel()
        if self.resident is not None:
            self._door.log_out(self.resident.channel_id)
            _log.info("logged out", channel=self.resident.channel_id, key=self._key)
        elif self._tries:
            self._door.failed(self._address)
            _log.warning("login failed", tries=self._tries)

    def begin_auth(self, username: str) -> bool:
        """Take the channel's issuers; a channel that does not exist is asked for a key like any other."""
        self._user = username
        resident = self._door.residents.get(username)
        issuers = [each for each in resident.keys if each.issuer] if resident else []
        lines = "\n".join(f'cert-authority,principals="{username}" {each.line}' for each in issuers)
        if self._connection is not None:
            # Set also where there are none: a client may name another channel at each try.
            self._connection.set_authorized_keys(asyncssh.import_authorized_keys(lines) if lines else None)
        self._key = "certificate"
        return True

    def public_key_auth_supported(self) -> bool:
        """Say that keys are taken."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a key is one of the channel's."""
        self._tries += 1
        if self._tries > _MOST_TRIES and self._connection is not None:
            self._connection.abort()
            return False
        resident = self._door.residents.get(username)
        known = {each.blob for each in resident.keys if not each.issuer} if resident else set()
        if key.public_data not in known:
            return False
        self._key = fingerprint_of(key.public_data)
        return True

    def auth_completed(self) -> None:
        """Let the partner in, unless it is there too often, or was shut out meanwhile."""
        resident, connection = self._door.residents.get(self._user), self._connection
        if connection is None:
            return
        if resident is None or not self._door.log_in(resident.channel_id):
            _log.warning("login refused", channel=self._user, why="too many connections of the channel")
            self._tries = 0
            connection.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "too many connections of the channel")
            return
        self.resident = resident
        self._door.arrived(self._address)
        _log.info("logged in", channel=resident.channel_id, key=self._key)
        self._heard()
        self._look()

    def session_requested(self) -> "asyncssh.SSHServerSession[bytes] | bool":
        """Open a session."""
        self._sessions = [each for each in self._sessions if not each.is_over]
        resident = self.resident
        if resident is None or len(self._sessions) >= _MOST_SESSIONS:
            return False
        caller = Caller(resident.channel_id, self._key, self._arrived)
        session = Session(lambda: Requests(resident.home, caller, self._limits.handles), self._heard)
        self._sessions.append(session)
        return session

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """What is being done for it in threads."""
        return [each.under_way for each in self._sessions if each.under_way is not None]

    def show_out(self, why: str) -> None:
        """End the connection; uploads stay as far as they came."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def _heard(self) -> None:
        self._last_heard = asyncio.get_running_loop().time()

    def _look(self) -> None:
        """Show it out when nothing was heard for long."""
        loop = asyncio.get_running_loop()
        due = self._last_heard + self._limits.idle
        if due <= loop.time():
            _log.info("connection ended", channel=self._user, why="idle")
            self.show_out("idle")
        else:
            self._timer = loop.call_at(due, self._look)
