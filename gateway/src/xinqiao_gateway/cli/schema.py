"""``schema impact``: what a field of the standard touches here."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.cli.terminal import line, table
from xinqiao_gateway.impact import Impact, impact_of
from xinqiao_gateway.installation import known_channels

__all__ = ["app"]

_SHOWN = 6

app = typer.Typer(help="标准：改动的影响 / The standard: what a change to it would touch.", no_args_is_help=True)


@app.callback()
def schema() -> None:
    """Ask about the standard."""


@app.command("impact")
def impact(
    field: Annotated[
        str, typer.Argument(help="A field: path, title or synonym, as `xinqiao explain` takes it, e.g. 证件号码.")
    ],
    data: Annotated[
        Path, typer.Option(help="The installation, whose channels are looked at beside the shipped ones.")
    ] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """列出改动一个字段会影响的消息、渠道、规则、要求和用例 /
    Name the messages, channels, rules, requirements and vectors that a field touches.
    """
    channels = [load_channel(each, [data / "channels"]) for each in known_channels(data)]
    found = impact_of(field, channels)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], ensure_ascii=False))
        return
    for each in found:
        _show(each)


def _show(found: Impact) -> None:
    line(found.field, "bold")
    for title, values in (
        ("消息 messages", found.messages),
        ("规则 rules", found.rules),
        ("要求 requirements", found.requirements),
        ("向量 vectors", found.vectors),
    ):
        line(f"{title} ({len(values)}): {_some(values)}")
    whole = Counter(f"{use.channel} {use.interface}" for use in found.channels if not use.paths)
    for channel, count in whole.items():
        line(f"渠道 channel {channel}: 原样传递 carries it as it is, {count} 种消息 message types")
    rows = [
        (use.channel, use.interface, use.message, use.treatment, _some(use.paths))
        for use in found.channels
        if use.paths
    ]
    table("渠道 channels", ("channel", "interface", "message", "treatment", "paths"), rows)


def _some(values: Sequence[str]) -> str:
    """Return the first of many; a header field is in every message."""
    shown = ", ".join(values[:_SHOWN]) or "-"
    return f"{shown}, … (all: --json)" if len(values) > _SHOWN else shown
