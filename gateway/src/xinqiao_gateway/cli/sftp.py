"""``sftp host-key``, ``keys``, ``allow`` and ``revoke``: who may log in to the embedded SFTP server, and who it is."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import UnknownChannel
from xinqiao_gateway.cli.opening import AsJson, Data
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.fronts.sftp.server.keys import LoginKey, allow_key, host_key, login_keys, revoke_key
from xinqiao_gateway.installation import read_installation

__all__ = ["app"]

app = typer.Typer(
    help="内置 SFTP 服务：主机公钥指纹与合作方的登录公钥 / "
    "The embedded SFTP server: its host key, and the keys that partners log in with.",
    no_args_is_help=True,
)

Channel = Annotated[str, typer.Argument(help="Id of a channel of the installation, e.g. my-bank.")]


@app.command("host-key")
def show_host_key(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """显示主机公钥及指纹，请经电话等另一途径告知合作方 /
    Show the server's key and its fingerprint, for partners to compare; tell them by another way than the connection.

    It is made where it is missing.
    """
    read_installation(data)
    key = host_key(data)
    if as_json:
        typer.echo(json.dumps({"key": key.line, "fingerprint": key.fingerprint}))
        return
    typer.echo(key.line)
    line(f"指纹 fingerprint {key.fingerprint}", stderr=True)


@app.command("keys")
def list_keys(channel_id: Channel, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """列出合作方的登录公钥 / List the keys that a channel's partner logs in with."""
    keys = login_keys(_folder(data, channel_id))
    if as_json:
        typer.echo(json.dumps([_described(each) for each in keys]))
        return
    for each in keys:
        line(f"{each.fingerprint}  {each.kind}{'  签发 issuer' if each.issuer else ''}")
    if not keys:
        line(f"{channel_id}: 尚无公钥，不能登录 no keys, so nobody logs in: sftp allow {channel_id} FILE", "yellow")


@app.command("allow")
def allow(
    channel_id: Channel,
    file: Annotated[Path, typer.Argument(help="Public key as ssh-keygen writes it, e.g. id_ed25519.pub.", exists=True)],
    issuer: Annotated[
        bool, typer.Option("--issuer", help="The key signs certificates; those that name the channel open it.")
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """登记合作方的登录公钥 / Let whoever holds a key log in as a channel; RSA from 2048 bits, ECDSA, Ed25519.

    A running gateway takes it up at POST /v1/reload or SIGHUP. The comment in the file is not kept.
    """
    new = allow_key(_folder(data, channel_id), file, issuer=issuer)
    if as_json:
        typer.echo(json.dumps([_described(each) for each in new]))
        return
    for each in new:
        line(f"{channel_id}: {each.fingerprint} 已登记 allowed", "green")
    if not new:
        line(f"{channel_id}: 已登记过 was allowed before", "yellow")
    _take_up()


@app.command("revoke")
def revoke(
    channel_id: Channel,
    fingerprint: Annotated[str, typer.Argument(help="SHA256:… as sftp keys shows it.")],
    data: Data = Path("data"),
) -> None:
    """撤销合作方的登录公钥，重新加载后在线连接随即断开 /
    Take a key away; whoever is logged in with it is shown out when the gateway takes it up.
    """
    revoke_key(_folder(data, channel_id), fingerprint)
    line(f"{channel_id}: {fingerprint} 已撤销 revoked", "green")
    _take_up()


def _folder(data: Path, channel_id: str) -> Path:
    installed = {each.channel_id for each in read_installation(data).channels}
    if channel_id not in installed:
        raise UnknownChannel(f"{channel_id[:60]!r} is no channel of {data}; channel list shows them")
    return data / "channels" / channel_id / "ssh"


def _described(key: LoginKey) -> dict[str, str | bool]:
    return {"fingerprint": key.fingerprint, "kind": key.kind, "issuer": key.issuer}


def _take_up() -> None:
    line("运行中的网关在 POST /v1/reload 或 SIGHUP 后启用；a running gateway takes it up at POST /v1/reload or SIGHUP")
