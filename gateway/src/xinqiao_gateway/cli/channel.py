"""``channel list``, ``add``, ``try`` and ``check``: onboarding without code."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from xinqiao.finding import Finding
from xinqiao.report import finding_lines
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check import check_channel
from xinqiao_adapters.trial import try_input
from xinqiao_gateway.cli.terminal import console, line, table
from xinqiao_gateway.installation import add_channel, known_channels

__all__ = ["app"]

app = typer.Typer(help="Onboard channels: list, add, try and check them.", no_args_is_help=True)

InstitutionKind = Literal[
    "bank", "insurer", "wealth-manager", "fund-distributor", "platform", "asset-servicer", "trust-company"
]
Data = Annotated[Path, typer.Option(help="The installation's folder, whose channels come before the shipped ones.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Known = Annotated[str, typer.Argument(help="Id of a shipped channel or one of the installation, e.g. demo-bank.")]
_LEVEL_STYLES = {"ERROR": "red", "WARNING": "yellow", "INFORMATION": "cyan"}


@app.command("list")
def list_channels(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the shipped channels and those of an installation."""
    folder = data / "channels"
    rows = [_described(load_channel(each, [folder]), installed) for each, installed in known_channels(data).items()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    columns = ("channel", "institution", "title", "environment", "in", "out", "installed")
    table(None, columns, (_cells(row) for row in rows))


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["channel"],
        row["institution"],
        row["title"].get("zh", ""),
        "test" if row["test"] else "production",
        str(len(row["in"])),
        str(len(row["out"])),
        "yes" if row["installed"] else "",
    ]


def _described(channel: Channel, installed: bool) -> dict[str, Any]:
    profile = channel.profile
    interfaces = profile.interfaces.items()
    return {
        "channel": channel.channel_id,
        "title": profile.title.model_dump() if profile.title else {},
        "institution": profile.institution.code,
        "test": profile.test,
        "in": [name for name, each in interfaces if each.direction in {"in", "both"}],
        "out": [name for name, each in interfaces if each.direction in {"out", "both"}],
        "installed": installed,
    }


@app.command("add")
def add(
    channel_id: Annotated[
        str, typer.Argument(help="Id of the new channel, e.g. my-bank: 2 to 41 of a-z, 0-9 and -, a letter first.")
    ],
    key: Annotated[list[Path], typer.Option(help="Public key of the partner (JWK file); several for a rotation.")],
    extends: Annotated[
        str | None, typer.Option(help="Channel to build on; by default the shipped one of that id.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Institution code (18 characters) of the partner.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the partner, with --code; by default the id.")] = None,
    kind: Annotated[InstitutionKind, typer.Option("--type", help="Kind of institution, with --code.")] = "bank",
    push_url: Annotated[
        str | None,
        typer.Option(
            help="Where messages are pushed: https, or http on this machine and for test channels; "
            "without it the partner pulls."
        ),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="A channel for test traffic.")] = False,
    data: Annotated[Path, typer.Option(help="The installation's folder; made where it is missing.")] = Path("data"),
) -> None:
    """Add a channel to an installation; a running gateway takes it up at its next start.

    The channel is loaded to prove it; where that fails nothing is left behind.
    """
    if name and not code:
        raise typer.BadParameter("--name goes with --code: the name and the code of one institution")
    institution = {"name": name or channel_id, "type": kind, "code": code} if code else None
    path = add_channel(
        data,
        channel_id,
        extends=extends or channel_id,
        keys=key,
        institution=institution,
        push_url=push_url,
        test=test,
    )
    typer.echo(f"{channel_id}: {path}")


@app.command("try")
def try_file(
    channel_id: Known,
    file: Annotated[Path, typer.Argument(help="A raw input as the partner sends it.", exists=True, dir_okay=False)],
    content_type: Annotated[str | None, typer.Option(help="Content type; by default the channel's.")] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show what a raw input becomes: canonical messages, leaves that no row reads, findings. Nothing is stored.

    Exit status 1 where a finding is an error.
    """
    channel = load_channel(channel_id, [data / "channels"])
    result = try_input(channel, file.read_bytes(), content_type)
    typer.echo(json.dumps(result, ensure_ascii=False)) if as_json else _print_trial(result)
    raise typer.Exit(1 if any(each["level"] == "ERROR" for each in result["findings"]) else 0)


def _print_trial(result: dict[str, Any]) -> None:
    for message in result["messages"]:
        console().print_json(json.dumps(message, ensure_ascii=True), ensure_ascii=False)
    for leaf in result["unmapped"]:
        line(f"未映射 unmapped  {leaf['path']} = {leaf['value']}", "yellow")
    for finding in map(Finding.from_json, result["findings"]):
        first, *others = finding_lines(finding)
        line(first, _LEVEL_STYLES[finding.level])
        for each in others:
            line(each)
    messages, unmapped, findings = (len(result[name]) for name in ("messages", "unmapped", "findings"))
    line(f"{messages} messages, {unmapped} unmapped leaves, {findings} findings")


@app.command("check")
def check(
    channel_id: Known,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Prove a channel on its own samples: laws, expected messages, coverage. Exit status 1 where a law is broken."""
    report = check_channel(load_channel(channel_id, [data / "channels"]))
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else report.as_text())
    raise typer.Exit(0 if report.passed else 1)
