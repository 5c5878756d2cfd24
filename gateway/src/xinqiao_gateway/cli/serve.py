"""``serve`` and ``demo``."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.demo import run_demo
from xinqiao_gateway.fronts.rest.serving import listen, run
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation, open_installation, serving_alone
from xinqiao_gateway.settings import EXAMPLE_INSTITUTION, settings_file

__all__ = ["demo", "serve"]

Data = Annotated[Path, typer.Option(help="The installation's folder; made at first start.")]


def serve(
    data: Data = Path("data"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8700,
) -> None:
    """Run the gateway until stopped (SIGINT or SIGTERM). One process serves an installation at a time.

    Settings stand in gateway.yaml of the installation's folder; XINQIAO_… environment variables go before them.
    """
    _configure_logs()
    with serving_alone(data):
        installation = open_installation(data)
        with listen(host, port) as listener:
            bound = listener.getsockname()[1]
            run(Gateway(installation), listener, lambda: _announce(installation, host, bound))


def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's data in this folder, which must be empty or missing.")
    ] = None,
) -> None:
    """Show the set-up of one family trust, from a bank's XML to a disclosure and its receipt.

    Exit status 1 where it does not come to what it should show; the last line says OK or FAILED.
    """
    raise typer.Exit(run_demo(keep))


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


def _announce(installation: Installation, host: str, port: int) -> None:
    settings = installation.settings
    scheme = "https" if settings.tls_certificate else "http"
    address = f"[{host}]" if ":" in host else host
    line(f"信桥网关 Xinqiao gateway: {scheme}://{address}:{port}  data: {installation.data}", "bold")
    line(f"  institution {settings.institution_code}")
    if settings.institution_code == EXAMPLE_INSTITUTION:
        line(f"    the example's code: set institution_code in {settings_file(installation.data)}", "yellow")
    for channel in installation.channels:
        way = f"push to {channel.push.url}" if channel.push else "pull"
        environment = "test" if channel.test else "production"
        line(f"  channel {channel.channel_id} ({environment}, {way})")
    if not list(installation.channels):
        line("  no channels yet: xinqiao-gateway channel add --help")
