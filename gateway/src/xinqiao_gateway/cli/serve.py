"""``serve`` and ``demo``."""

import gc
import logging
import socket
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from rich.console import Console

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.demo import run_demo
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation, open_installation

__all__ = ["demo", "serve"]

Data = Annotated[Path, typer.Option(help="The installation's folder; made at first start.")]


def serve(
    data: Data = Path("data"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8700,
) -> None:
    """Run the gateway until stopped (SIGINT or SIGTERM)."""
    _configure_logs()
    installation = open_installation(data)
    listener = _listen(host, port)
    gateway = Gateway(installation)
    _announce(installation, host, listener.getsockname()[1])
    settings = installation.settings
    config = uvicorn.Config(
        build_app(gateway),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    _spare_the_collector()
    uvicorn.Server(config).run(sockets=[listener])


def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep the demo's data in this folder.")] = None,
) -> None:
    """Show the set-up of one family trust, from a bank's XML to a disclosure and its receipt."""
    raise typer.Exit(run_demo(keep))


def _spare_the_collector() -> None:
    """Take what lives as long as the process out of every garbage collection.

    Each full one would stop all callers for the time of looking through it again.
    """
    gc.collect()
    gc.freeze()


def _configure_logs() -> None:
    """Structured logs on standard error, one JSON object a line; libraries say warnings only."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _listen(host: str, port: int) -> socket.socket:
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


def _announce(installation: Installation, host: str, port: int) -> None:
    console = Console(stderr=False, highlight=False)
    scheme = "https" if installation.settings.tls_certificate else "http"
    console.print(f"信桥网关 Xinqiao gateway: [bold]{scheme}://{host}:{port}[/bold]  data: {installation.data}")
    for channel in installation.channels:
        way = f"push to {channel.push.url}" if channel.push else "pull"
        environment = "test" if channel.test else "production"
        console.print(f"  channel [bold]{channel.channel_id}[/bold] ({environment}, {way})")
    if not list(installation.channels):
        console.print("  no channels yet: xinqiao-gateway channel add --help")
