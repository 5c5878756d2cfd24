"""``key rotate``: a new key for the gateway, while partners take over its public part."""

import json
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import Conflict
from xinqiao_gateway.cli.opening import AsJson, Data
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.installation import read_installation, serving_alone
from xinqiao_gateway.rotation import LONGEST_OVERLAP, rotate

__all__ = ["app"]

app = typer.Typer(help="网关自身的密钥 / The gateway's own key.", no_args_is_help=True)

Days = Annotated[
    float,
    typer.Option(
        min=0,
        max=LONGEST_OVERLAP.days,
        help="Days that pushes carry the signature of the key of before as well; 0 where that one has leaked.",
    ),
]


@app.callback()
def key() -> None:
    """网关自身的密钥 / The gateway's own key."""


@app.command("rotate")
def rotate_key(data: Data = Path("data"), overlap: Days = 7, as_json: AsJson = False) -> None:
    """更换网关签名密钥，须先停止网关；过渡期内推送同时带新旧两个签名 /
    Give the gateway a new signing key; for a time pushes carry two signatures.

    Stop the gateway first, all its nodes where there are several, and start it afterwards: a running one signs on with
    the key that it was started with, and keeps this command from changing anything.
    """
    read_installation(data)
    with serving_alone(data):
        kid = f"gateway-{secrets.token_hex(4)}"
        try:
            before, present = rotate(data, kid, timedelta(days=overlap), time.time())
        except Conflict as error:  # what to do is in it; the reason's own advice is about messages
            line(f"{error.reason}: {error.detail}", "red", stderr=True)
            raise typer.Exit(1) from error
    public = data / "keys" / "gateway.pub.jwk"
    if as_json:
        typer.echo(json.dumps({"before": before.kid, "present": present.kid, "overlap_days": overlap}))
        return
    line(f"{before.kid} → {present.kid}", "green")
    line(f"请把 {public} 交给各合作方 give every partner {public}")
    if overlap:
        line(f"此后 {overlap:g} 天内推送带两个签名 pushes carry two signatures for {overlap:g} days from now")
    else:
        line("旧密钥立即停用 the key of before signs nothing any more", "yellow")
