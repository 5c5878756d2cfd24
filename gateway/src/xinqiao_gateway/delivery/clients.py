"""The HTTP clients of one channel: as many as are busy at once, each with one connection of its own.

One client with all the connections would look at each of them for every request: with 8 that took a sixth of the time
of a delivery, and it grows with their number.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

__all__ = ["Clients"]

_ONE = httpx.Limits(max_connections=1)


class Clients:
    """Lends clients, those used last first. ``timeout`` is that of a whole push (seconds)."""

    def __init__(self, timeout: float) -> None:
        # So short a time to connect that the time for the whole never ends before it: what did not connect is not sent.
        self._timeout = httpx.Timeout(timeout, connect=timeout / 2)
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._idle: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one exchange; one that failed is not lent again."""
        client = self._idle.pop() if self._idle else self._new()
        try:
            yield client
        except BaseException:  # a time-out is a cancellation, too: in what state that leaves a connection is not known
            await client.aclose()
            raise
        self._idle.append(client)

    async def close(self) -> None:
        """Close those that are not lent."""
        while self._idle:
            await self._idle.pop().aclose()

    def _new(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls, timeout=self._timeout, limits=_ONE, trust_env=False, follow_redirects=False
        )
