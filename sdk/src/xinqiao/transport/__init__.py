"""How a client's calls travel: what they ask for, what comes back, and the port that each transport implements.

A transport makes one call at a time and never repeats one; ``xinqiao.conversation`` decides what follows.
"""

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from xinqiao.errors import SettingsInvalid
from xinqiao.seal import Sealed

__all__ = [
    "Answer",
    "AsyncFollowing",
    "AsyncTransport",
    "Fetch",
    "Following",
    "NoAnswer",
    "Pulled",
    "Tls",
    "Transport",
]


class NoAnswer(Exception):
    """No answer came. ``was_connected``: the call may have arrived."""

    def __init__(self, said: str, *, was_connected: bool) -> None:
        super().__init__(said)
        self.was_connected = was_connected


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered, whatever the transport.

    ``status_code`` is HTTP's; over gRPC it is the one that the same answer has over HTTP. ``retry_after``: the seconds
    that it asks to wait.
    """

    status_code: int
    content: bytes
    content_type: str
    retry_after: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether something was accepted, or found."""
        return 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class Fetch:
    """Asks for messages after a cursor. ``after`` None: from the start; ``follows``: see ``Following``."""

    token: str
    after: str | None
    limit: int
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """Sealed messages and the cursor that continues after them."""

    sealed: list[Sealed]
    cursor: str


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust (``ca``, PEM; by default who the system trusts), and one's own certificate where it is asked for.

    ``certificate`` is a PEM file with the chain, ``key`` that with its private key.
    """

    ca: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None

    def __post_init__(self) -> None:
        """Raise ``SettingsInvalid`` where a certificate comes without its key, or a key without its certificate."""
        if (self.certificate is None) != (self.key is None):
            raise SettingsInvalid("TLS: a certificate and its private key go together")

    def context(self) -> ssl.SSLContext:
        """Return it as the standard library uses it. Raises ``SettingsInvalid``."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise self._unusable(error) from error
        return context

    def contents(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return the files' contents: ca, certificate, key. Raises ``SettingsInvalid``."""
        self.context()  # what is no PEM is said here, and not at the first call
        try:
            ca, certificate, key = (
                Path(path).read_bytes() if path else None for path in (self.ca, self.certificate, self.key)
            )
        except OSError as error:
            raise self._unusable(error) from error
        return ca, certificate, key

    def _unusable(self, error: Exception) -> SettingsInvalid:
        files = ", ".join(str(path) for path in (self.ca, self.certificate, self.key) if path)
        return SettingsInvalid(f"TLS files ({files}): {error}")


class Following(Protocol):
    """One subscription."""

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Acknowledge what came before a cursor and ask for what comes after it; None: after the last acknowledged.

        Where a transport can, it waits for a message that is yet to come, a bounded time.
        """
        ...

    def end(self) -> None:
        """End it; what was not acknowledged comes again."""
        ...


class AsyncFollowing(Protocol):
    """The same for an event loop."""

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Acknowledge what came before a cursor and ask for what comes after it."""
        ...

    def end(self) -> None:
        """End it."""
        ...


class Transport(Protocol):
    """One connection with a gateway for one channel. Each call raises ``NoAnswer`` where none came."""

    def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        ...

    def submit_many(self, inputs: Iterable[Sealed]) -> Iterator[tuple[Sealed, Answer | None]]:
        """Send inputs and yield each with its answer, in order; None where none came for it."""
        ...

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for messages; an answer is a refusal. Raises ``MalformedJson`` for a page that is not the standard's."""
        ...

    def follow(self) -> Following:
        """Return a subscription, to begin when it is first asked."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """The same for an event loop."""

    async def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        ...

    def submit_many(self, inputs: Iterable[Sealed]) -> AsyncIterator[tuple[Sealed, Answer | None]]:
        """Send inputs and yield each with its answer, in order; None where none came for it."""
        ...

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for messages; an answer is a refusal."""
        ...

    def follow(self) -> AsyncFollowing:
        """Return a subscription, to begin when it is first asked."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
