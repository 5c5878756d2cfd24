"""The HTTP clients of one channel: as many as are busy at once, each with one connection of its own.

One client with all the connections would look at each of them for every request: with 8 that took a sixth of the time
of a delivery, and it grows with their number.
"""

import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

__all__ = ["Clients"]

# Seconds that an unused connection is kept, and its client with it.
_KEEP_ALIVE = 5.0


class Clients:
    """Lends clients, those used last first; those that a burst has left over are closed when one is lent.

    ``timeout`` is that of a whole push, ``keep_alive`` how long an unused client is kept (seconds).
    """

    def __init__(self, timeout: float, keep_alive: float = _KEEP_ALIVE) -> None:
        # So short a time to connect that the time for the whole never ends before it: what did not connect is not sent.
        self._timeout = httpx.Timeout(timeout, connect=timeout / 2)
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._keep_alive = keep_alive
        self._limits = httpx.Limits(max_connections=1, keepalive_expiry=keep_alive)
        # When each was last used; what was used last is at the end.
        self._idle: deque[tuple[float, httpx.AsyncClient]] = deque()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one exchange; one that failed is not lent again."""
        await self._close(time.monotonic() - self._keep_alive)
        client = self._idle.pop()[1] if self._idle else self._new()
        try:
            yield client
        except BaseException:  # a time-out is a cancellation, too: in what state that leaves a connection is not known
            await client.aclose()
            raise
        self._idle.append((time.monotonic(), client))

    async def close(self) -> None:
        """Close those that are not lent."""
        await self._close(math.inf)

    async def _close(self, before: float) -> None:
        """Close those that were last used before some time."""
        while self._idle and self._idle[0][0] < before:
            await self._idle.popleft()[1].aclose()

    def _new(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls, timeout=self._timeout, limits=self._limits, trust_env=False, follow_redirects=False
        )
