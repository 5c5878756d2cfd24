"""``serve`` and ``demo``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo", "serve"]

Data = Annotated[Path, typer.Option(help="The installation's folder; made at first start.")]


def serve(
    data: Data = Path("data"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8700,
) -> None:
    """运行网关，直至停止 /
    Run the gateway until stopped (SIGINT or SIGTERM; a second one ends it at once). SIGHUP reads it all again.

    One process serves an installation at a time; on PostgreSQL several may, each on a port of its own.

    Settings stand in gateway.yaml of the installation's folder; XINQIAO_… environment variables go before them.
    """
    # All fronts and their libraries: other commands need not wait for them.
    from xinqiao_gateway.cli.serving import run_gateway  # noqa: PLC0415

    run_gateway(data, host, port)


def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's data in this folder, which must be empty or missing.")
    ] = None,
) -> None:
    """演示一笔家族信托的设立，从银行的 XML 到披露及其回执 /
    Show the set-up of one family trust, from a bank's XML to a disclosure and its receipt.

    Exit status 1 where it does not come to what it should show; the last line says OK or FAILED.
    """
    from xinqiao_gateway.demo import run_demo  # noqa: PLC0415 -- as above

    raise typer.Exit(run_demo(keep))
