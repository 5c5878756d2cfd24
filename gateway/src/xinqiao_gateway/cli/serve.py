"""``serve`` and ``demo``."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.demo import run_demo
from xinqiao_gateway.fronts.rest.serving import listen, run
from xinqiao_gateway.fronts.sftp.server.keys import host_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation, open_installation, serving_alone
from xinqiao_gateway.settings import EXAMPLE_INSTITUTION, settings_file
from xinqiao_gateway.telemetry.logs import configure

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
    configure()
    with serving_alone(data):
        installation = open_installation(data)
        with _listening(host, port) as listener:
            bound = listener.getsockname()[1]
            run(Gateway(installation), listener, lambda: _announce(installation, host, bound))


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ``SettingsInvalid`` with what to do where that cannot be."""
    try:
        return listen(host, port)
    except SettingsInvalid as error:
        raise SettingsInvalid(
            f"{error.detail}; 请用 --port 换一个端口（0 为任一空闲端口）take another with --port, 0 for a free one"
        ) from error


def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's data in this folder, which must be empty or missing.")
    ] = None,
) -> None:
    """演示一笔家族信托的设立，从银行的 XML 到披露及其回执 /
    Show the set-up of one family trust, from a bank's XML to a disclosure and its receipt.

    Exit status 1 where it does not come to what it should show; the last line says OK or FAILED.
    """
    raise typer.Exit(run_demo(keep))


def _announce(installation: Installation, host: str, port: int) -> None:
    settings = installation.settings
    scheme = "https" if settings.tls_certificate else "http"
    address = f"[{host}]" if ":" in host else host
    line(f"信桥网关 Xinqiao gateway: {scheme}://{address}:{port}  data: {installation.data}", "bold")
    line(f"  机构 institution {settings.institution_code}")
    if settings.institution_code == EXAMPLE_INSTITUTION:
        line(
            f"    示例代码，请设置 the example's code: set institution_code in {settings_file(installation.data)}",
            "yellow",
        )
    if settings.grpc_port:
        line(f"  gRPC {settings.grpc_host}:{settings.grpc_port}")
    if settings.sftp_port:
        fingerprint = host_key(installation.data).fingerprint
        line(f"  SFTP {settings.sftp_host}:{settings.sftp_port}  主机公钥指纹 host key {fingerprint}")
    for channel in installation.channels:
        way = f"push to {channel.push.url}" if channel.push else "pull"
        environment = "测试 test" if channel.test else "生产 production"
        line(f"  渠道 channel {channel.channel_id} ({environment}, {way})")
    if not list(installation.channels):
        line("  尚无渠道 no channels yet: xinqiao-gateway channel add --help")
