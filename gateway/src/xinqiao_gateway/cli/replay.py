"""``replay``: deliveries again, by id, message, case, channel and time; first as a dry run."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.message import Json
from xinqiao_gateway.cli.opening import AsJson, Data, Since, Token, Until, opened, signed_in
from xinqiao_gateway.cli.terminal import line, table
from xinqiao_gateway.journal import Selection
from xinqiao_gateway.views import replay_view, within

__all__ = ["replay"]

_COLUMNS = ("delivery_id", "channel", "case_id", "message_type", "message_id", "state", "attempts")


def replay(
    delivery_id: Annotated[
        int | None, typer.Argument(help="Id of the delivery, as journal deliveries shows it.", min=1, max=2**63 - 1)
    ] = None,
    case: Annotated[str | None, typer.Option(help="Only those of this case.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those to this channel.")] = None,
    message: Annotated[str | None, typer.Option(help="Only those of the message with this id.")] = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be replayed, and change nothing.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the attempts, after your name.")] = "",
    token: Token = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """重新发送已放弃的投递 / Make dead deliveries due now, in your name. A running gateway sends them within seconds.

    What is held or parked waits for two people and is not replayed: see exception list and exception resolve.
    """
    selection = Selection(delivery_id, message, case, channel, within(since), within(until))
    with opened(data) as (journal, installation):
        by = None if dry_run else signed_in(data, token).name
        found = asyncio.run(replay_view(journal, installation.channels, selection, by=by, reason=reason))
    typer.echo(json.dumps(found, ensure_ascii=False)) if as_json else _print(found)


def _print(found: Json) -> None:
    if found["deliveries"]:
        table(None, _COLUMNS, ([row[name] for name in _COLUMNS] for row in found["deliveries"]))
    if found["dry_run"]:
        line(f"{found['count']} 笔将被重放，未作任何改动；{found['count']} would be replayed, nothing was changed")
    else:
        line(f"{found['count']} 笔已重新到期；{found['count']} are due again", "green")
