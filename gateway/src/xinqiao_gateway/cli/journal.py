"""``journal``: verify, deliveries, reconcile, search, archives, upgrade."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao_gateway.cli import upkeep
from xinqiao_gateway.cli.opening import AsJson, Data, opened, show
from xinqiao_gateway.cli.reconcile import reconcile_command
from xinqiao_gateway.cli.terminal import counted, held_text, line

__all__ = ["app"]

app = typer.Typer(help="查看和校验流水库 / Read and verify the journal of an installation.", no_args_is_help=True)
app.command("reconcile")(reconcile_command(opened))
app.command("search")(upkeep.search)
app.command("archive")(upkeep.archive)
app.command("unarchive")(upkeep.unarchive)
app.command("verify-archive")(upkeep.verify_archive)
app.command("upgrade")(upkeep.upgrade)
app.command("compact")(upkeep.compact)

# What fits a terminal; --json has everything.
_DELIVERIES = ("delivery_id", "channel", "case_id", "message_type", "state", "attempts")

DeliveryState = Literal["pending", "leased", "delivered", "dead", "parked", "waiting", "held", "skipped"]


@app.command()
def verify(
    data: Data = Path("data"),
    archives: Annotated[
        Path | None,
        typer.Option(help="Folder of all archives: their files are looked at.", exists=True, file_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """重新计算并校验全部存证 /
    Recompute all evidence; exit status 1 where a row was changed, removed or reordered, or an archive's file.
    Without --archives, contents in archives are not looked at.
    """
    with opened(data) as (journal, installation):
        result = journal.verify(installation.verifying_keys, archives)
    if as_json:
        shown = asdict(result)
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for breach in result.breaches:
            typer.echo(breach)
        count = len(result.breaches)
        broken = f"{count} 处不符 {counted(count, 'breach', 'breaches')}"
        unseen = upkeep.not_looked_at_text(result.not_looked_at)
        line(f"{held_text(result.messages, result.batches)}: {broken if count else '校验通过 verified'}{unseen}")
        if result.archived:
            line(f"已归档 archived: {result.archived}")
        line(f"最后的链值 last chain value: {result.chain}")
    raise typer.Exit(1 if result.breaches else 0)


@app.command()
def deliveries(
    data: Data = Path("data"),
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出最近 100 次投递 / List the 100 latest deliveries, latest first."""
    with opened(data) as (journal, _):
        found = journal.reading.deliveries(state)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show("投递 deliveries", _DELIVERIES, found)
