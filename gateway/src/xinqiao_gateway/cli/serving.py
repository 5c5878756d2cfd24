"""What ``serve`` does: opens the installation and the port, says what is served, runs the gateway."""

import socket
from pathlib import Path

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.fronts.rest.serving import listen, run
from xinqiao_gateway.fronts.sftp.server.keys import host_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation, open_installation, serving_alone
from xinqiao_gateway.settings import EXAMPLE_INSTITUTION, settings_file
from xinqiao_gateway.telemetry.logs import configure

__all__ = ["run_gateway"]


def run_gateway(data: Path, host: str, port: int) -> None:
    """Serve an installation until stopped. Raises a ``ConfigurationError`` where it cannot be."""
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
