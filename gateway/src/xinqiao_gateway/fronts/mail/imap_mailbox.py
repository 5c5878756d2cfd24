"""A folder on an IMAP server: TLS only, the certificate verified.

Mails are named by their UID within one connection, so that a UIDVALIDITY that changes between two matters to nobody.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from xinqiao.errors import DestinationDown, HostUntrusted, KeyUnusable, SettingsInvalid
from xinqiao.keys import read_key_file
from xinqiao_adapters.docking import Mail
from xinqiao_adapters.docking.mail import Mailbox
from xinqiao_gateway.fronts.mail.mailbox import MOST_AT_ONCE, Item, Verdict

__all__ = ["ImapMailbox"]

# Seconds for a connection to come about, and for each answer of the server.
_TIMEOUT = SocketTimeout(connect=10, read=30)
_FLAGS = {"done": "XinqiaoDone", "exceptions": "XinqiaoException"}
# What a library that parses a server's answers raises for those that are none.
_FAULTS = (IMAPClientError, OSError, ValueError, LookupError, AttributeError)


class ImapMailbox:
    """One folder, reached anew for each look; the password is read each time, so that it may be changed."""

    def __init__(self, mail: Mail, at: Mailbox, keys: Path) -> None:
        assert mail.password is not None  # noqa: S101 -- the profile's model says so
        self._mail = mail
        self._at = at
        self._password = keys / mail.password
        self._authority = keys / mail.authority if mail.authority else None
        self._client: IMAPClient | None = None

    def check(self) -> None:
        """Raise a ``ConfigurationError`` where the files that it needs cannot be read."""
        read_key_file(self._password, secret=True)
        self._context()

    def open(self) -> None:
        """Connect, log in, find the folders and make those that are missing."""
        self.close()
        password = read_key_file(self._password, secret=True).decode("utf-8", "replace").rstrip("\r\n")
        context = self._context()
        at = self._at
        with self._asking():
            try:
                self._client = IMAPClient(at.host, at.port, ssl=True, ssl_context=context, timeout=_TIMEOUT)
                self._client.login(at.user, password)
            except ssl.SSLCertVerificationError as error:
                raise HostUntrusted(f"{at.host}: {error.verify_message}") from error
            except LoginError as error:
                raise KeyUnusable(f"{at.host} refuses the login with {self._password.name}") from error
            self._select(self._connected)

    def waiting(self) -> Sequence[Item]:
        """Return the mails that are neither deleted nor flagged as done with."""
        criteria = ["UNDELETED"]
        if self._mail.after == "flag":
            criteria += [word for flag in _FLAGS.values() for word in ("UNKEYWORD", flag)]
        client = self._connected
        with self._asking():
            found = sorted(client.search(criteria))[:MOST_AT_ONCE]
            sizes = client.fetch(found, ["RFC822.SIZE"]) if found else {}
            return [Item(str(uid), sizes[uid][b"RFC822.SIZE"]) for uid in found if uid in sizes]

    def head(self, name: str, most: int) -> bytes | None:
        """Return the head of a mail; it is not marked as read."""
        return self._fetched(name, f"BODY.PEEK[HEADER]<0.{most}>")

    def content(self, name: str, most: int) -> bytes | None:
        """Return a mail; it is not marked as read."""
        return self._fetched(name, f"BODY.PEEK[]<0.{most}>")

    def settle(self, name: str, verdict: Verdict) -> None:
        """Move a mail, or flag it."""
        client = self._connected
        with self._asking():
            if self._mail.after == "flag":
                client.add_flags([int(name)], [_FLAGS[verdict]], silent=True)
            elif client.has_capability("MOVE"):
                client.move([int(name)], self._folder(verdict))
            else:
                client.copy([int(name)], self._folder(verdict))
                client.add_flags([int(name)], [rb"\Deleted"], silent=True)
                client.uid_expunge([int(name)])

    def abort(self) -> None:
        """Shut the connection down.

        The socket below TLS, and that alone: to close what another thread reads from would wait for it. One that only
        comes about has a bound of its own.
        """
        client = self._client
        if client is not None:
            with suppress(*_FAULTS):
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)

    def close(self) -> None:
        """Log out."""
        client, self._client = self._client, None
        if client is not None:
            # Whatever the server says to a farewell, it is over; and after none the socket is still open.
            for farewell in (client.logout, client.shutdown):
                with suppress(*_FAULTS):
                    farewell()

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._authority)
        except FileNotFoundError as error:
            raise KeyUnusable(f"{self._authority}: {error.strerror}") from error
        except (OSError, ValueError) as error:
            raise KeyUnusable(f"{self._authority} is no PEM file of certificates") from error

    def _select(self, client: IMAPClient) -> None:
        at, mail = self._at, self._mail
        if not client.folder_exists(at.folder):
            raise SettingsInvalid(f"{at.host} has no folder {at.folder!r}; name one that it has: mail.from")
        if mail.after == "move":
            if not (client.has_capability("MOVE") or client.has_capability("UIDPLUS")):
                raise SettingsInvalid(f"{at.host} cannot move one mail alone (MOVE, UIDPLUS); write after: flag")
            for folder in (mail.done, mail.exceptions):
                if not client.folder_exists(folder):
                    client.create_folder(folder)
        selected = client.select_folder(at.folder)
        if mail.after == "flag" and rb"\*" not in selected.get(b"PERMANENTFLAGS", ()):
            raise SettingsInvalid(f"{at.host} keeps no flags of ours in {at.folder!r}; write after: move")

    def _folder(self, verdict: Verdict) -> str:
        return self._mail.done if verdict == "done" else self._mail.exceptions

    def _fetched(self, name: str, what: str) -> bytes | None:
        with self._asking():
            found: dict[bytes, Any] = self._connected.fetch([int(name)], [what]).get(int(name), {})
            content = next((value for key, value in found.items() if key.startswith(b"BODY[")), None)
            return content if isinstance(content, bytes) else None

    @property
    def _connected(self) -> IMAPClient:
        if self._client is None:
            raise DestinationDown(f"the mailbox at {self._at.host}: there is no connection")
        return self._client

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say of what goes wrong with a server that the mailbox is away."""
        try:
            yield
        except _FAULTS as error:
            said = str(error)[:200] if isinstance(error, OSError) else type(error).__name__
            raise DestinationDown(f"the mailbox at {self._at.host}: {said}") from error
