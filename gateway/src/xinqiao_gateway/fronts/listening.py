"""Ports that fronts listen on."""

import socket

from xinqiao.errors import SettingsInvalid

__all__ = ["listen"]

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``SettingsInvalid`` where that cannot be."""
    is_ipv6 = ":" in host
    listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        address = f"[{host}]" if is_ipv6 else host
        raise SettingsInvalid(f"cannot listen on {address}:{port}: {error.strerror}") from error
    return listener
