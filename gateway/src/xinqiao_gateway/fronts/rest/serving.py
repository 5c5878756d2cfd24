"""Running the rest front: a listening socket, TLS where settings name it, and the server."""

import gc
import socket
from collections.abc import Callable

import uvicorn

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway

__all__ = ["listen", "run"]


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``SettingsInvalid`` where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsInvalid(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def run(gateway: Gateway, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``announce`` is called when nothing can keep the server from starting.

    Raises ``SettingsInvalid`` where the TLS files cannot be used; the journal is closed either way.
    """
    settings = gateway.installation.settings
    config = uvicorn.Config(
        build_app(gateway),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        gateway.journal.close()
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise SettingsInvalid(f"tls_certificate, tls_key: {files}: {error.strerror or error}") from error
    announce()
    _spare_the_collector()
    uvicorn.Server(config).run(sockets=[listener])


def _spare_the_collector() -> None:
    """Take what lives as long as the process out of every garbage collection.

    Each full one would stop all callers for the time of looking through it again.
    """
    gc.collect()
    gc.freeze()
