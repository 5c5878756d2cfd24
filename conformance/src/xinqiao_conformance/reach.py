"""HTTP clients for gateways by their base address."""

import httpx

from xinqiao.errors import SettingsInvalid

__all__ = ["http_client"]

_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


def http_client(base_url: str, timeout: float) -> httpx.Client:
    """Return a client for an address; a proxy of the environment is not asked for this machine's own.

    Raises ``SettingsInvalid`` where the address is none of HTTP.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise SettingsInvalid(f"{base_url!r} is no address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsInvalid(f"{base_url!r} is no address; http://HOST:PORT is expected")
    return httpx.Client(base_url=url, timeout=timeout, trust_env=url.host not in _LOOPBACK)
