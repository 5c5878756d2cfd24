"""HTTP clients for gateways and subjects by their base address. Whatever they answer, it comes to an end."""

import threading
import time
from collections.abc import Iterator
from urllib.request import getproxies, proxy_bypass

import httpx

from xinqiao.errors import SettingsInvalid

__all__ = ["http_client", "is_address"]

_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
# Bytes of an answer that are read: a page of messages is the largest.
_LARGEST = 32 << 20
# Seconds beyond the timeout of a read after which a head that drips is cut off.
_GRACE = 1.0


def http_client(base_url: str, timeout: float) -> httpx.Client:
    """Return a client for an address; a proxy of the environment is not asked for this machine's own.

    ``timeout`` bounds each answer as a whole. Raises ``SettingsInvalid`` where the address is none of HTTP.
    """
    if not is_address(base_url):
        raise SettingsInvalid(f"{base_url[:300]!r} is no address; http://HOST:PORT is expected")
    url = httpx.URL(base_url)
    # What is compressed has no bound that shows from outside.
    headers = {"Accept-Encoding": "identity"}
    return httpx.Client(base_url=url, timeout=timeout, transport=_Bounded(timeout, _proxy(url)), headers=headers)


def is_address(text: str) -> bool:
    """Say whether a text is an address of HTTP."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _proxy(url: httpx.URL) -> str | None:
    if url.host in _LOOPBACK or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)


class _Bounded(httpx.HTTPTransport):
    """Ends an answer that takes too long as a whole or is too large; httpx itself bounds each read alone."""

    def __init__(self, seconds: float, proxy: str | None) -> None:
        super().__init__(proxy=proxy)
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until = time.monotonic() + self._seconds
        # A read of a head that drips never times out: the connection is closed under it.
        cut = threading.Timer(self._seconds + _GRACE, self.close)
        cut.daemon = True
        cut.start()
        try:
            response = super().handle_request(request)
        except httpx.ReadError as error:
            if time.monotonic() < until:
                raise
            raise httpx.ReadTimeout("an answer whose head does not come to its end in time") from error
        finally:
            cut.cancel()
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 -- of a transport that is not async
        if response.headers.get("content-encoding", "identity") != "identity":
            response.stream.close()
            raise httpx.RemoteProtocolError("an answer that is encoded, which nobody asked for", request=request)
        body = _Body(response.stream, until)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )


class _Body(httpx.SyncByteStream):
    """The body of an answer. Reading it raises ``ReadTimeout`` or ``ReadError`` where it does not come to an end."""

    def __init__(self, stream: httpx.SyncByteStream, until: float) -> None:
        self._stream, self._until = stream, until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > _LARGEST:
                raise httpx.ReadError(f"an answer of more than {_LARGEST} bytes")
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("an answer that does not come to its end in time")
            yield part

    def close(self) -> None:
        self._stream.close()
