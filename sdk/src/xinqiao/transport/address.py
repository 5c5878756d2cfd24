"""Which transport an address names."""

from typing import Any

import httpx

from xinqiao.errors import SettingsInvalid
from xinqiao.transport import AsyncTransport, Tls, Transport
from xinqiao.transport.http import AsyncHttpTransport, HttpTransport

__all__ = ["check_address", "connect", "connect_async"]

_HTTP, _GRPC = ("http", "https"), ("grpc", "grpcs")
_EXPECTED = "http://HOST:PORT, https://HOST, grpc://HOST:PORT or grpcs://HOST:PORT is expected"


def connect(url: str, channel: str, timeout: float, tls: Tls | None, http: httpx.Client | None) -> Transport:
    """Return the transport of an address; nothing is sent yet. Raises ``SettingsInvalid``."""
    read = _address(url, tls, http)
    if read.scheme in _HTTP:
        return HttpTransport(_path(url, channel), http or httpx.Client(timeout=timeout, **_verified(tls)))
    transport: Transport = _grpc().GrpcTransport(_target(read), channel, timeout, _tls(read, tls))
    return transport


def connect_async(
    url: str, channel: str, timeout: float, tls: Tls | None, http: httpx.AsyncClient | None
) -> AsyncTransport:
    """Return the transport of an address for an event loop. Raises ``SettingsInvalid``."""
    read = _address(url, tls, http)
    if read.scheme in _HTTP:
        return AsyncHttpTransport(_path(url, channel), http or httpx.AsyncClient(timeout=timeout, **_verified(tls)))
    transport: AsyncTransport = _grpc().AsyncGrpcTransport(_target(read), channel, timeout, _tls(read, tls))
    return transport


def check_address(url: str) -> httpx.URL:
    """Return an address, read. Raises ``SettingsInvalid`` where it can be none: no retry would help."""
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise SettingsInvalid(f"{url}: {error}") from error
    host = read.host.strip() and "%" not in read.host
    known = read.scheme in _HTTP + _GRPC
    if not known or not host or (read.port or 0) > 65_535 or (read.scheme == "grpc" and read.port is None):
        raise SettingsInvalid(f"{url} is no address; {_EXPECTED}")
    return read


def _address(url: str, tls: Tls | None, http: object) -> httpx.URL:
    """Return an address that fits what is given beside it: nothing of that is left unused without a word."""
    read = check_address(url)
    if tls is not None and read.scheme in {"http", "grpc"}:
        raise SettingsInvalid(f"{url} is without TLS; write {read.scheme}s://")
    if http is not None and (tls is not None or read.scheme in _GRPC):
        what = "its TLS is its own; tls is" if tls is not None else "it is"
        raise SettingsInvalid(f"http is a client of HTTP: {what} not for {url}")
    return read


def _path(url: str, channel: str) -> str:
    return f"{url.rstrip('/')}/v1/channels/{channel}/messages"


def _target(url: httpx.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or 443}"


def _verified(tls: Tls | None) -> dict[str, Any]:
    return {"verify": tls.context()} if tls else {}


def _tls(url: httpx.URL, tls: Tls | None) -> Tls | None:
    return (tls or Tls()) if url.scheme == "grpcs" else None


def _grpc() -> Any:  # noqa: ANN401 -- the module, where it is installed
    try:
        from xinqiao.transport import grpc  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "grpc":
            raise
        raise SettingsInvalid("gRPC needs grpcio: pip install 'xinqiao[grpc]'") from error
    return grpc
